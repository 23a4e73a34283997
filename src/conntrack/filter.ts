import { InvalidArgumentError, within } from '../invalid-argument.ts';
import { attribute, u32Attribute } from '../netlink/attribute.ts';
import { ipv4Addr, ipv6Addr } from '../nft/type/address.ts';
import { inetProto, type ProtocolName } from '../nft/type/named.ts';
import type { Flow, FlowStatus } from './flow.ts';
import type { FlowTuple } from './tuple.ts';
import {
  addressBytes,
  addressFamily,
  type Family,
  PROTOCOL_FIELDS,
  type TupleFilter,
  tupleAttributes,
  u16Bytes,
} from './tuple-filter.ts';
import { CTA, FAMILY, STATUS_BITS } from './uapi.ts';

/**
 * Which flows: those that have all that is given. The kernel filters by family, by `mark`, by `status` (5.15), by `zone` (6.8)
 * and by the original direction (5.8; ports, types and ids only together with a protocol, IPv6 addresses and the reply direction
 * not at all). What it sends is looked at once more: what the kernel does not filter by gives the same flows, only slower.
 */
export interface FlowFilter {
  /** Of the addresses; default: that of the addresses given, else both. */
  readonly family?: 'ip' | 'ip6';
  /** Of the transport, by name or number. */
  readonly protocol?: ProtocolName | number;
  /** The mark, or some of its bits: `mark & mask === value`. */
  readonly mark?: number | { readonly value: number; readonly mask: number };
  /** 0 for flows that nobody put into a zone. */
  readonly zone?: number;
  /** All of these. */
  readonly status?: readonly FlowStatus[];
  /** What packets in the direction of the first one look like. */
  readonly original?: TupleFilter;
  /** What the answers look like. */
  readonly reply?: TupleFilter;
}

/** A filter that was looked through: what to ask the kernel, and what to keep of its answer. */
export interface PreparedFilter {
  /** One question for each: NFPROTO_* (0: both) and attributes. */
  readonly questions: readonly { readonly family: number; readonly attributes: Uint8Array }[];
  matches(flow: Flow): boolean;
}

type Direction = 'original' | 'reply';
const DIRECTIONS: readonly Direction[] = ['original', 'reply'];

/** Throws InvalidArgumentError. */
export function prepareFilter(filter: FlowFilter): PreparedFilter {
  const family = familyOf(filter);
  const protocol = protocolNumber(filter.protocol);
  const mark = markOf(filter.mark);
  const status = statusOf(filter.status);
  const zone = checkInteger('zone', filter.zone, 0xffff);
  const common = [
    ...(mark === undefined
      ? []
      : [u32Attribute(CTA.mark, mark.value), u32Attribute(CTA.markMask, mark.mask)]),
    ...(status === 0 ? [] : [u32Attribute(CTA.status, status), u32Attribute(CTA.statusMask, status)]),
    ...(zone === undefined ? [] : [attribute(CTA.zone, u16Bytes(zone))]),
  ];
  for (const direction of DIRECTIONS) checkNumbers(direction, filter[direction]);
  const usesTuples = protocol !== undefined || filter.original !== undefined;
  // The kernel compares tuples of one family only.
  const families: readonly Family[] = usesTuples && family === undefined ? ['ip', 'ip6'] : [];
  const asked = family === undefined ? families : [family];
  const questions =
    asked.length === 0
      ? [{ family: 0, attributes: Buffer.concat(common) }]
      : asked.map((each) => ({
          family: FAMILY[each],
          attributes: Buffer.concat([...common, ...tupleAttributes(filter.original, each, protocol)]),
        }));
  const tests = testsOf(filter, family, protocol, mark, status, zone);
  return { questions, matches: (flow) => tests.every((test) => test(flow)) };
}

type Test = (flow: Flow) => boolean;

