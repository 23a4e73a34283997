import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Lab } from '../../lab/lab.ts';
import {
  chain,
  flowtable,
  ipv4Addr,
  jump,
  Nftables,
  OpenError,
  queue,
  rule,
  set,
  type Transport,
  table,
} from '../../src/index.ts';
import { type RawOutcome, readOutcome } from '../../src/netlink/outcome.ts';
import { interrupted } from '../../src/netlink/request.ts';
import { transactionError } from '../../src/nft/transaction-error.ts';
import { packAborted } from '../../src/testing/refusal.ts';
import { documentedErrors, documentedHeadings, patternOf } from './documented-errors.ts';

/** docs/troubleshooting.md: what it says is printed is printed. */

const lab = new Lab('nftlink-troubles');
const host = lab.host('host');
const netns = { path: host.netnsPath };
const nft = Nftables.open({ netns });
const t = table('inet', 't');
const c = chain(t, 'c');
const s = set(t, 's', { key: ipv4Addr });
const small = set(t, 'small', { key: ipv4Addr, size: 2 });

beforeAll(() =>
  nft
    .transaction()
    .add(t)
    .add(c)
    .add(chain(t, 'caller'))
    .add(rule(chain(t, 'caller'), [jump(c)]))
    .add(s)
    .add(small)
    .addElements(s, ['10.0.0.1'])
    .addElements(small, ['10.0.0.1', '10.0.0.2'])
    .commit(),
);

afterAll(async () => {
  await nft.close();
  await lab.close();
});

/** The attempts of refused-here.ts, with the rights that a command leaves. */
function refusedHere(...command: readonly string[]): Readonly<Record<string, string>> {
  const program = ['node', '--import', 'tsx', 'test/kernel/refused-here.ts', netns.path];
  return JSON.parse(lab.run(host, command[0] ?? '', ...command.slice(1), ...program));
}

const LACKING = '-net_admin,-sys_admin';
const withoutRights = refusedHere('setpriv', `--bounding-set=${LACKING}`, `--inh-caps=${LACKING}`);
const inUserNamespace = refusedHere('unshare', '--user', '--map-root-user', '--net');

/** A kernel that answers everything with an errno. */
function refusing(errno: number, operation?: number): Nftables {
  const outcome = packAborted([{ operation, refusal: { errno } }]);
  const answer = Buffer.alloc(8);
  answer.writeInt32LE(errno);
  const transport: Transport = {
    transact: async () => outcome,
    transactSync: () => outcome,
    request: async () => answer,
    close: async () => undefined,
  };
  return new Nftables(transport);
}

/** Whatever the work throws, or rejects with, as it is printed. */
async function printedBy(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return String(error);
  }
  throw new Error('there was no error');
}

const { EOPNOTSUPP, EINVAL, EAFNOSUPPORT, EPROTONOSUPPORT, ENOBUFS } = constants.errno;
const MISSING_LIBRARY = 'libnftnl.so.11: cannot open shared object file: No such file or directory';

