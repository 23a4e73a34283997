import { release } from 'node:os';

/** What newer kernels have, and the first that has it. Distributions bring some of it to older ones: ask, don't compare. */
export const FEATURES = {
  destroy: { since: '6.3', what: 'destroy operations' },
  catchAll: { since: '5.13', what: 'the element * of sets' },
  tableOwner: { since: '5.12', what: 'tables with an owner' },
  tablePersist: { since: '6.9', what: 'tables that outlive their owner' },
  bitwiseRegisters: { since: '6.13', what: 'bitwise operations on two registers' },
  inner: { since: '6.2', what: 'headers inside tunnels (inner)' },
  flowtable: { since: '4.16', what: 'flowtables (CONFIG_NF_FLOW_TABLE)' },
  resetElements: { since: '6.5', what: "reading a set's elements and setting their state back" },
  elementTimeoutUpdates: { since: '6.12', what: "changing an element's timeout by adding it again" },
  devicePrefixes: { since: '6.17', what: 'interfaces by the start of their names (eth*)' },
  setCounts: { since: '6.17', what: "the number of a set's elements in its listing" },
} as const;

/** One of {@link FEATURES}. */
export type FeatureName = keyof typeof FEATURES;

/** The kernel lacks something. The message says what, and which kernel was the first to have it. */
export class FeatureMissingError extends Error {
  override readonly name = 'FeatureMissingError';
  /** The same for every one. */
  readonly code = 'ERR_NFTLINK_FEATURE';
  /** What is missing. */
  readonly feature: FeatureName;
  /** The first kernel that has it: `'6.3'`. */
  readonly since: string;

  /** @internal */
  constructor(feature: FeatureName, running: string = release()) {
    super(missingText(feature, running));
    this.feature = feature;
    this.since = FEATURES[feature].since;
  }
}

/** `this kernel (5.15.0) has no destroy operations; Linux 6.3 was the first that has them`. */
export function missingText(feature: FeatureName, running: string = release()): string {
  const { since, what } = FEATURES[feature];
  const hint = isOlder(running, since) ? '' : '; this one was built without';
  return `this kernel (${running}) lacks ${what}: feature ${feature}, since Linux ${since}${hint}`;
}

/** Whether a kernel release (`6.1.0-18-amd64`) comes before a version (`6.3`). */
export function isOlder(running: string, version: string): boolean {
  const [major = 0, minor = 0] = running.split(/[^0-9]+/).map(Number);
  const [sinceMajor = 0, sinceMinor = 0] = version.split('.').map(Number);
  return major < sinceMajor || (major === sinceMajor && minor < sinceMinor);
}
