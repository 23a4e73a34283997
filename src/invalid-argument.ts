/**
 * A value given by the caller cannot be what it should be. Thrown by the call that was given the value, before anything
 * is sent; `argument` names it (`elements[3].key[0]`), `expected` says what would have been right.
 */
export class InvalidArgumentError extends TypeError {
  override readonly name = 'InvalidArgumentError';
  /** The same for every one: to tell it from other errors across copies of the library. */
  readonly code = 'ERR_NFTLINK_INVALID_ARGUMENT';

  /** Which argument, as a path: `elements[3].key[0]`. */
  readonly argument: string;
  /** What was given. */
  readonly value: unknown;
  /** What would have been right, in words: `an IPv4 address like "10.0.0.1"`. */
  readonly expected: string;

  /** @internal */
  constructor(argument: string, value: unknown, expected: string) {
    super(`${argument}: ${describe(value)} is not ${expected}`);
    this.argument = argument;
    this.value = value;
    this.expected = expected;
  }

  /** The same error about an argument further out: `key` inside `elements[3]` becomes `elements[3].key`. */
  within(outer: string): InvalidArgumentError {
    const path = this.argument === '' || this.argument.startsWith('[') ? this.argument : `.${this.argument}`;
    return new InvalidArgumentError(`${outer}${path}`, this.value, this.expected);
  }
}

/** Runs `work` and puts `outer` before the argument that an {@link InvalidArgumentError} names. */
export function within<T>(outer: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof InvalidArgumentError ? error.within(outer) : error;
  }
}

function describe(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}
