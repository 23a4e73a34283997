import { attributeMap, textOf, u32Of, u64Of } from '../netlink/attribute.ts';
import { EventStream } from '../netlink/event-stream.ts';
import { type Listening, listenTo, notifications } from '../netlink/listening.ts';
import type { Message } from '../netlink/message.ts';
import type { ListenOptions, Transport } from '../netlink/transport.ts';
import type { Chain } from '../nft/chain.ts';
import { familyOf } from '../nft/family.ts';
import { type RuleHandle, ruleHandle } from '../nft/rule.ts';
import { ctState, ctStatus } from '../nft/type/flags.ts';
import { nfProto } from '../nft/type/named.ts';
import { type Verdict, verdictOf } from '../nft/verdict.ts';
import { NFTA_VERDICT } from '../read/uapi.ts';
import type { Gap } from './monitor.ts';
import { GROUP, MESSAGE_TRACE, NFTA_TRACE } from './uapi.ts';

/** One step of a packet whose `meta nftrace` is set. */
export interface TraceStep {
  readonly kind: 'trace';
  /** The same for all steps of a packet. */
  readonly id: number;
  /**
   * A rule that matched; one that matched and returned; the end of a chain, where no rule has decided (nft does not print
   * these); the policy of a base chain.
   */
  readonly type: 'rule' | 'return' | 'end' | 'policy';
  /** Where the packet is; its `table` tells the family. */
  readonly chain: Chain;
  /** The rule that matched. */
  readonly rule?: RuleHandle;
  /** What the rule said; undefined for one that only nfnetlink_queue knows: `verdictCode` has its number. */
  readonly verdict?: Verdict;
  /** NF_*, NFT_* and their flags. */
  readonly verdictCode?: number;
  /** What became of a packet at the end of a base chain. */
  readonly policy?: 'accept' | 'drop';
  /** In tables of families that see both. */
  readonly protocolFamily?: 'ipv4' | 'ipv6' | number;
  /** `meta mark` at this step; undefined: 0. */
  readonly mark?: number;
  /** The interface that it came by; told once a packet and hook. */
  readonly input?: TraceInterface;
  /** The interface that it leaves by; told once a packet and hook. */
  readonly output?: TraceInterface;
  /** The packet's first bytes, told once a packet and hook. */
  readonly linkHeader?: Uint8Array;
  /** From the IPv4 or IPv6 header on, as on the wire: big-endian. */
  readonly networkHeader?: Uint8Array;
  /** From the TCP, UDP … header on, as on the wire: big-endian. */
  readonly transportHeader?: Uint8Array;
  /** The packet's connection (kernel 6.17). */
  readonly ct?: TraceConnection;
}

/** An interface of a traced packet, by number. */
export interface TraceInterface {
  /** 0: unknown. */
  readonly index: number;
  /** ARPHRD_*: 1 Ethernet, 772 loopback. */
  readonly type?: number;
}

/** What conntrack knew of a traced packet at that step. */
export interface TraceConnection {
  /** The id of `Flow` in `nftlink/conntrack`. */
  readonly id?: number;
  /** nft's `ct direction`. */
  readonly direction?: 'original' | 'reply';
  /** nft's `ct status`, by name. */
  readonly status?: ReturnType<typeof ctStatus.read>;
  /** nft's `ct state`, by name. */
  readonly state?: ReturnType<typeof ctState.read>;
}

/** What {@link Nftables.trace} gives: a step of a packet, or where the kernel dropped some. */
export type TraceEvent = TraceStep | Gap;

/** Subscribes at once. Throws OpenError. */
export function openTrace(transport: Transport, options: ListenOptions): EventStream<TraceEvent> {
  const listening = listenTo(transport, GROUP.nftrace, options);
  return new EventStream(listening, trace(listening), options.signal);
}

async function* trace(listening: Listening): AsyncGenerator<TraceEvent> {
  for await (const batch of notifications(listening, 'tracing')) {
    for (const notification of batch) {
      const event = notification === 'gap' ? ({ kind: 'gap' } as const) : readTrace(notification);
      if (event !== undefined) yield event;
    }
  }
}

const TYPES = new Map<number | undefined, TraceStep['type']>([
  [1, 'policy'],
  [2, 'return'],
  [3, 'rule'],
]);

type Fields = ReadonlyMap<number, Uint8Array>;

