import { describe, expect, test } from 'vitest';
import { parseManifest } from '../../src/kube/manifests/parse.ts';
import { splitYaml } from '../../src/kube/manifests/split.ts';
import type { EndpointSlice, Service } from '../../src/kube/objects.ts';
import { formatProblem } from '../../src/kube/problem.ts';

async function problemsOf(text: string, file = 'shop.yaml'): Promise<readonly string[]> {
  return (await parseManifest(file, text)).problems.map(formatProblem);
}

async function oneService(spec: string): Promise<Service> {
  const { objects, problems } = await parseManifest('a.yaml', serviceText(spec));
  expect(problems).toEqual([]);
  return objects[0]?.object as Service;
}

function serviceText(spec: string): string {
  return `apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop}\nspec:\n${spec.replace(/^/gm, '  ')}\n`;
}

const SERVICE = serviceText('clusterIP: 10.96.0.041\nports:\n- port: 80');
const SLICE = `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: cart-abc
  namespace: shop
  labels:
    kubernetes.io/service-name: cart
addressType: IPv6
ports:
- name: ""
  port: 8080
endpoints:
- addresses: ["FD00:0::1"]
  nodeName: n1
  conditions: {ready: false, terminating: true}
  hints: {forZones: [{name: z1}]}
`;

