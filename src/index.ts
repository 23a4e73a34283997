export { InvalidArgumentError } from './invalid-argument.ts';
export { AddonLoadError, type LoadAttempt } from './native/load.ts';
export { type NetworkNamespace, OpenError, type OpenStep } from './netlink/open-error.ts';
export { RequestError } from './netlink/request.ts';
export type { Transport } from './netlink/transport.ts';
export {
  type BaseChain,
  type BaseChainOptions,
  baseChain,
  type Chain,
  type ChainType,
  chain,
  type Hook,
  type PriorityName,
} from './nft/chain.ts';
export { type AnonymousSet, anonymousSet } from './nft/expression/anonymous-set.ts';
export type { ExpressionKind, FieldValues, ReadValues } from './nft/expression/define.ts';
export type { Expression, ExpressionAttribute } from './nft/expression/expression.ts';
export type { Field } from './nft/expression/field.ts';
export * as expressions from './nft/expression/kinds.ts';
export type { Failure } from './nft/failure.ts';
export type { Family } from './nft/family.ts';
export { type PackedValue, packValue, unpackValue } from './nft/pack/packed-value.ts';
export { type Rule, type RuleHandle, rule, ruleHandle } from './nft/rule.ts';
export {
  type AnySet,
  type ElementOf,
  type ElementOptions,
  type MapElement,
  map,
  type NftMap,
  type NftSet,
  type SetElement,
  type SetOptions,
  set,
  type VerdictMap,
  verdictMap,
} from './nft/set.ts';
export {
  counter,
  dnat,
  type LimitOptions,
  limit,
  log,
  masquerade,
  type NatFlag,
  redirect,
  setCtMark,
  setMeta,
  snat,
  vmap,
} from './nft/statement/action.ts';
export { and, concat, constant, mapped, or, xor } from './nft/statement/combine.ts';
export { ether, ip, ip6, sctp, tcp, th, udp } from './nft/statement/header.ts';
export { between, eq, hasAny, inNetwork, neq, noneOf, notInNetwork, oneOf } from './nft/statement/match.ts';
export { ct, fibType, meta, numgen } from './nft/statement/metadata.ts';
export { reject } from './nft/statement/reject.ts';
export type { Need, Source, Statement } from './nft/statement/source.ts';
export { type Table, type TableOptions, table } from './nft/table.ts';
export { type Committed, type KeyOf, type NftObject, Transaction } from './nft/transaction.ts';
export { type FailedOutcome, TransactionError } from './nft/transaction-error.ts';
export { etherAddr, formatIPv4, formatIPv6, ipv4Addr, ipv6Addr } from './nft/type/address.ts';
export { concatType } from './nft/type/concat.ts';
export type { DataType, InputOf, OutputOf } from './nft/type/data-type.ts';
export { ctState, ctStatus, type FlagsType } from './nft/type/flags.ts';
export { etherType, ifaceIndex, inetService, mark } from './nft/type/integer.ts';
export { fibAddrType, inetProto, nfProto, type ProtocolName } from './nft/type/named.ts';
export { classid, ifname } from './nft/type/text.ts';
export {
  accept,
  continue_,
  drop,
  goto,
  jump,
  return_,
  type Verdict,
  type VerdictName,
} from './nft/verdict.ts';
export { Nftables, type OpenOptions } from './nftables.ts';
export type { ListedElement, ListedElementOf } from './read/elements.ts';
export type { ListedExpression } from './read/expressions.ts';
export type { ListedRule } from './read/objects.ts';
