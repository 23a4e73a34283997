import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { EXIT, type ExplainOptions } from './explain/explain.ts';
import { type Destination, parseClient, parseDestination, question } from './explain/question.ts';
import { formatAddress, parseAddress } from './kube/address.ts';
import { type Cidr, formatCidr, parseCidr, parseServiceCidrs } from './kube/cidr.ts';
import type { Family } from './model/frontends.ts';
import { ownInterfaceAddresses } from './node-ports.ts';
import { AFFINITY_SIZE, type DetectLocal, type ProxierConfig } from './proxier.ts';
import { LOG_FORMATS, LOG_LEVELS, type LogOptions } from './serve/log.ts';
import type { StatusOptions } from './status/status.ts';
import { LARGEST_READ } from './sync/kernel-table.ts';
import { ownVersion } from './version.ts';

/** Options of every command. */
export interface CommonOptions extends LogOptions {
  /** Path of the network namespace to work in; undefined: this process's own. */
  readonly netns: string | undefined;
}

export interface RunOptions extends CommonOptions {
  readonly manifests: string;
  readonly stateFile: string;
  readonly serviceCidrs: readonly Cidr[];
  readonly proxier: ProxierConfig;
  /** Program what there is, and end. */
  readonly once: boolean;
  /** Path of the socket that serves the status; `none`: no socket; undefined: where `status` looks for it. */
  readonly statusSocket: string | undefined;
}

export interface Commands {
  run(options: RunOptions): Promise<void>;
  cleanup(options: CommonOptions): Promise<void>;
  explain(options: ExplainOptions): Promise<void>;
  status(options: StatusOptions): Promise<void>;
}

interface RawRun {
  readonly manifests: string;
  readonly state?: string;
  readonly serviceCidr: readonly Cidr[];
  readonly nodeName: string;
  readonly nodeIp?: readonly string[];
  readonly clusterCidr?: Readonly<Partial<Record<Family, string>>>;
  readonly podBridgeInterface?: string;
  readonly podInterfaceNamePrefix?: string;
  readonly zone?: string;
  readonly masqueradeAll: boolean;
  readonly nodeportAddresses: readonly string[];
  readonly minSyncPeriod: number;
  readonly affinitySize: number;
  readonly once: boolean;
  readonly statusSocket?: string;
  readonly netns?: string;
  readonly logLevel: LogOptions['level'];
  readonly logFormat: LogOptions['format'];
}

interface RawExplain {
  readonly from: string;
  readonly to: Destination;
  readonly iif?: string;
  readonly nodeIp?: readonly string[];
  readonly netns?: string;
  readonly json: boolean;
}

interface RawStatus {
  readonly statusSocket?: string;
  readonly netns?: string;
  readonly json: boolean;
}

const DEFAULT_SOCKET = '/run/nft-proxier/INODE.sock, of the network namespace';
const DEFAULT_SERVICE_CIDR = '10.96.0.0/12';

