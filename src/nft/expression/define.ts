import { within } from '../../invalid-argument.ts';
import { attributes } from '../../netlink/attribute.ts';
import { type Expression, expression } from './expression.ts';
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
  readonly name: string;
  readonly fields: F;
  /** Throws InvalidArgumentError, which names the field. */
  make(values: FieldValues<F>): Expression;
  /** The fields of `NFTA_EXPR_DATA`; undefined when there is an attribute that we do not know. */
  read(data: Uint8Array): ReadValues<F> | undefined;
}

export function defineExpression<const F extends Fields>(name: string, fields: F): ExpressionKind<F> {
  const entries = Object.entries(fields);
  return Object.freeze({
    name,
    fields,
    make(values: FieldValues<F>) {
      const given = values as Readonly<Record<string, unknown>>;
      return expression(
        name,
        entries.map(([key, field]) => {
          const value = given[key];
          if (value === undefined || field.library === undefined) return undefined;
          const bytes = within(`${name}.${key}`, () => field.toLibrary(value as never));
          return { id: field.library, bytes };
        }),
      );
    },
    read(data: Uint8Array) {
      const values: Record<string, unknown> = {};
      for (const { type, bytes } of attributes(data)) {
        const known = entries.find(([, field]) => field.wire === type);
        const value = known?.[1].fromWire(bytes);
        if (known === undefined || value === undefined) return undefined;
        values[known[0]] = value;
      }
      return values as ReadValues<F>;
    },
  });
}