function testsOf(
  filter: FlowFilter,
  family: Family | undefined,
  protocol: number | undefined,
  mark: { readonly value: number; readonly mask: number } | undefined,
  status: number,
  zone: number | undefined,
): readonly Test[] {
  const tests: Test[] = [];
  if (family !== undefined) tests.push((flow) => flow.family === family);
  if (mark !== undefined) tests.push((flow) => (flow.mark & mark.mask) >>> 0 === mark.value);
  if (status !== 0) tests.push((flow) => (flow.statusBits & status) === status);
  if (zone !== undefined) tests.push((flow) => flow.zone === zone);
  if (protocol !== undefined) tests.push((flow) => protocolNumber(flow.original.protocol) === protocol);
  for (const direction of DIRECTIONS) {
    const wanted = normalize(filter[direction]);
    if (wanted !== undefined) tests.push((flow) => tupleMatches(flow[direction], wanted));
  }
  return tests;
}

function tupleMatches(tuple: FlowTuple, wanted: TupleFilter): boolean {
  const { icmp, ...rest } = tuple;
  const found: TupleFilter = {
    ...rest,
    ...(icmp === undefined ? {} : { icmpType: icmp.type, icmpCode: icmp.code, icmpId: icmp.id }),
  };
  return (Object.keys(wanted) as (keyof TupleFilter)[]).every((key) => found[key] === wanted[key]);
}

function checkNumbers(direction: Direction, tuple: TupleFilter = {}): void {
  for (const { field, bytes } of PROTOCOL_FIELDS) {
    checkInteger(`${direction}.${field}`, tuple[field], bytes === 1 ? 0xff : 0xffff);
  }
}

/** With addresses as the kernel's are written. */
function normalize(tuple: TupleFilter | undefined): TupleFilter | undefined {
  if (tuple === undefined) return undefined;
  const { source, destination, ...rest } = tuple;
  const defined = Object.entries(rest).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(defined),
    ...(source === undefined ? {} : { source: canonical(source) }),
    ...(destination === undefined ? {} : { destination: canonical(destination) }),
  };
}

function canonical(address: string): string {
  const type = addressFamily(address) === 'ip' ? ipv4Addr : ipv6Addr;
  return type.read(addressBytes(address), 0);
}

/** The family that is asked for, or that the addresses are of. */
function familyOf(filter: FlowFilter): Family | undefined {
  let family = filter.family;
  if (family !== undefined && !Object.hasOwn(FAMILY, family)) {
    throw new InvalidArgumentError('family', family, '"ip" or "ip6"');
  }
  for (const direction of DIRECTIONS) {
    for (const end of ['source', 'destination'] as const) {
      const address = filter[direction]?.[end];
      if (address === undefined) continue;
      within(`${direction}.${end}`, () => addressBytes(address));
      const found = addressFamily(address);
      // With NAT between the families (NAT64) the kernel's conntrack still sees one family for each flow.
      if (family !== undefined && family !== found) {
        throw new InvalidArgumentError(`${direction}.${end}`, address, `an address of family ${family}`);
      }
      family = found;
    }
  }
  return family;
}

function protocolNumber(protocol: ProtocolName | number | undefined): number | undefined {
  if (protocol === undefined) return undefined;
  const bytes = new Uint8Array(1);
  within('protocol', () => inetProto.write(protocol, bytes, 0));
  return bytes[0];
}

function markOf(mark: FlowFilter['mark']): { value: number; mask: number } | undefined {
  if (mark === undefined) return undefined;
  const { value, mask } = typeof mark === 'number' ? { value: mark, mask: 0xffffffff } : mark;
  checkInteger('mark', value, 0xffffffff);
  checkInteger('mark.mask', mask, 0xffffffff);
  return { value, mask };
}

function statusOf(status: readonly FlowStatus[] = []): number {
  let bits = 0;
  for (const name of status) {
    if (!Object.hasOwn(STATUS_BITS, name)) {
      throw new InvalidArgumentError('status', name, `one of ${Object.keys(STATUS_BITS).join(', ')}`);
    }
    bits |= STATUS_BITS[name];
  }
  return bits;
}

function checkInteger(argument: string, value: number | undefined, max: number): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= 0 && value <= max)) return value;
  throw new InvalidArgumentError(argument, value, `an integer from 0 to ${max}`);
}
