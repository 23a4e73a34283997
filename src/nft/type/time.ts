import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { DataType } from './data-type.ts';
import { readUint, writeUint } from './integer.ts';

/** `time`: a duration in ms, 32 bits in host order. */
export const durationMs: DataType<number> = Object.freeze({
  name: 'time',
  id: 18,
  byteLength: 4,
  byteOrder: 'host' as const,
  write(value: number, into: Uint8Array, offset: number) {
    if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
      throw new InvalidArgumentError('', value, 'a whole number of milliseconds of 32 bits');
    }
    writeUint(value, into, offset, 4, true);
  },
  read: (bytes: Uint8Array, offset: number) => readUint(bytes, offset, 4, true),
});

/** `time` of `meta time`: when a packet came, nanoseconds since 1970, 64 bits in host order. A Date may be given. */
export const timeNs: DataType<Date | bigint, bigint> = Object.freeze({
  name: 'time',
  id: 43,
  byteLength: 8,
  byteOrder: 'host' as const,
  write(value: Date | bigint, into: Uint8Array, offset: number) {
    const ns = value instanceof Date ? nanoseconds(value) : value;
    if (typeof ns !== 'bigint' || ns < 0n || ns >= 1n << 64n) {
      throw new InvalidArgumentError('', value, 'a Date since 1970, or nanoseconds as a bigint');
    }
    new DataView(into.buffer, into.byteOffset).setBigUint64(offset, ns, true);
  },
  read: (bytes: Uint8Array, offset: number) =>
    new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(offset, true),
});

function nanoseconds(date: Date): bigint | undefined {
  const ms = date.getTime();
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n;
}

const DAY_SECONDS = 86_400;

/** `hour`: the time of day in UTC, `'18:30'` or `'18:30:05'` or seconds since midnight; 32 bits in host order. */
export const timeOfDay: DataType<string | number, string> = Object.freeze({
  name: 'hour',
  id: 44,
  byteLength: 4,
  byteOrder: 'host' as const,
  write(value: string | number, into: Uint8Array, offset: number) {
    const seconds = typeof value === 'string' ? secondsOf(value) : value;
    if (seconds === undefined || !Number.isInteger(seconds) || seconds < 0 || seconds > DAY_SECONDS) {
      throw new InvalidArgumentError(
        '',
        value,
        'a time of day in UTC like "18:30", or seconds since midnight',
      );
    }
    writeUint(seconds, into, offset, 4, true);
  },
  read(bytes: Uint8Array, offset: number) {
    const total = readUint(bytes, offset, 4, true);
    const parts = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
    return parts.map((part) => String(part).padStart(2, '0')).join(':');
  },
});

function secondsOf(text: string): number | undefined {
  const match = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text);
  if (match === null) return undefined;
  const [hours, minutes, seconds] = [match[1], match[2], match[3] ?? '0'].map(Number);
  if (hours === undefined || minutes === undefined || seconds === undefined) return undefined;
  return hours < 24 && minutes < 60 && seconds < 60 ? hours * 3600 + minutes * 60 + seconds : undefined;
}
