import { InvalidArgumentError } from '../../invalid-argument.ts';
import { attribute, attributes } from '../../netlink/attribute.ts';
import { defineFields } from '../expression/define.ts';
import { type Field, nested, opaque, typed, u8, u32 } from '../expression/field.ts';
import type { Table } from '../table.ts';
import { ipv4Addr, ipv6Addr } from '../type/address.ts';
import { inetService } from '../type/integer.ts';
import { describeObject, type ObjectBase, type ObjectCodec, type ObjectOptions } from './object.ts';

/** How packets are sent through a tunnel: what a rule attaches to them for a device in external mode. */
export interface TunnelObject extends ObjectBase<'tunnel'>, TunnelState {}

/** What a tunnel's metadata hold: nft's `tunnel` object. */
export interface TunnelState {
  /** The tunnel's number: a VNI, a session. */
  readonly id: number;
  /** The outer IPv4 addresses; this or `ip6`. */
  readonly ip?: { readonly saddr?: string; readonly daddr?: string };
  /** The outer IPv6 addresses and flow label; this or `ip`. */
  readonly ip6?: { readonly saddr?: string; readonly daddr?: string; readonly flowlabel?: number };
  /** NFT_TUNNEL_F_*: 1 no checksums, 2 don't fragment, 4 sequence numbers. */
  readonly flags?: number;
  /** Type of service of the outer header, one byte. */
  readonly tos?: number;
  /** Time to live of the outer header, 1 to 255. */
  readonly ttl?: number;
  /** Outer source port. */
  readonly sport?: number;
  /** Outer destination port. */
  readonly dport?: number;
  /** What the kind of tunnel needs; of geneve several. */
  readonly options?: readonly TunnelOption[];
}

/**
 * Options of one kind of tunnel, as the kernel's attributes have them: vxlan's group policy (`gbp`, 32 bits); erspan's `version` with an
 * `index` (32 bits) for 1, or a `hardwareId` and `direction` (8 bits each) for 2; geneve's `class` (16 bits), `type` (8 bits) and `data`.
 */
export type TunnelOption =
  | { readonly vxlan: { readonly gbp?: number } }
  | {
      readonly erspan: {
        readonly version?: number;
        readonly index?: number;
        readonly hardwareId?: number;
        readonly direction?: number;
      };
    }
  | { readonly geneve: { readonly class?: number; readonly type?: number; readonly data?: Uint8Array } };

/** A 16-bit integer in network order, as ports are. */
const u16BE = (wire: number) => typed(wire, inetService);

const vxlan = defineFields('vxlan', { gbp: u32(undefined, 1) });
const erspan = defineFields('erspan', {
  version: u32(undefined, 1),
  index: u32(undefined, 2),
  hardwareId: u8(undefined, 3),
  direction: u8(undefined, 4),
});
const geneve = defineFields('geneve', {
  class: u16BE(1),
  type: u8(undefined, 2),
  data: opaque(undefined, 3),
});
const OPTION_KINDS = { vxlan: [1, vxlan], erspan: [2, erspan], geneve: [3, geneve] } as const;

const NESTED = 0x8000;

function writeOptions(options: readonly TunnelOption[]): Uint8Array {
  const parts = options.map((option) => {
    const [kind, value] = Object.entries(option)[0] ?? [];
    const known = OPTION_KINDS[kind as keyof typeof OPTION_KINDS];
    if (known === undefined) throw new InvalidArgumentError('options', kind, 'vxlan, erspan or geneve');
    return attribute(known[0] | NESTED, known[1].write(value as never));
  });
  return Buffer.concat(parts);
}

function readOptions(bytes: Uint8Array): readonly TunnelOption[] | undefined {
  const options = [...attributes(bytes)].map((each) => {
    const known = Object.entries(OPTION_KINDS).find(([, [wire]]) => wire === each.type);
    const value = known?.[1][1].read(each.bytes);
    return known === undefined || value === undefined ? undefined : { [known[0]]: value };
  });
  return options.includes(undefined) ? undefined : (options as unknown as readonly TunnelOption[]);
}

const optionsField: Field<readonly TunnelOption[]> = nested(9, { write: writeOptions, read: readOptions });

const fields = defineFields('tunnel', {
  id: u32(undefined, 1),
  ip: nested(2, defineFields('ip', { saddr: typed(1, ipv4Addr), daddr: typed(2, ipv4Addr) })),
  ip6: nested(
    3,
    defineFields('ip6', {
      saddr: typed(1, ipv6Addr),
      daddr: typed(2, ipv6Addr),
      flowlabel: u32(undefined, 3),
    }),
  ),
  sport: u16BE(7),
  dport: u16BE(8),
  flags: u32(undefined, 4),
  tos: u8(undefined, 5),
  ttl: u8(undefined, 6),
  options: optionsField,
});

export const tunnelCodec: ObjectCodec<TunnelState> = {
  type: 6,
  write: (state) => fields.write(state),
  read(data) {
    const state = fields.read(data);
    return state?.id === undefined ? undefined : { ...state, id: state.id };
  },
};

/** Describes a tunnel's metadata: `tunnelObject(t, 'vx', { id: 10, ip: { saddr: …, daddr: … }, dport: 4789 })`. */
export function tunnelObject(table: Table, name: string, options: ObjectOptions & TunnelState): TunnelObject {
  const { comment: _, ...state } = options;
  return describeObject('tunnel', tunnelCodec, table, name, state, options);
}
