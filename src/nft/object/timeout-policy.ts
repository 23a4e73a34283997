import { InvalidArgumentError } from '../../invalid-argument.ts';
import { attributes, u32Attribute, u32Of } from '../../netlink/attribute.ts';
import { bytesOf } from '../type/data-type.ts';
import { inetProto, type ProtocolName } from '../type/named.ts';

/** Seconds by the name of a connection's state; which there are depends on the protocol. */
export type TimeoutPolicy = Readonly<Record<string, number>>;

/** Two states, of protocols without connections. */
const REPLIES = { unreplied: 1, replied: 2 } as const;
const ONE = { timeout: 1 } as const;

/** CTA_TIMEOUT_* of linux/netfilter/nfnetlink_cttimeout.h; the names are nft's. */
const STATES: Readonly<Record<number, Readonly<Record<string, number>>>> = {
  1: ONE,
  6: {
    syn_sent: 1,
    syn_recv: 2,
    established: 3,
    fin_wait: 4,
    close_wait: 5,
    last_ack: 6,
    time_wait: 7,
    close: 8,
    syn_sent2: 9,
    retrans: 10,
    unack: 11,
  },
  17: REPLIES,
  47: REPLIES,
  58: ONE,
  132: {
    closed: 1,
    cookie_wait: 2,
    cookie_echoed: 3,
    established: 4,
    shutdown_sent: 5,
    shutdown_recd: 6,
    shutdown_ack_sent: 7,
    heartbeat_sent: 8,
  },
  136: REPLIES,
};
/** What a kernel may know that is not listed here. */
const OTHER = /^state ([1-9]\d{0,2})$/;

export const timeoutPolicy = {
  write(protocol: ProtocolName | number, policy: TimeoutPolicy): Uint8Array {
    const states = statesOf(protocol);
    const parts = Object.entries(policy).map(([name, seconds]) => {
      const number =
        (Object.hasOwn(states, name) ? states[name] : undefined) ?? Number(OTHER.exec(name)?.[1]);
      if (Number.isNaN(number)) {
        const known = Object.keys(states).join(', ');
        throw new InvalidArgumentError('policySeconds', name, `a state of ${protocol} (${known})`);
      }
      if (!Number.isInteger(seconds) || seconds < 0 || seconds > 0xffffffff) {
        throw new InvalidArgumentError(`policySeconds.${name}`, seconds, 'a whole number of seconds');
      }
      return u32Attribute(number, seconds);
    });
    return Buffer.concat(parts);
  },

  read(protocol: ProtocolName | number, data: Uint8Array): TimeoutPolicy {
    const names = Object.entries(statesOf(protocol));
    const nameOf = (type: number) => names.find(([, number]) => number === type)?.[0] ?? `state ${type}`;
    return Object.fromEntries(
      [...attributes(data)].map(({ type, bytes }) => [nameOf(type), u32Of(bytes) ?? 0]),
    );
  },
};

function statesOf(protocol: ProtocolName | number): Readonly<Record<string, number>> {
  return STATES[bytesOf(inetProto, protocol)[0] ?? 0] ?? ONE;
}
