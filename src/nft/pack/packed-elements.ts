import { InvalidArgumentError } from '../../invalid-argument.ts';
import { nest } from '../../netlink/attribute.ts';
import { expressionsAttribute, statefulExpressions } from '../expression/stateful.ts';
import { checkComment } from '../name.ts';
import { type AnySet, type ElementOptions, MAX_STATEMENTS } from '../set.ts';
import type { DataType } from '../type/data-type.ts';
import { elementUserdata } from '../userdata.ts';
import type { Verdict } from '../verdict.ts';
import type { PackedValue } from './packed-value.ts';
import type { PackedWriter } from './packed-writer.ts';
import { ELEMENT_COLUMN, ELEMENT_FLAG, NFTA_SET_ELEM } from './uapi.ts';

/** An element as `addElements` takes it, whatever the set's types: see `SetElement` and `MapElement`. */
export type AnyElement = unknown;

type WithOptions = ElementOptions & { readonly key: unknown; readonly value?: unknown };

/** Elements in the order in which they are packed. */
export interface ElementList {
  /** In a set with intervals, {@link RANGE_END} among them. */
  readonly elements: readonly AnyElement[];
  /** The place of the first one in the caller's list, for errors. */
  readonly from: number;
  /** Their places, where they are not one behind the other. */
  readonly sources?: ArrayLike<number>;
  /** The element whose range has no end; see {@link elementUserdata}. */
  readonly openRange?: number;
  /** An element that is there already gets its whole time again: what the kernel takes is the time that is left. */
  readonly renew?: boolean;
}

/** The place of an element in the caller's list. */
function sourceOf({ from, sources }: ElementList, place: number): number {
  return sources?.[place] ?? from + place;
}

/** The end of a range: an element that has a key and nothing else. */
export const RANGE_END = Symbol('the end of a range');

/** No timeout of its own. */
const NO_TIME = 0xffff_ffff_ffff_ffffn;
const NOTHING = new Uint8Array(0);
const NO_OPTIONS: ElementOptions = Object.freeze({});

/** Writes the columns of elements that are added: keys, data or verdicts, and what options there are. */
export function packElements(writer: PackedWriter, set: AnySet, list: ElementList): void {
  const { elements } = list;
  writer.count(elements.length);
  packCatchAll(writer, set, elements, (element) => keyOf(set, element));
  packColumn(
    writer,
    ELEMENT_COLUMN.key,
    set.key,
    list,
    (element) => plainKey(set, keyOf(set, element)),
    'key',
  );
  packValues(writer, set, list);
}

/** Writes the data or verdicts of elements, and what options there are. */
export function packValues(writer: PackedWriter, set: AnySet, list: ElementList): void {
  if (set.kind === 'map' && set.data.objectType !== undefined) {
    packObjectNames(writer, set, list);
  } else if (set.kind === 'map') {
    packColumn(writer, ELEMENT_COLUMN.data, set.data, list, (element) => elementValue(set, element), 'value');
  } else if (set.kind === 'verdict map') {
    packVerdicts(writer, set, list);
  }
  packOptions(writer, set, list);
}

/** Writes the keys of elements that are deleted. */
export function packElementKeys(writer: PackedWriter, set: AnySet, list: ElementList): void {
  writer.count(list.elements.length);
  packCatchAll(writer, set, list.elements, (key) => key);
  packColumn(writer, ELEMENT_COLUMN.key, set.key, list, (key) => plainKey(set, key), '', 'keys');
}

/** Whether a key is the one of the element that every key finds. */
export function isCatchAll(set: AnySet, key: unknown): boolean {
  return key === '*' && set.catchAll === true;
}

/** RANGE_END for the element that has no key. */
function plainKey(set: AnySet, key: unknown): unknown {
  return isCatchAll(set, key) ? RANGE_END : key;
}

function packCatchAll(
  writer: PackedWriter,
  set: AnySet,
  elements: readonly AnyElement[],
  select: (element: AnyElement) => unknown,
): void {
  if (!set.catchAll || !elements.some((element) => select(element) === '*')) return;
  const flags = writer.fixedColumn(ELEMENT_COLUMN.flags, 4, elements.length);
  for (const [i, element] of elements.entries()) {
    flags.writeUInt32LE(select(element) === '*' ? ELEMENT_FLAG.catchAll : 0, 4 * i);
  }
}

