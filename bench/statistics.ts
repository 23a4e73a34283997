/** The middle value. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The value that this share of them (0 to 1) are below. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** A time that reads well: 2.31 µs, 0.24 ms, 240 ms. */
function duration(ms: number): string {
  if (ms < 0.1) return `${(ms * 1000).toFixed(2)} µs`;
  return ms < 10 ? `${ms.toFixed(2)} ms` : `${ms.toFixed(0)} ms`;
}

/** One line of the report: what, how long, and in relation to something in the same run. */
export function line(what: string, ms: number, relation = ''): void {
  process.stdout.write(`  ${what.padEnd(58)} ${duration(ms).padStart(10)}   ${relation}\n`);
}

export function ratio(a: number, b: number): string {
  const value = a / b;
  return value >= 10 ? value.toFixed(0) : value.toFixed(2);
}
