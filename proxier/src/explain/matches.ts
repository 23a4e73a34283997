import type { Family } from '../model/family.ts';
import type { Fact } from './facts.ts';
import { addressText, type Origin } from './packet.ts';

/** What a comparison says about where the packet comes from or goes to; undefined: nothing. `wanted`: the bytes compared with. */
export function comparisonFact(
  family: Family,
  origin: Origin | undefined,
  wanted: Uint8Array,
  isEqual: boolean,
): Fact | undefined {
  if (origin === undefined) return undefined;
  const { field, prefixLength = wanted.length * 8 } = origin;
  if (field === 'interface') return { kind: 'interface', name: interfaceText(wanted), matches: isEqual };
  return { kind: 'network', field, network: networkText(family, wanted, prefixLength), inside: isEqual };
}

/** A network by the first bytes of its addresses. */
export function networkText(family: Family, first: Uint8Array, prefixLength: number): string {
  const whole = Buffer.alloc(family === 'ip' ? 4 : 16);
  whole.set(first);
  return `${addressText(family, whole)}/${prefixLength}`;
}

const IFNAME_BYTES = 16;

/** A name fills its register with zeros; the beginning of one is shorter. */
export function interfaceText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('utf8').replace(/\0+$/, '');
  return bytes.length === IFNAME_BYTES ? text : `${text}*`;
}

/** How many bits of an address a mask leaves. */
export function prefixLengthOf(mask: Uint8Array): number {
  return mask.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
}
