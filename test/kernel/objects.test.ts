import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Host, Lab } from '../../lab/lab.ts';
import {
  baseChain,
  chain,
  connlimitObject,
  counter,
  counterObject,
  ctExpectationObject,
  ctHelperObject,
  ctTimeoutObject,
  eq,
  inetService,
  ip,
  ipv4Addr,
  type ListedRule,
  limitObject,
  meta,
  Nftables,
  objectFrom,
  objectMap,
  objectNamed,
  quotaObject,
  rule,
  type StatefulObject,
  secmarkObject,
  synproxyObject,
  table,
  tcp,
  tunnelObject,
} from '../../src/index.ts';
import { attributeMap, textAttribute, textOf } from '../../src/netlink/attribute.ts';
import { NativeTransport } from '../../src/netlink/native-transport.ts';
import { ask } from '../../src/netlink/request.ts';
import { NFT_MSG, NFTA_OBJ, NLM_F } from '../../src/nft/pack/uapi.ts';
import { failureOf } from './failure-of.ts';

/** Stateful objects: what we write beside what nft makes of its listing, byte for byte; state that is read and set back. */

const lab = new Lab('nftlink-objects');
const ours = lab.host('ours');
const theirs = lab.host('theirs');
let nft: Nftables;

beforeAll(() => {
  nft = Nftables.open({ netns: { path: ours.netnsPath } });
});

afterAll(async () => {
  await nft.close();
  await lab.close();
});

const t = table('inet', 't');
const web = counterObject(t, 'web', { comment: 'requests', packets: 3, bytes: 420 });
/** In the order in which nft lists them. */
const listed: readonly StatefulObject[] = [
  web,
  quotaObject(t, 'monthly', { bytes: 25 << 20, used: 10 }),
  quotaObject(t, 'spent', { bytes: 5000, over: true, comment: 'enough' }),
  limitObject(t, 'slow', { rate: 400, per: 'hour', burst: 7 }),
  limitObject(t, 'fast', { rate: 10 << 20, per: 'second', bytes: true, burst: 4096, over: true }),
  ctHelperObject(t, 'ftp-standard', { helper: 'ftp', protocol: 'tcp', family: 'ip' }),
  ctTimeoutObject(t, 'short', {
    protocol: 'tcp',
    family: 'ip',
    policySeconds: { established: 120, close: 20 },
  }),
  ctTimeoutObject(t, 'shorter', { protocol: 'udp', policySeconds: { unreplied: 12 } }),
  ctExpectationObject(t, 'data', {
    protocol: 'tcp',
    dport: 5432,
    timeoutMs: 3_600_000,
    size: 12,
    family: 'ip',
  }),
  synproxyObject(t, 'proxy', { mss: 1460, wscale: 7, timestamp: true, sackPerm: true }),
  synproxyObject(t, 'plain', { mss: 1400, wscale: 0 }),
];
/** nft 1.0.6 has no words for these. The kernel has tunnels in tables of family netdev. */
const other = table('netdev', 'other');
const more = table('inet', 'more');
const unlisted: readonly StatefulObject[] = [
  connlimitObject(more, 'few', { count: 20, over: true, comment: 'connections' }),
  tunnelObject(other, 'vx', {
    id: 10,
    ip: { saddr: '10.0.0.1', daddr: '10.0.0.2' },
    sport: 5000,
    dport: 4789,
    tos: 8,
    ttl: 64,
    flags: 1,
    options: [{ vxlan: { gbp: 7 } }],
  }),
  tunnelObject(other, 'er', {
    id: 11,
    ip: { saddr: '10.0.0.1', daddr: '10.0.0.3' },
    options: [{ erspan: { version: 1, index: 5 } }],
  }),
  tunnelObject(other, 'gnv', {
    id: 12,
    ip6: { saddr: 'fd00::1', daddr: 'fd00::2', flowlabel: 5 },
    dport: 6081,
    options: [
      { geneve: { class: 0x102, type: 1, data: Uint8Array.of(1, 2, 3, 4) } },
      { geneve: { class: 0x103, type: 2, data: Uint8Array.of(5, 6, 7, 8) } },
    ],
  }),
];

/** Attributes of every object of a table as the kernel has them, handles and counts of use apart. */
async function rawObjects(host: Host): Promise<Record<string, readonly string[]>> {
  const transport = new NativeTransport({ path: host.netnsPath });
  const name = textAttribute(NFTA_OBJ.table, 't');
  const replies = await ask(transport, 'listing objects', NFT_MSG.getObj, NLM_F.dump, 1, name);
  await transport.close();
  const ignored = [5, 6];
  return Object.fromEntries(
    replies.map((message) => {
      const fields = attributeMap(message.attributes);
      const hex = [...fields]
        .filter(([type]) => !ignored.includes(type))
        .map(([type, bytes]) => `${type}: ${Buffer.from(bytes).toString('hex')}`);
      return [textOf(fields.get(NFTA_OBJ.name)), hex];
    }),
  );
}

