import type { PackedValue } from 'nftlink';
import { unpackValue } from 'nftlink';
import type { FamilySets } from './sets.ts';

/**
 * Elements of `allowedSources` are frontends with a network, which has no packed form: here each is the packed frontend with the
 * network's text behind it.
 */
export function packSource(frontend: PackedValue, network: string): PackedValue {
  return frontend + network;
}

/** The frontend in such a key. */
export function frontendOfSource(sets: FamilySets, key: PackedValue): PackedValue {
  return key.slice(0, sets.services.key.byteLength);
}

/** The element as nftlink takes it. */
export function unpackSource(sets: FamilySets, key: PackedValue) {
  const [address, protocol, port] = unpackValue(sets.services.key, frontendOfSource(sets, key));
  return [address, protocol, port, key.slice(sets.services.key.byteLength)] as const;
}
