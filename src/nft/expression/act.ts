import type { Expression } from './expression.ts';
import { masqKind, natKind, redirKind } from './kinds.ts';

/** Expressions that do something to the packet, where a flag of 0 is not sent, as nft does. */

function flagsOf(flags: number): { readonly flags?: number } {
  return flags === 0 ? {} : { flags };
}

export interface NatRegisters {
  readonly address?: number;
  readonly port?: number;
}

/** `family` is NFPROTO_*; flags are NF_NAT_RANGE_*. */
export function natExpression(
  type: 'snat' | 'dnat',
  family: number,
  { address, port }: NatRegisters,
  flags: number,
): Expression {
  return natKind.make({
    type,
    family,
    ...(address === undefined ? {} : { addrMin: address }),
    ...(port === undefined ? {} : { protoMin: port }),
    ...flagsOf(flags),
  });
}

/** Source NAT to the address of the interface that the packet leaves by. */
export function masqueradeExpression(flags: number): Expression {
  return masqKind.make(flagsOf(flags));
}

/** Destination NAT to this machine. */
export function redirectExpression(portRegister: number | undefined, flags: number): Expression {
  return redirKind.make({
    ...(portRegister === undefined ? {} : { protoMin: portRegister }),
    ...flagsOf(flags),
  });
}
