import { FakeKernel } from 'nftlink/testing';
import { packAborted, refuse, refuseElement } from '../../src/testing/refusal.ts';
import { type PackedOperation, unpack } from '../../src/testing/unpack.ts';

const ENOSPC = 28;
const NFT_MSG_NEWRULE = 6;
const NFT_MSG_NEWSETELEM = 12;
const NFTA_RULE_CHAIN = 2;

/** A fake kernel that has something against elements with certain bytes, or against the rules of a chain. */
export class RefusingKernel extends FakeKernel {
  /** In a key or in data. */
  bytes: Buffer | undefined;
  chain: string | undefined;
  /** So often. */
  times = Number.POSITIVE_INFINITY;

  override async transact(packed: Uint8Array): ReturnType<FakeKernel['transact']> {
    if (this.times === 0) return super.transact(packed);
    for (const [operation, unpacked] of unpack(packed.slice()).entries()) {
      const element = this.#elementIn(unpacked);
      if (element === undefined && !this.#isRuleOfChain(unpacked)) continue;
      this.times--;
      const [refusal = { errno: ENOSPC }] =
        element === undefined ? refuse(ENOSPC) : [refuseElement(ENOSPC, element)];
      return packAborted([{ operation, refusal }]);
    }
    return super.transact(packed);
  }

  #elementIn({ message, columns }: PackedOperation): number | undefined {
    const { bytes } = this;
    if (message !== NFT_MSG_NEWSETELEM || bytes === undefined) return undefined;
    const found = [...columns.values()]
      .map((rows) => rows.findIndex((row) => row.includes(bytes)))
      .filter((index) => index >= 0);
    return found[0];
  }

  #isRuleOfChain({ message, attributes }: PackedOperation): boolean {
    const chain = attributes.get(NFTA_RULE_CHAIN)?.toString('latin1').replace(/\0$/, '');
    return message === NFT_MSG_NEWRULE && this.chain !== undefined && chain === this.chain;
  }
}