describe('manifests', () => {
  test('a Service, with defaults filled in and addresses in canonical form', async () => {
    const service = await oneService(
      'clusterIP: 10.96.0.041\nports: [{port: 80, name: w}, {port: 81, name: x}]',
    );
    expect(service).toMatchObject({
      metadata: { name: 'cart', namespace: 'shop', creationTimestamp: undefined, labels: {} },
      spec: {
        type: 'ClusterIP',
        clusterIPs: ['10.96.0.41'],
        ipFamilies: ['IPv4'],
        ports: [
          { name: 'w', protocol: 'TCP', port: 80, nodePort: 0 },
          { name: 'x', protocol: 'TCP', port: 81, nodePort: 0 },
        ],
        internalTrafficPolicy: 'Cluster',
        sessionAffinitySeconds: undefined,
      },
    });
  });

  test('an EndpointSlice', async () => {
    const { objects, problems } = await parseManifest('a.yaml', SLICE);
    expect(problems).toEqual([]);
    expect(objects[0]?.object as EndpointSlice).toMatchObject({
      addressType: 'IPv6',
      ports: [{ name: '', protocol: 'TCP', port: 8080 }],
      endpoints: [
        {
          addresses: ['fd00::1'],
          ready: false,
          serving: true,
          terminating: true,
          nodeName: 'n1',
          hints: { zones: ['z1'], nodes: [] },
        },
      ],
    });
  });

  test('a slice port without a name has the name that the API server gives it', async () => {
    const { objects } = await parseManifest('a.yaml', SLICE.replace('- name: ""\n  port', '- port'));
    expect(objects[0]?.object as EndpointSlice).toMatchObject({
      ports: [{ name: '', protocol: 'TCP', port: 8080 }],
    });
  });

  test('all that a Service has beyond a cluster IP', async () => {
    const service = await oneService(`
type: LoadBalancer
clusterIPs: [10.96.0.1, "fd00::1"]
ports: [{port: 53, protocol: UDP, nodePort: 30053}]
sessionAffinity: ClientIP
externalIPs: [192.0.2.1]
loadBalancerSourceRanges: [" 10.0.0.1/8"]
externalTrafficPolicy: Local
internalTrafficPolicy: Local`);
    expect(service.spec).toMatchObject({
      ipFamilies: ['IPv4', 'IPv6'],
      ports: [{ protocol: 'UDP', nodePort: 30053 }],
      sessionAffinitySeconds: 10_800,
      externalIPs: ['192.0.2.1'],
      loadBalancerSourceRanges: ['10.0.0.0/8'],
      externalTrafficPolicy: 'Local',
      internalTrafficPolicy: 'Local',
    });
  });

  test.each<[string, string[]]>([
    [
      'ports:\n- port: 70000',
      [':7: Service shop/cart: spec.ports[0].port: 70000 is not a port number (1 to 65535)'],
    ],
    [
      'ports:\n- port: "80"',
      [':7: Service shop/cart: spec.ports[0].port: "80" is not a port number (1 to 65535)'],
    ],
    ['ports:\n- {}', [':7: Service shop/cart: spec.ports[0].port: the port number is missing']],
    ['ports: []', [':6: Service shop/cart: spec.ports: a Service needs at least one port']],
    ['ports: 80', [':6: Service shop/cart: spec.ports: 80 is not a list']],
    [
      'ports:\n- {port: 1, protocol: tcp}',
      [':7: Service shop/cart: spec.ports[0].protocol: "tcp" is not TCP, UDP or SCTP'],
    ],
    [
      'ports:\n- {port: 1, name: a}\n- {port: 1, name: a}',
      [
        ':8: Service shop/cart: spec.ports[1].name: "a" is already in ports[0]',
        ':8: Service shop/cart: spec.ports[1].port: 1/TCP is already in ports[0]',
      ],
    ],
    [
      'ports:\n- {port: 1, name: a}\n- {port: 2}',
      [
        ':8: Service shop/cart: spec.ports[1].name: the name (needed where there are several ports) is missing',
      ],
    ],
    [
      'ports:\n- {port: 1, name: A_b}',
      [
        ':7: Service shop/cart: spec.ports[0].name: "A_b" is not a DNS label (at most 63 lower-case letters, digits and "-", with no "-" at either end)',
      ],
    ],
    [
      'ports:\n- {port: 1, name: 80}',
      [':7: Service shop/cart: spec.ports[0].name: 80 is not a string (write it in quotes)'],
    ],
    [
      'ports: [{port: 1}]\nclusterIP: 10.96.0',
      [':7: Service shop/cart: spec.clusterIP: "10.96.0" is not an IP address'],
    ],
    [
      'ports: [{port: 1}]\nclusterIP: ::ffff:10.0.0.1',
      [
        ':7: Service shop/cart: spec.clusterIP: "::ffff:10.0.0.1" is an IPv4 address in IPv6 form; write 10.0.0.1',
      ],
    ],
    [
      'ports: [{port: 1}]\nclusterIP: 10.96.0.1\nclusterIPs:\n- 10.96.0.2',
      [':8: Service shop/cart: spec.clusterIPs: the first is 10.96.0.2, but clusterIP is 10.96.0.1'],
    ],
    [
      'ports: [{port: 1}]\nclusterIPs: [10.96.0.1, 10.96.0.2]',
      [':7: Service shop/cart: spec.clusterIPs: expected at most one of each IP family'],
    ],
    [
      'ports: [{port: 1}]\nclusterIP: 10.96.0.1\nipFamilies: [IPv6]',
      [':8: Service shop/cart: spec.ipFamilies: the cluster IP 10.96.0.1 is IPv4, not IPv6'],
    ],
    [
      'ports: [{port: 1}]\nipFamilies: [IPv6, IPv4]\nipFamilyPolicy: SingleStack',
      [':8: Service shop/cart: spec.ipFamilyPolicy: SingleStack, but there are two IP families'],
    ],
    [
      'type: Loadbalancer\nports: [{port: 1}]',
      [
        ':6: Service shop/cart: spec.type: "Loadbalancer" is not ClusterIP, NodePort, LoadBalancer or ExternalName',
      ],
    ],
    [
      'ports: [{port: 1}]\nexternalIPs: [127.0.0.1]',
      [':7: Service shop/cart: spec.externalIPs[0]: 127.0.0.1 is a loopback address'],
    ],
    [
      'ports: [{port: 1}]\nsessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}',
      [
        ':7: Service shop/cart: spec.sessionAffinityConfig.clientIP.timeoutSeconds: 0 is not a time-out in seconds (1 to 86400)',
      ],
    ],
  ])('mistakes in a Service: %j', async (spec, expected) => {
    expect(await problemsOf(`# a comment\n${serviceText(spec)}`)).toEqual(
      expected.map((text) => `shop.yaml${text}`),
    );
  });

  test.each<[RegExp, string, string]>([
    [
      /FD00:0::1/,
      '10.1.0.1',
      ":13: EndpointSlice shop/cart-abc: endpoints[0].addresses[0]: 10.1.0.1 is IPv4, but the slice's addressType is IPv6",
    ],
    [
      /FD00:0::1/,
      'fe80::1',
      ":13: EndpointSlice shop/cart-abc: endpoints[0].addresses[0]: fe80::1 is a link-local address, which can't be an endpoint",
    ],
    [
      /"FD00:0::1"/,
      '',
      ':13: EndpointSlice shop/cart-abc: endpoints[0].addresses: an endpoint needs an address',
    ],
    [/8080/, '0', ':11: EndpointSlice shop/cart-abc: ports[0].port: 0 is not a port number (1 to 65535)'],
    [
      /false/,
      'no',
      ':15: EndpointSlice shop/cart-abc: endpoints[0].conditions.ready: "no" is not true or false',
    ],
    [/addressType.*/, '', ':1: EndpointSlice shop/cart-abc: addressType: the address type is missing'],
    [
      /v1/,
      'v1beta1',
      ':1: EndpointSlice shop/cart-abc: apiVersion: "discovery.k8s.io/v1beta1" is not known here; EndpointSlice is read in version discovery.k8s.io/v1',
    ],
    [
      /name: cart-abc/,
      'name: Cart',
      ':4: metadata.name: "Cart" is not a DNS name (at most 253 lower-case letters, digits, "-" and ".", each part ending in a letter or digit)',
    ],
    [
      /cart$/m,
      '7',
      ':7: EndpointSlice shop/cart-abc: metadata.labels.kubernetes.io/service-name: 7 is not a string (write it in quotes)',
    ],
    [
      /name: cart-abc/,
      'name: cart-abc\n  uid: 7',
      ':5: EndpointSlice shop/cart-abc: metadata.uid: 7 is not a string (write it in quotes)',
    ],
    [
      /cart$/m,
      'cart\n    app: 7',
      ':8: EndpointSlice shop/cart-abc: metadata.labels.app: 7 is not a string (write it in quotes)',
    ],
    [
      /kubernetes.io.*/,
      'a: b',
      ':6: EndpointSlice shop/cart-abc: metadata.labels: the label kubernetes.io/service-name is missing: the slice belongs to no Service',
    ],
  ])('mistakes in an EndpointSlice: %s → %s', async (pattern, replacement, expected) => {
    expect(await problemsOf(SLICE.replace(pattern, replacement))).toEqual([`shop.yaml${expected}`]);
  });

  test('labels that nobody reads are forgotten', async () => {
    const { objects } = await parseManifest('a.yaml', SLICE.replace(/cart$/m, 'cart\n    app: shop'));
    expect(objects[0]?.object.metadata.labels).toEqual({ 'kubernetes.io/service-name': 'cart' });
  });

  test('an object that has no name or kind makes the file incomplete', async () => {
    for (const text of [
      '- a',
      'hello',
      'a: b',
      'kind: Service\napiVersion: v1',
      'kind: Service\nmetadata: [x]',
      'kind: List\nitems: {a: b}',
    ]) {
      const parsed = await parseManifest('a.yaml', text);
      expect(parsed.complete, text).toBe(false);
      expect(parsed.problems.length, text).toBeGreaterThan(0);
    }
  });

  test('other kinds are counted, and nothing is said about them; Endpoints get a note', async () => {
    const other =
      'apiVersion: apps/v1\nkind: Deployment\nspec: 7\n---\napiVersion: serving.knative.dev/v1\nkind: Service\n';
    const parsed = await parseManifest(
      'a.yaml',
      `${other}---\n# nothing\n---\napiVersion: v1\nkind: Endpoints\n`,
    );
    expect(parsed).toMatchObject({ ignored: 3, complete: true, objects: [] });
    expect(parsed.problems.map((problem) => [problem.severity, problem.line])).toEqual([['note', 11]]);
  });

  test('a syntax error costs one document, and says where it is', async () => {
    const parsed = await parseManifest('a.yaml', `${SERVICE}---\na: [1,\n---\n${SLICE}`);
    expect(parsed.complete).toBe(false);
    expect(parsed.objects.map(({ id }) => id)).toEqual(['Service shop/cart', 'EndpointSlice shop/cart-abc']);
    expect(parsed.objects.map(({ line }) => line)).toEqual([1, 11]);
    expect(parsed.problems).toHaveLength(1);
    expect(parsed.problems[0]).toMatchObject({
      field: '',
      message: expect.stringContaining('cannot be parsed'),
    });
    expect(parsed.problems[0]?.line).toBeGreaterThanOrEqual(9);
    expect(parsed.problems[0]?.line).toBeLessThanOrEqual(10);
  });

  test('aliases that grow without bound are refused', async () => {
    let text = 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n';
    for (let i = 1; i < 9; i += 1) text += `a${i}: &a${i} [${new Array(10).fill(`*a${i - 1}`).join(', ')}]\n`;
    expect((await problemsOf(text))[0]).toContain('cannot be parsed');
  });

  test('anchors, merge keys, BOM, CRLF and directives', async () => {
    const text = `x-defaults: &d {nodeName: n9}\n${SLICE.replace('nodeName: n1', '<<: *d')}`;
    for (const variant of [
      `\ufeff${SERVICE}`,
      SERVICE.replaceAll('\n', '\r\n'),
      `%YAML 1.2\n---\n${SERVICE}...\n`,
      `--- # first\n${SERVICE}`,
    ]) {
      const { objects, problems } = await parseManifest('a.yaml', variant);
      expect([objects.length, problems]).toEqual([1, []]);
    }
    const { objects, problems } = await parseManifest('a.yaml', text);
    expect(problems).toEqual([]);
    expect(objects[0]?.object).toMatchObject({ endpoints: [{ nodeName: 'n9' }] });
  });

  test('lists: items may leave their kind out where the list tells it; lines are those of the file', async () => {
    const list = `apiVersion: v1
kind: ServiceList
items:
- metadata: {name: a}
  spec: {clusterIP: None}
- metadata: {name: b}
  spec:
    ports:
    - port: 99999
`;
    const parsed = await parseManifest('a.yaml', list);
    expect(parsed.objects.map(({ id, line }) => [id, line])).toEqual([['Service default/a', 4]]);
    expect(parsed.invalid).toEqual(['Service default/b']);
    expect(parsed.problems.map(formatProblem)).toEqual([
      'a.yaml:9: Service default/b: spec.ports[0].port: 99999 is not a port number (1 to 65535)',
    ]);
  });

  test('JSON: the same problems at the right lines, in lists too', async () => {
    const bad = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'a"]}', labels: { 'x{': '[\\"' } },
      spec: { ports: [{ port: 1 }, { name: 'b', port: 0 }] },
    };
    const good = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'ok', x: [-1.5e3, true, null, {}] },
      spec: { clusterIP: 'None' },
    };
    const named = { ...bad, metadata: { ...bad.metadata, name: 'bad' } };
    const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [good, named, bad] }, null, 2);
    const lines = text.split('\n');
    const parsed = await parseManifest('a.json', text);
    expect(parsed.objects.map(({ id, line }) => [id, line])).toEqual([['Service default/ok', 5]]);
    for (const problem of parsed.problems) {
      const last = problem.field.replace(/.*\./, '');
      const line = lines[problem.line - 1] ?? '';
      if (problem.message.includes('missing')) expect(line.trim(), problem.field).toBe('{');
      else expect(line.trim(), problem.field).toMatch(new RegExp(`^"${last}"`));
      expect(line.slice(problem.column - 1)).toMatch(/^["{]/);
    }
    expect(parsed.problems.map(({ field }) => field)).toEqual([
      'spec.ports[0].name',
      'spec.ports[1].port',
      'metadata.name',
    ]);
    expect(await parseManifest('a.json', JSON.stringify(JSON.parse(text)))).toMatchObject({
      invalid: ['Service default/bad'],
    });
  });

  test('broken JSON is a problem with a line', async () => {
    expect((await problemsOf('{\n "kind": "Service",\n "spec": {\n', 'a.json'))[0]).toMatch(
      /^a.json:[34]: cannot be parsed/,
    );
  });

  test('unchanged pieces are not parsed again, and equal objects stay the same objects', async () => {
    const first = await parseManifest('a.yaml', `${SERVICE}---\n${SLICE}`);
    const byId = new Map(first.objects.map(({ id, object }) => [id, object]));
    const earlier = { pieces: first.pieces, object: (id: string) => byId.get(id) };
    const moved = await parseManifest('a.yaml', `${SERVICE}\n\n---\n${SLICE}`, earlier);
    expect(moved.objects.map(({ line }) => line)).toEqual([1, 11]);
    expect(moved.objects.every(({ id, object }) => byId.get(id) === object)).toBe(true);
  });
});

