import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { Expression } from '../expression/expression.ts';
import {
  dupKind,
  flowOffloadKind,
  fwdKind,
  notrackKind,
  queueKind,
  synproxyKind,
  tproxyKind,
} from '../expression/kinds.ts';
import { registerNumber } from '../expression/register.ts';
import { familyNumber } from '../family.ts';
import type { Flowtable } from '../flowtable.ts';
import { type SynproxyOptions, synproxyFields } from '../synproxy-options.ts';
import { type Source, type Statement, statement } from './source.ts';

/** Statements that send packets somewhere else than their route does. */

/** A value of any type. */
type AnySource = Source<never, unknown>;

/** The second value, where there are two, begins at a register of its own of 128 bits, as nft does it. */
const SECOND_WORD = 4;

/** NFT_QUEUE_FLAG_*. */
const QUEUE_FLAGS = { bypass: 1, fanout: 2 } as const;

/** Which queues `queue` gives packets to. */
export interface QueueOptions {
  /** One queue, or the first of several, or a number that a rule makes (`numgen`, `jhash` …). */
  readonly to: number | AnySource;
  /** The last of several. */
  readonly last?: number;
  /** Where nobody listens, packets go on instead of being dropped. */
  readonly bypass?: boolean;
  /** The CPU chooses among the queues. */
  readonly fanout?: boolean;
}

/** Gives the packet to a program: nft's `queue flags bypass to 3-5`. It takes a kernel with CONFIG_NFT_QUEUE. */
export function queue({ to, last, bypass = false, fanout = false }: QueueOptions): Statement {
  const flags = (bypass ? QUEUE_FLAGS.bypass : 0) | (fanout ? QUEUE_FLAGS.fanout : 0);
  const flagged = flags === 0 ? {} : { flags };
  if (typeof to !== 'number') {
    const sregNum = registerNumber(0);
    return statement(to.needs, [...to.load(0), queueKind.make({ ...flagged, sregNum })]);
  }
  const end = last ?? to;
  if (!(end >= to)) throw new InvalidArgumentError('last', last, `at least ${to}`);
  return statement([], [queueKind.make({ num: to, total: end - to + 1, ...flagged })]);
}

/** Sends a copy of the packet: nft's `dup to 10.0.0.1 device "eth0"`, or in a netdev chain `dup to "eth0"`. */
export function duplicate(to: { readonly address?: AnySource; readonly device?: AnySource }): Statement {
  const { address, device } = to;
  if (address === undefined && device === undefined) {
    throw new InvalidArgumentError('to', to, 'an address, a device or both');
  }
  if (device !== undefined) checkDevice(device);
  const deviceWord = address === undefined ? 0 : SECOND_WORD;
  return statement(needsOf(address, device), [
    ...(address?.load(0) ?? []),
    ...(device?.load(deviceWord) ?? []),
    dupKind.make({
      ...(address === undefined ? {} : { addr: registerNumber(0) }),
      ...(device === undefined ? {} : { dev: registerNumber(deviceWord) }),
    }),
  ]);
}

/** Sends the packet out at another interface, in a netdev chain: nft's `fwd to "eth0"`, or `fwd ip to 10.0.0.1 device "eth0"`. */
export function forwardTo(
  device: AnySource,
  neighbour?: { readonly family: 'ip' | 'ip6'; readonly address: AnySource },
): Statement {
  checkDevice(device);
  const dev = registerNumber(0);
  if (neighbour === undefined) return statement(device.needs, [...device.load(0), fwdKind.make({ dev })]);
  const { family, address } = neighbour;
  return statement(needsOf(device, address), [
    ...device.load(0),
    ...address.load(SECOND_WORD),
    fwdKind.make({ dev, addr: registerNumber(SECOND_WORD), nfproto: familyNumber(family) }),
  ]);
}

function checkDevice({ type }: AnySource): void {
  if (type.byteLength !== 4) throw new InvalidArgumentError('device', type.name, "an interface's index");
}

function needsOf(...sources: readonly (AnySource | undefined)[]) {
  return sources.flatMap((source) => source?.needs ?? []);
}

/**
 * Gives the packet to a transparent socket of this machine: nft's `tproxy ip to 127.0.0.1:8080`. The rule must have checked that it is
 * TCP or UDP. Without a family (in an inet table) only a port may be given.
 */
export function tproxy(to: {
  readonly family?: 'ip' | 'ip6';
  readonly address?: AnySource;
  readonly port?: AnySource;
}): Statement {
  const { family, address, port } = to;
  if (address === undefined && port === undefined)
    throw new InvalidArgumentError('to', to, 'an address, a port or both');
  if (address !== undefined && family === undefined) {
    throw new InvalidArgumentError('to.family', family, 'the family of the address');
  }
  const portWord = address === undefined ? 0 : SECOND_WORD;
  return statement(needsOf(address, port), [
    ...(address?.load(0) ?? []),
    ...(port?.load(portWord) ?? []),
    tproxyKind.make({
      family: family === undefined ? 0 : familyNumber(family),
      ...(address === undefined ? {} : { addr: registerNumber(0) }),
      ...(port === undefined ? {} : { port: registerNumber(portWord) }),
    }),
  ]);
}

function alone(expression: Expression): Statement {
  return statement([], [expression]);
}

/** Conntrack does not see the packet: nft's `notrack`, in a chain of priority raw. */
export const notrack: Statement = alone(notrackKind.make({}));

/** Answers the handshake in place of the server: nft's `synproxy mss 1460 wscale 7 timestamp sack-perm`. */
export function synproxy(options: SynproxyOptions = {}): Statement {
  return alone(synproxyKind.make(synproxyFields(options)));
}

/** Puts the connection into a flowtable: nft's `flow add @ft`, in a forward chain. */
export function flowAdd(flowtable: Flowtable): Statement {
  return alone(flowOffloadKind.make({ table: flowtable.name }));
}
