import { attributeMap, textOf, u32Of, u64Of } from '../netlink/attribute.ts';
import type { Message } from '../netlink/message.ts';
import { type FlowTuple, readTuple, u16Of } from './tuple.ts';
import {
  CTA,
  CTA_COUNTERS,
  CTA_HELP_NAME,
  CTA_PROTOINFO,
  CTA_PROTOINFO_STATE,
  CTA_TIMESTAMP,
  FAMILY,
  SCTP_STATES,
  STATUS_BITS,
  TCP_STATES,
} from './uapi.ts';

/** What conntrack knows of a connection: nft's `ct status`, by the names of IPS_*. */
export type FlowStatus = keyof typeof STATUS_BITS;

/** What passed in one direction. */
export interface FlowCounter {
  /** How many packets. */
  readonly packets: bigint;
  /** How many bytes, from the network header on. */
  readonly bytes: bigint;
}

/** Everything that a {@link Flow} tells, as plain data. */
export interface FlowDescription {
  /** As {@link Flow.id}. */
  readonly id: number;
  /** Of its addresses. */
  readonly family: 'ip' | 'ip6';
  /** The direction of its first packet. */
  readonly original: FlowTuple;
  /** The direction of the answers. */
  readonly reply: FlowTuple;
  /** nft's `ct status`. */
  readonly status: readonly FlowStatus[];
  /** What is left of its life without another packet, in seconds. */
  readonly timeoutSeconds?: number;
  /** nft's `ct mark`. */
  readonly mark: number;
  /** nft's `ct zone`; 0: none. */
  readonly zone: number;
  /** What passed in each direction; undefined unless the flow began with `net.netfilter.nf_conntrack_acct` at 1. */
  readonly counters?: { readonly original: FlowCounter; readonly reply: FlowCounter };
  /** Nanoseconds since 1970. */
  readonly startedNs?: bigint;
  /** Nanoseconds since 1970; in an event of its end only. */
  readonly stoppedNs?: bigint;
  /** Where its TCP connection stands. */
  readonly tcpState?: (typeof TCP_STATES)[number];
  /** Where its SCTP association stands. */
  readonly sctpState?: (typeof SCTP_STATES)[number];
  /** The helper that watches it: `'ftp'`. */
  readonly helper?: string;
  /** nft's `ct label`: 128 bits, the lowest first. */
  readonly labels?: Uint8Array;
  /** The original direction of the flow that it belongs to. */
  readonly master?: FlowTuple;
}

const NOWHERE: FlowTuple = Object.freeze({ source: '', destination: '', protocol: 0 });

/**
 * A flow as the kernel told of it at one moment. It keeps the kernel's bytes and reads from them what it is asked for;
 * `describe()` reads everything.
 */
export class Flow {
  /** Of its addresses. */
  readonly family: 'ip' | 'ip6';
  readonly #attributes: Uint8Array;
  #fields: ReadonlyMap<number, Uint8Array> | undefined;

  /** From a message of ctnetlink. */
  constructor(message: Message) {
    this.family = message.family === FAMILY.ip6 ? 'ip6' : 'ip';
    this.#attributes = message.attributes;
  }

  /** Tells flows apart while they live. The kernel makes it of the addresses and of where it keeps the flow. */
  get id(): number {
    return u32Of(this.attribute(CTA.id)) ?? 0;
  }

  /** The direction of its first packet. */
  get original(): FlowTuple {
    return readTuple(this.attribute(CTA.tupleOriginal)) ?? NOWHERE;
  }

  /** The direction of the answers: with NAT it is not just the other way around. */
  get reply(): FlowTuple {
    return readTuple(this.attribute(CTA.tupleReply)) ?? NOWHERE;
  }

  /** The number behind {@link Flow.status}, IPS_*. */
  get statusBits(): number {
    return u32Of(this.attribute(CTA.status)) ?? 0;
  }

  /** nft's `ct status`, by the names of IPS_*. */
  get status(): readonly FlowStatus[] {
    const bits = this.statusBits;
    return (Object.keys(STATUS_BITS) as FlowStatus[]).filter((name) => (bits & STATUS_BITS[name]) !== 0);
  }

