import { EventStream } from '../netlink/event-stream.ts';
import { type Listening, listenTo, notifications } from '../netlink/listening.ts';
import type { ListenOptions, Transport } from '../netlink/transport.ts';
import { NFT_MSG } from '../nft/pack/uapi.ts';
import type { Table } from '../nft/table.ts';
import { tableOf } from './table-of.ts';
import { GROUP } from './uapi.ts';

/** Tables in which something was changed. */
export interface TableChanges {
  /** By family and name only; each once. */
  readonly tables: readonly Table[];
  /** False: the kernel dropped events, and other tables may have been changed too. */
  readonly complete: boolean;
}

/** Subscribes at once. Throws OpenError. */
export function openTableChanges(transport: Transport, options: ListenOptions): EventStream<TableChanges> {
  const listening = listenTo(transport, GROUP.nftables, options);
  return new EventStream(listening, changes(listening), options.signal);
}

async function* changes(listening: Listening): AsyncGenerator<TableChanges> {
  for await (const batch of notifications(listening, 'listening for changes')) {
    const tables = new Map<string, Table>();
    let complete = true;
    for (const notification of batch) {
      if (notification === 'gap') complete = false;
      else if (notification.type !== NFT_MSG.newGen) {
        const table = tableOf(notification);
        if (table !== undefined) tables.set(`${table.family} ${table.name}`, table);
      }
    }
    yield { tables: [...tables.values()], complete };
  }
}
