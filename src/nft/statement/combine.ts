import { InvalidArgumentError } from '../../invalid-argument.ts';
import { bitwise, lookupData } from '../expression/compute.ts';
import { immediate } from '../expression/load.ts';
import { registerNumber } from '../expression/register.ts';
import type { NftMap } from '../set.ts';
import { concatType, registerLength } from '../type/concat.ts';
import { bytesOf, type DataType } from '../type/data-type.ts';
import type { Source } from './source.ts';

type AnySource = Source<never, unknown>;
type TypesOf<S extends readonly AnySource[]> = { readonly [I in keyof S]: S[I]['type'] };
type Concatenated<S extends readonly AnySource[]> =
  ReturnType<typeof concatType<TypesOf<S>>> extends DataType<infer In, infer Out> ? Source<In, Out> : never;

/** Several values side by side: nft's `ip daddr . meta l4proto . th dport`. */
export function concat<const S extends readonly AnySource[]>(...sources: S): Concatenated<S> {
  const type = concatType(...(sources.map((source) => source.type) as unknown as TypesOf<S>));
  return Object.freeze({
    kind: 'source',
    type,
    needs: sources.flatMap((source) => source.needs),
    load(word: number) {
      let next = word;
      return sources.flatMap((source) => {
        const expressions = source.load(next);
        next += registerLength(source.type.byteLength) / 4;
        return expressions;
      });
    },
  }) as unknown as Concatenated<S>;
}

/** The data that a map has for a value; a rule ends where it has none: nft's `ip saddr map @m`. */
export function mapped<K, KO, D, DO>(key: Source<K, KO>, map: NftMap<K, KO, D, DO>): Source<D, DO> {
  checkKey(key.type, map.key, map.name);
  return Object.freeze({
    kind: 'source',
    type: map.data,
    needs: key.needs,
    load: (word: number) => [
      ...key.load(word),
      lookupData(registerNumber(word), map.name, registerNumber(word)),
    ],
  });
}

/** A constant. */
export function constant<In, Out>(type: DataType<In, Out>, value: In): Source<In, Out> {
  const bytes = bytesOf(type, value);
  return Object.freeze({
    kind: 'source',
    type,
    needs: [],
    load: (word: number) => [immediate(bytes, registerNumber(word))],
  });
}

/** The value with these bits set: nft's `meta mark or 0x4000`. */
export function or<In, Out>(source: Source<In, Out>, bits: number): Source<In, Out> {
  return withBits(source, ~bits >>> 0, bits);
}

/** Only these bits of the value: nft's `meta mark and 0x4000`. */
export function and<In, Out>(source: Source<In, Out>, bits: number): Source<In, Out> {
  return withBits(source, bits, 0);
}

/** The value with these bits turned round: nft's `meta mark xor 0x4000`. */
export function xor<In, Out>(source: Source<In, Out>, bits: number): Source<In, Out> {
  return withBits(source, 0xffffffff, bits);
}

function withBits<In, Out>(source: Source<In, Out>, mask: number, flip: number): Source<In, Out> {
  const { type } = source;
  if (type.byteLength !== 4 || type.byteOrder !== 'host') {
    throw new InvalidArgumentError(
      'source',
      type.name,
      'a value of 32 bits in host order (a mark, for example)',
    );
  }
  if (!Number.isInteger(flip) || flip < 0 || flip > 0xffffffff || mask < 0 || mask > 0xffffffff) {
    throw new InvalidArgumentError('bits', flip, 'an integer of 32 bits');
  }
  const bytes = (value: number) => new Uint8Array(new Uint32Array([value]).buffer);
  return Object.freeze({
    kind: 'source',
    type,
    needs: source.needs,
    load: (word: number) => [...source.load(word), bitwise(registerNumber(word), bytes(mask), bytes(flip))],
  });
}

/** A set takes a value whose fields have the same sizes; nft itself compares types by size too where they are plain. */
export function checkKey(
  given: DataType<never, unknown>,
  wanted: DataType<never, unknown>,
  set: string,
): void {
  if (given.byteLength !== wanted.byteLength) {
    throw new InvalidArgumentError(
      'key',
      `${given.name} (${given.byteLength} bytes)`,
      `the key of @${set}: ${wanted.name} (${wanted.byteLength} bytes)`,
    );
  }
}
