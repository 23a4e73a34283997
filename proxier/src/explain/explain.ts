import { Nftables } from 'nftlink';
import { LAYOUT_COMMENT } from '../layout/fixed-chains.ts';
import { familyTable } from '../layout/sets.ts';
import { type Answer, outcomesOf, verdictText } from './answer.ts';
import { KernelState } from './kernel-state.ts';
import { type LocalAddresses, localAddresses } from './local-addresses.ts';
import { answerText } from './print.ts';
import type { Question } from './question.ts';
import { clientOf } from './source.ts';
import { allPaths } from './walk.ts';

/** What `nft-proxier explain` is asked. */
export interface ExplainOptions {
  readonly question: Question;
  readonly netns: string | undefined;
  /** The node's own addresses; undefined: they are looked for. */
  readonly nodeIPs: readonly string[] | undefined;
  readonly json: boolean;
}

/** Exit statuses: connections get somewhere; some or all don't; nobody can say (the arguments, or the kernel). */
export const EXIT = { forwarded: 0, refused: 1, usage: 2, failed: 3 } as const;

const MAX_ATTEMPTS = 5;

/** Prints what happens to a connection; sets the exit status. */
export async function explain(options: ExplainOptions): Promise<void> {
  try {
    await using nft = Nftables.open(options.netns === undefined ? {} : { netns: { path: options.netns } });
    const answer = await answerOf(nft, options);
    const { json } = options;
    const text = json
      ? JSON.stringify({ ...answer, verdict: verdictText(answer) }, undefined, 1)
      : answerText(answer);
    process.stdout.write(`${text}\n`);
    process.exitCode = exitStatusOf(answer);
  } catch (error) {
    process.stderr.write(`nft-proxier: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = EXIT.failed;
  }
}

export function exitStatusOf({ outcomes, broken }: Answer): number {
  const getsThrough = outcomes.every(({ verdict }) => verdict === 'forwarded' || verdict === 'untouched');
  return getsThrough && broken.length === 0 ? EXIT.forwarded : EXIT.refused;
}

/**
 * Answers by what the kernel has; asks again when the ruleset has changed meanwhile. Rejects with RequestError, or with CannotTellError
 * where rules are none of ours.
 */
export async function answerOf(nft: Nftables, options: Omit<ExplainOptions, 'json'>): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const generation = await nft.generation();
    const answer = await answerOnce(nft, options, generation).catch((error: unknown) => {
      // A chain or a set can go between two questions.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && attempt < MAX_ATTEMPTS) return undefined;
      throw error;
    });
    const isCurrent = (await nft.generation()) === generation;
    if (answer !== undefined && isCurrent) return answer;
    if (attempt < MAX_ATTEMPTS) continue;
    if (answer === undefined) throw new Error('the ruleset changes faster than it can be read');
    return {
      ...answer,
      notes: [...answer.notes, 'the ruleset changed while it was read: parts of this may be of two states'],
    };
  }
}

async function answerOnce(
  nft: Nftables,
  options: Omit<ExplainOptions, 'json'>,
  generation: number,
): Promise<Answer> {
  const { question, netns, nodeIPs } = options;
  const state = await KernelState.read(nft, question.family);
  if (state === undefined) return withoutTable(question, generation);
  const local = await localAddresses(question.family, {
    netns,
    nodeIPs,
    nodePortIPs: () => state.nodePortAddresses(),
  });
  const serviceOf = (chain: string) => {
    const comment = state.chains.get(chain)?.comment;
    return comment === LAYOUT_COMMENT ? undefined : comment;
  };
  const paths = await allPaths(state, { isLocal: local.has }, question);
  return {
    question,
    client: await clientOf(state, question, local.has),
    ...outcomesOf(paths, serviceOf),
    notes: notesOn(state, local),
    generation,
  };
}

function notesOn({ chains, table }: KernelState, { isAssumed, how }: LocalAddresses): readonly string[] {
  const isOurs = [...chains.values()].some(({ comment }) => comment === LAYOUT_COMMENT);
  return [
    ...(isAssumed ? [`this node's addresses are taken to be ${how}`] : []),
    ...(isOurs ? [] : [`table ${table.family} ${table.name} is not of this version of nft-proxier`]),
  ];
}

function withoutTable(question: Question, generation: number): Answer {
  const { family, name } = familyTable(question.family);
  return {
    question,
    client: undefined,
    service: undefined,
    steps: [],
    outcomes: [{ verdict: 'untouched', masqueraded: false, hairpin: false, oneOf: 1, steps: [] }],
    broken: [],
    notes: [`there is no table ${family} ${name}: nothing is programmed`],
    generation,
  };
}
