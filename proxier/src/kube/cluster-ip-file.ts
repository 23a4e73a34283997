import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { canonicalAddress } from './address.ts';
import { type ClusterIPRecord, EMPTY_RECORD } from './cluster-ips.ts';
import { asItems, asMapping, asText, asTextMapping, child, type Field, formatPath } from './fields.ts';

/** The state file's text. Owners are only written where there is a dispute: the rest follows from the manifests. */
export function formatRecord({ given, released, owners, contested }: ClusterIPRecord): string {
  const disputes = [...contested].sort().map((ip) => [ip, owners.get(ip) ?? '']);
  const sorted = [...given].sort(([a], [b]) => (a < b ? -1 : 1));
  const state = {
    version: 1,
    given: Object.fromEntries(sorted),
    released: Object.fromEntries(released),
    owners: Object.fromEntries(disputes),
  };
  return `${JSON.stringify(state, null, 1)}\n`;
}

/** Reads a state file's text. Throws an error that says what is wrong with it. */
export function parseRecord(text: string): ClusterIPRecord {
  const fail = (field: Pick<Field, 'path'>, message: string): never => {
    throw new Error([formatPath(field.path), message].filter((part) => part !== '').join(': '));
  };
  const root: Field = {
    value: JSON.parse(text),
    path: [],
    complain: (complaint) => fail(complaint, complaint.message),
  };
  if (child(root, 'version').value !== 1) fail(child(root, 'version'), 'expected 1');
  const checked = (ip: string, field: Field): string =>
    canonicalAddress(ip) === ip ? ip : fail(field, `${JSON.stringify(ip)} is not an IP address`);
  const given = new Map<string, readonly string[]>();
  const givenField = child(root, 'given');
  for (const service of Object.keys(asMapping(givenField) ?? {})) {
    const items = asItems(child(givenField, service));
    given.set(
      service,
      items.map((item) => checked(asText(item) ?? '', item)),
    );
  }
  const addresses = (key: string) => {
    const field = child(root, key);
    return new Map(Object.entries(asTextMapping(field)).map(([ip, name]) => [checked(ip, field), name]));
  };
  const owners = addresses('owners');
  const contested = new Set(owners.keys());
  for (const [service, ips] of given) for (const ip of ips) if (!owners.has(ip)) owners.set(ip, service);
  return { given, released: addresses('released'), owners, contested };
}

/** Reads the state file; without one nothing was ever given. Throws an error that names the file. */
export async function readRecord(path: string): Promise<ClusterIPRecord> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return EMPTY_RECORD;
    throw new Error(`cannot read the state file ${path}: ${messageOf(error)}`, { cause: error });
  }
  try {
    return parseRecord(text);
  } catch (error) {
    throw new Error(
      `the state file ${path} is damaged: ${messageOf(error)}. It holds the cluster IPs that Services were given; ` +
        'restore it, or delete it to have them given anew',
      { cause: error },
    );
  }
}

/** Replaces the state file as a whole: after a crash it is the old one or the new one. Throws the system's error. */
export async function writeRecord(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'w', 0o644);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  // The new name is on the disk only when the folder is.
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
