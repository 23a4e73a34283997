import type { Reporter, TestModule } from 'vitest/node';
import { missingProofs } from './proofs.ts';

/** Fails a run in which a proof of docs/coverage.md is missing. */
export default class ProofReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const missing = missingProofs(modules);
    for (const text of missing) process.stderr.write(`${text}\n`);
    if (missing.length > 0) process.exitCode = 1;
  }
}
