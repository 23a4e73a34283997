import { InvalidArgumentError } from '../../invalid-argument.ts';
import { checkComment } from '../name.ts';
import type { AnySet, ElementOptions } from '../set.ts';
import type { DataType } from '../type/data-type.ts';
import { commentUserdata } from '../userdata.ts';
import type { Verdict } from '../verdict.ts';
import type { PackedValue } from './packed-value.ts';
import type { PackedWriter } from './packed-writer.ts';
import { ELEMENT_COLUMN } from './uapi.ts';

/** An element as `addElements` takes it, whatever the set's types: see `SetElement` and `MapElement`. */
export type AnyElement = unknown;

type WithOptions = ElementOptions & { readonly key: unknown; readonly value?: unknown };

/** No timeout of its own. */
const NO_TIMEOUT = 0xffff_ffff_ffff_ffffn;
const NOTHING = new Uint8Array(0);

/** Writes the columns of elements that are added: keys, data or verdicts, and what options there are. */
export function packElements(writer: PackedWriter, set: AnySet, elements: readonly AnyElement[]): void {
  writer.count(elements.length);
  packKeys(writer, set, elements);
  if (set.kind === 'map') {
    const { data } = set;
    packColumn(writer, ELEMENT_COLUMN.data, data, elements, (element) => dataOf(set, element), 'value');
  } else if (set.kind === 'verdict map') {
    packVerdicts(writer, set, elements);
  }
  packOptions(writer, set, elements);
}

/** Writes the keys of elements that are deleted. */
export function packElementKeys(writer: PackedWriter, set: AnySet, keys: readonly AnyElement[]): void {
  writer.count(keys.length);
  packColumn(writer, ELEMENT_COLUMN.key, set.key, keys, (key) => key, '');
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

function dataOf(set: AnySet, element: AnyElement): unknown {
  if (hasOptions(element)) return element.value;
  if (Array.isArray(element) && element.length === 2) return element[1];
  throw new InvalidArgumentError('', element, `a pair of key and value, as ${set.kind} ${set.name} needs`);
}

function hasOptions(element: AnyElement): element is WithOptions {
  return typeof element === 'object' && element !== null && !Array.isArray(element) && 'key' in element;
}

function packKeys(writer: PackedWriter, set: AnySet, elements: readonly AnyElement[]): void {
  packColumn(writer, ELEMENT_COLUMN.key, set.key, elements, (element) => keyOf(set, element), 'key');
}

function packColumn(
  writer: PackedWriter,
  id: number,
  type: DataType<never, unknown>,
  elements: readonly AnyElement[],
  select: (element: AnyElement) => unknown,
  part: string,
): void {
  const width = type.byteLength;
  const column = writer.fixedColumn(id, width, elements.length);
  column.fill(0);
  let index = 0;
  try {
    for (; index < elements.length; index++) {
      type.write(select(elements[index]) as never, column, index * width);
    }
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    const inElement = part === '' ? error : error.within(part);
    throw inElement.within(`elements[${index}]`);
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

function packVerdicts(writer: PackedWriter, set: AnySet, elements: readonly AnyElement[]): void {
  const verdicts = elements.map((element, i) => {
    const verdict = dataOf(set, element) as Verdict | undefined;
    if (verdict?.kind !== 'verdict') {
      throw new InvalidArgumentError(
        `elements[${i}].value`,
        verdict,
        'a verdict (accept, drop, jump(chain) …)',
      );
    }
    return verdict;
  });
  const codes = writer.fixedColumn(ELEMENT_COLUMN.verdict, 4, verdicts.length);
  for (const [i, { code }] of verdicts.entries()) codes.writeInt32LE(code, 4 * i);
  if (verdicts.some(({ chain }) => chain !== undefined)) {
    const chains = verdicts.map(({ chain }) => (chain === undefined ? NOTHING : Buffer.from(chain)));
    writer.variableColumn(ELEMENT_COLUMN.chain, chains);
  }
}

function packOptions(writer: PackedWriter, set: AnySet, elements: readonly AnyElement[]): void {
  const options = elements.map((element): ElementOptions => (hasOptions(element) ? element : {}));
  if (options.some(({ timeoutMs }) => timeoutMs !== undefined)) {
    if (!set.timeouts && set.timeoutMs === undefined) {
      throw new InvalidArgumentError(
        'elements',
        'a timeout',
        `allowed: ${set.name} was described without timeouts`,
      );
    }
    const column = writer.fixedColumn(ELEMENT_COLUMN.timeout, 8, options.length);
    for (const [i, { timeoutMs }] of options.entries()) {
      if (timeoutMs !== undefined && (!Number.isSafeInteger(timeoutMs) || timeoutMs < 1)) {
        throw new InvalidArgumentError(
          `elements[${i}].timeoutMs`,
          timeoutMs,
          'a whole number of milliseconds above 0',
        );
      }
      column.writeBigUInt64LE(timeoutMs === undefined ? NO_TIMEOUT : BigInt(timeoutMs), 8 * i);
    }
  }
  if (options.some(({ comment }) => comment !== undefined)) {
    const comments = options.map(({ comment }, i) =>
      comment === undefined ? NOTHING : commentUserdata(checkComment(`elements[${i}].comment`, comment)),
    );
    writer.variableColumn(ELEMENT_COLUMN.userdata, comments);
  }
}
