import { constants, release } from 'node:os';
import { textAttribute, u32Attribute } from './netlink/attribute.ts';
import { readOutcome } from './netlink/outcome.ts';
import type { Transport } from './netlink/transport.ts';
import { familyNumber } from './nft/family.ts';
import { FEATURES, type FeatureName, isOlder } from './nft/feature.ts';
import { CHECK_ONLY, PackedWriter } from './nft/pack/packed-writer.ts';
import {
  ELEMENT_COLUMN,
  ELEMENT_FLAG,
  NFT_MSG,
  NFTA_FLOWTABLE,
  NFTA_FLOWTABLE_HOOK,
  NFTNL_CHAIN,
  NFTNL_RULE,
  NFTNL_SET,
  NFTNL_TABLE,
  NLM_F,
} from './nft/pack/uapi.ts';
import { transactionError } from './nft/transaction-error.ts';

/** What the running kernel can do. */
export interface KernelFeatures {
  /** Its release: `6.18.44`. */
  readonly kernel: string;
  /** By name of {@link FEATURES}: whether this kernel has it. */
  readonly has: Readonly<Record<FeatureName, boolean>>;
}

const { ENOENT, EOPNOTSUPP } = constants.errno;

/** One question to the kernel: an operation, and what a refusal of it means. */
interface Probe {
  readonly feature: FeatureName;
  readonly write: (writer: PackedWriter) => void;
  /** Whether the kernel lacks the feature when it refuses with this errno; default: it does. */
  readonly isMissing?: (errno: number) => boolean;
}

const FAMILY = familyNumber('inet');
const TABLE = 'nftlink feature probe';
const CHAIN = 'c';
const SET = 's';
const SET_ID = 1;
const TABLE_FLAGS = { owner: 2, persist: 4 } as const;
const BITWISE = { sreg: 1, dreg: 2, len: 3, op: 6, sreg2: 8, and: 3 } as const;

function operation(writer: PackedWriter, message: number, flags: number, fields: () => void): void {
  writer.beginOperation(message, flags, FAMILY);
  fields();
  writer.endOperation();
}

function addTable(name: string, flags: number) {
  return (writer: PackedWriter) =>
    operation(writer, NFT_MSG.newTable, NLM_F.create, () => {
      writer.text(NFTNL_TABLE.name, name);
      writer.u32(NFTNL_TABLE.flags, flags);
    });
}

function addRule(writer: PackedWriter, expressions: () => void): void {
  operation(writer, NFT_MSG.newRule, NLM_F.create | NLM_F.append, () => {
    writer.text(NFTNL_RULE.table, TABLE);
    writer.text(NFTNL_RULE.chain, CHAIN);
    expressions();
  });
}

/** Where the other probes take place. */
const SCENE: readonly ((writer: PackedWriter) => void)[] = [
  addTable(TABLE, 0),
  (writer) =>
    operation(writer, NFT_MSG.newChain, NLM_F.create, () => {
      writer.text(NFTNL_CHAIN.table, TABLE);
      writer.text(NFTNL_CHAIN.name, CHAIN);
    }),
  (writer) =>
    operation(writer, NFT_MSG.newSet, NLM_F.create, () => {
      writer.text(NFTNL_SET.table, TABLE);
      writer.text(NFTNL_SET.name, SET);
      writer.u32(NFTNL_SET.flags, 0);
      writer.u32(NFTNL_SET.keyType, 0);
      writer.u32(NFTNL_SET.keyLen, 4);
      writer.u32(NFTNL_SET.id, SET_ID);
    }),
];

