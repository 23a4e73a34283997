import { InvalidArgumentError, within } from '../../invalid-argument.ts';
import { bitwise } from '../expression/compute.ts';
import type { Expression } from '../expression/expression.ts';
import { payloadKind } from '../expression/kinds.ts';
import { immediate, type PayloadBase, payload } from '../expression/load.ts';
import { registerNumber } from '../expression/register.ts';
import { bytesOf } from '../type/data-type.ts';
import { inPlace } from './bits.ts';
import { type Checksum, type Source, type Statement, statement } from './source.ts';

/** Bytes of a packet that a rule writes. */
interface Place {
  readonly base: PayloadBase;
  readonly offset: number;
  readonly length: number;
  readonly checksum: Checksum | undefined;
}

const REGISTER = registerNumber(0);

/**
 * Writes a field of a header, and keeps the checksums right: nft's `ip dscp set cs1`. The value is a constant or, for a field of whole
 * bytes, another source.
 */
export function setField<In>(
  field: Source<In, unknown>,
  value: NoInfer<In> | Source<In, unknown>,
): Statement {
  const { type, needs, bits } = field;
  if (field.field === undefined) throw new InvalidArgumentError('field', type.name, 'a field of a header');
  const { base, offset, checksum } = field.field;
  const place = { base, offset, length: type.byteLength, checksum };
  const whole = evened(place);
  const isWhole = bits === undefined && whole.length === place.length;
  if (isSource(value)) {
    if (!isWhole) throw new InvalidArgumentError('value', value.type.name, 'a constant, as this field needs');
    if (value.type.byteLength !== type.byteLength) {
      throw new InvalidArgumentError('value', value.type.name, `a value of ${type.byteLength} bytes`);
    }
    return statement([...needs, ...value.needs], [...value.load(0), write(place)]);
  }
  const bytes = within('value', () => inPlace(field, bytesOf(type, value)));
  if (isWhole) return statement(needs, [immediate(bytes, REGISTER), write(place)]);
  const mask = Buffer.alloc(whole.length, 0xff);
  const flip = Buffer.alloc(whole.length);
  const at = offset - whole.offset;
  for (const [i, byte] of bytes.entries()) {
    mask[at + i] = bits === undefined ? 0 : ~(bits.mask[i] ?? 0);
    flip[at + i] = byte;
  }
  const load = payload(base, whole.offset, whole.length, REGISTER);
  return statement(needs, [load, bitwise(REGISTER, mask, flip), write(whole)]);
}

function isSource<In>(value: In | Source<In, unknown>): value is Source<In, unknown> {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'source';
}

/** Internet checksums are sums of 16-bit words: what is written begins and ends with one. */
function evened(place: Place): Place {
  if (place.checksum?.type !== 'inet') return place;
  const offset = place.offset - (place.offset % 2);
  const end = place.offset + place.length;
  return { ...place, offset, length: end + (end % 2) - offset };
}

/** NFT_PAYLOAD_L4CSUM_PSEUDOHDR. */
const PSEUDO_HEADER = 1;

function write({ base, offset, length, checksum }: Place): Expression {
  const fields = { sreg: REGISTER, base, offset, len: length };
  if (checksum === undefined) return payloadKind.make(fields);
  const flags = checksum.isPseudoHeader ? { csumFlags: PSEUDO_HEADER } : {};
  if (checksum.type === 'none') return payloadKind.make({ ...fields, ...flags });
  return payloadKind.make({ ...fields, csumType: checksum.type, csumOffset: checksum.offset, ...flags });
}
