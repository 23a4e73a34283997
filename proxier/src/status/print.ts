import { duration } from '../duration.ts';
import type { DaemonStatus } from './daemon-status.ts';
import type { Status } from './status.ts';
import type { TableStatus } from './table-status.ts';

/** So many lines of one kind are shown; all are in the JSON. */
const MAX_SHOWN = 20;

/** The status as people read it. */
export function statusText({ daemon, socket, tables }: Status): string {
  return [...daemonLines(daemon, socket), ...tables.flatMap((table) => ['', ...tableLines(table)])].join(
    '\n',
  );
}

function daemonLines(daemon: DaemonStatus | undefined, socket: string): readonly string[] {
  if (daemon === undefined) return [`daemon: none answers at ${socket}`];
  const {
    pid,
    version,
    startedAt,
    nodeName,
    services,
    setAside,
    conflicts,
    syncs,
    lastSyncs,
    repairs,
    failure,
  } = daemon;
  return [
    `daemon: process ${pid}, version ${version}, node ${nodeName}, since ${startedAt}`,
    `  ${services} Services, ${syncs} transactions, ${repairs} times put right what others had changed`,
    ...(failure === undefined ? [] : [`  FAILING since ${failure.at}: ${failure.message}`]),
    ...shown(
      setAside,
      ({ service, reason, retryInMs }) =>
        `  SET ASIDE: ${service}: ${reason}; tried again in ${duration(retryInMs)}`,
    ),
    ...shown(
      conflicts,
      ({ service, frontend, owner }) => `  conflict: ${service}: ${frontend} belongs to ${owner}`,
    ),
    ...lastSyncs.map(({ at, services: changed, operations, kernelTimeMs, latencyMs }) => {
      const times = `${latencyMs.toFixed(1)} ms, ${kernelTimeMs.toFixed(3)} ms in the kernel`;
      return `  ${at}  ${changed} changed Services, ${operations} operations, ${times}`;
    }),
  ];
}

function tableLines({
  family,
  layout,
  counts,
  stickies,
  sets,
  leftovers,
  problems,
}: TableStatus): readonly string[] {
  const lines = [
    `table ${family} kube-proxy: ${layout === undefined ? 'not of nft-proxier' : `layout ${layout}`}`,
  ];
  if (counts !== undefined) {
    const { clusterIPs, frontends, nodePorts, refused, dropped, restricted, endpoints } = counts;
    lines.push(
      `  ${clusterIPs} cluster IPs; ${frontends} frontends and ${nodePorts} node ports that lead to ${endpoints} endpoints`,
      `  ${refused} frontends refused, ${dropped} dropped, ${restricted} with source ranges`,
      `  ${counts.classes} classes; chains: ${counts.fixedChains} fixed, ${counts.classChains} of classes, ${counts.stickyChains} of sticky Services`,
    );
  }
  const width = Math.max(0, ...sets.map(({ name }) => name.length));
  return [
    ...lines,
    ...shown(stickies, (port) => {
      return `  sticky: ${port.service}: ${port.clients} clients remembered for ${duration(port.timeoutMs)}, ${port.endpoints} endpoints`;
    }),
    ...sets
      .filter(({ elements }) => elements !== 0)
      .map(
        ({ name, elements = '?', size = 'any number' }) => `  ${name.padEnd(width)}  ${elements} of ${size}`,
      ),
    ...shown(leftovers, (text) => `  left over: ${text}`),
    ...shown(problems, (text) => `  PROBLEM: ${text}`),
  ];
}

function shown<T>(list: readonly T[], line: (item: T) => string): readonly string[] {
  const hidden = list.length - MAX_SHOWN;
  return [
    ...list.slice(0, MAX_SHOWN).map(line),
    ...(hidden > 0 ? [`  … and ${hidden} more: --json has all`] : []),
  ];
}
