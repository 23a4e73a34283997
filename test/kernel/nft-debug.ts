import { spawnSync } from 'node:child_process';
import type { Host } from '../../lab/lab.ts';
import { encodedBatch } from '../../scripts/encoded-batch.ts';
import type { Transaction } from '../../src/index.ts';

/** Netlink messages as text, of nft and of ours: for what this kernel does not take. */

/** `number: bytes` or `number: [ … ]`; attributes side by side are in the order of their numbers, but lists of nests as they are. */
export type AttributeTree = readonly string[];

export interface SentMessage {
  /** NFT_MSG_*. */
  readonly type: number;
  readonly attributes: AttributeTree;
}

/** Escape sequences. */
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;
const SUBSYSTEM = 10;
/** NFT_MSG_GET*: what nft asks before it changes anything. */
const QUESTIONS: ReadonlySet<number> = new Set([1, 4, 7, 10, 13, 16, 19, 21, 23]);

/** What `nft COMMAND` sends, whether the kernel takes it or not. */
export function sentByNft(host: Host, command: string): readonly SentMessage[] {
  const args = ['netns', 'exec', host.name, 'nft', '--debug=mnl', command];
  const { stdout, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (/syntax error/.test(stderr)) throw new Error(stderr);
  const lines = stdout.split('\n').map((line) => line.replaceAll(COLOURS, ''));
  const messages: { type: number; bytes: number[] }[] = [];
  for (const line of lines) {
    const header = /^\| (\d+) \| .... \|/.exec(line);
    const attribute = /^\|(\d+)\|(.)(.)\|(\d+)\|/.exec(line);
    const data = /^\| (..) (..) (..) (..) {2}\|\t\| {6}data/.exec(line);
    const last = messages.at(-1);
    if (header !== null) messages.push({ type: Number(header[1]), bytes: [] });
    else if (attribute !== null) {
      const type = Number(attribute[4]) | (attribute[2] === 'N' ? NESTED : 0);
      const length = Number(attribute[1]);
      last?.bytes.push(length & 0xff, length >> 8, type & 0xff, type >> 8);
    } else if (data !== null) last?.bytes.push(...data.slice(1).map((byte) => Number.parseInt(byte, 16)));
  }
  return messages
    .filter(({ type }) => type >> 8 === SUBSYSTEM && !QUESTIONS.has(type & 0xff))
    .map(({ type, bytes }) => ({ type: type & 0xff, attributes: treeOf(Buffer.from(bytes)) }));
}

/** What a transaction of ours would send. */
export async function sentByUs(fill: (transaction: Transaction) => unknown): Promise<readonly SentMessage[]> {
  const batch = await encodedBatch(fill);
  const messages: SentMessage[] = [];
  for (let at = 0; at < batch.length; ) {
    const length = batch.readUInt32LE(at);
    const type = batch.readUInt16LE(at + 4);
    const attributes = batch.subarray(at + 20, at + length);
    if (type >> 8 === SUBSYSTEM) messages.push({ type: type & 0xff, attributes: treeOf(attributes) });
    at += (length + 3) & ~3;
  }
  return messages;
}

function treeOf(bytes: Buffer): AttributeTree {
  const found: { type: number; text: string }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    const raw = bytes.readUInt16LE(at + 2);
    const value = bytes.subarray(at + 4, at + length);
    const type = raw & TYPE_MASK;
    const inside = (raw & NESTED) === 0 ? value.toString('hex') : `[ ${treeOf(value).join(', ')} ]`;
    found.push({ type, text: `${type}: ${inside}` });
    at += (length + 3) & ~3;
  }
  const order = (a: (typeof found)[number], b: (typeof found)[number]) =>
    a.type - b.type || (a.text < b.text ? -1 : 1);
  const isList = found.every(({ type }) => type === 1) && found.some(({ text }) => text.includes('['));
  return (isList ? found : found.sort(order)).map(({ text }) => text);
}
