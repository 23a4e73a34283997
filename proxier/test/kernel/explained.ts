import type { Nftables } from 'nftlink';
import { type Answer, verdictText } from '../../src/explain/answer.ts';
import { answerOf, exitStatusOf } from '../../src/explain/explain.ts';
import { parseDestination, question } from '../../src/explain/question.ts';

/** An answer, and what the program would make of it. */
export interface Explained extends Answer {
  readonly status: number;
  readonly verdict: string;
}

/** What `nft-proxier explain --netns` answers, without starting it. TCP. */
export async function explained(
  nft: Nftables,
  netns: string,
  from: string,
  address: string,
  port: number,
  iif?: string,
): Promise<Explained> {
  const to = parseDestination(`${address.includes(':') ? `[${address}]` : address}:${port}/tcp`);
  const answer = await answerOf(nft, { question: question(from, to, iif), netns, nodeIPs: undefined });
  return { ...answer, status: exitStatusOf(answer), verdict: verdictText(answer) };
}