  /** What is left of its life without another packet; undefined in an event of its end. */
  get timeoutSeconds(): number | undefined {
    return u32Of(this.attribute(CTA.timeout));
  }

  /** nft's `ct mark`. */
  get mark(): number {
    return u32Of(this.attribute(CTA.mark)) ?? 0;
  }

  /** nft's `ct zone`. */
  get zone(): number {
    return u16Of(this.attribute(CTA.zone)) ?? 0;
  }

  /** Undefined unless the flow began with `net.netfilter.nf_conntrack_acct` at 1. */
  get counters(): FlowDescription['counters'] {
    const original = readCounter(this.attribute(CTA.countersOriginal));
    const reply = readCounter(this.attribute(CTA.countersReply));
    return original === undefined || reply === undefined ? undefined : { original, reply };
  }

  /** Nanoseconds since 1970; undefined unless it began with `net.netfilter.nf_conntrack_timestamp` at 1. */
  get startedNs(): bigint | undefined {
    return u64Of(attributeMap(this.attribute(CTA.timestamp)).get(CTA_TIMESTAMP.start));
  }

  /** The same for its end; in an event of its end only. */
  get stoppedNs(): bigint | undefined {
    return u64Of(attributeMap(this.attribute(CTA.timestamp)).get(CTA_TIMESTAMP.stop));
  }

  /** Where its TCP connection stands; undefined for other protocols. */
  get tcpState(): FlowDescription['tcpState'] {
    return this.#state(CTA_PROTOINFO.tcp, TCP_STATES);
  }

  /** Where its SCTP association stands; undefined for other protocols. */
  get sctpState(): FlowDescription['sctpState'] {
    return this.#state(CTA_PROTOINFO.sctp, SCTP_STATES);
  }

  /** The helper that watches it: `'ftp'`. */
  get helper(): string | undefined {
    return textOf(attributeMap(this.attribute(CTA.help)).get(CTA_HELP_NAME));
  }

  /** nft's `ct label`: 128 bits, the lowest first. */
  get labels(): Uint8Array | undefined {
    return this.attribute(CTA.labels)?.slice();
  }

  /** The original direction of the flow that this one belongs to. */
  get master(): FlowTuple | undefined {
    return readTuple(this.attribute(CTA.tupleMaster));
  }

  /** All of it, as plain data. */
  describe(): FlowDescription {
    const optional = {
      timeoutSeconds: this.timeoutSeconds,
      counters: this.counters,
      startedNs: this.startedNs,
      stoppedNs: this.stoppedNs,
      tcpState: this.tcpState,
      sctpState: this.sctpState,
      helper: this.helper,
      labels: this.labels,
      master: this.master,
    };
    const { id, family, original, reply, status, mark, zone } = this;
    const known = Object.entries(optional).filter(([, value]) => value !== undefined);
    return { id, family, original, reply, status, mark, zone, ...Object.fromEntries(known) };
  }

  /** The value of an attribute (CTA_*) as the kernel sent it. */
  attribute(type: number): Uint8Array | undefined {
    this.#fields ??= attributeMap(this.#attributes);
    return this.#fields.get(type);
  }

  /** For `console.log`. */
  [Symbol.for('nodejs.util.inspect.custom')](): FlowDescription {
    return this.describe();
  }

  #state<Name extends string>(protocol: number, names: readonly Name[]): Name | undefined {
    const nest = attributeMap(this.attribute(CTA.protoInfo)).get(protocol);
    return names[attributeMap(nest).get(CTA_PROTOINFO_STATE)?.[0] ?? -1];
  }
}

function readCounter(nest: Uint8Array | undefined): FlowCounter | undefined {
  const fields = attributeMap(nest);
  const packets = u64Of(fields.get(CTA_COUNTERS.packets));
  const bytes = u64Of(fields.get(CTA_COUNTERS.bytes));
  return packets === undefined || bytes === undefined ? undefined : { packets, bytes };
}
