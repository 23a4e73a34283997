import {
  attribute,
  attributeMap,
  i32Of,
  nest,
  textAttribute,
  textOf,
  u32Attribute,
  u32Of,
} from '../netlink/attribute.ts';
import { EXPRESSION_KINDS } from '../nft/expression/kinds.ts';
import { NFTA_DATA, NFTA_EXPR, NFTA_VERDICT } from '../read/uapi.ts';
import type { PackedExpression } from './unpack.ts';

/** A rule's expressions as the kernel shows them, and what they lead to. */

/** Attributes that hold values of registers, and those that hold texts, by libnftnl's number; the others are integers. */
const VALUES: Readonly<Record<string, readonly number[]>> = { cmp: [3], range: [3, 4], bitwise: [4, 5, 7] };
const TEXTS: Readonly<Record<string, readonly number[]>> = {
  lookup: [3],
  objref: [2, 4],
  log: [1],
  flow_offload: [1],
  dynset: [5],
  match: [1],
  target: [1],
};
const OPAQUE: Readonly<Record<string, readonly number[]>> = { match: [3], target: [3] };

const LIBRARY_IMMEDIATE = { dreg: 1, data: 2, verdict: 3, chain: 4, chainId: 5 } as const;
const WIRE_IMMEDIATE = { dreg: 1, data: 2 } as const;
const ZERO_32 = Buffer.alloc(4);
const ZERO_64 = Buffer.alloc(8);

/** What the kernel shows even where nobody said it, by its own number. */
const DEFAULTS: Readonly<Record<string, ReadonlyMap<number, Uint8Array>>> = {
  counter: new Map([
    [1, ZERO_64],
    [2, ZERO_64],
  ]),
  lookup: new Map([[5, ZERO_32]]),
  bitwise: new Map([[6, ZERO_32]]),
  limit: new Map([
    [3, ZERO_32],
    [4, ZERO_32],
    [5, ZERO_32],
  ]),
  numgen: new Map([[4, ZERO_32]]),
};
/** Numbers within a transaction: the kernel forgets them. */
const FORGOTTEN: Readonly<Record<string, number>> = { lookup: 4, objref: 5, dynset: 2 };

/** An expression's attributes by the kernel's number. */
type WireExpression = ReadonlyMap<number, Uint8Array>;

/** Undefined: an expression, or an attribute of it, that nobody here knows. */
export function wireExpression(packed: PackedExpression): WireExpression | undefined {
  if (packed.raw !== undefined) return attributeMap(packed.raw);
  if (packed.name === 'immediate') return wireImmediate(packed);
  const fields = Object.values(EXPRESSION_KINDS.get(packed.name)?.fields ?? {});
  if (!EXPRESSION_KINDS.has(packed.name)) return undefined;
  const wire = new Map<number, Uint8Array>();
  for (const [id, bytes] of packed.attributes) {
    const field = fields.find(({ library }) => library === id);
    if (field === undefined) return undefined;
    wire.set(field.wire, wireValue(packed.name, id, bytes));
  }
  return wire;
}

function wireValue(name: string, id: number, bytes: Buffer): Uint8Array {
  if (VALUES[name]?.includes(id)) return attribute(NFTA_DATA.value, bytes);
  if (TEXTS[name]?.includes(id)) return Buffer.concat([bytes, Buffer.alloc(1)]);
  return OPAQUE[name]?.includes(id) ? bytes : Buffer.from(bytes).reverse();
}

function wireImmediate({ attributes }: PackedExpression): WireExpression {
  const verdict = attributes.get(LIBRARY_IMMEDIATE.verdict)?.readInt32LE();
  const dreg = Buffer.from(attributes.get(LIBRARY_IMMEDIATE.dreg) ?? ZERO_32).reverse();
  const data =
    verdict === undefined
      ? attribute(NFTA_DATA.value, attributes.get(LIBRARY_IMMEDIATE.data) ?? ZERO_32)
      : wireVerdict(
          verdict,
          attributes.get(LIBRARY_IMMEDIATE.chain)?.toString(),
          attributes.get(LIBRARY_IMMEDIATE.chainId)?.readUInt32LE(),
        );
  return new Map([
    [WIRE_IMMEDIATE.dreg, dreg],
    [WIRE_IMMEDIATE.data, data],
  ]);
}

