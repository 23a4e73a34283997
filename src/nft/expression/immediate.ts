import { attributeMap, i32Of, textOf, u32Of } from '../../netlink/attribute.ts';
import { type Verdict, verdictOf } from '../verdict.ts';
import { bytes, type Expression, expression, text, u32 } from './expression.ts';
import { VERDICT_REGISTER } from './register.ts';

/** NFTA_IMMEDIATE_*, NFTA_DATA_*, NFTA_VERDICT_* of linux/netfilter/nf_tables.h. */
const WIRE = { dreg: 1, data: 2, value: 1, verdict: 2, code: 1, chain: 2 } as const;

/** A constant for a register, or a verdict: the one expression whose value has two forms. */
export type Immediate = { readonly dreg: number; readonly data: Uint8Array } | { readonly verdict: Verdict };

/** Bytes for a register (`dreg`, `data`), or a `verdict`. */
export const immediateKind = Object.freeze({
  name: 'immediate',

  /** Bytes for a register, or a verdict. */
  make(value: Immediate): Expression {
    if ('data' in value) return expression('immediate', [u32(1, value.dreg), bytes(2, value.data)]);
    const { code, chain } = value.verdict;
    return expression('immediate', [
      u32(1, VERDICT_REGISTER),
      u32(3, code),
      chain === undefined ? undefined : text(4, chain),
    ]);
  },

  /** The fields of `NFTA_EXPR_DATA`; undefined when they are not what we know. */
  read(data: Uint8Array): Immediate | undefined {
    const fields = attributeMap(data);
    const content = attributeMap(fields.get(WIRE.data));
    const value = content.get(WIRE.value);
    const dreg = u32Of(fields.get(WIRE.dreg));
    if (value !== undefined) return dreg === undefined ? undefined : { dreg, data: Uint8Array.from(value) };
    const nest = attributeMap(content.get(WIRE.verdict));
    const code = i32Of(nest.get(WIRE.code));
    const verdict = code === undefined ? undefined : verdictOf(code, textOf(nest.get(WIRE.chain)));
    return verdict === undefined ? undefined : { verdict };
  },
});
