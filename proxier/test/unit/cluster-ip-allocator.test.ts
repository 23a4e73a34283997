import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseServiceCidrs } from '../../src/kube/cidr.ts';
import { ClusterIPAllocator } from '../../src/kube/cluster-ip-allocator.ts';
import { objectName, type Service } from '../../src/kube/objects.ts';
import { formatProblem } from '../../src/kube/problem.ts';
import { aService } from '../objects.ts';

let folder: string;
let stateFile: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'state-'));
  stateFile = join(folder, '.nft-proxier.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = (path = stateFile) =>
  ClusterIPAllocator.open({
    cidrs: parseServiceCidrs('10.96.0.0/12'),
    stateFile: path,
    place: () => ({ file: 'a.yaml', line: 3, column: 1 }),
  });
const upsert = (...upserted: Service[]) => ({ upserted, deleted: [] });
const ips = (services: readonly Service[]) =>
  Object.fromEntries(services.map((service) => [objectName(service), service.spec.clusterIPs]));

describe('the cluster IP allocator', () => {
  test('gives addresses, tells so, and remembers', async () => {
    const allocator = await open();
    const first = await allocator.apply(
      upsert(aService('shop/cart'), aService('shop/db', { clusterIPs: ['None'] })),
    );
    const [ip = ''] = first.services.upserted[0]?.spec.clusterIPs ?? [];
    expect(first.services.upserted).toMatchObject([
      { spec: { ipFamilies: ['IPv4'] } },
      { spec: { clusterIPs: ['None'] } },
    ]);
    expect(first.notes).toEqual([`Service shop/cart has no clusterIP: it gets ${ip}`]);
    expect(JSON.parse(await readFile(stateFile, 'utf8'))).toEqual({
      version: 1,
      given: { 'shop/cart': [ip] },
      released: {},
      owners: {},
    });
    expect(await readdir(folder)).toEqual(['.nft-proxier.json']);
    const restarted = await (await open()).apply(upsert(aService('shop/cart')));
    expect(restarted.notes).toEqual([`Service shop/cart has no clusterIP: it keeps ${ip}`]);
    const nothing = await allocator.apply({ upserted: [], deleted: ['shop/nobody'] });
    expect(nothing).toEqual({ services: upsert(), notes: [], problems: { appeared: [], resolved: [] } });
  });

  test('a Service that loses a dispute comes without address, and comes again when it wins', async () => {
    const allocator = await open();
    const own = { clusterIPs: ['10.96.0.7'] };
    const first = await allocator.apply(upsert(aService('a/a', own), aService('b/b', own)));
    expect(ips(first.services.upserted)).toEqual({ 'a/a': ['10.96.0.7'], 'b/b': [] });
    expect(first.problems.appeared.map(formatProblem)).toEqual([
      'a.yaml:3: Service b/b: spec.clusterIP: 10.96.0.7 belongs to Service a/a',
    ]);
    const second = await allocator.apply({ upserted: [], deleted: ['a/a'] });
    expect([ips(second.services.upserted), second.services.deleted]).toEqual([
      { 'b/b': ['10.96.0.7'] },
      ['a/a'],
    ]);
    expect(second.problems.resolved).toHaveLength(1);
  });

  test('gives no address that it cannot put on record, and does when it can', async () => {
    const place = join(folder, 'not', 'there');
    const allocator = await open(join(place, 'state.json'));
    const first = await allocator.apply(
      upsert(aService('a/a'), aService('b/b', { clusterIPs: ['10.96.0.7'] })),
    );
    expect(ips(first.services.upserted)).toEqual({ 'a/a': [], 'b/b': ['10.96.0.7'] });
    expect(first.problems.appeared.map(formatProblem)).toEqual([
      expect.stringContaining(
        `a.yaml:3: Service a/a: spec.clusterIP: no address is given, since the state file ${place}/state.json cannot be written: ENOENT`,
      ),
    ]);
    await mkdir(place, { recursive: true });
    const second = await allocator.apply(upsert());
    expect(second.services.upserted.map(objectName)).toEqual(['a/a']);
    expect(second.problems).toMatchObject({ appeared: [], resolved: [{}] });
    expect(second.notes).toHaveLength(1);
  });

  test.each([
    ['{', 'JSON'],
    ['[]', 'is not a mapping'],
    ['{"version":2}', 'version: expected 1'],
    ['{"version":1,"given":{"a/b":["10.1"]}}', 'given.a/b[0]: "10.1" is not an IP address'],
    ['{"version":1,"released":{"x":"a/b"}}', 'released: "x" is not an IP address'],
  ])('a damaged state file (%s) is an error that names it', async (text, message) => {
    await writeFile(stateFile, text);
    await expect(open()).rejects.toThrow(`the state file ${stateFile} is damaged: `);
    await expect(open()).rejects.toThrow(message);
  });

  test('a state file that cannot be read is an error', async () => {
    await mkdir(stateFile);
    await expect(open()).rejects.toThrow(`cannot read the state file ${stateFile}: EISDIR`);
  });
});
