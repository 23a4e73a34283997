import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Cluster } from '../../src/model/cluster.ts';
import { endpointText } from '../../src/model/endpoints.ts';
import type { Frontend, PortState, ServiceState } from '../../src/model/frontends.ts';
import { anEndpoint, aService, aSlice } from '../objects.ts';
import { type AnyChange, anyChange } from '../packets/any-cluster.ts';
import { Driver } from '../packets/driver.ts';
import { expectedOutcomes, type KnownClient } from '../packets/expected.ts';
import { bytesOf, type Target } from '../packets/walk.ts';
import { PROGRAM_OPTIONS } from '../states.ts';

/**
 * Packets in the middle of transactions: a fake kernel remembers its rules and elements after each one, and first packets of
 * connections are led through them, every way they can take, with a new moment beginning between any two lookups.
 */
const NODE_IP = '192.0.2.10';
const OPTIONS = { ...PROGRAM_OPTIONS, localTraffic: { kind: 'network', cidr: '10.244.0.0/16' } } as const;
const CLIENTS: readonly KnownClient[] = [
  { address: '198.51.100.7', isNode: false, isPod: false },
  { address: '8.8.8.8', isNode: false, isPod: false },
  { address: '10.244.0.3', isNode: false, isPod: true },
  { address: NODE_IP, isNode: true, isPod: false },
];
const PROTOCOL = 'tcp';

interface Known {
  readonly service: string;
  readonly port: PortState;
  readonly frontend: Frontend;
}

/** All frontends by the text of their address and port. */
function frontendsOf(states: Iterable<ServiceState>): ReadonlyMap<string, Known> {
  const found = new Map<string, Known>();
  for (const { service, ports } of states) {
    for (const port of ports) {
      for (const frontend of port.frontends) {
        found.set(`${frontend.address ?? NODE_IP} ${frontend.port}`, { service, port, frontend });
      }
    }
  }
  return found;
}

/** What the cluster was like at a moment. */
interface Wanted {
  readonly states: readonly ServiceState[];
  readonly frontends: ReadonlyMap<string, Known>;
}

function targetOf(text: string): Target {
  const [address = '', port] = text.split(' ');
  return { address, protocol: PROTOCOL, port: Number(port) };
}

/** A cluster that lives on a driver. */
class Life {
  readonly driver = new Driver('ip', OPTIONS, bytesOf(NODE_IP));
  readonly cluster = new Cluster({ nodeName: 'here', nodeIPs: [NODE_IP], zone: 'a' });
  /** By moment. */
  readonly wanted: Wanted[] = [];

  constructor() {
    this.#nodePorts();
  }

  #nodePorts(): void {
    this.driver.program.desired.setNodePortAddresses([NODE_IP]);
  }

  async change({ name, service, slice }: AnyChange): Promise<void> {
    const services =
      service === undefined ? { upserted: [], deleted: [name] } : { upserted: [service], deleted: [] };
    const { states } = this.cluster.apply({ services, endpointSlices: { upserted: [slice], deleted: [] } });
    await this.#commit(states);
  }

  async restart(): Promise<void> {
    await this.driver.restart();
    this.#nodePorts();
    await this.#commit(this.cluster.states());
  }

  async clean(): Promise<void> {
    await this.driver.clean();
    this.#note();
  }

  async #commit(states: Iterable<ServiceState>): Promise<void> {
    await this.driver.commit(states);
    this.#note();
  }

  #note(): void {
    const states = [...this.cluster.states()];
    const wanted = { states, frontends: frontendsOf(states) };
    while (this.wanted.length <= this.driver.latest) this.wanted.push(wanted);
  }
}

/** All frontends that there are do what kube-proxy would do. */
function checkNow({ driver, cluster }: Life): void {
  for (const [text, { port, frontend }] of frontendsOf(cluster.states())) {
    for (const client of CLIENTS) {
      const found = [...driver.outcomes(client, targetOf(text))].sort();
      const wanted = [...new Set(expectedOutcomes(port, frontend, client))].sort();
      expect(found, `${client.address} to ${text}`).toEqual(wanted);
    }
  }
}

/** Whether its source is masqueraded is decided by an earlier lookup than where it goes. */
const place = (outcome: string) => outcome.replace(' masqueraded', '');

