import { EventStream } from '../netlink/event-stream.ts';
import { type Listening, listenTo, notifications } from '../netlink/listening.ts';
import type { Message } from '../netlink/message.ts';
import { NativeTransport, NFNL_SUBSYS } from '../netlink/native-transport.ts';
import type { NetworkNamespace } from '../netlink/open-error.ts';
import { ask } from '../netlink/request.ts';
import type { ListenOptions } from '../netlink/transport.ts';
import { type Deletion, deleteFlows } from './delete.ts';
import { type FlowFilter, type PreparedFilter, prepareFilter } from './filter.ts';
import { Flow } from './flow.ts';
import { GROUP, IPCTNL_MSG_CT, NLM_F_CREATE, NLM_F_DUMP } from './uapi.ts';

/** Where conntrack is looked at. */
export interface ConntrackOptions {
  /** Default: the namespace of this process. */
  readonly netns?: NetworkNamespace;
}

/** What became of a flow, or where the kernel dropped events. */
export type FlowEvent =
  | { readonly kind: 'new' | 'update' | 'destroy'; readonly flow: Flow }
  | { readonly kind: 'gap' };

/** Which events of which flows. */
export interface FlowEventOptions extends ListenOptions {
  /** Default: all three. Those left out are not sent by the kernel at all. */
  readonly kinds?: readonly ('new' | 'update' | 'destroy')[];
  /** Looked at here, not in the kernel. */
  readonly filter?: FlowFilter;
}

/**
 * The connections that the kernel keeps track of in one network namespace. Close it with `close()` or `await using`. A kernel
 * without ctnetlink gets RequestError with `EINVAL`.
 */
export class Conntrack implements AsyncDisposable {
  readonly #transport: NativeTransport;
  readonly #streams = new Set<EventStream<FlowEvent>>();

  private constructor(transport: NativeTransport) {
    this.#transport = transport;
  }

  /** Opens a socket. Throws AddonLoadError or OpenError. */
  static open(options: ConntrackOptions = {}): Conntrack {
    return new Conntrack(new NativeTransport(options.netns, NFNL_SUBSYS.ctnetlink));
  }

  /**
   * The flows that there are, or those that a filter wants. Flows that come or go meanwhile may be among them or not: the kernel
   * gives no list of one moment. Rejects with RequestError.
   */
  async list(filter: FlowFilter = {}): Promise<readonly Flow[]> {
    const { questions, matches } = prepareFilter(filter);
    const flows: Flow[] = [];
    for (const { family, attributes } of questions) {
      const replies = await ask(
        this.#transport,
        'listing flows',
        IPCTNL_MSG_CT.get,
        NLM_F_DUMP,
        family,
        attributes,
      );
      for (const message of replies) {
        const flow = new Flow(message);
        if (matches(flow)) flows.push(flow);
      }
    }
    return flows;
  }

  /**
   * Deletes flows that were listed or heard of, or those that a filter wants: many in one system call, each by its id, so that a
   * later flow with the same addresses stays (unless the kernel put it where the first one was in its memory: then the ids are
   * equal). Says how many were deleted and how many had gone by themselves.
   */
  async delete(flows: Iterable<Flow> | FlowFilter): Promise<Deletion> {
    const chosen = Symbol.iterator in flows ? [...flows] : await this.list(flows);
    return deleteFlows(this.#transport, chosen);
  }

  /**
   * What becomes of flows from now on. Flows that began before the first listener may have no events (`nf_conntrack_events` 2).
   * Throws OpenError.
   */
  events(options: FlowEventOptions = {}): EventStream<FlowEvent> {
    const { kinds = ['new', 'update', 'destroy'], filter } = options;
    const prepared = filter === undefined ? undefined : prepareFilter(filter);
    const groups = kinds.reduce((sum, kind) => sum | GROUP[kind], 0);
    const listening = listenTo(this.#transport, groups, options);
    const stream = new EventStream(listening, readEvents(listening, prepared), options.signal);
    this.#streams.add(stream);
    void stream.closed.then(() => this.#streams.delete(stream));
    return stream;
  }

  /** Ends its event streams, lets what is under way settle, then closes the socket. Closing twice is closing once. */
  async close(): Promise<void> {
    await Promise.all([...this.#streams].map((stream) => stream.close()));
    await this.#transport.close();
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function* readEvents(
  listening: Listening,
  filter: PreparedFilter | undefined,
): AsyncGenerator<FlowEvent> {
  for await (const batch of notifications(listening, 'listening to flows')) {
    for (const notification of batch) {
      const event = notification === 'gap' ? ({ kind: 'gap' } as const) : readEvent(notification);
      if (event.kind === 'gap' || filter === undefined || filter.matches(event.flow)) yield event;
    }
  }
}

function readEvent(message: Message): Exclude<FlowEvent, { kind: 'gap' }> {
  const flow = new Flow(message);
  if (message.type === IPCTNL_MSG_CT.delete) return { kind: 'destroy', flow };
  return { kind: (message.flags & NLM_F_CREATE) === 0 ? 'update' : 'new', flow };
}
