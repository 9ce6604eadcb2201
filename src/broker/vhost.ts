/**
 * One virtual host: the namespace of exchanges, queues, streams and topics, by name.
 *
 * Queues are made and deleted in queue/lifecycle.ts, bindings kept in exchange/bindings.ts, routes found in exchange/routes.ts; a queue
 * delivers by itself. Every change of a durable thing is in the table of definitions before the call returns, and on disk with
 * this tick's write. Invariants: `routingVersion` grows with every change that can alter a route; no route leads to a deleted queue.
 */
import { BrokerError } from "../base/errors.ts";
import type { Log } from "../storage/index.ts";
import type { Broker } from "./broker.ts";
import type { QueueCursor } from "./cursor/queue-cursor.ts";
import { Bindings } from "./exchange/bindings.ts";
import type { ExchangeOptions, ExchangeType } from "./exchange/definition.ts";
import { Exchange, type ExchangeSurroundings } from "./exchange/exchange.ts";
import { checkExchangeArguments } from "./exchange/exchange-types.ts";
import { Publication } from "./exchange/publication.ts";
import { Routes } from "./exchange/routes.ts";
import type { Station } from "./exchange/stations/station.ts";
import { addExchange, addQueue, newPastCounts, type PastCounts } from "./message-stats.ts";
import { GroupOffsets } from "./groups/offsets.ts";
import { ShareGroups } from "./groups/share/share-groups.ts";
import { LiveChannels } from "./live/channels.ts";
import { UnroutableMessages } from "./look/unroutable.ts";
import { definitionKey, noVhost, shownName } from "./names.ts";
import { assertSameExchange } from "./queue/declared-same.ts";
import type { QueueOptions } from "./queue/definition.ts";
import { declareQueue, deleteQueue, makeQueue, queueChanged } from "./queue/lifecycle.ts";
import { limitOf } from "./parameters/vhost-limits.ts";
import { VhostPolicies } from "./policy/vhost-policies.ts";
import { NameFilter } from "./queue/name-filter.ts";
import { assertFree, assertNameFits, type ValueNames } from "./queue/name-rules.ts";
import { Queue } from "./queue/queue.ts";
import type { QueueListener } from "./queue/readers.ts";
import { TimedDeletions } from "./queue/timed-deletions.ts";
import { Topics } from "./queue/topics.ts";

/** Nobody publishes there but the broker, as in RabbitMQ; here it does not either. */
const traceExchange = "amq.rabbitmq.trace";

const standardExchanges: [name: string, type: ExchangeType][] = [
  ["", "direct"],
  ["amq.direct", "direct"],
  ["amq.fanout", "fanout"],
  ["amq.topic", "topic"],
  ["amq.headers", "headers"],
  ["amq.match", "headers"],
  [traceExchange, "topic"],
];

/** What an operator says of a virtual host; kept with its definition. */
export interface VhostMetadata {
  readonly description?: string;
  readonly tags?: readonly string[];
  /** The type of queues that are declared without one: classic, quorum or stream. */
  readonly defaultQueueType?: string;
  readonly tracing?: boolean;
  /** An operator does not want it deleted over the API, until this is taken back. */
  readonly protectedFromDeletion?: boolean;
}

/** A client's connection that works in one virtual host. */
export interface VhostConnection {
  /** Ends it with the words of its protocol. */
  closeFor(reason: string): void;
}

/** Waits for a queue or stream that does not exist yet (a blocking read). */
export interface QueueWaiter {
  queueMade(queue: Queue): void;
}

export class Vhost {
  readonly name: string;
  readonly broker: Broker;
  readonly exchanges = new Map<string, Exchange>();
  readonly queues = new Map<string, Queue>();
  readonly topics: Topics;
  readonly groupOffsets: GroupOffsets;
  readonly shareGroups: ShareGroups;
  readonly live: LiveChannels;
  readonly publication: Publication;
  /** Samples of messages that no queue took. */
  readonly unroutable: UnroutableMessages;
  readonly bindings: Bindings;
  /** Finds the queues for a message. */
  readonly routes: Routes;
  readonly timedDeletions: TimedDeletions<Queue>;
  readonly policies: VhostPolicies;
  metadata: VhostMetadata;
  /** The connections of AMQP clients that have opened it. */
  readonly connections = new Set<VhostConnection>();
  queuesMax = Infinity;
  connectionsMax = Infinity;
  /** The names of all queues, streams and exchanges, to be looked up by bytes. */
  readonly names = new NameFilter();
  /** The names that are values, set by the keyspace. */
  values: ValueNames | null = null;
  routingVersion = 1;
  /** Nothing is made in it any more. */
  isDeleted = false;
  /** Publishes that were confirmed, since the start. */
  confirmed = 0;
  /** What exchanges and queues counted that are gone. */
  readonly past: PastCounts = newPastCounts();
  readonly queueListeners = new Set<QueueListener>();
  readonly #queueWaiters = new Map<string, Set<QueueWaiter>>();

