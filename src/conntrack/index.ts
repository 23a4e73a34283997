/**
 * The connections that the kernel keeps track of: listed, deleted, heard of. Begin with {@link Conntrack.open}.
 * @module nftlink/conntrack
 */
export { InvalidArgumentError } from '../invalid-argument.ts';
export type { EventStream } from '../netlink/event-stream.ts';
export { type NetworkNamespace, OpenError } from '../netlink/open-error.ts';
export { RequestError } from '../netlink/request.ts';
export type { ListenOptions } from '../netlink/transport.ts';
export { Conntrack, type ConntrackOptions, type FlowEvent, type FlowEventOptions } from './conntrack.ts';
export type { Deletion } from './delete.ts';
export type { FlowFilter } from './filter.ts';
export type { Flow, FlowCounter, FlowDescription, FlowStatus } from './flow.ts';
export type { FlowTuple } from './tuple.ts';
export type { TupleFilter } from './tuple-filter.ts';
