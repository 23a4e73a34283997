import { type Answer, type Outcome, verdictText } from './answer.ts';
import { addressPort } from './question.ts';
import type { Step } from './wording.ts';

/** So many outcomes are shown; all are in the JSON. */
const MAX_SHOWN = 20;

/** The answer as people read it: who asks, a numbered way, the verdict in the last line. */
export function answerText(answer: Answer): string {
  const { question, client, service, steps, outcomes, notes, generation } = answer;
  const { source, destination, family } = question;
  const to = addressPort(destination.address, destination.port);
  const of = service === undefined ? '' : `, of Service ${service}`;
  const lines = [
    `${destination.protocol.toUpperCase()} from ${source} to ${to}${of}: a new connection`,
    `by table ${family} kube-proxy of the kernel, generation ${generation}`,
    ...(client === undefined ? [] : [`${source} counts as ${client.is}: ${client.why}`]),
    ...notes.map((note) => `note: ${note}`),
    '',
  ];
  const width = Math.max(
    0,
    ...[...steps, ...outcomes.flatMap((outcome) => outcome.steps)].map(({ where }) => where.length),
  );
  const line = ({ where, text }: Step) => `${where.padEnd(width)}  ${text}`;
  lines.push(...steps.map((step, i) => `${String(i + 1).padStart(3)}. ${line(step)}`));
  if (outcomes.length > 1) lines.push(...branches(outcomes, steps.length + 1, line));
  if (steps.length + outcomes.length > 1) lines.push('');
  return [...lines, verdictText(answer)].join('\n');
}

function branches(
  outcomes: readonly Outcome[],
  number: number,
  line: (step: Step) => string,
): readonly string[] {
  const shown = outcomes.slice(0, MAX_SHOWN);
  const lines = shown.flatMap(({ steps }, index) => {
    const name = `${String(number).padStart(3)}${letter(index)} `;
    return steps.map((step, i) => `${i === 0 ? name : ' '.repeat(name.length)}${line(step)}`);
  });
  const hidden = outcomes.length - shown.length;
  return hidden === 0 ? lines : [...lines, `     … and ${hidden} more: --json has all`];
}

/** a, b, … t: there are no more than are shown. */
function letter(index: number): string {
  return String.fromCharCode('a'.charCodeAt(0) + index);
}
