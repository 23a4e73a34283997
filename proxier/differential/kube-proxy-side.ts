import { isDeepStrictEqual } from 'node:util';
import type { PacketLab, Probe, ProbeResult } from '../../lab/packets/packet-lab.ts';
import { NO_MANIFESTS } from '../cluster-generator/manifests.ts';
import type { NodeConfig } from '../cluster-generator/node-config.ts';
import type { ClusterState } from '../cluster-generator/random-change.ts';
import { endpointSliceObject, serviceObject } from './api-objects.ts';
import { type Barrier, barrierAt, reach } from './barrier.ts';
import { openNodeLab } from './node-lab.ts';
import { changesBetween } from './object-changes.ts';
import { RealKubeProxy } from './real-kube-proxy.ts';
import type { Side } from './side.ts';

/** The real kube-proxy: it is told of the cluster by an API server, and packets tell when it has programmed it. */
export class KubeProxySide implements Side {
  readonly name = 'kube-proxy';
  readonly #lab: PacketLab;
  readonly #kubeProxy: RealKubeProxy;
  #node: NodeConfig | undefined;
  #state: ClusterState = { cluster: NO_MANIFESTS, zone: undefined };
  #version = 0;

  private constructor(lab: PacketLab, kubeProxy: RealKubeProxy) {
    this.#lab = lab;
    this.#kubeProxy = kubeProxy;
  }

  static async open(label: string): Promise<KubeProxySide> {
    const lab = await openNodeLab(label);
    try {
      return new KubeProxySide(lab, await RealKubeProxy.open(lab.host.netnsPath));
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  /** With the settings that it has, kube-proxy goes on: starting it takes a second. */
  async start(node: NodeConfig, state: ClusterState): Promise<void> {
    if (isDeepStrictEqual(node, this.#node)) return this.change(state);
    this.#node = node;
    await this.#kubeProxy.stop();
    // The node gets its zone afterwards: a kube-proxy that hears of the Node before its proxiers listen (config.go:
    // AddEventHandler runs at once, RegisterEventHandler comes later) never learns the zone that it had at the start.
    const barrier = await this.#push({ ...state, zone: undefined });
    await this.#kubeProxy.start(node, undefined);
    await this.#reach(barrier);
    if (state.zone !== undefined) await this.change(state);
  }

  async change(state: ClusterState): Promise<void> {
    if (this.#node !== undefined && state.zone !== this.#state.zone) {
      await this.#kubeProxy.setZone(this.#node, state.zone);
    }
    await this.#reach(await this.#push(state));
  }

  send(probes: readonly Probe[]): Promise<readonly ProbeResult[]> {
    return this.#lab.send(probes);
  }

  forgetConnections(): void {
    this.#lab.forgetConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#kubeProxy[Symbol.asyncDispose]();
    await this.#lab.close();
  }

  /** The barrier comes last in both watches. */
  async #push(state: ClusterState): Promise<Barrier> {
    const { cluster: before } = this.#state;
    const services = changesBetween(before.services, state.cluster.services);
    const slices = changesBetween(before.endpointSlices, state.cluster.endpointSlices);
    const barrier = barrierAt(++this.#version, state.zone);
    await this.#kubeProxy.apply(
      {
        resource: 'services',
        set: [...services.set, barrier.service].map(serviceObject),
        deleted: services.deleted,
      },
      {
        resource: 'endpointSlices',
        set: [...slices.set, ...barrier.endpointSlices].map(endpointSliceObject),
        deleted: slices.deleted,
      },
    );
    this.#state = state;
    return barrier;
  }

  async #reach(barrier: Barrier): Promise<void> {
    try {
      await reach(barrier, this.#lab, () => this.#kubeProxy.check());
    } catch (error) {
      const log = this.#kubeProxy.log.split('\n').slice(-40).join('\n');
      throw new Error(`kube-proxy does not follow: ${(error as Error).message}\n${log}`);
    }
  }
}
