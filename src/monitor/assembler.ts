import { attributeMap, textOf, u32Of } from '../netlink/attribute.ts';
import type { Message } from '../netlink/message.ts';
import { NFT_MSG } from '../nft/pack/uapi.ts';
import { NFTA_GEN } from './uapi.ts';

/** A transaction whose messages were not read yet. */
export interface RawTransaction {
  readonly generation: number;
  readonly processId: number;
  readonly processName: string;
  readonly messages: readonly Message[];
}

/** Puts a transaction's messages together: the kernel sends NEWGEN behind them. */
export class Assembler {
  #pending: Message[] = [];
  /** What is not newer is part of a snapshot. */
  #described: number | undefined;

  /** The transaction that the message is the end of. */
  add(message: Message): RawTransaction | undefined {
    if (message.type !== NFT_MSG.newGen) {
      this.#pending.push(message);
      return undefined;
    }
    const messages = this.#pending;
    this.#pending = [];
    const fields = attributeMap(message.attributes);
    const generation = u32Of(fields.get(NFTA_GEN.id)) ?? 0;
    if (this.#described !== undefined && !isNewer(generation, this.#described)) return undefined;
    this.#described = undefined;
    return {
      generation,
      processId: u32Of(fields.get(NFTA_GEN.processId)) ?? 0,
      processName: textOf(fields.get(NFTA_GEN.processName)) ?? '',
      messages,
    };
  }

  /** Gives up what has come and goes on with what is newer than `generation`. */
  continueAfter(generation: number): void {
    this.#pending = [];
    this.#described = generation;
  }
}

/** Generations wrap at 32 bits. */
function isNewer(generation: number, than: number): boolean {
  return ((generation - than) | 0) > 0;
}
