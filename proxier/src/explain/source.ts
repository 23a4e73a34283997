import { LAYOUT_COMMENT } from '../layout/fixed-chains.ts';
import { evaluateRule } from './expressions.ts';
import type { Fact } from './facts.ts';
import type { KernelState } from './kernel-state.ts';
import { firstPacket } from './packet.ts';
import type { Question } from './question.ts';
import { newRegisters } from './registers.ts';
import { isOwnPacket } from './walk.ts';

/** What the client counts as, and why. */
export interface Client {
  readonly is: 'the node itself' | 'a pod' | 'outside';
  readonly why: string;
}

/** Asks the rules that tell traffic of pods from other traffic. */
export async function clientOf(
  state: KernelState,
  question: Question,
  isLocal: (address: string) => boolean,
): Promise<Client> {
  const packet = firstPacket(question);
  if (isOwnPacket(packet, isLocal)) return { is: 'the node itself', why: 'it is one of its addresses' };
  const detection = await detect(state, question, isLocal);
  if (detection === undefined) return { is: 'outside', why: 'these rules tell no pods from others' };
  if (detection.kind === 'network') {
    const { network, inside } = detection;
    return inside
      ? { is: 'a pod', why: `it is in ${network}` }
      : { is: 'outside', why: `it is not in ${network}` };
  }
  const { name, matches } = detection;
  if (matches) return { is: 'a pod', why: `it comes in by ${name}` };
  const why =
    question.iifname === undefined
      ? `no interface was given, and pods come in by ${name}`
      : `only what comes in by ${name} does not`;
  return { is: 'outside', why };
}

type Detection = Extract<Fact, { kind: 'network' | 'interface' }>;

/** The first rule of the chain for externalTrafficPolicy Local, where pods are told from others at all. */
async function detect(
  state: KernelState,
  question: Question,
  isLocal: (address: string) => boolean,
): Promise<Detection | undefined> {
  const [rule] = (await state.rules(externalLocal(state))) ?? [];
  if (rule === undefined) return undefined;
  const facts: Fact[] = [];
  await evaluateRule(
    {
      packet: firstPacket(question),
      registers: newRegisters(),
      state,
      isLocal,
      choose: () => 0,
      note: (fact) => facts.push(fact),
      isLed: false,
    },
    rule,
  );
  return facts.find((fact): fact is Detection => fact.kind === 'network' || fact.kind === 'interface');
}

/** The chain's name has the same epoch as that of the chain that names the layout. */
function externalLocal({ chains }: KernelState): string {
  const services = [...chains.values()].find(({ comment }) => comment === LAYOUT_COMMENT)?.name ?? 'services';
  return `external-local${services.slice('services'.length)}`;
}
