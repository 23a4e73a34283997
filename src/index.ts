/**
 * nftables over netlink. {@link Nftables.open} opens a socket; {@link Nftables.transaction} changes something; lists, snapshots, the monitor
 * and traces read. Everything else here describes: tables, chains, sets, objects, and the statements of rules, by nft's names.
 * @module nftlink
 */
export type { KernelFeatures } from './features.ts';
export { InvalidArgumentError } from './invalid-argument.ts';
export type { Change, OtherChange } from './monitor/change.ts';
export type { CommittedTransaction, Gap, MonitorEvent, MonitorOptions } from './monitor/monitor.ts';
export type { TableChanges } from './monitor/table-changes.ts';
export type { TraceConnection, TraceEvent, TraceInterface, TraceStep } from './monitor/trace.ts';
export { AddonLoadError, type LoadAttempt } from './native/load.ts';
export type { EventStream } from './netlink/event-stream.ts';
export type { Listening } from './netlink/listening.ts';
export { type NetworkNamespace, OpenError, type OpenStep } from './netlink/open-error.ts';
export { MalformedOutcomeError } from './netlink/outcome.ts';
export { RequestError } from './netlink/request.ts';
export { ClosedError, PendingError } from './netlink/socket-error.ts';
export type { ListenOptions, Transport } from './netlink/transport.ts';
export { type AnonymousChain, type AnonymousRule, anonymousChain } from './nft/anonymous-chain.ts';
export {
  type AnonymousMap,
  type AnonymousSet,
  type AnonymousVerdictMap,
  type AnyAnonymousSet,
  anonymousMap,
  anonymousObjectMap,
  anonymousSet,
  anonymousVerdictMap,
} from './nft/anonymous-set.ts';
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
export type { DevicePattern } from './nft/device.ts';
export type { ExpressionKind, FieldValues, ReadValues } from './nft/expression/define.ts';
export {
  type Expression,
  type ExpressionAttribute,
  type RawExpression,
  rawExpression,
} from './nft/expression/expression.ts';
export type { Field } from './nft/expression/field.ts';
export * as expressions from './nft/expression/kinds.ts';
export type { Failure } from './nft/failure.ts';
export type { Family } from './nft/family.ts';
export { FEATURES, FeatureMissingError, type FeatureName } from './nft/feature.ts';
export { type Flowtable, type FlowtableOptions, flowtable } from './nft/flowtable.ts';
export type { LimitOptions } from './nft/limit-rate.ts';
export {
  type CtExpectationObject,
  type CtExpectationState,
  type CtHelperObject,
  type CtHelperState,
  type CtTimeoutObject,
  type CtTimeoutState,
  ctExpectationObject,
  ctHelperObject,
  ctTimeoutObject,
} from './nft/object/conntrack.ts';
export type { ObjectKind, ObjectOfKind, OtherObject, StatefulObject } from './nft/object/kinds.ts';
export { type ObjectMap, type ObjectReference, objectMap } from './nft/object/map.ts';
export {
  type ConnlimitObject,
  type CounterObject,
  connlimitObject,
  counterObject,
  type LimitObject,
  limitObject,
  type QuotaObject,
  quotaObject,
} from './nft/object/meter.ts';
export type { ObjectOptions } from './nft/object/object.ts';
export {
  type SecmarkObject,
  type SecmarkState,
  type SynproxyObject,
  secmarkObject,
  synproxyObject,
} from './nft/object/synproxy.ts';
export type { TimeoutPolicy } from './nft/object/timeout-policy.ts';
export { type TunnelObject, type TunnelOption, type TunnelState, tunnelObject } from './nft/object/tunnel.ts';
export type { MergedRange } from './nft/pack/interval-rows.ts';
export { type PackedValue, packValue, unpackValue } from './nft/pack/packed-value.ts';
export {
  type Rule,
  type RuleCompat,
  type RuleHandle,
  type RuleOptions,
  rule,
  ruleHandle,
} from './nft/rule.ts';
export type { RuleBody, RuleParts } from './nft/rule-body.ts';
export {
  type AnySet,
  type ElementOf,
  type ElementOptions,
  type KeyOf,
  type MapElement,
  map,
  type NftMap,
  type NftSet,
  type SetElement,
  type SetKey,
  type SetOptions,
  set,
  type VerdictMap,
  verdictMap,
} from './nft/set.ts';
export {
  counter,
  dnat,
  limit,
  masquerade,
  type NatFlag,
  type NatTarget,
  redirect,
  setMeta,
  snat,
  vmap,
} from './nft/statement/action.ts';
export { and, or, shiftLeft, shiftRight, xor } from './nft/statement/arithmetic.ts';
export { concat, constant, mapped } from './nft/statement/combine.ts';
export { ct, setCt, setCtMark } from './nft/statement/connection.ts';
export {
  addToSet,
  type DynamicElementOptions,
  deleteFromSet,
  updateSet,
} from './nft/statement/dynamic-set.ts';
export {
  duplicate,
  flowAdd,
  forwardTo,
  notrack,
  type QueueOptions,
  queue,
  synproxy,
  tproxy,
} from './nft/statement/forward.ts';
export { jhash, symhash } from './nft/statement/hash.ts';
export {
  ah,
  arp,
  comp,
  dccp,
  esp,
  ether,
  icmp,
  icmpv6,
  igmp,
  ip,
  ip6,
  sctp,
  tcp,
  th,
  udp,
  udplite,
  vlan,
} from './nft/statement/header.ts';
export { type LogFlag, type LogOptions, log } from './nft/statement/log.ts';
export {
  eq,
  inNetwork,
  neq,
  noneOf,
  notInNetwork,
  oneOf,
  startsOtherwise,
  startsWith,
} from './nft/statement/match.ts';
export { hasAny, hasLabel, hasOnly } from './nft/statement/match-flags.ts';
export {
  atLeast,
  atMost,
  between,
  greaterThan,
  lessThan,
  notBetween,
} from './nft/statement/match-order.ts';
export { meta, numgen } from './nft/statement/metadata.ts';
export { objectFrom, objectNamed } from './nft/statement/object.ts';
export {
  dccpOptionExists,
  ip6Extension,
  ipOption,
  type OptionField,
  resetTcpOption,
  type SctpChunkName,
  sctpChunk,
  setTcpOption,
  type TcpOptionName,
  tcpOption,
} from './nft/statement/option.ts';
export { reject } from './nft/statement/reject.ts';
export { setField } from './nft/statement/rewrite.ts';
export {
  type FibKey,
  fibExists,
  fibOif,
  fibOifname,
  fibType,
  ipsec,
  type OsfTtl,
  osf,
  rt,
  socket,
  tunnel,
} from './nft/statement/routing.ts';
export type { Need, Source, Statement } from './nft/statement/source.ts';
export {
  connectionLimit,
  counterFrom,
  lastUsed,
  type QuotaOptions,
  quota,
} from './nft/statement/stateful.ts';
export type { SynproxyOptions } from './nft/synproxy-options.ts';
export { type Table, type TableOptions, table } from './nft/table.ts';
export {
  type CommitOptions,
  type Committed,
  type NftObject,
  Transaction,
} from './nft/transaction.ts';
export {
  type FailedOutcome,
  GenerationConflictError,
  SetFullError,
  TransactionError,
} from './nft/transaction-error.ts';
export { etherAddr, formatIPv4, formatIPv6, ipv4Addr, ipv6Addr } from './nft/type/address.ts';
export { concatType } from './nft/type/concat.ts';
export type { DataType, InputOf, OutputOf } from './nft/type/data-type.ts';
export { ctEvent, ctState, ctStatus, type FlagsType, tcpFlag } from './nft/type/flags.ts';
export {
  cgroupsv2,
  devgroup,
  etherType,
  gid,
  hostUint8,
  hostUint16,
  hostUint32,
  hostUint64,
  ifaceIndex,
  ifaceType,
  inetService,
  mark,
  realm,
  uid,
  uint8,
  uint16,
  uint24,
  uint32,
} from './nft/type/integer.ts';
export { ctLabel } from './nft/type/label.ts';
export {
  arpOp,
  ctDirection,
  dayOfWeek,
  dccpPacketType,
  dscp,
  ecn,
  existence,
  fibAddrType,
  icmpCode,
  icmpType,
  icmpv6Code,
  icmpv6Type,
  igmpType,
  inetProto,
  mobilityType,
  nfProto,
  type ProtocolName,
  packetType,
} from './nft/type/named.ts';
export type { Interval, Range } from './nft/type/range.ts';
export { classid, ifname, name16 } from './nft/type/text.ts';
export { durationMs, timeNs, timeOfDay } from './nft/type/time.ts';
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
export { type ListRulesOptions, Nftables, type OpenOptions } from './nftables.ts';
export { copyRule } from './read/copy-rule.ts';
export type { ListedElement, ListedElementOf } from './read/elements.ts';
export type { ListedExpression } from './read/expressions.ts';
export type { ListedRule, ListedRuleHandle } from './read/objects.ts';
export type { ReadOptions } from './read/slices.ts';
export type { SetContents, Snapshot, SnapshotOptions } from './read/snapshot.ts';
export type { Elements } from './sets/packing.ts';
export { type DeleteOptions, SetHandle, type SetReport, type SyncReport } from './sets/set-handle.ts';
export type { UpdateAttempt, UpdateBuilder, UpdateOptions } from './update.ts';
