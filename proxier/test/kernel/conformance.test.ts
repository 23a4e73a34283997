import { expect, test } from 'vitest';
import { readCorpus } from '../../conformance/corpus.ts';
import { startProxier } from '../../conformance/proxier-subject.ts';
import { flowCount, runCorpus } from '../../conformance/run-corpus.ts';

/** The proxier does with real packets what a real kube-proxy did with the same objects. */

test('the corpus', { timeout: 180_000 }, async () => {
  const corpus = readCorpus(new URL('../conformance/kube-proxy-flows.json', import.meta.url).pathname);
  const { passed, failures, notes } = await runCorpus(corpus, startProxier);
  expect(failures).toEqual([]);
  // A slice of no address family is in the corpus, and nothing else that the reader refuses.
  expect(notes.filter((note) => !note.includes('addressType'))).toEqual([]);
  expect(passed).toBeGreaterThan(corpus.reduce((sum, scenario) => sum + flowCount(scenario), 0));
});
