import { CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';
import { commandLine, type RunOptions } from '../../src/options.ts';

async function parse(...args: readonly string[]): Promise<RunOptions> {
  let found: RunOptions | undefined;
  const program = commandLine({
    run: async (options: RunOptions) => {
      found = options;
    },
  } as Parameters<typeof commandLine>[0]);
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeErr: () => undefined });
  }
  await program.parseAsync(['run', '--manifests', '/m', ...args], { from: 'user' });
  if (found === undefined) throw new Error('run was not called');
  return found;
}

const proxierOf = async (...args: readonly string[]) => (await parse(...args)).proxier;

describe('options of run', () => {
  test('what is meant where nothing is said', async () => {
    const { proxier, stateFile, once } = await parse('--netns', '/run/netns/x');
    expect({ stateFile, once }).toEqual({ stateFile: '/m/.nft-proxier.json', once: false });
    expect(proxier).toMatchObject({
      nodeIPs: [],
      zone: undefined,
      masqueradeAll: false,
      masqueradeBit: 14,
      nodePortAddresses: ['primary'],
      serviceCidrs: [],
      minSyncPeriodMs: 0,
    });
  });

  test('addresses become canonical, in their order', async () => {
    const proxier = await proxierOf('--node-ip', '192.0.2.010, 2001:DB8::0:1');
    expect(proxier.nodeIPs).toEqual(['192.0.2.10', '2001:db8::1']);
  });

  test.each([
    [
      '--cluster-cidr',
      '10.244.0.0/16,fd00::/48',
      { mode: 'ClusterCIDR', cidrs: ['10.244.0.0/16', 'fd00::/48'] },
    ],
    ['--pod-bridge-interface', 'cbr0', { mode: 'BridgeInterface', name: 'cbr0' }],
    ['--pod-interface-name-prefix', 'cali', { mode: 'InterfaceNamePrefix', prefix: 'cali' }],
  ])('%s says how pods are told', async (option, value, detectLocal) => {
    expect((await proxierOf(option, value)).detectLocal).toEqual(detectLocal);
  });

  test('node ports: networks, lenient as kube-proxy', async () => {
    const { nodePortAddresses } = await proxierOf('--nodeport-addresses', '10.1.2.3/8, 2001:db8::/32');
    expect(nodePortAddresses).toEqual(['10.0.0.0/8', '2001:db8::/32']);
  });

  test('the least time between transactions', async () => {
    expect((await proxierOf('--min-sync-period', '250')).minSyncPeriodMs).toBe(250);
  });

  test.each([
    ['--node-ip', '192.0.2.1,here', /"here" is not an IP address/],
    ['--cluster-cidr', '10.0.0.0', /"10\.0\.0\.0" is not like/],
    ['--cluster-cidr', '10.0.0.0/8,11.0.0.0/8', /one of each IP family/],
    ['--nodeport-addresses', 'primary,10.0.0.0/8', /"primary" is neither primary nor like/],
    ['--min-sync-period', '1s', /"1s" is not a number of milliseconds/],
    ['--min-sync-period', '-1', /./],
  ])('%s %s is refused', async (option, value, message) => {
    const refused = await parse(option, value).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(CommanderError);
    expect((refused as CommanderError).message).toMatch(message);
  });
});