/** Whoever is on the way during transactions gets what a moment alone would have given, or an endpoint that it has. */
function checkTransition({ driver, wanted }: Life, first: number): void {
  const last = Math.min(driver.lastFrom(first), first + 3);
  const window = wanted.slice(first, last + 1);
  for (const text of changedFrontends(window)) {
    const endpoints = endpointsIn(window, text);
    for (const client of CLIENTS) {
      const usual = usualOutcomes(driver, client, targetOf(text), [first, last]);
      // Who was too early for a new Service may be too late for being ignored; how one is refused does not matter.
      if (REFUSALS.some((result) => usual.has(result))) usual.add('reject').add('drop');
      const strange = [...driver.outcomes(client, targetOf(text), first, last)]
        .map(place)
        .filter((outcome) => !usual.has(outcome) && !endpoints.has(outcome));
      expect(strange, `${client.address} to ${text} from moment ${first} to ${last}`).toEqual([]);
    }
  }
}

const REFUSALS = ['pass', 'reject', 'drop'];

function changedFrontends(window: readonly Wanted[]): readonly string[] {
  const names = new Set(window.flatMap(({ frontends }) => [...frontends.keys()]));
  return [...names].filter(
    (name) => new Set(window.map(({ frontends }) => frontends.get(name)?.frontend)).size > 1,
  );
}

/** Endpoints of the Services that have the frontend at one of the moments. */
function endpointsIn(window: readonly Wanted[], text: string): ReadonlySet<string> {
  const owners = new Set(window.map(({ frontends }) => frontends.get(text)?.service));
  const ports = window.flatMap(({ states }) =>
    states.filter(({ service }) => owners.has(service)).flatMap(({ ports: all }) => all),
  );
  const endpoints = ports.flatMap(({ cluster, local }) => [...cluster, ...local]);
  return new Set(endpoints.map(({ address, port }) => endpointText(address, port)));
}

/** What becomes of connections that see one moment only. */
function usualOutcomes(driver: Driver, client: KnownClient, target: Target, [first, last]: [number, number]) {
  const found = new Set<string>();
  for (let moment = first; moment <= last; moment++) {
    for (const outcome of driver.outcomes(client, target, moment)) found.add(place(outcome));
  }
  return found;
}

const anyStep = fc.record({
  change: anyChange,
  waitMs: fc.constantFrom(1, 4, 12),
  after: fc.constantFrom('nothing', 'nothing', 'nothing', 'clean', 'restart'),
});

describe('packets under way', () => {
  test.each([2, 12])('a refused node port that goes and comes again after %d ms', async (waitMs) => {
    const life = new Life();
    const be = (nodePort: number, endpoints: readonly string[]) => {
      const type = nodePort === 0 ? 'ClusterIP' : 'NodePort';
      const ports = [{ name: '', protocol: 'TCP', port: 80, nodePort } as const];
      const service = aService('shop/s1', { type, clusterIPs: ['10.96.0.1'], ports });
      const slice = aSlice(
        'shop/s1',
        '1',
        endpoints.map((address) => anEndpoint(address)),
      );
      return life.change({ name: 'shop/s1', service, slice });
    };
    await be(30001, []);
    life.driver.nowMs += 20;
    await be(0, []);
    life.driver.nowMs += waitMs;
    await be(30001, ['10.244.0.2']);
    // What is overdue now must wait for who looked for the node port just before it came.
    life.driver.nowMs += 9;
    await be(30001, ['10.244.0.2', '10.244.0.3']);
    await life.clean();
    checkNow(life);
    for (let first = 0; first < life.driver.latest; first++) checkTransition(life, first);
  });

  test('a random life: nobody meets what is neither old nor new', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 2, maxLength: 6 }), async (steps) => {
        const life = new Life();
        for (const { change, waitMs, after } of steps) {
          life.driver.nowMs += waitMs;
          await life.change(change);
          checkNow(life);
          if (after === 'clean') await life.clean();
          if (after === 'restart') await life.restart();
        }
        await life.clean();
        checkNow(life);
        for (let first = 0; first < life.driver.latest; first++) checkTransition(life, first);
      }),
      { numRuns: 10, endOnFailure: true },
    );
  }, 120_000);
});
