import {
  accept,
  classid,
  concatType,
  eq,
  inetProto,
  inetService,
  ip,
  ipv4Addr,
  ipv6Addr,
  map,
  mapped,
  type Nftables,
  oneOf,
  set,
  setMeta,
  table,
  tcp,
  verdictMap,
} from '../../src/index.ts';

/**
 * Checked by the compiler (`npm run check`), never run: an element's type follows from its set's key, so that what does
 * not fit is an error in the editor. A line that should not compile and does fails as an unused `@ts-expect-error`.
 */
export async function elementTypes(nft: Nftables): Promise<void> {
  const t = table('ip', 't');
  const addresses = set(t, 'addresses', { key: ipv4Addr });
  const services = map(t, 'services', { key: concatType(ipv4Addr, inetProto, inetService), data: classid });
  const decide = verdictMap(t, 'decide', { key: inetService });
  const tx = nft.transaction();

  tx.addElements(addresses, ['10.0.0.1', { key: '10.0.0.2', comment: 'two' }]);
  tx.addElements(services, [[['10.0.0.1', 'tcp', 80], '1:2']]);
  tx.addElements(decide, [[80, accept]]);
  tx.deleteElements(services, [['10.0.0.1', 'tcp', 80]]);

  const nets = set(t, 'nets', { key: ipv4Addr, intervals: true });
  const ports = verdictMap(t, 'ports', { key: inetService, intervals: true, catchAll: true });
  const pairs = set(t, 'pairs', { key: concatType(ipv4Addr, inetService), intervals: true });
  tx.addElements(nets, [
    '10.0.0.0/8',
    { from: '10.0.0.1', to: '10.0.0.9' },
    { key: '::/0', comment: 'text' },
  ]);
  tx.addElements(ports, [
    [{ from: 1, to: 9 }, accept],
    ['*', accept],
  ]);
  tx.addElements(pairs, [['10.0.0.0/8', { from: 80, to: 90 }]]);
  tx.deleteElements(ports, ['*', 80]);
  await nft.set(pairs).sync([['10.0.0.0/8', 80]]);
  // @ts-expect-error the set has no ranges
  tx.addElements(addresses, [{ from: '10.0.0.1', to: '10.0.0.9' }]);
  // @ts-expect-error the map has no element for everything
  tx.addElements(decide, [['*', accept]]);
  // @ts-expect-error a range of ports is one of numbers
  tx.addElements(pairs, [['10.0.0.0/8', { from: '80', to: 90 }]]);
  const net: string | { readonly from: string; readonly to: string } | undefined = (
    await nft.set(nets).get('::')
  )?.key;

  // @ts-expect-error a number is no address
  tx.addElements(addresses, [80]);
  // @ts-expect-error a map's element has data
  tx.addElements(services, [['10.0.0.1', 'tcp', 80]]);
  // @ts-expect-error the key has three fields
  tx.addElements(services, [[['10.0.0.1', 80], '1:2']]);
  // @ts-expect-error no such protocol
  tx.addElements(services, [[['10.0.0.1', 'tpc', 80], '1:2']]);
  // @ts-expect-error a verdict map has verdicts
  tx.addElements(decide, [[80, 'accept']]);
  // @ts-expect-error keys only
  tx.deleteElements(services, [[['10.0.0.1', 'tcp', 80], '1:2']]);

  const listed: readonly { readonly key: readonly [string, unknown, number]; readonly value: string }[] =
    await nft.listElements(services);
  // @ts-expect-error the data are class ids, read as text
  const wrong: readonly { readonly value: number }[] = await nft.listElements(services);

  eq(tcp.dport, 80);
  oneOf(ip.saddr, addresses);
  setMeta('priority', mapped(ip.saddr, map(t, 'm', { key: ipv4Addr, data: classid })));
  // @ts-expect-error a port is a number
  eq(tcp.dport, 'http');
  // @ts-expect-error a set of other keys
  oneOf(tcp.dport, addresses);
  void [listed, wrong, net, ipv6Addr];
}
