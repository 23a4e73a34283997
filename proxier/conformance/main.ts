import { readCorpus } from './corpus.ts';
import { startProxier } from './proxier-subject.ts';
import { flowCount, runCorpus } from './run-corpus.ts';

/** `npm run conformance -- FILE`: real packets through the real proxier, for every scenario of a corpus. */
const [file, ...rest] = process.argv.slice(2);
if (file === undefined || rest.length > 0) {
  process.stderr.write(
    'usage: npm run conformance -- FILE      (a corpus like proxier/test/conformance/kube-proxy-flows.json)\n',
  );
  process.exit(2);
}
// Ending by `exit` deletes the namespaces.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

const scenarios = corpusAt(file);
const beganMs = performance.now();
const { passed, failed, failures, notes } = await runCorpus(scenarios, startProxier);
for (const note of notes) process.stdout.write(`note: ${note}\n`);
for (const { scenario, check, problems } of failures) {
  process.stdout.write(
    `FAILED ${scenario}\n  ${check}\n${problems.map((problem) => `    ${problem}\n`).join('')}`,
  );
}
const flows = scenarios.reduce((sum, scenario) => sum + flowCount(scenario), 0);
const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
process.stdout.write(`${scenarios.length} scenarios with ${flows} flows in ${seconds} s\n`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function corpusAt(path: string) {
  try {
    return readCorpus(path);
  } catch (error) {
    process.stderr.write(`${path} is no corpus: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}
