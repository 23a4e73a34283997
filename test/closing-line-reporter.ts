import type { Reporter, TestModule } from 'vitest/node';
import { missingProofs } from './proofs.ts';

/** Ends a run with one line that any tool can read: `N passed, N failed, N skipped`. */
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state !== 'pending') count[state]++;
      }
      // A file that could not even be loaded has no tests that could fail.
      count.failed += module.errors().length;
    }
    count.failed += missingProofs(modules).length;
    process.stdout.write(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
  }
}
