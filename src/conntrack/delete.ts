import { constants } from 'node:os';
import { attribute, nest } from '../netlink/attribute.ts';
import { errnoName } from '../netlink/errno.ts';
import { NFNL_SUBSYS } from '../netlink/native-transport.ts';
import { RequestError } from '../netlink/request.ts';
import type { Flow } from './flow.ts';
import { CTA, FAMILY, IPCTNL_MSG_CT } from './uapi.ts';

/** What became of the flows that were to be deleted. */
export interface Deletion {
  /** How many were deleted. */
  readonly deleted: number;
  /** They had ended by themselves. */
  readonly alreadyGone: number;
  /** `code` is errno's name, or `'unknown'` when the kernel's answer was lost. */
  readonly failed: readonly { readonly flow: Flow; readonly code: string }[];
}

/** What deleting needs of a transport. */
interface Sender {
  send(messages: Uint8Array): Promise<Uint8Array>;
}

/** So much is encoded and sent in one go; the native side makes system calls of it. */
const FLOWS_AT_ONCE = 4096;
const HEADER_BYTES = 20;
const NO_ANSWER = -1;

/** Rejects with RequestError when nothing can be sent at all. */
export async function deleteFlows(sender: Sender, flows: readonly Flow[]): Promise<Deletion> {
  const failed: { readonly flow: Flow; readonly code: string }[] = [];
  let deleted = 0;
  let alreadyGone = 0;
  for (let first = 0; first < flows.length; first += FLOWS_AT_ONCE) {
    const some = flows.slice(first, first + FLOWS_AT_ONCE);
    const results = await send(sender, some);
    for (const [index, flow] of some.entries()) {
      const result = results[index] ?? NO_ANSWER;
      if (result === 0) deleted++;
      else if (result === constants.errno.ENOENT) alreadyGone++;
      else failed.push({ flow, code: result === NO_ANSWER ? 'unknown' : errnoName(result) });
    }
  }
  return { deleted, alreadyGone, failed };
}

async function send(sender: Sender, flows: readonly Flow[]): Promise<readonly number[]> {
  const answer = await sender.send(Buffer.concat(flows.map(encodeDeletion)));
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
  const errno = view.getInt32(0, true);
  const results = flows.map((_, index) => view.getInt32(4 + 4 * index, true));
  if (errno !== 0 && results.every((result) => result === NO_ANSWER)) {
    throw new RequestError('deleting flows', errno);
  }
  return results;
}

/** By the original direction, the zone and the id. */
function encodeDeletion(flow: Flow): Uint8Array {
  const zone = flow.attribute(CTA.zone);
  const parts = [
    nest(CTA.tupleOriginal, [flow.attribute(CTA.tupleOriginal) ?? new Uint8Array(0)]),
    ...(zone === undefined ? [] : [attribute(CTA.zone, zone)]),
    attribute(CTA.id, flow.attribute(CTA.id) ?? new Uint8Array(4)),
  ];
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(HEADER_BYTES + body.length, 0);
  header.writeUInt16LE((NFNL_SUBSYS.ctnetlink << 8) | IPCTNL_MSG_CT.delete, 4);
  header.writeUInt8(FAMILY[flow.family], 16);
  return Buffer.concat([header, body]);
}
