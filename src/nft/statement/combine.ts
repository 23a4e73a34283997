import { InvalidArgumentError } from '../../invalid-argument.ts';
import type { AnonymousMap, AnyAnonymousSet } from '../anonymous-set.ts';
import { lookupData, toNetworkOrder } from '../expression/compute.ts';
import type { Expression } from '../expression/expression.ts';
import { immediate } from '../expression/load.ts';
import { registerNumber } from '../expression/register.ts';
import type { AnySet, NftMap } from '../set.ts';
import { concatType, registerLength } from '../type/concat.ts';
import { bytesOf, type DataType } from '../type/data-type.ts';
import { isTurned } from '../type/range.ts';
import type { Source } from './source.ts';

/** A value of any type. */
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
    parts: sources,
    load: (word: number) => loadParts(sources, word, (source, at) => source.load(at)),
  }) as unknown as Concatenated<S>;
}

function loadParts(
  sources: readonly AnySource[],
  word: number,
  load: (source: AnySource, word: number) => readonly Expression[],
): readonly Expression[] {
  let next = word;
  return sources.flatMap((source) => {
    const expressions = load(source, next);
    next += registerLength(source.type.byteLength) / 4;
    return expressions;
  });
}

/** Loads a key in the byte order in which the set has it: one with intervals has no integers in host order. */
export function loadKey(source: AnySource, set: KeyedSet, word: number): readonly Expression[] {
  if (!set.intervals) return source.load(word);
  if (source.parts !== undefined) return loadParts(source.parts, word, loadOrdered);
  return loadOrdered(source, word);
}

/** What is looked into, as far as its keys go. */
interface KeyedSet {
  readonly intervals?: boolean;
}

function loadOrdered(source: AnySource, word: number): readonly Expression[] {
  const { type } = source;
  const expressions = source.load(word);
  return isTurned(type)
    ? [...expressions, toNetworkOrder(registerNumber(word), type.byteLength)]
    : expressions;
}

/** The data that a map has for a value; a rule ends where it has none: nft's `ip saddr map @m`. */
export function mapped<K, KO, D, DO>(
  key: Source<K, KO>,
  map: NftMap<K, KO, D, DO> | AnonymousMap<K, D, DO>,
): Source<D, DO> {
  checkKey(key.type, map.key, nameOfSet(map));
  const target = map.kind === 'map' ? map.name : map;
  return Object.freeze({
    kind: 'source',
    type: map.data,
    needs: key.needs,
    load: (word: number) => [
      ...loadKey(key, map, word),
      lookupData(registerNumber(word), target, registerNumber(word)),
    ],
  });
}

/** What errors call a set. */
export function nameOfSet(set: AnySet | AnyAnonymousSet): string {
  return 'name' in set ? set.name : '(anonymous)';
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