/** The command line: what it understands, and what it says of itself. */
export function commandLine(commands: Commands): Command {
  const program = new Command('nft-proxier')
    .description(
      "A Kubernetes Service proxy: kube-proxy's nftables mode without nft, with updates in constant time.",
    )
    .version(ownVersion())
    .showHelpAfterError('See --help for what it understands.');

  withCommonOptions(program.command('run'))
    .description('Program Services and keep them up to date. Rules stay when it ends.')
    .requiredOption(
      '--manifests <dir>',
      'folder with Service and EndpointSlice objects (YAML or JSON), watched',
    )
    .option('--state <file>', 'where given cluster IPs are remembered (default: <dir>/.nft-proxier.json)')
    .addOption(
      new Option('--service-cidr <cidr[,cidr]>', 'addresses for Services without a clusterIP')
        .argParser(argument(parseServiceCidrs))
        // The help needs a text: it cannot show a Cidr.
        .default(parseServiceCidrs(DEFAULT_SERVICE_CIDR), DEFAULT_SERVICE_CIDR),
    )
    .option('--node-name <name>', "this node's name in EndpointSlices", hostname().toLowerCase())
    .option(
      '--node-ip <ip[,ip]>',
      "this node's addresses (default: those of its interfaces, or none with --netns)",
      argument(parseAddresses),
    )
    .option(
      '--cluster-cidr <cidr[,cidr]>',
      'addresses of pods: cluster IPs reached from elsewhere are masqueraded (default: nothing is)',
      argument(parseClusterCidrs),
    )
    .option('--pod-bridge-interface <name>', 'tell traffic of pods by the bridge that it comes from')
    .option(
      '--pod-interface-name-prefix <prefix>',
      'tell traffic of pods by the interface that it comes from',
    )
    .option('--zone <zone>', "this node's topology.kubernetes.io/zone, for topology hints")
    .option('--masquerade-all', 'masquerade all traffic to cluster IPs', false)
    .addOption(
      new Option('--nodeport-addresses <primary|cidr[,cidr]>', 'addresses with node ports')
        .argParser(argument(parseNodePortAddresses))
        .default(['primary'], 'primary'),
    )
    .addOption(
      new Option('--min-sync-period <ms>', 'least time between two transactions')
        .argParser(argument(parsePeriodMs))
        .default(0),
    )
    .addOption(
      new Option('--affinity-size <clients>', 'clients of sticky Services that are remembered, per IP family')
        .argParser(argument(parseAffinitySize))
        .default(AFFINITY_SIZE),
    )
    .option('--once', 'program what there is and end; exit status 1 if a manifest was malformed', false)
    .option('--status-socket <path|none>', `where the status is served (default: ${DEFAULT_SOCKET})`)
    .action((raw: RawRun) => commands.run(runOptions(raw)));

  withCommonOptions(program.command('cleanup'))
    .description('Remove the tables that run (or kube-proxy in nftables mode) has made.')
    .action((raw: RawRun) => commands.cleanup(commonOptions(raw)));
  addExplain(program, commands);
  addStatus(program, commands);
  return program;
}

function addStatus(program: Command, commands: Commands): void {
  withNetns(endingWith(EXIT.usage, program.command('status')))
    .description(
      'Say how things stand: in the kernel, and as a running daemon sees it. Exit status 0: all is well; ' +
        '1: there are problems; 2: wrong arguments; 3: the kernel or the daemon cannot be asked.',
    )
    .option('--status-socket <path>', `where the daemon serves its status (default: ${DEFAULT_SOCKET})`)
    .option('--json', 'print JSON', false)
    .action(({ netns, statusSocket, json }: RawStatus) => commands.status({ netns, statusSocket, json }));
}

function addExplain(program: Command, commands: Commands): void {
  withNetns(endingWith(EXIT.usage, program.command('explain')))
    .description(
      'Say what happens to a new connection, and why, from what is in the kernel. Exit status 0: it is forwarded or left alone; ' +
        '1: it is refused or dropped, or the table is broken; 2: wrong arguments; 3: nobody can say.',
    )
    .requiredOption('--from <ip>', "the client's address", argument(parseClient))
    .requiredOption('--to <ip:port/protocol>', 'what it connects to', argument(parseDestination))
    .option('--iif <name>', 'the interface that its packets come in by')
    .option(
      '--node-ip <ip[,ip]>',
      "this node's addresses (default: those that its routing tables say are its own)",
      argument(parseAddresses),
    )
    .option('--json', 'print JSON', false)
    .action((raw: RawExplain, command: Command) => commands.explain(explainOptions(raw, command)));
}

function explainOptions(
  { from, to, iif, nodeIp, netns, json }: RawExplain,
  command: Command,
): ExplainOptions {
  try {
    return { question: question(from, to, iif), netns, nodeIPs: nodeIp, json };
  } catch (error) {
    return command.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Gives a command another exit status for arguments that it does not understand: 1 has a meaning. */
function endingWith(status: number, command: Command): Command {
  return command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : status));
}

function withNetns(command: Command): Command {
  return command.option(
    '--netns <path>',
    'work in the network namespace at this path (default: the own one)',
  );
}

