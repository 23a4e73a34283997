import { within } from '../../invalid-argument.ts';
import { attribute, attributes, NESTED } from '../../netlink/attribute.ts';
import { type Expression, expression, type RawExpression, rawExpression } from './expression.ts';
import type { Field } from './field.ts';

type Fields = Readonly<Record<string, Field<never, unknown>>>;

/** What may be given for an expression's fields. */
export type FieldValues<F extends Fields> = {
  readonly [K in keyof F]?: F[K] extends Field<infer In, infer _> ? In : never;
};

/** What is read back of an expression. */
export type ReadValues<F extends Fields> = {
  readonly [K in keyof F]?: F[K] extends Field<infer _, infer Out> ? Out : never;
};

/** One kind of expression: how it is made, and how it is read from the kernel. */
export interface ExpressionKind<F extends Fields = Fields> {
  /** The kernel's name: `'payload'`. */
  readonly name: string;
  /** How each field is written and read, by name. */
  readonly fields: F;
  /** Throws InvalidArgumentError, which names the field. What libnftnl 1.2.4 does not know is written without it. */
  make(values: FieldValues<F>): Expression;
  /** The same as the bytes that go to the kernel: for expressions inside expressions. */
  encode(values: FieldValues<F>): RawExpression;
  /** The fields of `NFTA_EXPR_DATA`; undefined when there is an attribute that we do not know. */
  read(data: Uint8Array): ReadValues<F> | undefined;
}

/** How a list of named attributes is written and read. */
export interface FieldCodec<F extends Fields> {
  /** The attributes as they go to the kernel. Throws InvalidArgumentError, which names the field within `name`. */
  write(values: FieldValues<F>): Uint8Array;
  /** Undefined when there is an attribute that we do not know. */
  read(data: Uint8Array): ReadValues<F> | undefined;
}

/** `name` is what errors begin with. */
export function defineFields<const F extends Fields>(name: string, fields: F): FieldCodec<F> {
  const byNumber = new Map(Object.entries(fields).map((entry) => [entry[1].wire, entry]));
  return Object.freeze({
    write: (values: FieldValues<F>) =>
      Buffer.concat(
        given(fields, values).map(([key, field, value]) => {
          const bytes = within(`${name}.${key}`, () => field.toWire(value as never));
          return attribute(field.wire | (field.isNest ? NESTED : 0), bytes);
        }),
      ),
    read(data: Uint8Array) {
      const values: Record<string, unknown> = {};
      for (const { type, bytes } of attributes(data)) {
        const known = byNumber.get(type);
        const value = known?.[1].fromWire(bytes);
        if (known === undefined || value === undefined) return undefined;
        values[known[0]] = value;
      }
      return values as ReadValues<F>;
    },
  });
}

function given<F extends Fields>(fields: F, values: FieldValues<F>) {
  const byName = values as Readonly<Record<string, unknown>>;
  return Object.entries(fields)
    .filter(([key]) => byName[key] !== undefined)
    .map(([key, field]) => [key, field, byName[key]] as const);
}

/** `isRaw`: libnftnl 1.2.4 does not know the expression at all. */
export function defineExpression<const F extends Fields>(
  name: string,
  fields: F,
  isRaw = false,
): ExpressionKind<F> {
  const { write, read } = defineFields(name, fields);
  return Object.freeze({
    name,
    fields,
    make(values: FieldValues<F>) {
      const parts = given(fields, values).map(([key, field, value]) => {
        if (field.library === undefined) return undefined;
        return { id: field.library, bytes: within(`${name}.${key}`, () => field.toLibrary(value as never)) };
      });
      if (isRaw || parts.includes(undefined)) return rawExpression({ name, data: write(values) });
      return expression(name, parts);
    },
    encode: (values: FieldValues<F>) => ({ name, data: write(values) }),
    read,
  });
}
