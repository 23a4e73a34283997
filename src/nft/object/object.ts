import { checkComment, checkName } from '../name.ts';
import type { Table } from '../table.ts';

/** What every stateful object has besides its own state. */
export interface ObjectBase<Kind extends string> {
  /** nft's word for it. */
  readonly kind: Kind;
  /** The table whose rules share it. */
  readonly table: Table;
  /** 1 to 255 bytes. */
  readonly name: string;
  /** At most 128 bytes. */
  readonly comment?: string;
}

/** What every object may be given. */
export interface ObjectOptions {
  /** At most 128 bytes. */
  readonly comment?: string;
}

/** How one kind of object is written and read. `type` is NFT_OBJECT_*; the bytes are the attributes of `NFTA_OBJ_DATA`. */
export interface ObjectCodec<State> {
  readonly type: number;
  write(state: State): Uint8Array;
  /** Undefined when there is something that we do not know. */
  read(data: Uint8Array): State | undefined;
}

/** The description of an object, checked by writing it once. */
export function describeObject<const Kind extends string, State extends object>(
  kind: Kind,
  codec: ObjectCodec<State>,
  table: Table,
  name: string,
  state: State,
  { comment }: ObjectOptions,
): ObjectBase<Kind> & State {
  checkName('name', name);
  if (comment !== undefined) checkComment('comment', comment);
  codec.write(state);
  const described = { kind, table, name, ...state, ...(comment === undefined ? {} : { comment }) };
  return Object.freeze(described) as ObjectBase<Kind> & State;
}
