import {
  type CtExpectationObject,
  type CtHelperObject,
  type CtTimeoutObject,
  ctExpectationCodec,
  ctHelperCodec,
  ctTimeoutCodec,
} from './conntrack.ts';
import {
  type ConnlimitObject,
  type CounterObject,
  connlimitCodec,
  counterCodec,
  type LimitObject,
  limitCodec,
  type QuotaObject,
  quotaCodec,
} from './meter.ts';
import type { ObjectBase, ObjectCodec } from './object.ts';
import { type SecmarkObject, type SynproxyObject, secmarkCodec, synproxyCodec } from './synproxy.ts';
import { type TunnelObject, tunnelCodec } from './tunnel.ts';

/** An object of a kind, or with attributes, that this library does not know: listed as it is, and written back unchanged. */
export interface OtherObject extends ObjectBase<'object'> {
  /** NFT_OBJECT_*. */
  readonly type: number;
  /** The attributes of `NFTA_OBJ_DATA`. */
  readonly data: Uint8Array;
}

/** Any stateful object: something with a state of its own that rules of its table share. */
export type StatefulObject =
  | CounterObject
  | QuotaObject
  | LimitObject
  | ConnlimitObject
  | CtHelperObject
  | CtTimeoutObject
  | CtExpectationObject
  | SynproxyObject
  | SecmarkObject
  | TunnelObject
  | OtherObject;

/** nft's words for the kinds of stateful objects. */
export type ObjectKind = Exclude<StatefulObject['kind'], 'object'>;

/** The object type of a kind. */
export type ObjectOfKind<K extends ObjectKind> = Extract<StatefulObject, { readonly kind: K }>;

export const OBJECT_KINDS: Readonly<Record<ObjectKind, ObjectCodec<object>>> = {
  counter: counterCodec as ObjectCodec<object>,
  quota: quotaCodec as ObjectCodec<object>,
  limit: limitCodec as ObjectCodec<object>,
  connlimit: connlimitCodec as ObjectCodec<object>,
  'ct helper': ctHelperCodec as ObjectCodec<object>,
  'ct timeout': ctTimeoutCodec as ObjectCodec<object>,
  'ct expectation': ctExpectationCodec as ObjectCodec<object>,
  synproxy: synproxyCodec as ObjectCodec<object>,
  secmark: secmarkCodec as ObjectCodec<object>,
  tunnel: tunnelCodec as ObjectCodec<object>,
};

export function isStatefulObject(object: { readonly kind: string }): object is StatefulObject {
  return object.kind === 'object' || Object.hasOwn(OBJECT_KINDS, object.kind);
}

/** NFT_OBJECT_* of a kind or object. */
export function objectType(of: ObjectKind | StatefulObject): number {
  if (typeof of === 'string') return OBJECT_KINDS[of].type;
  return of.kind === 'object' ? of.type : OBJECT_KINDS[of.kind].type;
}

/** The attributes of `NFTA_OBJ_DATA`. */
export function objectData(object: StatefulObject): Uint8Array {
  return object.kind === 'object' ? object.data : OBJECT_KINDS[object.kind].write(object);
}
