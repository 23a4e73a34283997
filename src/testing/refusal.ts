import type { PathEntry } from '../netlink/outcome.ts';

/** What the kernel says of an operation: errno, where in the message, and which element. */
export interface Refusal {
  readonly errno: number;
  readonly path?: readonly PathEntry[];
  readonly element?: number;
}

/** A refusal that points at one of the message's own attributes. */
export function refuse(errno: number, attribute?: number): readonly Refusal[] {
  return [attribute === undefined ? { errno } : { errno, path: [{ attribute, index: 0 }] }];
}

const ELEMENTS = 3;
const EXPRESSIONS = 4;
const LIST_ELEMENT = 1;

/** A refusal that points at an element as a whole. */
export function refuseElement(errno: number, element: number): Refusal {
  const path = [
    { attribute: ELEMENTS, index: 0 },
    { attribute: LIST_ELEMENT, index: element },
  ];
  return { errno, path, element };
}

/** A refusal that points at one of a rule's expressions. */
export function refuseExpression(errno: number, expression: number): readonly Refusal[] {
  const path = [
    { attribute: EXPRESSIONS, index: 0 },
    { attribute: LIST_ELEMENT, index: expression },
  ];
  return [{ errno, path }];
}

/** One refusal of a batch. Operation undefined: of the batch itself. */
export interface OperationRefusal {
  readonly operation: number | undefined;
  readonly refusal: Refusal;
}

const NONE = 0xffffffff;
const ABORTED = 1;

/** The outcome buffer of docs/packed-format.md. */
export function packAborted(refusals: readonly OperationRefusal[]): Uint8Array {
  const words = [ABORTED, 0, 0, refusals.length, 0, 0, 0, 0];
  for (const { operation, refusal } of refusals) {
    const { errno, path = [], element } = refusal;
    const entries = path.map(({ attribute, index }) => attribute | (index << 16));
    words.push(operation ?? NONE, errno, element ?? NONE, path.length, ...entries, 0);
  }
  return new Uint8Array(new Uint32Array(words).buffer);
}
