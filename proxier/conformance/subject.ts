import type { MappedEndpoint, ScenarioConfig } from './corpus.ts';
import type { Changes } from './objects.ts';

/** What is tried: a proxy at work in a network namespace. */
export interface Subject {
  /** Takes changes; resolves when the kernel has them and stale flows are gone. */
  apply(changes: Changes): Promise<void>;
  /** `''`: none. Resolves as `apply`. */
  setZone(zone: string): Promise<void>;
  facts(): Facts;
  /** Ends it; its rules stay. */
  stop(): Promise<void>;
}

/** What a proxy says of its Services, in the corpus' terms. */
export interface Facts {
  readonly servicePortCount: number;
  readonly healthCheckPorts: Readonly<Record<string, number>>;
  readonly localReadyEndpoints: Readonly<Record<string, number>>;
  readonly endpointMap: Readonly<Record<string, readonly MappedEndpoint[]>>;
}

/** Starts one in the namespace at the path. */
export type StartSubject = (netnsPath: string, config: ScenarioConfig, zone: string) => Promise<Subject>;