describe('objects that nft knows', () => {
  beforeAll(async () => {
    const transaction = nft.transaction().add(t);
    for (const object of listed) transaction.create(object);
    await transaction.commit();
  });

  test('are listed by nft as their authors know them', () => {
    expect(lab.run(ours, 'nft', 'list', 'ruleset')).toMatchInlineSnapshot(`
      "table inet t {
      	counter web {
      		comment "requests"
      		packets 3 bytes 420
      	}

      	quota monthly {
      		25 mbytes used 10 bytes
      	}

      	quota spent {
      		comment "enough"
      		over 5000 bytes
      	}

      	limit slow {
      		rate 400/hour burst 7 packets
      	}

      	limit fast {
      		rate over 10 mbytes/second burst 4 kbytes
      	}

      	ct helper ftp-standard {
      		type "ftp" protocol tcp
      		l3proto ip
      	}

      	ct timeout short {
      		protocol tcp
      		l3proto ip
      		policy = { established : 120, close : 20 }
      	}

      	ct timeout shorter {
      		protocol udp
      		l3proto inet
      		policy = { unreplied : 12 }
      	}

      	ct expectation data {
      		protocol tcp
      		dport 5432
      		timeout 1h
      		size 12
      		l3proto ip
      	}

      	synproxy proxy {
      		mss 1460
      		wscale 7
      		timestamp sack-perm
      	}

      	synproxy plain {
      		mss 1400
      		wscale 0
      	}
      }
      "
    `);
  });

  test('are, byte for byte, what nft makes of that listing', async () => {
    lab.load(theirs, lab.run(ours, 'nft', 'list', 'ruleset'));
    const mine = await rawObjects(ours);
    expect(Object.keys(mine)).toHaveLength(listed.length);
    expect(mine).toEqual(await rawObjects(theirs));
  });

  test('are read back as they were described', async () => {
    const found = await nft.listObjects(t);
    expect(found).toHaveLength(listed.length);
    for (const object of listed) {
      const same = found.find(({ name }) => name === object.name);
      if (object.kind === 'ct timeout') expect(same).toMatchObject({ policySeconds: object.policySeconds });
      else expect(same).toMatchObject(object);
    }
  });

  test('are listed by kind, with the types of that kind', async () => {
    const counters = await nft.listObjects(t, 'counter');
    expect(counters).toEqual([web]);
    expect(counters[0]?.packets).toBe(3n);
    const limits = await nft.listObjects(t, 'limit');
    expect(limits.map(({ name, per }) => [name, per])).toEqual([
      ['slow', 'hour'],
      ['fast', 'second'],
    ]);
    await expect(nft.listObjects(table('inet', 'nowhere'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test.each([other, more])(
  'objects that nft 1.0.6 does not know are written and read back, family $family',
  async (of) => {
    const objects = unlisted.filter((object) => object.table === of);
    const transaction = nft.transaction().add(of);
    for (const object of objects) transaction.add(object);
    await transaction.commit();
    const found = await nft.listObjects(of);
    expect(found.map(({ name }) => name).sort()).toEqual(objects.map(({ name }) => name).sort());
    for (const object of objects)
      expect(found.find(({ name }) => name === object.name)).toMatchObject(object);
    // What was read makes the same objects.
    const again = nft.transaction().delete(of).add(of);
    for (const object of found) again.add(object);
    await again.commit();
    expect(await nft.listObjects(of)).toEqual(found);
    await nft.transaction().delete(of).commit();
  },
);

describe('state', () => {
  const s = table('inet', 's');
  const output = baseChain(s, 'output', { type: 'filter', hook: 'output', priority: 'filter' });
  const datagrams = counterObject(s, 'datagrams');
  /** Datagrams of 10 bytes, 38 with their headers. */
  const program = (count: number, address: string, pause: number) =>
    `import socket, time\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nfor i in range(${count}):\n  s.sendto(b'x' * 10, ('${address}', 9))\n  time.sleep(${pause})`;
  const send = (count: number, address: string) => lab.run(ours, 'python3', '-c', program(count, address, 0));
  const byAddress = objectMap(s, 'by-address', { key: ipv4Addr, object: 'counter' });
  const used = quotaObject(s, 'used', { bytes: 1 << 20, over: true });

  beforeAll(async () => {
    await nft
      .transaction()
      .add(s)
      .add(output)
      .add(datagrams)
      .add(used)
      .add(byAddress)
      .addElements(byAddress, [
        ['127.0.0.1', datagrams],
        ['127.0.0.2', 'datagrams'],
      ])
      .add(rule(output, [eq(meta.l4proto, 'udp'), objectFrom(ip.daddr, byAddress), objectNamed(used)]))
      .commit();
  });

  test('is counted by rules that name an object or find it in a map', async () => {
    send(2, '127.0.0.1');
    expect(await nft.readObject(datagrams)).toMatchObject({ packets: 2n, bytes: 76n });
    expect(await nft.readObject(used)).toMatchObject({ used: 76n });
    const listing = lab.run(ours, 'nft', 'list', 'table', 'inet', 's');
    expect(listing).toContain('type ipv4_addr : counter');
    expect(listing).toContain('counter name ip daddr map @by-address');
    expect(listing).toContain('quota name "used"');
    const elements = await nft.listElements(byAddress);
    expect(elements.map(({ key, value }) => [key, value]).sort()).toEqual([
      ['127.0.0.1', 'datagrams'],
      ['127.0.0.2', 'datagrams'],
    ]);
    expect((await nft.listSets(s))[0]).toMatchObject({ name: 'by-address', data: { name: 'counter' } });
  });

  test('is set back in the moment in which it is read', async () => {
    expect(await nft.resetObject(datagrams)).toMatchObject({ packets: 2n });
    expect(await nft.readObject(datagrams)).toMatchObject({ packets: 0n, bytes: 0n });
    send(1, '127.0.0.2');
    const reset = await nft.resetObjects(s);
    expect(reset.find(({ name }) => name === 'datagrams')).toMatchObject({ packets: 1n });
    expect(reset.find(({ name }) => name === 'used')).toMatchObject({ used: 114n });
    expect(await nft.resetObjects(s, 'counter')).toMatchObject([{ name: 'datagrams', packets: 0n }]);
    expect(await nft.readObject(used)).toMatchObject({ used: 0n });
  });

  test('no packet is lost between resets, while packets come', async () => {
    const sender = lab.start(ours, 'python3', '-c', program(400, '127.0.0.1', 0.001));
    let counted = 0n;
    const ended = new Promise((resolve) => sender.once('exit', resolve));
    let running = true;
    void ended.then(() => {
      running = false;
    });
    while (running) {
      for (const { packets } of await nft.resetObjects(s, 'counter')) counted += packets;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    counted += (await nft.resetObject(datagrams)).packets;
    expect(counted).toBe(400n);
  });

  test('an object in use is not deleted, and what is missing is named', async () => {
    const busy = await failureOf(nft.transaction().delete(datagrams).commit());
    expect(busy.failures).toMatchObject([
      { code: 'EBUSY', target: 'counter inet s datagrams', field: 'name' },
    ]);
    const none = counterObject(s, 'none');
    expect(await failureOf(nft.transaction().delete(none).commit())).toMatchObject({
      code: 'ENOENT',
      message: expect.stringContaining('no such object'),
    });
    await nft.transaction().destroy(none).commit();
    expect(await failureOf(nft.transaction().create(datagrams).commit())).toMatchObject({ code: 'EEXIST' });
    await expect(nft.readObject(none)).rejects.toMatchObject({ code: 'ENOENT' });
    const rules = await nft.listRules(output);
    const transaction = nft.transaction();
    for (const each of rules) transaction.delete(each);
    await transaction.delete(byAddress).delete(datagrams).destroy(used).commit();
    expect(await nft.listObjects(s)).toEqual([]);
  });
});

describe('rules that use objects', () => {
  const u = table('inet', 'u');
  const pre = baseChain(u, 'pre', { type: 'filter', hook: 'prerouting', priority: 0 });
  const objects: readonly (readonly [StatefulObject, string])[] = [
    [counterObject(u, 'c'), 'counter name "c"'],
    [quotaObject(u, 'q', { bytes: 5 }), 'quota name "q"'],
    [limitObject(u, 'l', { rate: 5, per: 'second' }), 'limit name "l"'],
    [ctHelperObject(u, 'h', { helper: 'ftp', protocol: 'tcp', family: 'ip' }), 'ct helper set "h"'],
    [ctTimeoutObject(u, 'x', { protocol: 'tcp', policySeconds: { close: 20 } }), 'ct timeout set "x"'],
    [
      ctExpectationObject(u, 'e', { protocol: 'tcp', dport: 1, timeoutMs: 1000, size: 1, family: 'ip' }),
      'ct expectation set "e"',
    ],
  ];

  test.each(objects.map(([object, text]) => [text, object] as const))('%s', async (text, object) => {
    await nft
      .transaction()
      .add(u)
      .add(pre)
      .add(object)
      .add(rule(pre, [objectNamed(object)]))
      .commit();
    expect(lab.run(ours, 'nft', 'list', 'chain', 'inet', 'u', 'pre')).toContain(`\t\t${text}\n`);
    const [last] = (await nft.listRules(pre)).slice(-1);
    expect(last?.expressions).toMatchObject([{ name: 'objref', fields: { name: object.name } }]);
  });

  test('a SYN proxy is for chains of the hooks input and forward', async () => {
    const proxy = synproxyObject(u, 'p', { mss: 1460, wscale: 7 });
    const input = baseChain(u, 'in', { type: 'filter', hook: 'input', priority: 0 });
    await nft
      .transaction()
      .add(u)
      .add(input)
      .add(proxy)
      .add(rule(input, [eq(tcp.dport, 80), objectNamed(proxy)]))
      .commit();
    expect(lab.run(ours, 'nft', 'list', 'chain', 'inet', 'u', 'in')).toContain('synproxy name "p"');
  });

  test('objects of a map may be of any kind but one kind', async () => {
    const limits = objectMap(u, 'limits', { key: inetService, object: 'limit' });
    const rules = chain(u, 'rules');
    const fast = limitObject(u, 'fast', { rate: 100, per: 'second' });
    const t2 = nft
      .transaction()
      .add(u)
      .add(rules)
      .add(fast)
      .add(limits)
      .addElements(limits, [[80, fast]]);
    await t2.add(rule(rules, [objectFrom(tcp.dport, limits)])).commit();
    const listing = lab.run(ours, 'nft', 'list', 'table', 'inet', 'u');
    expect(listing).toContain('elements = { 80 : "fast" }');
    expect(listing).toContain('limit name tcp dport map @limits');
    const wrong = nft
      .transaction()
      .addElements(limits, [[81, 'c']])
      .commit();
    expect(await failureOf(wrong)).toMatchObject({ code: 'ENOENT' });
    expect(() => nft.transaction().addElements(limits, [[81, 5 as never]])).toThrow('elements[0].value');
  });
});

test('a rule is read and set back in one moment', async () => {
  const r = table('ip', 'r');
  const output = baseChain(r, 'output', { type: 'filter', hook: 'output', priority: 0 });
  const expression = rule(output, [eq(meta.l4proto, 'udp'), counter]);
  await nft.transaction().add(r).add(output).add(expression).commit();
  lab.run(ours, 'python3', '-c', "import socket; socket.socket(2, 2).sendto(b'x', ('127.0.0.1', 9))");
  const [listedRule] = await nft.listRules(output);
  if (listedRule === undefined) throw new Error('no rule');
  const countOf = ({ expressions }: ListedRule) => expressions.at(-1)?.fields;
  expect(countOf(await nft.resetRule(listedRule))).toMatchObject({ packets: 1n, bytes: 29n });
  expect(countOf(await nft.resetRule(listedRule))).toMatchObject({ packets: 0n, bytes: 0n });
  await expect(nft.resetRule({ ...listedRule, handle: 999n })).rejects.toMatchObject({ code: 'ENOENT' });
  await nft.transaction().delete(r).commit();
});

test('a security label takes a kernel with SELinux: this one says so', async () => {
  const label = secmarkObject(t, 'ssh', { context: 'system_u:object_r:ssh_server_packet_t:s0' });
  const { failures } = await failureOf(nft.transaction().add(t).add(label).commit());
  expect(failures).toMatchObject([{ code: 'ENOENT', target: 'secmark inet t ssh' }]);
  expect(failures[0]?.message).toContain('lacks such objects');
});

test('what cannot be is refused before anything is sent', () => {
  expect(() => counterObject(t, '')).toThrow('name: ""');
  expect(() => quotaObject(t, 'q', { bytes: -1 })).toThrow('quota.bytes: -1');
  expect(() => limitObject(t, 'l', { rate: 0, per: 'second' })).toThrow('rate: 0');
  expect(() => ctHelperObject(t, 'h', { helper: '', protocol: 'tcp' })).toThrow('ct helper.helper');
  const policySeconds = { syn_sent: 5, nonsense: 1 };
  expect(() => ctTimeoutObject(t, 'x', { protocol: 'tcp', policySeconds })).toThrow('a state of tcp');
  expect(() => synproxyObject(t, 'p', { mss: 100_000 })).toThrow('synproxy.mss');
  expect(() => counterObject(t, 'c', { comment: 'x'.repeat(200) })).toThrow('comment');
});
