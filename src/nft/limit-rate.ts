import { InvalidArgumentError } from '../invalid-argument.ts';
import type { FieldValues, ReadValues } from './expression/define.ts';
import type { limitKind } from './expression/kinds.ts';

const UNIT_SECONDS = { second: 1n, minute: 60n, hour: 3600n, day: 86_400n, week: 604_800n } as const;

/** How a limit measures. */
export interface LimitOptions {
  /** Packets, or bytes, in each unit of time. */
  readonly rate: number;
  /** The unit of time. */
  readonly per: keyof typeof UNIT_SECONDS;
  /** How much may come at once; nft's default is 5 packets. */
  readonly burst?: number;
  /** Counts bytes instead of packets. */
  readonly bytes?: boolean;
  /** Matches what is over the limit instead of what is below. */
  readonly over?: boolean;
}

type Fields = (typeof limitKind)['fields'];

/** NFT_LIMIT_F_INV. */
const OVER = 1;

export function limitFields(options: LimitOptions): FieldValues<Fields> {
  const { rate, per, bytes = false, burst = bytes ? 0 : 5, over = false } = options;
  if (!Number.isSafeInteger(rate) || rate < 1)
    throw new InvalidArgumentError('rate', rate, 'a whole number above 0');
  const unit = Object.hasOwn(UNIT_SECONDS, per) ? UNIT_SECONDS[per] : undefined;
  if (unit === undefined)
    throw new InvalidArgumentError('per', per, `one of ${Object.keys(UNIT_SECONDS).join(', ')}`);
  return { rate: BigInt(rate), unit, burst, type: bytes ? 'bytes' : 'packets', flags: over ? OVER : 0 };
}

/** Undefined for a unit of time that nft has no word for. */
export function limitOptions(fields: ReadValues<Fields>): LimitOptions | undefined {
  const per = (Object.keys(UNIT_SECONDS) as (keyof typeof UNIT_SECONDS)[]).find(
    (unit) => UNIT_SECONDS[unit] === fields.unit,
  );
  if (per === undefined || fields.rate === undefined) return undefined;
  return {
    rate: Number(fields.rate),
    per,
    burst: fields.burst ?? 0,
    ...(fields.type === 'bytes' ? { bytes: true } : {}),
    ...(((fields.flags ?? 0) & OVER) === 0 ? {} : { over: true }),
  };
}
