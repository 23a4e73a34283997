import { Nftables } from 'nftlink';
import { FAMILIES } from '../model/family.ts';
import type { DaemonStatus } from './daemon-status.ts';
import { statusText } from './print.ts';
import { askSocket, defaultSocketPath } from './socket.ts';
import { type TableStatus, tableStatus } from './table-status.ts';

/** What `nft-proxier status` is asked. */
export interface StatusOptions {
  readonly netns: string | undefined;
  /** Undefined: where a daemon of that namespace serves it if it is not told otherwise. */
  readonly statusSocket: string | undefined;
  readonly json: boolean;
}

/** How things stand: in the kernel, and as the daemon sees it. */
export interface Status {
  /** Undefined: none answers. */
  readonly daemon: DaemonStatus | undefined;
  /** Where it was looked for. */
  readonly socket: string;
  /** Those that are there. */
  readonly tables: readonly TableStatus[];
}

const EXIT = { good: 0, problems: 1, failed: 3 } as const;

/** Prints how things stand; sets the exit status. */
export async function status(options: StatusOptions): Promise<void> {
  try {
    const found = await readStatus(options);
    process.stdout.write(`${options.json ? JSON.stringify(found, undefined, 1) : statusText(found)}\n`);
    process.exitCode = hasProblems(found) ? EXIT.problems : EXIT.good;
  } catch (error) {
    process.stderr.write(`nft-proxier: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = EXIT.failed;
  }
}

async function readStatus({ netns, statusSocket }: StatusOptions): Promise<Status> {
  await using nft = Nftables.open(netns === undefined ? {} : { netns: { path: netns } });
  const socket = statusSocket ?? (await defaultSocketPath(netns));
  const daemon = await askSocket(socket);
  const tables: TableStatus[] = [];
  for (const family of FAMILIES) {
    const table = await tableStatus(nft, family);
    if (table !== undefined) tables.push(table);
  }
  return { daemon, socket, tables };
}

function hasProblems({ daemon, tables }: Status): boolean {
  const isFailing = daemon !== undefined && (daemon.failure !== undefined || daemon.setAside.length > 0);
  const isUnprogrammed = daemon !== undefined && tables.length < FAMILIES.length;
  return isFailing || isUnprogrammed || tables.some(({ problems }) => problems.length > 0);
}
