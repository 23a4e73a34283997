import type { FieldValues, ReadValues } from './expression/define.ts';
import type { synproxyKind } from './expression/kinds.ts';

/** What a SYN proxy tells the clients. */
export interface SynproxyOptions {
  /** Maximum segment size in bytes. */
  readonly mss?: number;
  /** Window scale, 0 to 14. */
  readonly wscale?: number;
  /** Whether servers know the TCP option timestamp. */
  readonly timestamp?: boolean;
  /** Whether servers know selective acknowledgement. */
  readonly sackPerm?: boolean;
}

type Fields = (typeof synproxyKind)['fields'];

/** NF_SYNPROXY_OPT_* of linux/netfilter/nf_synproxy.h. */
const OPTIONS = { mss: 1, wscale: 2, sackPerm: 4, timestamp: 8 } as const;

export function synproxyFields({ mss, wscale, timestamp, sackPerm }: SynproxyOptions): FieldValues<Fields> {
  const flags =
    (mss === undefined ? 0 : OPTIONS.mss) |
    (wscale === undefined ? 0 : OPTIONS.wscale) |
    (timestamp ? OPTIONS.timestamp : 0) |
    (sackPerm ? OPTIONS.sackPerm : 0);
  return { ...(mss === undefined ? {} : { mss }), ...(wscale === undefined ? {} : { wscale }), flags };
}

export function synproxyOptions({ mss, wscale, flags = 0 }: ReadValues<Fields>): SynproxyOptions {
  return {
    ...((flags & OPTIONS.mss) === 0 || mss === undefined ? {} : { mss }),
    ...((flags & OPTIONS.wscale) === 0 || wscale === undefined ? {} : { wscale }),
    ...((flags & OPTIONS.timestamp) === 0 ? {} : { timestamp: true }),
    ...((flags & OPTIONS.sackPerm) === 0 ? {} : { sackPerm: true }),
  };
}
