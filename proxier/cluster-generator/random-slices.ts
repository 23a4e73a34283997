import { ADDRESS_PLAN, NODE_NAME, OTHER_NODE_NAME, ZONES } from './address-plan.ts';
import type {
  EndpointManifest,
  EndpointSliceManifest,
  IPFamily,
  ServiceManifest,
  ServicePortManifest,
  SlicePortManifest,
} from './manifests.ts';
import type { Random } from './random.ts';

type Conditions = Pick<EndpointManifest, 'conditions'>;
type HintsMode = 'none' | 'zones' | 'some zones' | 'nodes' | 'some nodes';

/** What the endpoints of a Service have in common, so that the rare cases (all terminating, all hinted) do come up. */
interface Mood {
  readonly conditions: 'mixed' | 'terminating' | 'not ready';
  readonly hints: HintsMode;
}

const HINTS_MODES: readonly HintsMode[] = [
  'none',
  'none',
  'none',
  'zones',
  'zones',
  'some zones',
  'nodes',
  'some nodes',
];

/** None to three slices for each family of the Service. */
export function randomSlices(random: Random, service: ServiceManifest): readonly EndpointSliceManifest[] {
  const mood: Mood = {
    conditions: random.chance(80) ? 'mixed' : random.pick(['terminating', 'not ready']),
    hints: random.pick(HINTS_MODES),
  };
  const families = service.spec.ipFamilies ?? ['IPv4'];
  return families.flatMap((family) => {
    const count = random.pick([0, 1, 1, 1, 1, 2, 2, 3]);
    return Array.from({ length: count }, (_, index) => randomSlice(random, service, family, index, mood));
  });
}

/** The Service's slice number `index` of the family. */
export function randomSlice(
  random: Random,
  service: ServiceManifest,
  family: IPFamily,
  index: number,
  mood: Mood = { conditions: 'mixed', hints: random.pick(HINTS_MODES) },
): EndpointSliceManifest {
  const { namespace, name } = service.metadata;
  const isHeadless = service.spec.clusterIP === 'None';
  const count = random.pick([0, 1, 1, 2, 2, 3, 4, 7]);
  // A name of its own: kube-proxy goes on using a slice whose label is taken away.
  const isOrphan = random.chance(1);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${family === 'IPv4' ? 'v4' : 'v6'}-${isOrphan ? 'orphan' : index}`,
      namespace,
      labels: {
        ...(isOrphan ? {} : { 'kubernetes.io/service-name': name }),
        ...(isHeadless ? { 'service.kubernetes.io/headless': '' } : {}),
      },
    },
    addressType: family,
    endpoints: Array.from({ length: count }, () => randomEndpoint(random, family, mood)),
    ports: randomSlicePorts(random, service.spec.ports ?? []),
  };
}

export function randomEndpoint(
  random: Random,
  family: IPFamily,
  mood: Mood = { conditions: 'mixed', hints: random.pick(HINTS_MODES) },
): EndpointManifest {
  const plan = ADDRESS_PLAN[family];
  const isLocal = random.chance(40);
  const nodeName = isLocal ? NODE_NAME : OTHER_NODE_NAME;
  const isOnHostNetwork = random.chance(4);
  const address = isOnHostNetwork
    ? isLocal
      ? plan.nodeIP
      : plan.otherNodeIP
    : // Few enough that the same one is in several slices and Services now and then.
      (isLocal ? plan.localPod : plan.remotePod)(1 + random.below(12));
  return {
    addresses: [address],
    ...randomConditions(random, mood.conditions),
    ...(isLocal || random.chance(80) ? { nodeName } : {}),
    zone: random.pick(ZONES),
    ...randomHints(random, mood.hints),
  };
}

function randomConditions(random: Random, mood: Mood['conditions']): Conditions {
  if (mood === 'terminating')
    return { conditions: { ready: false, serving: random.chance(70), terminating: true } };
  if (mood === 'not ready')
    return { conditions: { ready: false, serving: random.chance(20), terminating: false } };
  return random.pick<Conditions>([
    {},
    {},
    { conditions: { ready: true, serving: true, terminating: false } },
    { conditions: { ready: true, serving: true, terminating: false } },
    { conditions: { ready: true } },
    { conditions: { ready: false, serving: false, terminating: false } },
    { conditions: { ready: false } },
    { conditions: { ready: false, serving: true, terminating: true } },
    { conditions: { ready: false, serving: false, terminating: true } },
    // publishNotReadyAddresses keeps terminating ones ready.
    { conditions: { ready: true, serving: true, terminating: true } },
  ]);
}

function randomHints(random: Random, mode: HintsMode): Pick<EndpointManifest, 'hints'> {
  if (mode === 'none' || (mode.startsWith('some') && random.chance(25))) return {};
  if (mode.endsWith('nodes')) {
    return { hints: { forNodes: [{ name: random.pick([NODE_NAME, NODE_NAME, OTHER_NODE_NAME]) }] } };
  }
  return { hints: { forZones: random.some(ZONES, random.pick([1, 1, 2])).map((name) => ({ name })) } };
}

/** The Service's ports by name, with numbers of their own; now and then one that fits none of them, or is missing. */
function randomSlicePorts(
  random: Random,
  ports: readonly ServicePortManifest[],
): readonly SlicePortManifest[] {
  const offset = random.chance(80) ? 8_000 : random.below(3);
  return ports.flatMap(({ name, protocol, port }): readonly SlicePortManifest[] => {
    if (random.chance(5)) return [];
    const isOdd = random.chance(5);
    const target = {
      ...(name === undefined ? {} : { name }),
      ...(protocol === undefined ? {} : { protocol }),
    };
    if (!isOdd) return [{ ...target, port: port + offset }];
    return [
      random.pick<SlicePortManifest>([
        { ...target, name: `no-${name ?? 'name'}`, port },
        { ...target, protocol: 'SCTP', port },
        target,
      ]),
    ];
  });
}