describe('splitting of big lists', () => {
  const item = (name: string) => `- apiVersion: v1
  kind: Service
  metadata:
    name: ${name}
    annotations:
      text: |
        - not an item

        ---- neither
  # a comment
  spec:
    ports:
    - port: 80
`;
  const flush = `apiVersion: v1\nitems:\n${item('a')}${item('b')}# end\n${item('c')}kind: List\nmetadata: {}\n`;
  const indented = `kind: List\nitems: # these\n\n${(item('a') + item('b')).replace(/^(?=.)/gm, '    ')}apiVersion: v1\n---\n${SERVICE}`;

  test.each([flush, indented, flush.replaceAll('\n', '\r\n'), `---\n${flush}`])(
    'gives what the whole gives',
    async (text) => {
      const chunks = splitYaml(text, 0);
      expect(chunks.filter(({ part }) => part === 'item').length).toBeGreaterThanOrEqual(2);
      const split = await parseManifest(
        'a.yaml',
        text.replace('kind: List', `kind: List # ${'x'.repeat(40_000)}`),
      );
      const whole = await parseManifest('a.yaml', text);
      expect(split.pieces.size).toBeGreaterThan(whole.pieces.size);
      expect(split.problems).toEqual(whole.problems);
      expect(split.objects).toEqual(whole.objects);
      expect(whole.objects.length).toBeGreaterThanOrEqual(2);
    },
  );

  test('a mistake in an item costs that item, at its line', async () => {
    const text = flush.replace('kind: List', `kind: List # ${'x'.repeat(40_000)}`);
    const line = text.split('\n').findIndex((content) => content.includes('name: b')) + 1;
    const broken = await parseManifest('a.yaml', text.replace('name: b', 'name: [b'));
    expect(broken.objects.map(({ id }) => id)).toEqual(['Service default/a', 'Service default/c']);
    expect(broken.complete).toBe(false);
    expect(broken.problems[0]?.line).toBeGreaterThanOrEqual(line);
    const invalid = await parseManifest('a.yaml', text.replace('name: b', 'name: B'));
    expect(invalid.problems[0]).toMatchObject({ line, column: 5, field: 'metadata.name' });
  });

  test('a list with anchors, and documents that only look like lists, stay whole', () => {
    expect(splitYaml(flush.replace('name: a', 'name: &n a'), 0)).toHaveLength(1);
    expect(splitYaml('kind: X\nitems: [a]\n', 0)).toHaveLength(1);
  });
});

test('a large file lets the event loop turn', async () => {
  const services = Array.from({ length: 3_000 }, (_, i) =>
    serviceText('ports: [{port: 80}]').replace('cart', `s${i}`),
  );
  let turns = 0;
  let isParsing = true;
  const turn = () => {
    turns++;
    if (isParsing) setImmediate(turn);
  };
  setImmediate(turn);
  const { objects } = await parseManifest('a.yaml', services.join('---\n'));
  isParsing = false;
  expect(objects).toHaveLength(3_000);
  // It waits for nothing else: without pauses the loop would not turn at all.
  expect(turns).toBeGreaterThan(5);
}, 60_000);