/** Writes columns from values that were packed before. */
export function packPackedElements(
  writer: PackedWriter,
  set: AnySet,
  keys: readonly PackedValue[],
  data: readonly PackedValue[] | undefined,
): void {
  writer.count(keys.length);
  packPacked(writer, ELEMENT_COLUMN.key, set.key.byteLength, keys, 'keys');
  if (data === undefined) return;
  if (set.kind !== 'map')
    throw new InvalidArgumentError('data', data, `allowed: ${set.name} is a ${set.kind}`);
  if (data.length !== keys.length)
    throw new InvalidArgumentError('data', data.length, `as many as keys (${keys.length})`);
  packPacked(writer, ELEMENT_COLUMN.data, set.data.byteLength, data, 'data');
}

/** The key of an element in any of the forms that `addElements` takes. */
export function keyOf(set: AnySet, element: AnyElement): unknown {
  if (hasOptions(element)) return element.key;
  return set.kind === 'set' ? element : (element as readonly unknown[])[0];
}

/** The value of an element in any of the forms that `addElements` takes. */
export function elementValue(set: AnySet, element: AnyElement): unknown {
  if (hasOptions(element)) return element.value;
  if (Array.isArray(element) && element.length === 2) return element[1];
  throw new InvalidArgumentError('', element, `a pair of key and value, as ${set.kind} ${set.name} needs`);
}

/** Whether an element is given with its options. */
export function hasOptions(element: AnyElement): element is WithOptions {
  return typeof element === 'object' && element !== null && !Array.isArray(element) && 'key' in element;
}

function packColumn(
  writer: PackedWriter,
  id: number,
  type: DataType<never, unknown>,
  list: ElementList,
  select: (element: AnyElement) => unknown,
  part: string,
  argument: 'elements' | 'keys' = 'elements',
): void {
  const { elements } = list;
  const width = type.byteLength;
  const column = writer.fixedColumn(id, width, elements.length);
  column.fill(0);
  let index = 0;
  try {
    for (; index < elements.length; index++) {
      const element = elements[index];
      const value = element === RANGE_END ? RANGE_END : select(element);
      if (value !== RANGE_END) type.write(value as never, column, index * width);
    }
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    const inElement = part === '' ? error : error.within(part);
    throw inElement.within(`${argument}[${sourceOf(list, index)}]`);
  }
}

function packPacked(
  writer: PackedWriter,
  id: number,
  width: number,
  values: readonly PackedValue[],
  argument: string,
): void {
  const column = writer.fixedColumn(id, width, values.length);
  for (const [i, value] of values.entries()) {
    if (value.length !== width) {
      throw new InvalidArgumentError(`${argument}[${i}]`, value.length, `${width} packed bytes`);
    }
    column.write(value, i * width, width, 'latin1');
  }
}

function packVerdicts(writer: PackedWriter, set: AnySet, list: ElementList): void {
  const verdicts = list.elements.map((element, i) => {
    if (element === RANGE_END) return undefined;
    const verdict = elementValue(set, element) as Verdict | undefined;
    if (verdict?.kind === 'verdict' && verdict.anonymousChain === undefined) return verdict;
    const expected = 'a verdict (accept, drop, jump(chain) … of a chain with a name)';
    throw new InvalidArgumentError(`elements[${sourceOf(list, i)}].value`, verdict, expected);
  });
  const codes = writer.fixedColumn(ELEMENT_COLUMN.verdict, 4, verdicts.length);
  for (const [i, verdict] of verdicts.entries()) codes.writeInt32LE(verdict?.code ?? 0, 4 * i);
  if (verdicts.some((verdict) => verdict?.chain !== undefined)) {
    const chains = verdicts.map((verdict) =>
      verdict?.chain === undefined ? NOTHING : Buffer.from(verdict.chain),
    );
    writer.variableColumn(ELEMENT_COLUMN.chain, chains);
  }
}

