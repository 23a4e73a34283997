import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ManifestBatch } from '../../src/kube/manifests/catalogue.ts';
import { ManifestFolder } from '../../src/kube/manifests/folder.ts';
import { formatProblem } from '../../src/kube/problem.ts';

const service = (name: string, port = 80) =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {ports: [{port: ${port}}]}\n`;

let path: string;
let folder: ManifestFolder;
let changes: AsyncGenerator<ManifestBatch, void, undefined>;

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'manifests-'));
});
afterEach(async () => {
  folder.close();
  await changes.next();
  await rm(path, { recursive: true, force: true });
});

async function open(options = {}): Promise<ManifestBatch> {
  folder = new ManifestFolder(path, { rescanMs: 100, emptySettleMs: 200, ...options });
  changes = folder.changes();
  return folder.open();
}

async function next(): Promise<ManifestBatch> {
  const { value } = await changes.next();
  if (value === undefined) throw new Error('the watch ended');
  return value;
}

const write = (name: string, text: string) => writeFile(join(path, name), text);
const names = (batch: ManifestBatch) => batch.services.upserted.map(({ metadata }) => metadata.name).sort();

describe('a folder of manifests', () => {
  test('gives what is there, then what changes, whatever it is called', async () => {
    await write('a.yaml', service('a'));
    await write('b.yml', service('b'));
    await write(
      'c.json',
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'c' },
        spec: { ports: [{ port: 1 }] },
      }),
    );
    await write('.hidden.yaml', service('hidden'));
    await write('d.txt', service('text'));
    await mkdir(join(path, 'sub.yaml'));
    expect(names(await open())).toEqual(['a', 'b', 'c']);
    await write('e.yaml', service('e'));
    await rm(join(path, 'a.yaml'));
    const batch = await next();
    expect([names(batch), batch.services.deleted]).toEqual([['e'], ['default/a']]);
    expect(folder.place('Service default/e')).toEqual({ file: 'e.yaml', line: 1, column: 1 });
  });

  test('events come at once, not at the next rescan', async () => {
    await open({ rescanMs: 60_000 });
    const batch = next();
    await delay(50);
    await write('a.yaml', service('a'));
    expect(names(await batch)).toEqual(['a']);
  });

  test('a file that is truncated and then written is never seen empty', async () => {
    await write('a.yaml', service('a'));
    await open();
    const batch = next();
    const file = openSync(join(path, 'a.yaml'), 'w');
    await delay(80);
    const text = [service('a', 81), service('b')].join('---\n');
    for (let at = 0; at < text.length; at += 20) {
      writeSync(file, text.slice(at, at + 20));
      await delay(4);
    }
    closeSync(file);
    expect(await batch).toMatchObject({ services: { deleted: [] }, problems: { appeared: [] } });
    expect(names(await batch)).toEqual(['a', 'b']);
  });

  test('a file that stays empty holds nothing', async () => {
    await write('a.yaml', service('a'));
    await open();
    await write('a.yaml', '');
    expect((await next()).services.deleted).toEqual(['default/a']);
  });

  test('a replaced file is one change', async () => {
    await write('a.yaml', [service('a'), service('b')].join('---\n'));
    await open();
    const batch = next();
    await rm(join(path, 'a.yaml'));
    await write('a.yaml.new', service('a', 81));
    await rename(join(path, 'a.yaml.new'), join(path, 'a.yaml'));
    expect([names(await batch), (await batch).services.deleted]).toEqual([['a'], ['default/b']]);
  });

  test('a ConfigMap mount turns its link over', async () => {
    await mkdir(join(path, '..1'));
    await mkdir(join(path, '..2'));
    await write('..1/a.yaml', service('a', 1));
    await write('..2/a.yaml', service('a', 2));
    await symlink('..1', join(path, '..data'));
    await symlink('..data/a.yaml', join(path, 'a.yaml'));
    expect((await open({ rescanMs: 60_000 })).services.upserted[0]?.spec.ports[0]?.port).toBe(1);
    const batch = next();
    await delay(50);
    await symlink('..2', join(path, '..data_tmp'));
    await rename(join(path, '..data_tmp'), join(path, '..data'));
    expect((await batch).services.upserted[0]?.spec.ports[0]?.port).toBe(2);
  });

  test('a folder that goes away is a problem, and nothing is lost', async () => {
    await write('a.yaml', service('a'));
    await open();
    await rename(path, `${path}.away`);
    const away = await next();
    expect(away.services).toEqual({ upserted: [], deleted: [] });
    expect(away.problems.appeared.map(formatProblem)).toEqual([
      `${path}: the manifest folder cannot be read: it does not exist (ENOENT); what it held stays in use`,
    ]);
    await rename(`${path}.away`, path);
    expect((await next()).problems).toMatchObject({ appeared: [], resolved: [expect.anything()] });
    await write('b.yaml', service('b'));
    expect(names(await next())).toEqual(['b']);
  });

  test('a link that leads into itself is a problem; it is read when it can be', async () => {
    await write('a.yaml', service('a'));
    await open();
    await rm(join(path, 'a.yaml'));
    await symlink('a.yaml', join(path, 'a.yaml'));
    const batch = await next();
    expect(batch.services.deleted).toEqual([]);
    expect(batch.problems.appeared.map(formatProblem)).toEqual([
      'a.yaml: cannot be read: ELOOP; what it held stays in use',
    ]);
    await rm(join(path, 'a.yaml'));
    await write('a.yaml', service('a', 81));
    expect(await next()).toMatchObject({ services: { upserted: [{}] }, problems: { resolved: [{}] } });
  });

  test('a folder that is not there is an error', async () => {
    await rm(path, { recursive: true });
    await expect(open()).rejects.toThrow(
      `cannot read the manifest folder ${path}: it does not exist (ENOENT)`,
    );
    await writeFile(path, '');
    await expect(open()).rejects.toThrow('it is not a folder (ENOTDIR)');
  });

  test('closing ends the changes, twice as well as once', async () => {
    await open({ rescanMs: 60_000 });
    const end = changes.next();
    folder.close();
    folder.close();
    expect(await end).toEqual({ done: true, value: undefined });
  });
});
