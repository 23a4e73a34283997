import { textOf } from '../../netlink/attribute.ts';
import { defineFields } from '../expression/define.ts';
import { opaque } from '../expression/field.ts';
import { synproxyKind } from '../expression/kinds.ts';
import { checkName } from '../name.ts';
import { type SynproxyOptions, synproxyFields, synproxyOptions } from '../synproxy-options.ts';
import type { Table } from '../table.ts';
import { describeObject, type ObjectBase, type ObjectCodec, type ObjectOptions } from './object.ts';

/** Answers the handshakes of TCP in place of a server, until they are complete. */
export interface SynproxyObject extends ObjectBase<'synproxy'>, SynproxyOptions {}

export const synproxyCodec: ObjectCodec<SynproxyOptions> = {
  type: 10,
  write: (options) => synproxyKind.encode(synproxyFields(options)).data,
  read(data) {
    const fields = synproxyKind.read(data);
    return fields && synproxyOptions(fields);
  },
};

/** Describes a SYN proxy; what it says must be what the servers behind it would say. */
export function synproxyObject(
  table: Table,
  name: string,
  options: ObjectOptions & SynproxyOptions,
): SynproxyObject {
  const { comment: _, ...state } = options;
  return describeObject('synproxy', synproxyCodec, table, name, state, options);
}

/** A security label for packets. */
export interface SecmarkObject extends ObjectBase<'secmark'>, SecmarkState {}
/** What a security label holds. */
export interface SecmarkState {
  /** A context of the security module: `system_u:object_r:ssh_server_packet_t:s0`. */
  readonly context: string;
}

/** A text without its final zero, as nft sends it. */
const secmarkFields = defineFields('secmark', { context: opaque(undefined, 1) });

export const secmarkCodec: ObjectCodec<SecmarkState> = {
  type: 8,
  write: ({ context }) => secmarkFields.write({ context: Buffer.from(checkName('context', context)) }),
  read(data) {
    const context = secmarkFields.read(data)?.context;
    return context === undefined ? undefined : { context: textOf(context) ?? '' };
  },
};

/** Describes a security label. It takes a kernel with SELinux (CONFIG_NETWORK_SECMARK). */
export function secmarkObject(
  table: Table,
  name: string,
  options: ObjectOptions & SecmarkState,
): SecmarkObject {
  return describeObject('secmark', secmarkCodec, table, name, { context: options.context }, options);
}