/** Undefined for a message that is no trace. */
export function readTrace(message: Message): TraceStep | undefined {
  if (message.type !== MESSAGE_TRACE) return undefined;
  const fields = attributeMap(message.attributes);
  const family = familyOf(message.family);
  const type = TYPES.get(u32Of(fields.get(NFTA_TRACE.type)));
  const tableName = textOf(fields.get(NFTA_TRACE.table));
  const chainName = textOf(fields.get(NFTA_TRACE.chain));
  if (family === undefined || type === undefined || tableName === undefined || chainName === undefined)
    return;
  const at: Chain = { kind: 'chain', table: { kind: 'table', family, name: tableName }, name: chainName };
  const handle = u64Of(fields.get(NFTA_TRACE.ruleHandle));
  return {
    kind: 'trace',
    id: u32Of(fields.get(NFTA_TRACE.id)) ?? 0,
    // The kernel tells of a chain's end as of a rule without a handle.
    type: type === 'rule' && handle === undefined ? 'end' : type,
    chain: at,
    ...(handle === undefined ? {} : { rule: ruleHandle(at, handle) }),
    ...readVerdict(fields),
    ...readPacket(fields),
    ...readConnection(fields),
  };
}

function readVerdict(fields: Fields): Pick<TraceStep, 'verdict' | 'verdictCode' | 'policy'> {
  const policy = u32Of(fields.get(NFTA_TRACE.policy));
  const nest = attributeMap(fields.get(NFTA_TRACE.verdict));
  const code = u32Of(nest.get(NFTA_VERDICT.code));
  const verdict = code === undefined ? undefined : verdictOf(code | 0, textOf(nest.get(NFTA_VERDICT.chain)));
  return {
    ...(verdict === undefined ? {} : { verdict }),
    ...(code === undefined ? {} : { verdictCode: code | 0 }),
    ...(policy === undefined ? {} : { policy: policy === 0 ? 'drop' : 'accept' }),
  };
}

function readPacket(fields: Fields): Partial<TraceStep> {
  const mark = u32Of(fields.get(NFTA_TRACE.mark));
  const protocolFamily = u32Of(fields.get(NFTA_TRACE.protocolFamily));
  const input = readInterface(fields.get(NFTA_TRACE.inputIndex), fields.get(NFTA_TRACE.inputType));
  const output = readInterface(fields.get(NFTA_TRACE.outputIndex), fields.get(NFTA_TRACE.outputType));
  const headers = {
    linkHeader: fields.get(NFTA_TRACE.linkHeader),
    networkHeader: fields.get(NFTA_TRACE.networkHeader),
    transportHeader: fields.get(NFTA_TRACE.transportHeader),
  };
  return {
    ...(protocolFamily === undefined
      ? {}
      : { protocolFamily: nfProto.read(Uint8Array.of(protocolFamily & 0xff), 0) }),
    ...(mark === undefined ? {} : { mark }),
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
    ...Object.fromEntries(
      Object.entries(headers).flatMap(([name, bytes]) =>
        bytes === undefined ? [] : [[name, bytes.slice()]],
      ),
    ),
  };
}

function readInterface(
  index: Uint8Array | undefined,
  type: Uint8Array | undefined,
): TraceInterface | undefined {
  const number = u32Of(index);
  if (number === undefined) return undefined;
  if (type === undefined || type.length < 2) return { index: number };
  return { index: number, type: ((type[0] ?? 0) << 8) | (type[1] ?? 0) };
}

function readConnection(fields: Fields): { readonly ct?: TraceConnection } {
  const id = u32Of(fields.get(NFTA_TRACE.ctId));
  const direction = fields.get(NFTA_TRACE.ctDirection)?.[0];
  const status = u32Of(fields.get(NFTA_TRACE.ctStatus));
  const state = u32Of(fields.get(NFTA_TRACE.ctState));
  if (id === undefined && state === undefined) return {};
  return {
    ct: {
      ...(id === undefined ? {} : { id }),
      ...(direction === undefined ? {} : { direction: direction === 0 ? 'original' : 'reply' }),
      ...(status === undefined ? {} : { status: ctStatus.read(hostBytes(status), 0) }),
      ...(state === undefined ? {} : { state: ctState.read(hostBytes(state), 0) }),
    },
  };
}

/** The flag types read host-endian bytes. */
function hostBytes(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
