import { beforeEach, describe, expect, test } from 'vitest';
import { Catalogue, type ManifestBatch } from '../../src/kube/manifests/catalogue.ts';
import { parseManifest } from '../../src/kube/manifests/parse.ts';
import { formatProblem } from '../../src/kube/problem.ts';

const service = (name: string, port: number | string = 80) =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {ports: [{port: ${port}}]}\n`;

let catalogue: Catalogue;
beforeEach(() => {
  catalogue = new Catalogue();
});

async function put(file: string, ...documents: string[]): Promise<void> {
  const held = catalogue.held(file);
  const pieces = catalogue.parsed(file)?.pieces ?? new Map();
  const text = documents.join('---\n');
  catalogue.put(await parseManifest(file, text, { pieces, object: (id) => held.get(id)?.object }), file);
}

function summary({ services, problems }: ManifestBatch): unknown {
  return {
    up: services.upserted.map(({ metadata, spec }) => `${metadata.name}:${spec.ports[0]?.port}`).sort(),
    down: services.deleted,
    new: problems.appeared.map(formatProblem),
    gone: problems.resolved.map(formatProblem),
  };
}

const take = () => summary(catalogue.takeBatch());
const NOTHING = { up: [], down: [], new: [], gone: [] };

describe('the catalogue of manifests', () => {
  test('hands on what changed, and only that', async () => {
    await put('a.yaml', service('a'), service('b'));
    expect(take()).toEqual({ ...NOTHING, up: ['a:80', 'b:80'] });
    await put('a.yaml', service('b'), service('a'), '# moved\n');
    expect(take()).toEqual(NOTHING);
    await put('a.yaml', service('a', 81), service('c'));
    expect(take()).toEqual({ ...NOTHING, up: ['a:81', 'c:80'], down: ['default/b'] });
    catalogue.remove('a.yaml');
    expect(take()).toEqual({ ...NOTHING, down: ['default/a', 'default/c'] });
  });

  test('what becomes invalid keeps its last good version', async () => {
    const problem = 'a.yaml:4: Service default/a: spec.ports[0].port: 0 is not a port number (1 to 65535)';
    await put('a.yaml', service('a'), service('b'));
    take();
    await put('a.yaml', service('a', 0), service('b', 81));
    expect(take()).toEqual({ ...NOTHING, up: ['b:81'], new: [problem] });
    await put('a.yaml', service('a', 0));
    expect(take()).toEqual({ ...NOTHING, down: ['default/b'] });
    await put('a.yaml', service('a'));
    expect(take()).toEqual({ ...NOTHING, gone: [problem] });
    await put('a.yaml', service('a', 0));
    catalogue.remove('a.yaml');
    expect(take()).toEqual({ ...NOTHING, down: ['default/a'] });
  });

  test.each(['a: [\n', 'apiVersion: v1\nkind: Service\nmetadata: {}\n', 'name: b\n'])(
    'a file with %j in it loses nothing',
    async (mistake) => {
      await put('a.yaml', service('a'), service('b'));
      take();
      await put('a.yaml', service('a', 81), mistake, service('c'));
      expect(take()).toMatchObject({
        up: ['a:81', 'c:80'],
        down: [],
        new: [expect.stringContaining('a.yaml:')],
      });
      await put('a.yaml', service('c'));
      expect(take()).toMatchObject({ up: [], down: ['default/a', 'default/b'], gone: [expect.anything()] });
    },
  );

  test('an object belongs to the first file that defines it', async () => {
    await put('b.yaml', service('x', 2));
    expect(take()).toEqual({ ...NOTHING, up: ['x:2'] });
    await put('a.yaml', '# first\n', service('x', 1));
    const problem =
      'b.yaml:1: Service default/x: metadata.name: is already defined in a.yaml, which is the one used';
    expect(take()).toEqual({ ...NOTHING, up: ['x:1'], new: [problem] });
    expect(catalogue.place('Service default/x')).toEqual({ file: 'a.yaml', line: 3, column: 1 });
    await put('a.yaml', service('y'));
    expect(take()).toEqual({ ...NOTHING, up: ['x:2', 'y:80'], gone: [problem] });
    catalogue.remove('b.yaml');
    expect(take()).toEqual({ ...NOTHING, down: ['default/x'] });
  });

  test('so it does within one file', async () => {
    await put('a.yaml', service('x', 1), service('x', 2));
    expect(take()).toEqual({
      ...NOTHING,
      up: ['x:1'],
      new: ['a.yaml:6: Service default/x: metadata.name: is already defined in line 1'],
    });
  });

  test('problems are told once, wherever they move to, and equal ones are counted', async () => {
    await put('a.yaml', 'a: [\n');
    expect(take()).toMatchObject({ new: [expect.anything()] });
    await put('a.yaml', '# moved\na: [\n');
    expect(take()).toEqual(NOTHING);
    await put('a.yaml', 'a: [\n', 'a: [\n');
    expect(take()).toMatchObject({ new: [expect.anything()], gone: [] });
    await put('a.yaml', 'a: [\n');
    expect(take()).toMatchObject({ new: [], gone: [expect.anything()] });
  });

  test('an unreadable file keeps what it held', async () => {
    await put('a.yaml', service('a'), 'kind: Deployment\n');
    expect(catalogue.takeBatch().ignored).toBe(1);
    catalogue.unreadable('a.yaml', 'cannot be read');
    expect(take()).toEqual({ ...NOTHING, new: ['a.yaml: cannot be read'] });
    await put('a.yaml', service('a'));
    expect(take()).toEqual({ ...NOTHING, gone: ['a.yaml: cannot be read'] });
  });
});
