import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { DataType } from './data-type.ts';

const IFNAMSIZ = 16;

/** Sixteen bytes of text, padded with zero. */
function shortText(name: string, id: number, expected: string): DataType<string> {
  return Object.freeze({
    name,
    id,
    byteLength: IFNAMSIZ,
    byteOrder: 'host' as const,
    write(value: string, into: Uint8Array, offset: number) {
      const length = typeof value === 'string' ? Buffer.byteLength(value) : 0;
      if (length < 1 || length >= IFNAMSIZ || value.includes('\0')) {
        throw new InvalidArgumentError('', value, expected);
      }
      into.fill(0, offset, offset + IFNAMSIZ);
      into.set(Buffer.from(value), offset);
    },
    read(bytes: Uint8Array, offset: number) {
      const field = Buffer.from(bytes.buffer, bytes.byteOffset + offset, IFNAMSIZ);
      const end = field.indexOf(0);
      return field.toString('utf8', 0, end === -1 ? IFNAMSIZ : end);
    },
  });
}

/** `ifname`: an interface's name, sixteen bytes padded with zero. */
export const ifname = shortText('ifname', 41, 'an interface name (1 to 15 bytes)');

/** `string` of sixteen bytes: the name of a conntrack helper, or of an operating system. */
export const name16 = shortText('string', 5, 'a name of 1 to 15 bytes');

/** `classid`: a traffic-control class, `'4b50:1'` (two hexadecimal halves) or its 32-bit number; host order. */
export const classid: DataType<string | number, string> = Object.freeze({
  name: 'classid',
  id: 23,
  byteLength: 4,
  byteOrder: 'host' as const,
  write(value: string | number, into: Uint8Array, offset: number) {
    const number = typeof value === 'string' ? parseClassid(value) : value;
    if (number === undefined || !Number.isInteger(number) || number < 0 || number > 0xffffffff) {
      throw new InvalidArgumentError('', value, 'a class id like "4b50:1" or a 32-bit number');
    }
    into[offset] = number & 0xff;
    into[offset + 1] = (number >>> 8) & 0xff;
    into[offset + 2] = (number >>> 16) & 0xff;
    into[offset + 3] = number >>> 24;
  },
  read(bytes: Uint8Array, offset: number) {
    const minor = ((bytes[offset + 1] ?? 0) << 8) | (bytes[offset] ?? 0);
    const major = ((bytes[offset + 3] ?? 0) << 8) | (bytes[offset + 2] ?? 0);
    return `${major.toString(16)}:${minor.toString(16)}`;
  },
});

function parseClassid(text: string): number | undefined {
  const match = /^([0-9a-fA-F]{0,4}):([0-9a-fA-F]{0,4})$/.exec(text);
  if (match === null) return undefined;
  return Number.parseInt(match[1] || '0', 16) * 0x10000 + Number.parseInt(match[2] || '0', 16);
}
