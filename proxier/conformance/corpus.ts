import { readFileSync } from 'node:fs';
import type { IPFamily } from '../src/kube/address.ts';

/**
 * Scenarios of what kube-proxy does: objects, packets and what becomes of them, and changes. The names are the file's. What it
 * has beyond this (operation counts, metrics, health answers) is not looked at.
 */
export interface Scenario extends State {
  readonly config: ScenarioConfig;
  readonly services: readonly unknown[];
  readonly endpointSlices: readonly unknown[];
  /** In this order; each builds on the one before. */
  readonly steps?: readonly Step[];
}

/** What is expected at one moment. */
export interface State {
  readonly name: string;
  readonly flows?: readonly Flow[];
  readonly servicePortCount?: number;
  /** `ns/name` → port. */
  readonly healthCheckPorts?: Readonly<Record<string, number>>;
  /** `ns/name` → count, where it is not 0. */
  readonly localReadyEndpoints?: Readonly<Record<string, number>>;
  /** `ns/name:port` → its endpoints. */
  readonly endpointMap?: Readonly<Record<string, readonly MappedEndpoint[]>>;
  /** Flows that there are before the objects are applied, and whether they are gone after it. */
  readonly conntrack?: readonly ConntrackEntry[];
  /** Whether the step is one after which stale UDP flows are looked for. */
  readonly conntrackCleanupRequired?: boolean;
}

export interface Step extends State {
  readonly advanceMs?: number;
  readonly restart?: boolean;
  readonly set?: {
    readonly services?: readonly unknown[];
    readonly endpointSlices?: readonly unknown[];
    readonly node?: { readonly zone?: string };
  };
  /** `ns/name` */
  readonly delete?: { readonly services?: readonly string[]; readonly endpointSlices?: readonly string[] };
}

export interface ScenarioConfig {
  readonly nodeName: string;
  readonly nodeIPs: readonly string[];
  readonly localAddresses: readonly string[];
  /** `''`: none. */
  readonly zone: string;
  readonly detectLocal: {
    readonly mode: 'ClusterCIDR' | 'NodeCIDR' | 'BridgeInterface' | 'InterfaceNamePrefix';
    readonly clusterCIDR?: readonly string[];
    readonly nodeCIDR?: readonly string[];
    readonly bridgeInterface?: string;
    readonly interfaceNamePrefix?: string;
  };
  readonly masqueradeAll: boolean;
  readonly masqueradeBit: number;
  readonly nodePortAddresses: readonly string[];
  readonly serviceCIDRs: readonly string[];
}

/** Connections of one kind. */
export interface Flow {
  readonly name: string;
  readonly family: IPFamily;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP' | 'ICMP';
  readonly sourceIP: string;
  readonly destIP: string;
  /** 0 for ICMP. */
  readonly destPort: number;
  readonly inInterface?: string;
  readonly expect: Expectation;
}

export type Expectation =
  | EndpointsExpected
  | { readonly drop: true }
  | { readonly reject: true }
  | { readonly untouched: true };

export interface EndpointsExpected {
  /** Each of them, and no other. */
  readonly endpoints: readonly string[];
  /** A list: those that are masqueraded. */
  readonly masquerade: boolean | readonly string[];
  /** A name for the endpoint that the client got. */
  readonly remember?: string;
  /** The endpoint of that name again. */
  readonly sameAs?: string;
  /** The same, if it is still among `endpoints`. */
  readonly sameAsIfAlive?: string;
}

export interface MappedEndpoint {
  readonly endpoint: string;
  readonly isLocal: boolean;
}

export interface ConntrackEntry {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  /** `null`: any address of the node. */
  readonly origDst: string | null;
  readonly origDstPort: number;
  readonly replySrc: string;
  /** `null`: nothing was rewritten. */
  readonly replySrcPort: number | null;
  readonly expectDeleted: boolean;
}

/** Reads a corpus. Throws when it is none. */
export function readCorpus(path: string): readonly Scenario[] {
  const scenarios: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!Array.isArray(scenarios) || scenarios.some((each) => typeof each?.name !== 'string')) {
    throw new Error('it is not a list of scenarios with names');
  }
  return scenarios as readonly Scenario[];
}
