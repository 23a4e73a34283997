import type { Fact, Placed } from './facts.ts';
import { addressPort, type Question } from './question.ts';
import { refusalReason } from './refusal.ts';
import type { Client } from './source.ts';
import type { Path } from './walk.ts';
import { isMissing, type Step, stepOf } from './wording.ts';

type Verdict = 'forwarded' | 'rejected' | 'dropped' | 'untouched';

/** What becomes of some of the connections. */
export interface Outcome {
  readonly verdict: Verdict;
  /** Where they go, if forwarded. */
  readonly endpoint?: { readonly address: string; readonly port: number };
  /** Why it is refused. */
  readonly reason?: string;
  readonly masqueraded: boolean;
  /** The client is the endpoint. */
  readonly hairpin: boolean;
  /** Of how many connections this happens to one, on average. */
  readonly oneOf: number;
  /** What is particular to these: after the choice. */
  readonly steps: readonly Step[];
}

/** What happens to a connection. */
export interface Answer {
  readonly question: Question;
  readonly client: Client | undefined;
  /** `shop/login:http`, where the rules tell it: only those with session affinity do. */
  readonly service: string | undefined;
  /** What all connections have in common. */
  readonly steps: readonly Step[];
  readonly outcomes: readonly Outcome[];
  /** What should be there and is not. */
  readonly broken: readonly string[];
  /** What was taken for granted, and what could not be looked at. */
  readonly notes: readonly string[];
  readonly generation: number;
}

/** Puts an answer together from all ways that the packet can go. */
export function outcomesOf(
  paths: readonly Path[],
  serviceOf: (chain: string) => string | undefined,
): Pick<Answer, 'service' | 'steps' | 'outcomes' | 'broken'> {
  const told = paths.map((path) => ({ path, steps: stepsOf(path, serviceOf) }));
  const all = told.map(({ steps }) => steps);
  const common = commonSteps(all);
  const broken = new Set(
    all
      .flat()
      .filter(({ isBroken }) => isBroken)
      .map(({ text }) => text.replace(/^BROKEN: /, '')),
  );
  return {
    service: serviceIn(paths, serviceOf),
    steps: (all[0] ?? []).slice(0, common),
    outcomes: told.map(({ path, steps }) => outcomeOf(path, steps.slice(common))),
    broken: [...broken],
  };
}

function stepsOf(path: Path, serviceOf: (chain: string) => string | undefined): readonly Step[] {
  const steps = path.facts.flatMap((placed) => stepOf(placed, serviceOf) ?? []);
  const chain = wayLost(path);
  if (chain === undefined) return withoutRepeats(steps);
  const text = `BROKEN: the chain ${chain} decides nothing: its rules are not those that belong there`;
  return [...withoutRepeats(steps), { where: chain, text, isBroken: true }];
}

/** Several rules ask the same thing. */
function withoutRepeats(steps: readonly Step[]): readonly Step[] {
  const seen = new Set<string>();
  return steps.filter(({ where, text }) => {
    const id = `${where} ${text}`;
    return !seen.has(id) && seen.add(id);
  });
}

/** The chain that a class has led to, when nothing came of it and nothing says why. */
function wayLost({ facts, packet }: Path): string | undefined {
  if (packet.hasDnat) return undefined;
  let chain: string | undefined;
  for (const { fact } of facts) {
    if (fact.kind === 'lost') return undefined;
    if (fact.kind !== 'lookup') continue;
    if (isMissing(fact)) return undefined;
    if (isDispatch(fact.role) && fact.chain !== undefined) chain = fact.chain;
    else if (!fact.found && isPolicy(fact.role)) chain = undefined;
  }
  return chain;
}

type Role = Extract<Fact, { kind: 'lookup' }>['role'];

function isDispatch(role: Role): boolean {
  return role === 'dispatch' || role === 'dispatchLocal';
}

/** A miss in these is an answer: no endpoint there. */
function isPolicy(role: Role): boolean {
  return (
    role === 'localServices' ||
    role === 'localNodeports' ||
    role === 'shortCircuits' ||
    role === 'nodeportShortCircuits'
  );
}

function commonSteps(all: readonly (readonly Step[])[]): number {
  const [first = [], ...others] = all;
  const at = first.findIndex((step, i) => others.some((steps) => steps[i]?.text !== step.text));
  return at === -1 || others.length === 0 ? first.length : at;
}

function outcomeOf({ facts, packet, end, choices }: Path, steps: readonly Step[]): Outcome {
  const verdict = end === 'passed' ? (packet.hasDnat ? 'forwarded' : 'untouched') : end;
  return {
    verdict,
    ...(packet.hasDnat ? { endpoint: { address: packet.destination, port: packet.port } } : {}),
    ...(end === 'passed' ? {} : { reason: refusalReason(facts, packet) }),
    masqueraded: packet.isMasqueraded,
    hairpin: facts.some(({ fact }) => fact.kind === 'lookup' && fact.role === 'hairpins' && fact.found),
    oneOf: choices.reduce((product, { count }) => product * count, 1),
    steps,
  };
}

function serviceIn(
  paths: readonly Path[],
  serviceOf: (chain: string) => string | undefined,
): string | undefined {
  const facts: readonly Placed[] = paths[0]?.facts ?? [];
  for (const { chain } of facts) {
    const service = serviceOf(chain);
    if (service !== undefined) return service;
  }
  return undefined;
}

/** The verdict in one line. */
export function verdictText({ outcomes, broken }: Pick<Answer, 'outcomes' | 'broken'>): string {
  const kinds = [...new Set(outcomes.map(({ verdict }) => verdict))];
  const parts = kinds.map((kind) => {
    const some = outcomes.filter(({ verdict }) => verdict === kind);
    const share = some.length === outcomes.length ? '' : `${some.length} of ${outcomes.length}: `;
    return share + kindText(kind, some);
  });
  return `${parts.join('; ')}${broken.length > 0 ? '. The table is broken' : ''}`;
}

const LISTED = 3;

function kindText(kind: Verdict, outcomes: readonly Outcome[]): string {
  if (kind === 'rejected' || kind === 'dropped') {
    const reasons = [...new Set(outcomes.flatMap(({ reason }) => reason ?? []))];
    return `${kind} (${kind === 'rejected' ? 'port unreachable' : 'no answer'}): ${reasons.join('; ')}`;
  }
  if (kind === 'untouched') return `untouched: nft-proxier does nothing with it${masqueraded(outcomes)}`;
  const endpoints = outcomes.flatMap(({ endpoint }) =>
    endpoint === undefined ? [] : [addressPort(endpoint.address, endpoint.port)],
  );
  const listed = endpoints.length > LISTED ? `one of ${endpoints.length} endpoints` : endpoints.join(' or ');
  return `forwarded to ${listed}${masqueraded(outcomes)}`;
}

function masqueraded(outcomes: readonly Outcome[]): string {
  const some = outcomes.filter((outcome) => outcome.masqueraded);
  if (some.length === 0) return '';
  if (some.length === outcomes.length)
    return some.every(({ hairpin }) => hairpin) ? ', masqueraded (hairpin)' : ', masqueraded';
  const who = some.flatMap(({ endpoint }) =>
    endpoint === undefined ? [] : [addressPort(endpoint.address, endpoint.port)],
  );
  return `, masqueraded if it is ${who.join(' or ')}${some.every(({ hairpin }) => hairpin) ? ' (hairpin)' : ''}`;
}
