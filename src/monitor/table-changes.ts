import { attributeMap, u32Of } from '../netlink/attribute.ts';
import { EventStream } from '../netlink/event-stream.ts';
import { type Listening, listenTo, notifications } from '../netlink/listening.ts';
import type { ListenOptions, Transport } from '../netlink/transport.ts';
import { NFT_MSG } from '../nft/pack/uapi.ts';
import type { Table } from '../nft/table.ts';
import { tableOf } from './table-of.ts';
import { GROUP, NFTA_GEN } from './uapi.ts';

/** Tables in which one transaction changed something, or that the kernel dropped events. */
export interface TableChanges {
  /** The ruleset's generation that the transaction made, as `Nftables.generation` gives it; undefined: events were dropped. */
  readonly generation: number | undefined;
  /** By family and name only; each once. Where events were dropped, others may have been changed too. */
  readonly tables: readonly Table[];
}

/** Subscribes at once. Throws OpenError. */
export function openTableChanges(transport: Transport, options: ListenOptions): EventStream<TableChanges> {
  const listening = listenTo(transport, GROUP.nftables, options);
  return new EventStream(listening, changes(listening), options.signal);
}

async function* changes(listening: Listening): AsyncGenerator<TableChanges> {
  const tables = new Map<string, Table>();
  const take = (generation: number | undefined): TableChanges => {
    const changed = { generation, tables: [...tables.values()] };
    tables.clear();
    return changed;
  };
  for await (const batch of notifications(listening, 'listening for changes')) {
    for (const notification of batch) {
      if (notification === 'gap') {
        yield take(undefined);
      } else if (notification.type === NFT_MSG.newGen) {
        yield take(u32Of(attributeMap(notification.attributes).get(NFTA_GEN.id)));
      } else {
        const table = tableOf(notification);
        if (table !== undefined) tables.set(`${table.family} ${table.name}`, table);
      }
    }
  }
}