  constructor(broker: Broker, name: string, metadata: VhostMetadata = {}) {
    this.broker = broker;
    this.name = name;
    this.metadata = metadata;
    this.policies = new VhostPolicies(this);
    this.topics = new Topics(this);
    this.groupOffsets = new GroupOffsets(name, broker.storage.definitions);
    this.shareGroups = new ShareGroups(name, broker.storage.definitions);
    for (const [exchange, type] of standardExchanges) {
      const internal = exchange === traceExchange;
      const options = { name: exchange, type, durable: true, autoDelete: false, internal, args: {} };
      this.exchanges.set(exchange, new Exchange(options, this.#surroundings));
      this.names.add(exchange);
    }
    this.live = new LiveChannels(broker.work);
    this.publication = new Publication(this);
    this.unroutable = new UnroutableMessages(broker.unroutableRoom);
    this.bindings = new Bindings(this);
    this.routes = new Routes(this);
    const { clock, timers, work, ticker } = broker;
    this.timedDeletions = new TimedDeletions({
      clock,
      timers,
      work,
      deleteQueue: (queue) => this.deleteQueue(queue),
      requestTick: () => ticker.request(),
    });
    if (broker.isOpen) this.timedDeletions.begin();
  }

  /** Its limits were set or deleted. */
  limitsChanged(): void {
    const given = this.broker.parameters.limitsOf(this.name);
    this.queuesMax = limitOf(given, "max-queues");
    this.connectionsMax = limitOf(given, "max-connections");
  }

  /** Whoever still holds it may not bring back what is deleted with it. Throws NOT_FOUND. */
  assertExists(): void {
    if (this.isDeleted) throw noVhost(this.name);
  }

  // Exchanges

  get #surroundings(): ExchangeSurroundings {
    return { budget: this.broker.routeBudget, random: this.broker.random };
  }

  /** The exchange of that name. Throws NOT_FOUND. */
  exchange(name: string): Exchange {
    const exchange = this.exchanges.get(name);
    if (exchange === undefined)
      throw new BrokerError(
        "NOT_FOUND",
        `no exchange '${shownName(name)}' in vhost '${shownName(this.name)}'`,
      );
    return exchange;
  }

  /** Makes an exchange, or returns an existing one that is the same. Throws PRECONDITION_FAILED if it differs. */
  declareExchange(options: ExchangeOptions): Exchange {
    const present = this.exchanges.get(options.name);
    if (present !== undefined) {
      assertSameExchange(this.name, options, present);
      return present;
    }
    this.assertExists();
    checkExchangeArguments(options);
    assertNameFits("exchange", options.name);
    assertFree(this, options.name, "exchange");
    if (options.durable) {
      const { type, autoDelete, internal, args } = options;
      this.broker.storage.definitions.put(
        definitionKey("exchange", this.name, options.name),
        JSON.stringify({ type, autoDelete, internal, args }),
      );
    }
    return this.declareRestoredExchange(options);
  }

  /** Start-up: the definition exists already. */
  declareRestoredExchange(options: ExchangeOptions): Exchange {
    const exchange = new Exchange(options, this.#surroundings);
    exchange.layers = this.policies.layersOfExchange(options.name);
    this.exchanges.set(options.name, exchange);
    this.names.add(options.name);
    this.routingVersion++;
    return exchange;
  }

  /** What keeps messages of that exchange; null where nothing does. */
  stationOf(exchange: Exchange): Station | null {
    const { name, durable, args, row } = exchange;
    if (row.station === undefined) return null;
    const of = { vhostName: this.name, exchangeName: name, isDurable: durable, args };
    return (exchange.station ??= this.broker.stations?.make(row.station, of) ?? null);
  }

  deleteExchange(exchange: Exchange): void {
    exchange.isDeleted = true;
    this.stationOf(exchange)?.closed();
    exchange.routes.clear();
    this.exchanges.delete(exchange.name);
    this.unroutable.forget(exchange.name);
    addExchange(this.past, exchange);
    this.names.remove(exchange.name);
    for (const binding of exchange.bindings.values()) this.bindings.remove(binding);
    this.bindings.removeTo(exchange);
    this.broker.storage.definitions.delete(definitionKey("exchange", this.name, exchange.name));
    this.routingVersion++;
  }

  /** An auto-delete exchange goes with its last binding. */
  deleteIfUnused(exchange: Exchange): void {
    if (exchange.autoDelete && exchange.bindings.size === 0 && !exchange.isDeleted)
      this.deleteExchange(exchange);
  }

  // Queues and streams

  /** The queue or stream of that name. Throws NOT_FOUND. */
  queue(name: string): Queue {
    const queue = this.findQueue(name);
    if (queue === undefined)
      throw new BrokerError("NOT_FOUND", `no queue '${shownName(name)}' in vhost '${shownName(this.name)}'`);
    return queue;
  }

  /** The queue or stream of that name, or undefined. One whose time has come is deleted instead. */
  findQueue(name: string): Queue | undefined {
    const queue = this.queues.get(name);
    return queue !== undefined && this.timedDeletions.deleteIfDue(queue) ? undefined : queue;
  }

  /** Has the queue deleted at that wall time, ms; 0: never. Kept with its definition. */
  deleteQueueAt(queue: Queue, at: number): void {
    this.timedDeletions.set(queue, at);
    queueChanged(queue);
  }

  /** Makes a queue or stream, or returns an existing one that is the same. Throws PRECONDITION_FAILED if it differs. */
  declareQueue(options: QueueOptions): Queue {
    return declareQueue(this, options);
  }

  /** Makes a partition of a topic. The topic has made sure that the name is free. */
  makePartition(options: QueueOptions): Queue {
    return makeQueue(this, options);
  }

  /** Deletes a queue with its records, bindings, groups and consumers. */
  deleteQueue(queue: Queue): void {
    deleteQueue(queue);
  }

  /** Puts a queue into the namespace, with a log and cursor that are new or, at start-up, restored. */
  addQueue(options: QueueOptions, log: Log, cursor: QueueCursor | null): Queue {
    const layers = options.layers ?? this.policies.layersOf(options);
    const queue = new Queue(this, { ...options, layers }, log, cursor);
    this.queues.set(options.name, queue);
    this.names.add(options.name);
    if (options.groups !== undefined) queue.groups = options.groups;
    if (options.deleteAt !== undefined) this.timedDeletions.set(queue, options.deleteAt);
    for (const listener of this.queueListeners) listener.queueMade(queue);
    if (this.#queueWaiters.size > 0) this.#wakeQueueWaiters(queue);
    this.exchanges.get("")!.router.bind(queue, options.name, {});
    this.routingVersion++;
    return queue;
  }

  /** Calls the waiter once, when a queue of that name is made. */
  awaitQueue(name: string, waiter: QueueWaiter): void {
    let waiters = this.#queueWaiters.get(name);
    if (waiters === undefined) this.#queueWaiters.set(name, (waiters = new Set()));
    waiters.add(waiter);
  }

  stopAwaitingQueue(name: string, waiter: QueueWaiter): void {
    const waiters = this.#queueWaiters.get(name);
    if (waiters !== undefined && waiters.delete(waiter) && waiters.size === 0)
      this.#queueWaiters.delete(name);
  }

  #wakeQueueWaiters(queue: Queue): void {
    const waiters = this.#queueWaiters.get(queue.name);
    this.#queueWaiters.delete(queue.name);
    for (const waiter of waiters ?? []) waiter.queueMade(queue);
  }

  /** Takes a queue out of the namespace; what it has stored is for lifecycle.ts to delete. */
  removeQueue(queue: Queue): void {
    this.queues.delete(queue.name);
    addQueue(this.past, queue);
    this.names.remove(queue.name);
    this.timedDeletions.forget(queue);
    for (const listener of this.queueListeners) listener.queueDeleted(queue);
    this.exchanges.get("")!.router.unbind(queue, queue.name, {});
    this.bindings.removeTo(queue);
    this.routingVersion++;
  }
}
