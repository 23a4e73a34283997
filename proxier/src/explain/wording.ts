import { duration } from '../duration.ts';
import { classOfMark, FIRST_ENDPOINT_ID } from '../layout/numbers.ts';
import type { OwnSet } from '../layout/set-names.ts';
import type { Lookup, Placed } from './facts.ts';
import { addressPort } from './question.ts';

/** A fact as people read it. */
export interface Step {
  /** The set or the chain that it comes from. */
  readonly where: string;
  readonly text: string;
  /** Something that a lookup or a rule leads to is not there. */
  readonly isBroken: boolean;
}

/** Undefined for what says nothing: a source that is not restricted, a port that nobody refuses. */
export function stepOf(placed: Placed, serviceOf: (chain: string) => string | undefined): Step | undefined {
  const { chain, comment, fact } = placed;
  const at = (text: string | undefined): Step | undefined =>
    text === undefined ? undefined : { where: chain, text, isBroken: false };
  switch (fact.kind) {
    case 'lookup':
      return lookupStep(fact, serviceOf);
    case 'network':
      return at(
        `the ${fact.field === 'source' ? 'client' : 'destination'} is ${not(fact.inside)}in ${fact.network}`,
      );
    case 'interface':
      return at(`the packet ${fact.matches ? 'comes' : 'does not come'} in by ${fact.name}`);
    case 'local':
      return at(`${fact.address} is ${not(fact.isLocal)}an address of this node`);
    case 'masquerade mark':
      return at(`marked for masquerading${comment === undefined ? '' : `: ${comment}`}`);
    case 'choice':
      return at(fact.count === 1 ? 'there is one endpoint' : `one of ${fact.count} endpoints by chance`);
    case 'remember':
      return at(`the client keeps this endpoint for ${duration(fact.timeoutMs)} from now on`);
    case 'dnat':
      return at(`the destination becomes ${addressPort(fact.address, fact.port)}`);
    case 'masquerade':
      return at('masqueraded: the endpoint sees an address of this node');
    case 'reject':
      return at('rejected: the client is told "port unreachable"');
    case 'drop':
      return at('dropped: the client is told nothing');
    default:
      return { where: chain, text: `BROKEN: ${fact.text}`, isBroken: true };
  }
}

function not(is: boolean): string {
  return is ? '' : 'not ';
}

interface Words {
  readonly hit: (lookup: Lookup) => string | undefined;
  readonly miss: (lookup: Lookup) => string | undefined;
  /** Nothing leads here but what another lookup has found. */
  readonly mustBeThere?: boolean;
}

const NOTHING = () => undefined;
const missing = ({ key, set }: Lookup) =>
  `BROKEN: ${set} has no element ${key}, and an earlier lookup leads to it`;

const endpoint: Words = { hit: ({ key, value }) => `${key} → ${value}`, miss: missing, mustBeThere: true };
const dispatch: Words = {
  hit: ({ key, chain }) => `class ${key} leads to chain ${chain}`,
  miss: (lookup) => (isClass(lookup) && lookup.isLedTo ? missing(lookup) : undefined),
};
const shortCircuit: Words = {
  hit: ({ value }) => `pods and the node itself may use every endpoint: class ${value}`,
  miss: () => 'no endpoint for pods and the node itself',
};
const here: Words = {
  hit: ({ value }) => `others use the endpoints on this node: class ${value}`,
  miss: () => 'no endpoint on this node (externalTrafficPolicy Local)',
};
const mayBeUsed: Words = {
  hit: ({ key }) => `endpoint ${key} may still be used`,
  miss: (lookup) =>
    isEndpointId(lookup) ? `endpoint ${lookup.key} may no longer be used: forgotten` : undefined,
};

const WORDS: Readonly<Partial<Record<OwnSet, Words>>> = {
  clusterIps: { hit: ({ key }) => `${key} is a cluster IP`, miss: NOTHING },
  services: {
    hit: ({ key, value }) => `${key} is a frontend of class ${value}`,
    miss: ({ key }) => `${key} is no frontend`,
  },
  nodeportIps: {
    hit: ({ key }) => `node ports are on ${key}`,
    miss: ({ key }) => `no node ports are on ${key}`,
  },
  nodeports: {
    hit: ({ key, value }) => `${key} is a node port of class ${value}`,
    miss: ({ key }) => `${key} is no node port`,
  },
  localServices: here,
  localNodeports: here,
  shortCircuits: shortCircuit,
  nodeportShortCircuits: shortCircuit,
  dispatch,
  dispatchLocal: dispatch,
  endpoints: endpoint,
  nodeportEndpoints: endpoint,
  stickySlots: {
    hit: ({ key, value }) => `slot ${key} → endpoint ${value}`,
    miss: missing,
    mustBeThere: true,
  },
  stickyEndpoints: { ...endpoint, hit: ({ key, value }) => `endpoint ${key} → ${value}` },
  stickyCluster: mayBeUsed,
  stickyLocal: mayBeUsed,
  affinity: {
    hit: ({ value, expiresMs }) => `the client is remembered: endpoint ${value}${left(expiresMs)}`,
    miss: () => 'the client is not remembered',
  },
  restricted: { hit: ({ key }) => `${key}: not everybody may connect`, miss: NOTHING },
  allowedSources: {
    hit: ({ value }) => `allowed: ${value}`,
    miss: () => 'the client is in none of the allowed source ranges',
  },
  refused: { hit: ({ key }) => `${key} has no endpoints`, miss: NOTHING },
  refusedNodeports: { hit: ({ key }) => `${key} has no endpoints`, miss: NOTHING },
  dropped: { hit: ({ key }) => `${key}: no endpoint may be used from here`, miss: NOTHING },
  droppedNodeports: { hit: ({ key }) => `${key}: no endpoint may be used from here`, miss: NOTHING },
  hairpins: { hit: () => 'the client is the endpoint itself (hairpin)', miss: NOTHING },
};

function lookupStep(lookup: Lookup, serviceOf: (chain: string) => string | undefined): Step | undefined {
  const words = lookup.role === undefined ? undefined : WORDS[lookup.role];
  const text = lookup.found ? words?.hit(lookup) : words?.miss(lookup);
  if (text === undefined) return undefined;
  const service = lookup.chain === undefined ? undefined : serviceOf(lookup.chain);
  const name = service === undefined ? '' : `, of Service ${service}`;
  return { where: lookup.set, text: text + name, isBroken: isMissing(lookup) };
}

/** Whether an earlier lookup leads to an element that is not there. */
export function isMissing(lookup: Lookup): boolean {
  if (lookup.found || lookup.role === undefined) return false;
  if (lookup.role === 'dispatch' || lookup.role === 'dispatchLocal') return isClass(lookup) && lookup.isLedTo;
  return WORDS[lookup.role]?.mustBeThere === true;
}

function isClass({ mark }: Lookup): boolean {
  return mark !== undefined && classOfMark(mark) !== undefined;
}

function isEndpointId({ mark }: Lookup): boolean {
  return mark !== undefined && mark >= FIRST_ENDPOINT_ID;
}

function left(expiresMs: number | undefined): string {
  return expiresMs === undefined ? '' : `, for another ${duration(expiresMs)}`;
}
