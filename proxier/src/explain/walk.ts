import type { Chain, Hook, ListedRule } from 'nftlink';
import { baseChains } from '../layout/fixed-chains.ts';
import { classOfMark } from '../layout/numbers.ts';
import { type Decision, evaluateRule, type Flow, type Moment } from './expressions.ts';
import { CannotTellError, type Fact, type Placed } from './facts.ts';
import type { KernelState } from './kernel-state.ts';
import { firstPacket, type Packet } from './packet.ts';
import type { Question } from './question.ts';
import { newRegisters } from './registers.ts';

/** What a walk needs besides the kernel's table. */
export interface Surroundings {
  readonly isLocal: (address: string) => boolean;
}

/** One way that the packet can go. */
export interface Path {
  readonly facts: readonly Placed[];
  readonly packet: Readonly<Packet>;
  readonly end: 'passed' | 'rejected' | 'dropped';
  /** Of how many each random choice was, and which it took. */
  readonly choices: readonly { readonly count: number; readonly chosen: number }[];
}

type Ending = 'accept' | 'drop' | 'reject' | 'return';

const MAX_DEPTH = 16;

/** Follows one packet through all hooks, as the kernel would. `chosen`: what random choices take; those after it take 0. */
class Walk {
  readonly #state: KernelState;
  readonly #surroundings: Surroundings;
  readonly #chosen: readonly number[];
  readonly #facts: Placed[] = [];
  readonly #choices: { readonly count: number; readonly chosen: number }[] = [];
  readonly #packet: Packet;
  #isLed = false;

  constructor(
    state: KernelState,
    surroundings: Surroundings,
    { question, chosen }: { readonly question: Question; readonly chosen: readonly number[] },
  ) {
    this.#state = state;
    this.#surroundings = surroundings;
    this.#chosen = chosen;
    this.#packet = firstPacket(question);
  }

  async follow(): Promise<Path> {
    const end = await this.#hooks();
    return { facts: this.#facts, packet: this.#packet, end, choices: this.#choices };
  }

  async #hooks(): Promise<Path['end']> {
    const { isLocal } = this.#surroundings;
    const packet = this.#packet;
    const isOwn = isOwnPacket(packet, isLocal);
    const first = isOwn ? await this.#hook('output') : await this.#hook('prerouting');
    if (first !== 'passed') return first;
    if (!isOwn)
      return isLocal(packet.destination) ? this.#hook('input') : this.#onward(['forward', 'postrouting']);
    if (!isLocal(packet.destination)) return this.#hook('postrouting');
    // Over the loopback interface, where addresses are not rewritten again.
    const end = await this.#hook('postrouting');
    if (end !== 'passed') return end;
    packet.iifname = 'lo';
    return this.#onward(['prerouting', 'input'], 'filter');
  }

  async #onward(hooks: readonly Hook[], only?: string): Promise<Path['end']> {
    for (const hook of hooks) {
      const end = await this.#hook(hook, only);
      if (end !== 'passed') return end;
    }
    return 'passed';
  }

  async #hook(hook: Hook, only?: string): Promise<Path['end']> {
    this.#mustHave(hook);
    for (const chain of this.#state.baseChains(hook)) {
      if (only !== undefined && chain.base?.type !== only) continue;
      const ending = await this.#chain(chain, 0);
      if (ending === 'reject') return 'rejected';
      if (ending === 'drop' || (ending === 'return' && chain.base?.policy === 'drop')) return 'dropped';
    }
    return 'passed';
  }

  /** A base chain that is gone lets every packet through. */
  #mustHave(hook: Hook): void {
    for (const [name, { base }] of baseChains(this.#state.table)) {
      if (base?.hook !== hook || this.#state.chains.has(name)) continue;
      const fact: Fact = { kind: 'lost', text: `the base chain ${name} is missing` };
      this.#facts.push({ chain: name, rule: 0, fact });
    }
  }

  async #chain(chain: Chain, depth: number): Promise<Ending> {
    const rules = await this.#state.rules(chain.name);
    if (rules === undefined || depth > MAX_DEPTH)
      throw new CannotTellError(`a way to chain ${chain.name} that does not end`);
    const place = (fact: Fact) => this.#facts.push({ chain: chain.name, rule: 0, fact });
    if (rules.length === 0) place({ kind: 'lost', text: `the chain ${chain.name} has no rules` });
    for (const [index, rule] of rules.entries()) {
      const flow = await this.#rule(chain, index + 1, rule);
      if (typeof flow === 'string' || flow.name === 'continue') continue;
      const ending = await this.#decide(flow, depth);
      if (ending !== undefined) return ending;
    }
    return 'return';
  }

  /** How the chain ends by a decision; undefined: it goes on. */
  async #decide({ name, chain }: Decision, depth: number): Promise<Ending | undefined> {
    if (name !== 'jump' && name !== 'goto') return name === 'continue' ? undefined : name;
    const target = this.#state.chains.get(chain ?? '');
    if (target === undefined) throw new CannotTellError(`a way to chain ${chain}, which is not there`);
    const ending = await this.#chain(target, depth + 1);
    if (name === 'goto') return ending;
    return ending === 'return' ? undefined : ending;
  }

  async #rule(chain: Chain, index: number, rule: ListedRule): Promise<Flow> {
    const { comment } = rule;
    const place = { chain: chain.name, rule: index, ...(comment === undefined ? {} : { comment }) };
    const before = this.#facts.length;
    const moment: Moment = {
      packet: this.#packet,
      registers: newRegisters(),
      state: this.#state,
      isLocal: this.#surroundings.isLocal,
      choose: (count) => this.#choose(count),
      note: (fact) => this.#facts.push({ ...place, fact }),
      isLed: this.#isLed,
    };
    const flow = await evaluateRule(moment, rule).catch((error: unknown) => {
      if (!(error instanceof CannotTellError)) throw error;
      throw new CannotTellError(error.what, `rule ${index} of chain ${chain.name}`);
    });
    if (flow === 'end of rule') {
      this.#isLed = false;
    } else {
      const found = this.#facts
        .slice(before)
        .some(({ fact }) => fact.kind === 'lookup' && fact.value !== undefined);
      this.#isLed = found && classOfMark(this.#packet.priority) !== undefined;
      if (typeof flow === 'object' && flow.name === 'drop') moment.note({ kind: 'drop' });
    }
    return flow;
  }

  #choose(count: number): number {
    const chosen = this.#chosen[this.#choices.length] ?? 0;
    this.#choices.push({ count, chosen });
    return chosen;
  }
}

/** Whether the packet leaves a process of the node. */
export function isOwnPacket(
  { source, iifname }: Pick<Packet, 'source' | 'iifname'>,
  isLocal: (address: string) => boolean,
): boolean {
  return iifname === '' && isLocal(source);
}

/** All ways that the packet can go: one for each outcome of its random choices, in their order. */
export async function allPaths(
  state: KernelState,
  surroundings: Surroundings,
  question: Question,
): Promise<readonly Path[]> {
  const paths: Path[] = [];
  const waiting: (readonly number[])[] = [[]];
  for (let chosen = waiting.shift(); chosen !== undefined; chosen = waiting.shift()) {
    const path = await new Walk(state, surroundings, { question, chosen }).follow();
    paths.push(path);
    for (let at = chosen.length; at < path.choices.length; at++) {
      const before = path.choices.slice(0, at).map((choice) => choice.chosen);
      for (let next = 1; next < (path.choices[at]?.count ?? 0); next++) waiting.push([...before, next]);
    }
  }
  return paths;
}
