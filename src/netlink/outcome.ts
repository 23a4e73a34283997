/** Reads the outcome buffer of docs/packed-format.md. */

type Step = 'none' | 'encode' | 'size' | 'send' | 'receive';

export interface RawOutcome {
  readonly outcome: 'aborted' | 'unknown';
  /** errno of the system call that failed, 0 when none did. */
  readonly errno: number;
  readonly step: Step;
  readonly failures: readonly RawFailure[];
  /** More may have failed: than the receive buffer took, or than could be asked for element by element. */
  readonly failuresLost: boolean;
  readonly batchBytes: number;
  readonly limitBytes: number;
}

export interface RawFailure {
  /** Index of the operation in the packed transaction; undefined: the transaction itself. */
  readonly operation: number | undefined;
  readonly errno: number;
  readonly element: number | undefined;
  /** From the message's outermost attribute to the one that the kernel named. */
  readonly path: readonly PathEntry[];
  readonly text: string;
}

export interface PathEntry {
  readonly attribute: number;
  readonly index: number;
}

/** The addon gave bytes that are no outcome: it is damaged, or another one than this library was made for. */
export class MalformedOutcomeError extends Error {
  override readonly name = 'MalformedOutcomeError';
  /** The same for every one. */
  readonly code = 'ERR_NFTLINK_MALFORMED_OUTCOME';

  /** @internal */
  constructor() {
    super("the addon's outcome is not one of packed format 1: build the addon anew (npm rebuild nftlink)");
  }
}

const STEPS: readonly Step[] = ['none', 'encode', 'size', 'send', 'receive'];
const NONE = 0xffffffff;

/** Throws {@link MalformedOutcomeError}. */
export function readOutcome(bytes: Uint8Array): RawOutcome {
  try {
    return read(bytes);
  } catch (error) {
    // What DataView says of a place outside.
    throw error instanceof RangeError ? new MalformedOutcomeError() : error;
  }
}

function read(bytes: Uint8Array): RawOutcome {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 32;
  const next = () => {
    at += 4;
    return view.getUint32(at - 4, true);
  };
  const failures: RawFailure[] = [];
  for (let left = view.getUint32(12, true); left > 0; left--) {
    const operation = next();
    const errno = next();
    const element = next();
    const path: PathEntry[] = [];
    for (let entries = next(); entries > 0; entries--) {
      const entry = next();
      path.push({ attribute: entry & 0xffff, index: entry >>> 16 });
    }
    const length = next();
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString();
    at += (length + 3) & ~3;
    failures.push({
      operation: operation === NONE ? undefined : operation,
      errno,
      element: element === NONE ? undefined : element,
      path,
      text,
    });
  }
  return {
    outcome: view.getUint32(0, true) === 1 ? 'aborted' : 'unknown',
    errno: view.getInt32(4, true),
    step: STEPS[view.getUint32(8, true)] ?? 'none',
    failures,
    failuresLost: view.getUint32(16, true) !== 0,
    batchBytes: view.getUint32(20, true),
    limitBytes: view.getUint32(24, true),
  };
}