/** By the page's headings: what makes the error. */
const MAKERS: Readonly<Record<string, () => unknown>> = {
  'A commit without CAP_NET_ADMIN': () => Promise.reject(withoutRights['commit']),
  'A list without CAP_NET_ADMIN': () => Promise.reject(withoutRights['list']),
  'Listening without CAP_NET_ADMIN': () => Promise.reject(withoutRights['monitor']),
  'Another network namespace without CAP_SYS_ADMIN': () => Promise.reject(withoutRights['enter']),
  'A table with another owner': async () => {
    const elsewhere = { netns: { path: lab.host('owned').netnsPath } };
    await using owner = Nftables.open(elsewhere);
    const owned = table('inet', 't', { owner: true });
    await owner.transaction().add(owned).commit();
    await using other = Nftables.open(elsewhere);
    await other.transaction().delete(owned).commit();
  },
  'Not built, and no prebuilt one': () => loadAddon('nothing'),
  'A library is missing': () => loadAddon(`throw new Error('${MISSING_LIBRARY}')`),
  'Another version': () => loadAddon('module.exports = { abi: 99 }'),
  'An answer that cannot be read': () => readOutcome(new Uint8Array(3)),
  'No nfnetlink': () => {
    throw new OpenError(
      Object.assign(new Error(), { step: 'socket', errno: EPROTONOSUPPORT } as const),
      undefined,
    );
  },
  'No nf_tables, at a commit': () => refusing(EOPNOTSUPP).transaction().add(t).commit(),
  'No nf_tables, at a list': () => refusing(EINVAL).listTables(),
  'No tables of that family': () => refusing(EAFNOSUPPORT, 0).transaction().add(t).commit(),
  'A feature is missing, asked for': () => nft.requireFeature('flowtable'),
  'A feature is missing, in a transaction': () =>
    nft
      .transaction()
      .add(flowtable(t, 'f', { priority: 0, devices: ['lo'] }))
      .commit(),
  'An expression is missing': () =>
    nft
      .transaction()
      .add(rule(c, [queue({ to: 1 })]))
      .commit(),
  'No such network namespace': () => Nftables.open({ netns: { path: '/run/netns/nftlink-none' } }),
  'It exists already': () => nft.transaction().createElements(s, ['10.0.0.1']).commit(),
  'It does not exist': () => nft.transaction().deleteElements(s, ['10.0.0.9']).commit(),
  'Still in use': () => nft.transaction().delete(c).commit(),
  'The set is full': () => nft.transaction().addElements(small, ['10.0.0.9']).commit(),
  'Too large for one message': () => Promise.reject(inUserNamespace['large']),
  'Somebody was faster': async () => {
    const ifGeneration = await nft.generation();
    await nft.transaction().add(chain(t, 'another')).commit();
    await nft.transaction().add(chain(t, 'late')).commit({ ifGeneration });
  },
  'The answer was lost': () => {
    throw transactionError({ ...LOST, errno: ENOBUFS }, [], 0);
  },
  'A list that never comes through': () => {
    throw interrupted('listing tables');
  },
  'A gap among the events': fillBuffer,
  'A value that cannot be right': () => nft.transaction().addElements(s, ['10.0.0.1', '10.0.0.300']),
  'The socket is closed': async () => {
    const closed = Nftables.open({ netns });
    await closed.close();
    await closed.listTables();
  },
  'Something is under way': async () => {
    const asked = nft.listTables();
    try {
      nft.transaction().add(chain(t, 'late')).commitSync();
    } finally {
      await asked;
    }
  },
  'Committed twice': async () => {
    const transaction = nft.transaction();
    await transaction.commit();
    await transaction.commit();
  },
};

/** What the addon reports when receiving fails. */
const LOST: RawOutcome = {
  outcome: 'unknown',
  errno: 0,
  step: 'receive',
  failures: [],
  failuresLost: false,
  batchBytes: 0,
  limitBytes: 0,
};

/** Loads an addon that is this text of a module, or none at all. */
async function loadAddon(text: string): Promise<never> {
  const folder = mkdtempSync(join(tmpdir(), 'nftlink-troubles-'));
  const path = join(folder, 'addon.cjs');
  if (text !== 'nothing') writeFileSync(path, text);
  vi.resetModules();
  vi.stubEnv('NFTLINK_ADDON', path);
  try {
    const { loadNative } = await import('../../src/native/load.ts');
    loadNative();
    throw new Error('it was loaded');
  } finally {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  }
}

/** Changes more than a small buffer holds, until events are lost: rejects with that event. */
async function fillBuffer(): Promise<never> {
  await using events = nft.monitor({ receiveBufferBytes: 4096 });
  const lost = (async () => {
    for await (const event of events) if (event.kind === 'gap') return event;
    throw new Error('the events ended');
  })();
  let isLost = false;
  void lost.then(() => {
    isLost = true;
  });
  for (let i = 0; !isLost; i++) {
    const transaction = nft.transaction();
    for (let k = 0; k < 300; k++) transaction.add(chain(t, `gap-${i}-${k}`));
    await transaction.commit();
  }
  throw inspect(await lost);
}

test('every entry of the page has a message, and a way to make it', () => {
  expect([...documentedErrors().keys()]).toEqual(documentedHeadings());
  expect(Object.keys(MAKERS)).toEqual(documentedHeadings());
});

test.each([...documentedErrors()])('%s', async (heading, message) => {
  const printed = await printedBy(MAKERS[heading] ?? (() => undefined));
  expect(printed).toMatch(patternOf(message));
});