/** A verdict as the content of a data attribute. */
export function wireVerdict(code: number, chain: string | undefined, chainId?: number): Uint8Array {
  const name = chain === undefined ? [] : [textAttribute(NFTA_VERDICT.chain, chain)];
  const number = chainId === undefined ? [] : [u32Attribute(NFTA_VERDICT.chainId, chainId)];
  return nest(NFTA_DATA.verdict, [u32Attribute(NFTA_VERDICT.code, code), ...name, ...number]);
}

/** An expression as an element of NFTA_RULE_EXPRESSIONS, as the kernel lists it. `setName`: of the set that it looks into. */
export function listedExpression(
  name: string,
  wire: WireExpression,
  setName: string | undefined,
): Uint8Array {
  const shown = new Map([...(DEFAULTS[name] ?? []), ...wire]);
  const forgotten = FORGOTTEN[name];
  if (forgotten !== undefined) shown.delete(forgotten);
  const set = SET_ATTRIBUTE[name]?.name;
  if (set !== undefined && setName !== undefined) shown.set(set, Buffer.from(`${setName}\0`));
  const parts = [...shown].map(([type, bytes]) => attribute(type, bytes));
  return nest(NFTA_LIST_ELEMENT, [textAttribute(NFTA_EXPR.name, name), nest(NFTA_EXPR.data, parts)]);
}

const NFTA_LIST_ELEMENT = 1;

/** Where an expression names a set. */
const SET_ATTRIBUTE: Readonly<Record<string, { readonly name: number; readonly id: number }>> = {
  lookup: { name: 1, id: 4 },
  objref: { name: 4, id: 5 },
  dynset: { name: 1, id: 2 },
};

/** The set that an expression looks into, by name and by number within the transaction. */
export function setReference(
  name: string,
  wire: WireExpression,
): { readonly name: string; readonly id: number | undefined } | undefined {
  const where = SET_ATTRIBUTE[name];
  const found = where === undefined ? undefined : textOf(wire.get(where.name));
  return where === undefined || found === undefined
    ? undefined
    : { name: found, id: u32Of(wire.get(where.id)) };
}

/** The stateful object that an expression names. */
export function objectReference(
  name: string,
  wire: WireExpression,
): { readonly type: number; readonly name: string } | undefined {
  const found = name === 'objref' ? textOf(wire.get(2)) : undefined;
  return found === undefined ? undefined : { type: u32Of(wire.get(1)) ?? 0, name: found };
}

/** What a verdict says, and where it leads: by name, or by number within the transaction. */
export interface VerdictReference {
  readonly code: number;
  readonly chain: string | undefined;
  readonly chainId: number | undefined;
}

/** The verdict of an expression. */
export function verdictReference(name: string, wire: WireExpression): VerdictReference | undefined {
  if (name !== 'immediate') return undefined;
  const verdict = attributeMap(wire.get(WIRE_IMMEDIATE.data)).get(NFTA_DATA.verdict);
  if (verdict === undefined) return undefined;
  const fields = attributeMap(verdict);
  return {
    code: i32Of(fields.get(NFTA_VERDICT.code)) ?? 0,
    chain: textOf(fields.get(NFTA_VERDICT.chain)),
    chainId: u32Of(fields.get(NFTA_VERDICT.chainId)),
  };
}

/** Whether a lookup gives data to a register: it does in a map, and only there. */
export function hasDestination(name: string, wire: WireExpression): boolean {
  return name === 'lookup' && wire.has(3);
}