const PROBES: readonly Probe[] = [
  {
    feature: 'destroy',
    write: (writer) =>
      operation(writer, NFT_MSG.destroyTable, 0, () => writer.text(NFTNL_TABLE.name, `${TABLE}: none`)),
  },
  {
    feature: 'catchAll',
    write: (writer) =>
      operation(writer, NFT_MSG.newSetElem, NLM_F.create, () => {
        writer.text(NFTNL_SET.table, TABLE);
        writer.text(NFTNL_SET.name, SET);
        writer.u32(NFTNL_SET.id, SET_ID);
        writer.count(1);
        writer.fixedColumn(ELEMENT_COLUMN.flags, 4, 1).writeUInt32LE(ELEMENT_FLAG.catchAll);
      }),
  },
  { feature: 'tableOwner', write: addTable(`${TABLE}: owner`, TABLE_FLAGS.owner) },
  { feature: 'tablePersist', write: addTable(`${TABLE}: persist`, TABLE_FLAGS.owner | TABLE_FLAGS.persist) },
  {
    feature: 'bitwiseRegisters',
    write: (writer) =>
      addRule(writer, () => {
        // The registers must have been written before they are read, since 6.12.
        writer.rawExpression('meta', Buffer.concat([u32Attribute(2, 3), u32Attribute(1, 1)]));
        writer.rawExpression('meta', Buffer.concat([u32Attribute(2, 3), u32Attribute(1, 2)]));
        writer.rawExpression(
          'bitwise',
          Buffer.concat([
            u32Attribute(BITWISE.sreg, 1),
            u32Attribute(BITWISE.sreg2, 2),
            u32Attribute(BITWISE.dreg, 1),
            u32Attribute(BITWISE.len, 4),
            u32Attribute(BITWISE.op, BITWISE.and),
          ]),
        );
      }),
  },
  {
    feature: 'inner',
    write: (writer) => addRule(writer, () => writer.rawExpression('inner', new Uint8Array(0))),
    // A kernel that knows the expression finds it incomplete.
    isMissing: (errno) => errno === ENOENT,
  },
  {
    feature: 'flowtable',
    write: (writer) =>
      operation(writer, NFT_MSG.newFlowtable, NLM_F.create, () => {
        writer.raw(NFTA_FLOWTABLE.table, Buffer.from(`${TABLE}\0`));
        writer.raw(NFTA_FLOWTABLE.name, Buffer.from('f\0'));
        writer.raw(
          NFTA_FLOWTABLE.hook,
          Buffer.concat([
            u32Attribute(NFTA_FLOWTABLE_HOOK.num, 0),
            u32Attribute(NFTA_FLOWTABLE_HOOK.priority, 0),
          ]),
        );
      }),
    isMissing: (errno) => errno === ENOENT || errno === EOPNOTSUPP,
  },
];

/**
 * Asks the kernel by operations that it checks and does not make: one batch without an end. What shows only after a commit is
 * told from the kernel's version. Rejects with TransactionError where nothing can be asked (`EPERM`).
 */
export async function probeFeatures(transport: Transport): Promise<KernelFeatures> {
  const kernel = release();
  const has = {} as Record<FeatureName, boolean>;
  for (const [name, { since }] of Object.entries(FEATURES))
    has[name as FeatureName] = !isOlder(kernel, since);
  const refused = await refusals(transport);
  for (const [index, { feature, isMissing = () => true }] of PROBES.entries()) {
    const errno = refused.get(SCENE.length + index);
    has[feature] = errno === undefined || !isMissing(errno);
  }
  // Of a set in a table that is not there: a kernel that knows the message says so.
  const reply = await transport.request(NFT_MSG.getSetElemReset, NLM_F.dump, FAMILY, textAttribute(1, TABLE));
  const errno = new DataView(reply.buffer, reply.byteOffset).getInt32(0, true);
  has.resetElements = errno === 0 || errno === ENOENT;
  return Object.freeze({ kernel, has: Object.freeze(has) });
}

/** The errno of each operation that the kernel refused. */
async function refusals(transport: Transport): Promise<ReadonlyMap<number, number>> {
  const writer = new PackedWriter();
  for (const write of SCENE) write(writer);
  for (const { write } of PROBES) write(writer);
  const outcome = await transport.transact(writer.finish(0, CHECK_ONLY));
  if (typeof outcome === 'number') return new Map();
  const raw = readOutcome(outcome);
  const refused = new Map(raw.failures.map(({ operation, errno }) => [operation ?? 0, errno]));
  const isAnswer = raw.step === 'none' && SCENE.every((_, index) => !refused.has(index));
  if (!isAnswer) throw transactionError(raw, [], 0);
  return refused;
}
