import type { TestModule } from 'vitest/node';
import { allProofs } from '../scripts/coverage.ts';

/**
 * What docs/coverage.md calls proven and a run did not prove: tests that are not there, or did not pass. Only of files that ran as a
 * whole: a run of some tests says nothing of the others.
 */
export function missingProofs(modules: readonly TestModule[]): readonly string[] {
  const proofs = allProofs();
  return modules.flatMap((module) => {
    const tests = [...module.children.allTests()];
    const isWhole = tests.length > 0 && tests.every((each) => each.result().state === 'passed');
    if (!isWhole) return [];
    const names = new Set(tests.map(({ fullName }) => fullName));
    return proofs
      .filter(({ file, test }) => module.moduleId.endsWith(`/test/${file}`) && !names.has(test))
      .map(({ file, test }) => `test/${file} has no test "${test}", which docs/coverage.md calls a proof`);
  });
}