function withCommonOptions(command: Command): Command {
  return withNetns(command)
    .addOption(
      new Option('--log-level <level>', 'least level that is logged').choices(LOG_LEVELS).default('info'),
    )
    .addOption(new Option('--log-format <format>', 'form of the log').choices(LOG_FORMATS).default('text'));
}

function runOptions(raw: RawRun): RunOptions {
  return {
    ...commonOptions(raw),
    manifests: raw.manifests,
    stateFile: raw.state ?? join(raw.manifests, '.nft-proxier.json'),
    serviceCidrs: raw.serviceCidr,
    proxier: proxierConfig(raw),
    once: raw.once,
    statusSocket: raw.statusSocket,
  };
}

function proxierConfig(raw: RawRun): ProxierConfig {
  const nodeIPs = raw.nodeIp ?? (raw.netns === undefined ? ownAddresses() : []);
  return {
    nodeName: raw.nodeName,
    nodeIPs,
    // Slices written by hand rarely name nodes.
    findsByAddress: true,
    zone: raw.zone,
    detectLocal: detectLocal(raw),
    masqueradeAll: raw.masqueradeAll,
    masqueradeBit: 14,
    nodePortAddresses: raw.nodeportAddresses,
    // 10.96.0.0/12 may be somebody's network: without a cluster nothing in it is dropped.
    serviceCidrs: [],
    // Of another namespace this process can't list them.
    interfaceAddresses: raw.netns === undefined ? ownInterfaceAddresses : () => nodeIPs,
    minSyncPeriodMs: raw.minSyncPeriod,
    affinitySize: raw.affinitySize,
  };
}

function detectLocal(raw: RawRun): DetectLocal {
  const { podBridgeInterface: bridge, podInterfaceNamePrefix: prefix, clusterCidr } = raw;
  if (bridge !== undefined) return { mode: 'BridgeInterface', name: bridge };
  if (prefix !== undefined) return { mode: 'InterfaceNamePrefix', prefix };
  return { mode: 'ClusterCIDR', cidrs: Object.values(clusterCidr ?? {}) };
}

function commonOptions({ netns, logLevel, logFormat }: RawRun): CommonOptions {
  return { netns, level: logLevel, format: logFormat };
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal)
    .map(({ address }) => address);
}

function parseAddresses(text: string): readonly string[] {
  return text.split(',').map((part) => {
    const address = parseAddress(part.trim());
    if (address === undefined) throw new Error(`${JSON.stringify(part)} is not an IP address`);
    return formatAddress(address);
  });
}

function parseClusterCidrs(text: string): Readonly<Partial<Record<Family, string>>> {
  const cidrs: Partial<Record<Family, string>> = {};
  for (const part of text.split(',')) {
    const cidr = parseCidr(part.trim());
    if (cidr === undefined) throw new Error(`${JSON.stringify(part)} is not like 10.244.0.0/16`);
    const family = cidr.family === 'IPv4' ? 'ip' : 'ip6';
    if (cidrs[family] !== undefined) throw new Error(`expected one CIDR, or one of each IP family`);
    cidrs[family] = formatCidr(cidr);
  }
  return cidrs;
}

function parseNodePortAddresses(text: string): readonly string[] {
  if (text === 'primary') return [text];
  return text.split(',').map((part) => {
    const cidr = parseCidr(part.trim());
    if (cidr === undefined) throw new Error(`${JSON.stringify(part)} is neither primary nor like 10.0.0.0/8`);
    return formatCidr(cidr);
  });
}

/** Larger sets are not read when a new process takes over, which would lose the affinities. */
function parseAffinitySize(text: string): number {
  const size = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (size < 1 || size >= LARGEST_READ) {
    throw new Error(`${JSON.stringify(text)} is not a number from 1 to ${LARGEST_READ - 1}`);
  }
  return size;
}

function parsePeriodMs(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new Error(`${JSON.stringify(text)} is not a number of milliseconds`);
  return Number(text);
}

/** Makes a parser's error one that commander shows together with the option. */
function argument<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}
