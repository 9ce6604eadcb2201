/**
 * What each virtual host and the broker as a whole have counted, added up from queues, exchanges and connections when somebody asks,
 * in slices: there may be a hundred thousand queues.
 *
 * Not here: the counting (message-stats.ts). Invariant: who asks while it is being added up gets the result of a round that began after
 * the last one had ended.
 */
import type { Job } from "../base/turn-work.ts";
import type { Connections } from "./connections.ts";
import {
  addExchange,
  addPast,
  addQueue,
  type CountedExchange,
  type CountedQueue,
  newPastCounts,
  type PastCounts,
} from "./message-stats.ts";

/** What has to be added up of a virtual host. */
interface CountedVhost {
  readonly name: string;
  /** Of queues and exchanges that are gone. */
  readonly past: PastCounts;
  readonly confirmed: number;
  readonly exchanges: ReadonlyMap<string, CountedExchange>;
  readonly queues: ReadonlyMap<string, CountedQueue>;
}

interface CountedBroker {
  readonly vhosts: ReadonlyMap<string, CountedVhost>;
  readonly connections: Connections;
}

export interface Totals extends PastCounts {
  confirm: number;
  messages_ready: number;
  messages_unacknowledged: number;
  /** Rejected, and to come again. */
  messages_waiting: number;
  messages_dlx: number;
  bytesReceived: number;
  bytesSent: number;
  queues: number;
  exchanges: number;
  consumers: number;
  connections: number;
  channels: number;
}

function newTotals(): Totals {
  return {
    ...newPastCounts(),
    confirm: 0,
    messages_ready: 0,
    messages_unacknowledged: 0,
    messages_waiting: 0,
    messages_dlx: 0,
    bytesReceived: 0,
    bytesSent: 0,
    queues: 0,
    exchanges: 0,
    consumers: 0,
    connections: 0,
    channels: 0,
  };
}

const thingsOfPiece = 128;
const unitsOfThing = 0.5;

export class AllTotals {
  readonly #broker: CountedBroker;
  readonly ofBroker: Totals = newTotals();
  /** By virtual host. The objects stay the same, since their rates are sampled. */
  readonly #ofVhosts = new Map<string, Totals>();

  constructor(broker: CountedBroker) {
    this.#broker = broker;
  }

  *all(): Generator<Totals, void> {
    yield this.ofBroker;
    yield* this.#ofVhosts.values();
  }

  ofVhost(name: string): Totals {
    let totals = this.#ofVhosts.get(name);
    if (totals === undefined) this.#ofVhosts.set(name, (totals = newTotals()));
    return totals;
  }

  *renewing(): Job<void> {
    const sums = new Map<string, Totals>();
    let things = 0;
    for (const vhost of this.#broker.vhosts.values()) {
      const sum = newTotals();
      sums.set(vhost.name, sum);
      addPast(sum, vhost.past);
      sum.confirm = vhost.confirmed;
      sum.exchanges = vhost.exchanges.size;
      sum.queues = vhost.queues.size;
      for (const exchange of vhost.exchanges.values()) {
        addExchange(sum, exchange);
        if (++things % thingsOfPiece === 0) yield thingsOfPiece * unitsOfThing;
      }
      for (const queue of vhost.queues.values()) {
        addQueue(sum, queue);
        sum.consumers += queue.consumerCount;
        sum.messages_ready += queue.readyCount;
        sum.messages_unacknowledged += queue.unacknowledgedCount;
        sum.messages_waiting += queue.waitingCount;
        sum.messages_dlx += queue.lettersWaiting;
        if (++things % thingsOfPiece === 0) yield thingsOfPiece * unitsOfThing;
      }
    }
    yield* this.#addConnections(sums);
    this.#keep(sums);
  }

  *#addConnections(sums: ReadonlyMap<string, Totals>): Job<void> {
    const { connections } = this.#broker;
    let left = connections.count;
    for (const open of connections.all()) {
      if (left-- === 0) break;
      const { vhost, channels } = open.describe();
      // Those that only wait for their peer to close are not listed either.
      const sum = vhost === null || open.isClosed ? undefined : sums.get(vhost);
      if (sum !== undefined) {
        sum.connections++;
        sum.channels += channels;
        sum.bytesReceived += open.bytesReceived;
        sum.bytesSent += open.bytesSent;
      }
      if (left % thingsOfPiece === 0) yield thingsOfPiece;
    }
  }

  #keep(sums: ReadonlyMap<string, Totals>): void {
    const all = newTotals();
    for (const [name, sum] of sums) {
      Object.assign(this.ofVhost(name), sum);
      for (const key of Object.keys(all) as (keyof Totals)[]) all[key] += sum[key];
    }
    for (const name of this.#ofVhosts.keys()) if (!sums.has(name)) this.#ofVhosts.delete(name);
    Object.assign(this.ofBroker, all);
  }
}
