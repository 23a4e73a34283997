import { attribute, attributes } from '../../netlink/attribute.ts';

/**
 * What the kernel lists and refuses to be told (EINVAL), at least up to 6.18: attributes of 0 that it puts into every listing of an
 * expression. Left out, the expression is the same.
 */

/** NFTA_EXTHDR_*. */
const EXTHDR = { dreg: 1, offset: 3, len: 4, flags: 5, sreg: 7 } as const;
/** NFTA_OSF_FLAGS. */
const OSF_FLAGS = 3;

/** The attributes of a listed expression without those. */
export function accepted(name: string, data: Uint8Array): Uint8Array {
  const refused = refusedIn(name, data);
  if (refused.length === 0) return data;
  const kept = [...attributes(data)].filter(
    ({ type, bytes }) => !refused.includes(type) || bytes.some((byte) => byte !== 0),
  );
  return Buffer.concat(kept.map(({ type, bytes }) => attribute(type, bytes)));
}

function refusedIn(name: string, data: Uint8Array): readonly number[] {
  if (name === 'osf') return [OSF_FLAGS];
  if (name !== 'exthdr') return [];
  const types = [...attributes(data)].map(({ type }) => type);
  if (types.includes(EXTHDR.dreg)) return [];
  // Without any register an option is taken out of the packet: nft's `reset tcp option`.
  return types.includes(EXTHDR.sreg) ? [EXTHDR.flags] : [EXTHDR.offset, EXTHDR.len, EXTHDR.flags];
}
