/**
 * The answer to a question, or a rejection with the signal's reason as soon as it is aborted: nobody waits for the answer
 * then, which comes and is thrown away. Not for changes: what was sent may be made.
 */
export async function unlessAborted<T>(ask: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return ask();
  signal.throwIfAborted();
  const answer = ask();
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