/** The objects of an object map, given by description or name. */
function packObjectNames(writer: PackedWriter, set: AnySet, list: ElementList): void {
  const names = list.elements.map((element, i) => {
    if (element === RANGE_END) return NOTHING;
    const value = elementValue(set, element);
    const name = typeof value === 'object' && value !== null && 'name' in value ? value.name : value;
    if (typeof name !== 'string' || name === '') {
      throw new InvalidArgumentError(
        `elements[${sourceOf(list, i)}].value`,
        value,
        "a stateful object, or an object's name",
      );
    }
    return Buffer.from(name);
  });
  writer.variableColumn(ELEMENT_COLUMN.object, names);
}

function packOptions(writer: PackedWriter, set: AnySet, list: ElementList): void {
  // One look at each element; nothing more where there are no options, as in most lists.
  const renewed = list.renew === true && (set.timeouts === true || set.timeoutMs !== undefined);
  let options = renewed ? new Array<ElementOptions>(list.elements.length).fill(NO_OPTIONS) : undefined;
  for (let i = 0; i < list.elements.length; i++) {
    const element = list.elements[i];
    if (!hasOptions(element)) continue;
    options ??= new Array<ElementOptions>(list.elements.length).fill(NO_OPTIONS);
    options[i] = element;
  }
  if (options !== undefined) {
    const whole = ({ timeoutMs }: ElementOptions) => timeoutMs;
    const left = ({ timeoutMs, expiresMs }: ElementOptions) =>
      expiresMs ?? (renewed ? (timeoutMs ?? set.timeoutMs) : undefined);
    packTimes(writer, set, list, options, 'timeoutMs', whole, ELEMENT_COLUMN.timeout);
    packTimes(writer, set, list, options, 'expiresMs', left, ELEMENT_COLUMN.expiration);
    packStatements(writer, set, list, options);
  }
  if (list.openRange !== undefined || options?.some(({ comment }) => comment !== undefined)) {
    const userdata = list.elements.map((_, i) => {
      const comment = options?.[i]?.comment;
      if (comment !== undefined) checkComment(`elements[${sourceOf(list, i)}].comment`, comment);
      return elementUserdata(comment, i === list.openRange);
    });
    writer.variableColumn(ELEMENT_COLUMN.userdata, userdata);
  }
}

function packTimes(
  writer: PackedWriter,
  set: AnySet,
  list: ElementList,
  options: readonly ElementOptions[],
  name: 'timeoutMs' | 'expiresMs',
  select: (element: ElementOptions) => number | undefined,
  id: number,
): void {
  if (options.every((element) => select(element) === undefined)) return;
  if (!set.timeouts && set.timeoutMs === undefined) {
    const expected = `allowed: ${set.name} was described without timeouts`;
    throw new InvalidArgumentError('elements', 'a timeout', expected);
  }
  const column = writer.fixedColumn(id, 8, options.length);
  for (const [i, element] of options.entries()) {
    const time = select(element);
    if (time !== undefined && (!Number.isSafeInteger(time) || time < 1)) {
      const expected = 'a whole number of milliseconds above 0';
      throw new InvalidArgumentError(`elements[${sourceOf(list, i)}].${name}`, time, expected);
    }
    column.writeBigUInt64LE(time === undefined ? NO_TIME : BigInt(time), 8 * i);
  }
}

function packStatements(
  writer: PackedWriter,
  set: AnySet,
  list: ElementList,
  options: readonly ElementOptions[],
): void {
  if (options.every(({ statements }) => statements === undefined)) return;
  const encoded = options.map(({ statements = [] }, i) => {
    if (statements.length === 0) return NOTHING;
    const argument = `elements[${sourceOf(list, i)}].statements`;
    if (statements.length > MAX_STATEMENTS) {
      throw new InvalidArgumentError(argument, statements, 'a list of one or two statements');
    }
    const expressions = statefulExpressions(statements, set.table.family, argument);
    const { type, value } = expressionsAttribute(
      NFTA_SET_ELEM.expression,
      NFTA_SET_ELEM.expressions,
      expressions,
    );
    return nest(type, [value]);
  });
  writer.variableColumn(ELEMENT_COLUMN.statements, encoded);
}
