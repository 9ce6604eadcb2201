/**
 * One namespace of exchanges, queues, streams and topics, and the bindings between them.
 *
 * Declaring, deleting and binding are here; finding routes is in routes.ts, delivering is the queue's part. Every change of a durable
 * thing is in the table before the call returns (and on disk with this tick's write). Invariants: a binding's two ends
 * exist; `routingVersion` grows with every change that can alter a route, and deleted queues are in no route.
 */
import crypto from "node:crypto";
import { assertInvariant, assertsAreOn } from "../base/assert.ts";
import { BrokerError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Log } from "../storage/index.ts";
import type { Broker } from "./broker.ts";
import {
  type Binding,
  bindingIdentity,
  type Destination,
  Exchange,
  type ExchangeOptions,
  type ExchangeType,
} from "./exchange/exchange.ts";
import { assertSameExchange, assertSameQueue } from "./queue/declared-same.ts";
import type { GroupCursor } from "./groups/group-cursor.ts";
import { deleteGroup, deleteGroups, type GroupHolder, makeGroup } from "./groups/stream-groups.ts";
import { GroupOffsets } from "./groups/offsets.ts";
import { LiveChannels } from "./live/channels.ts";
import { NameFilter } from "./queue/name-filter.ts";
import { assertFree, isUnclaimed, type ValueNames } from "./queue/name-rules.ts";
import { definitionKey, shownName } from "./names.ts";
import { Publication } from "./exchange/publication.ts";
import { Queue } from "./queue/queue.ts";
import type { QueueDefinition, QueueOptions } from "./queue/definition.ts";
import type { QueueListener } from "./queue/readers.ts";
import { deleteProducersOf } from "./queue/producer-state.ts";
import { TimedDeletions } from "./queue/timed-deletions.ts";
import { Routes } from "./exchange/routes.ts";
import type { BindingArguments } from "./exchange/routing/router.ts";
import { QueueCursor } from "./cursor/queue-cursor.ts";
import { Topics } from "./queue/topics.ts";

/** Making a queue or stream. */
const unitsOfQueue = 12;

const standardExchanges: [name: string, type: ExchangeType][] = [
  ["", "direct"],
  ["amq.direct", "direct"],
  ["amq.fanout", "fanout"],
  ["amq.topic", "topic"],
  ["amq.headers", "headers"],
  ["amq.match", "headers"],
];

/** A stream that comes into being by being written to. */
export const implicitStream = {
  kind: "stream",
  durable: true,
  exclusiveOwner: 0,
  autoDelete: false,
  args: {},
  isImplicit: true,
} as const satisfies Omit<QueueOptions, "name">;

/** What a stream is that has no name yet. */
interface AdoptedStream extends GroupHolder {
  /** Wall time at which it is deleted, ms; 0: never. */
  readonly deleteAt: number;
}

/** Somebody who waits for a queue or stream that is not there yet (a blocking read). */
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
  readonly live: LiveChannels;
  readonly publication: Publication;
  /** Where messages go. */
  readonly routes: Routes;
  readonly timedDeletions: TimedDeletions<Queue>;
  /** Names of queues, streams and exchanges, for those who ask with bytes. */
  readonly names = new NameFilter();
  /** Names of this virtual host that are values; set by who keeps them. */
  values: ValueNames | null = null;
  /** Bindings by destination, for deleting with it. */
  readonly #bindingsTo = new Map<Destination, Set<Binding>>();
  routingVersion = 1;
  readonly queueListeners = new Set<QueueListener>();
  readonly #queueWaiters = new Map<string, Set<QueueWaiter>>();

  constructor(broker: Broker, name: string) {
    this.broker = broker;
    this.name = name;
    this.topics = new Topics(this);
    this.groupOffsets = new GroupOffsets(this);
    for (const [exchange, type] of standardExchanges) {
      const options = { name: exchange, type, durable: true, autoDelete: false, internal: false, args: {} };
      this.exchanges.set(exchange, new Exchange(options, this.broker.routeBudget));
      this.names.add(exchange);
    }
    this.live = new LiveChannels(this);
    this.publication = new Publication(this);
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

  // Exchanges

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

  /** Makes an exchange, or returns the one that is there and the same. Throws PRECONDITION_FAILED where it differs. */
  declareExchange(options: ExchangeOptions): Exchange {
    const present = this.exchanges.get(options.name);
    if (present !== undefined) {
      assertSameExchange(this.name, options, present);
      return present;
    }
    checkName("exchange", options.name);
    assertFree(this, options.name, "exchange");
    if (options.durable) {
      const { type, autoDelete, internal, args } = options;
      this.#save(definitionKey("exchange", this.name, options.name), { type, autoDelete, internal, args });
    }
    return this.declareRestoredExchange(options);
  }

  /** Start-up: the exchange is in the table already. */
  declareRestoredExchange(options: ExchangeOptions): Exchange {
    const exchange = new Exchange(options, this.broker.routeBudget);
    this.exchanges.set(options.name, exchange);
    this.names.add(options.name);
    this.routingVersion++;
    return exchange;
  }

  deleteExchange(exchange: Exchange): void {
    exchange.isDeleted = true;
    exchange.routes.clear();
    this.exchanges.delete(exchange.name);
    this.names.remove(exchange.name);
    for (const binding of exchange.bindings.values()) this.#removeBinding(binding);
    this.#removeBindingsTo(exchange);
    this.broker.storage.table.delete(definitionKey("exchange", this.name, exchange.name));
    this.routingVersion++;
  }

  // Queues and streams

  /** The queue or stream of that name. Throws NOT_FOUND. */
  queue(name: string): Queue {
    const queue = this.findQueue(name);
    if (queue === undefined)
      throw new BrokerError("NOT_FOUND", `no queue '${shownName(name)}' in vhost '${shownName(this.name)}'`);
    return queue;
  }

  /** The same or undefined. One whose time has come is deleted instead. */
  findQueue(name: string): Queue | undefined {
    const queue = this.queues.get(name);
    return queue !== undefined && this.timedDeletions.deleteIfDue(queue) ? undefined : queue;
  }

  /** Has the queue deleted at that wall time, ms; 0: never. Kept with its definition. */
  deleteQueueAt(queue: Queue, at: number): void {
    this.timedDeletions.set(queue, at);
    this.queueChanged(queue);
  }

  /** Makes a queue or stream, or returns the one that is there and the same. Throws PRECONDITION_FAILED. */
  declareQueue(options: QueueOptions): Queue {
    const present = this.findQueue(options.name);
    if (present !== undefined) {
      assertSameQueue(this.name, options, present);
      if (options.isImplicit !== true) this.#claim(present);
      return present;
    }
    checkName("queue", options.name);
    assertFree(this, options.name, options.isImplicit === true ? "implicit stream" : "queue");
    return this.#makeQueue(options);
  }

  /** Somebody declared what came into being by being written to. */
  #claim(queue: Queue): void {
    if (!queue.isImplicit) return;
    queue.isImplicit = false;
    this.#saveQueue(queue);
  }

  #makeQueue(options: QueueOptions): Queue {
    const { storage, work } = this.broker;
    work.spend(unitsOfQueue);
    const isKept = options.durable && options.exclusiveOwner === 0;
    const log = storage.createLog(isKept);
    let cursor: QueueCursor | null = null;
    if (options.kind === "queue") cursor = new QueueCursor(log, storage);
    const queue = this.addQueue(options, log, cursor);
    if (isKept) {
      // After the queue was made, which gives the cursor what its policy asks for.
      if (cursor !== null) cursor.handle = storage.createState(cursor);
      this.#saveQueue(queue);
    }
    return queue;
  }

  #saveQueue(queue: Queue): void {
    const { name, kind, autoDelete, args, argTypes, log, cursor } = queue;
    const { layers, ttlEras } = queue.policies;
    const definition: QueueDefinition = {
      kind,
      autoDelete,
      args,
      argTypes,
      log: log.id,
      cursor: cursor?.handle?.id ?? 0,
    };
    if (queue.isImplicit) definition.isImplicit = true;
    if (layers.policy !== null || layers.operatorPolicy !== null) definition.layers = layers;
    if (ttlEras.count > 0) definition.ttlEras = ttlEras.list();
    if (queue.deleteAt !== 0) definition.deleteAt = queue.deleteAt;
    this.#save(definitionKey("queue", this.name, name), definition);
  }

  /** What its definition says has changed. */
  queueChanged(queue: Queue): void {
    const isKept = queue.durable && queue.exclusiveOwner === 0;
    // One that is being made is saved once it is.
    if (isKept && (queue.cursor === null || queue.cursor.handle !== null)) this.#saveQueue(queue);
  }

  /** Also used at start-up, with the log and cursor restored. */
  addQueue(options: QueueOptions, log: Log, cursor: QueueCursor | null): Queue {
    const queue = new Queue(this, options, log, cursor);
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

  /** Makes a topic's partition: never what is there already, which the topic has looked at. */
  makePartition(options: QueueOptions): Queue {
    return this.#makeQueue(options);
  }

  /** Deletes a queue with its records, bindings, groups and consumers. */
  deleteQueue(queue: Queue): void {
    if (queue.isDeleted) return;
    this.#takeOut(queue);
    const { storage, work } = this.broker;
    if (queue.groups.size > 0) work.run(deleteGroups(storage, queue), () => {});
    const handle = queue.cursor?.handle ?? null;
    if (handle !== null) storage.deleteState(handle);
    deleteProducersOf(queue);
    storage.deleteLog(queue.log);
    storage.table.delete(definitionKey("queue", this.name, queue.name));
    this.topics.queueDeleted(queue);
    for (const consumer of queue.consumers.takeAll()) consumer.cancelled(queue);
    tellWaiters(queue);
  }

  /** The queue has no name any more: no route leads to it, and nobody finds it. */
  #takeOut(queue: Queue): void {
    queue.isDeleted = true;
    this.queues.delete(queue.name);
    this.names.remove(queue.name);
    this.timedDeletions.forget(queue);
    for (const listener of this.queueListeners) listener.queueDeleted(queue);
    this.exchanges.get("")!.router.unbind(queue, queue.name, {});
    this.#removeBindingsTo(queue);
    this.routingVersion++;
  }

  /**
   * Gives a stream that only Redis's clients know (`isUnclaimed`) another name, in this virtual host or another one, with its groups
   * and the time at which it is deleted. Throws ALREADY_EXISTS, INVALID unless the name is free. It is another `Queue` over the same log from then
   * on: for those who know the old one that is deleted.
   */
  renameStream(queue: Queue, target: Vhost, name: string): Queue {
    const { log, groups, deleteAt } = queue;
    if (assertsAreOn) assertInvariant(isUnclaimed(queue), "only a stream that nobody else knows is renamed");
    target.#assertStreamFree(name);
    log.store.seal();
    this.#takeOut(queue);
    queue.groups = new Map();
    this.broker.storage.table.delete(definitionKey("queue", this.name, queue.name));
    const renamed = target.adoptStream(name, { log, groups, deleteAt });
    tellWaiters(queue);
    return renamed;
  }

  /** Makes a stream of a log that has its records and groups already. Throws ALREADY_EXISTS, INVALID unless the name is free. */
  adoptStream(name: string, { log, groups, deleteAt }: AdoptedStream): Queue {
    this.#assertStreamFree(name);
    this.broker.work.spend(unitsOfQueue);
    const queue = this.addQueue({ ...implicitStream, name, groups, deleteAt }, log, null);
    if (log.isDurable) this.#saveQueue(queue);
    // Those who have waited for a stream of this name have something to read.
    this.broker.schedule(queue);
    return queue;
  }

  #assertStreamFree(name: string): void {
    checkName("queue", name);
    assertFree(this, name, "implicit stream");
    if (assertsAreOn) assertInvariant(!this.queues.has(name), "a stream takes a name that no queue has");
  }

  /** Throws INVALID where no queue or stream can have the name. */
  assertQueueName(name: string): void {
    checkName("queue", name);
  }

  // Consumer groups with owners (Redis)

  createGroup(queue: Queue, name: string): GroupCursor {
    return makeGroup(this.broker.storage, queue, name);
  }

  deleteGroup(queue: Queue, name: string): void {
    // Who waits in the group learns of it when the tick ends, not in the middle of somebody's command.
    if (deleteGroup(this.broker.storage, queue, name)) this.broker.schedule(queue);
  }

  // Bindings

  bind(source: Exchange, destination: Destination, key: string, args: BindingArguments): void {
    if (source.bindings.has(bindingIdentity(destination, key, args))) return;
    source.router.assertRoomFor?.(key);
    const binding = this.bindRestored(source, destination, key, args);
    if (binding.isDurable) this.#save(this.#bindingKey(binding), { args });
  }

  /** Start-up: the binding is in the table already. */
  bindRestored(source: Exchange, destination: Destination, key: string, args: BindingArguments): Binding {
    const identity = bindingIdentity(destination, key, args);
    const isKept =
      destination.kind === "exchange"
        ? destination.durable
        : destination.durable && destination.exclusiveOwner === 0;
    const binding: Binding = { source, destination, key, args, isDurable: source.durable && isKept };
    source.bindings.set(identity, binding);
    let known = this.#bindingsTo.get(destination);
    if (known === undefined) this.#bindingsTo.set(destination, (known = new Set()));
    known.add(binding);
    source.router.bind(destination, key, args);
    this.routingVersion++;
    return binding;
  }

  /** Removes a binding; removing one that is not there is no error, as in RabbitMQ. */
  unbind(source: Exchange, destination: Destination, key: string, args: BindingArguments): void {
    const binding = source.bindings.get(bindingIdentity(destination, key, args));
    if (binding === undefined) return;
    this.#removeBinding(binding);
    this.#deleteIfUnused(source);
  }

  /** Whether any exchange but the default one leads there. */
  isBound(destination: Destination): boolean {
    return (this.#bindingsTo.get(destination)?.size ?? 0) > 0;
  }

  hasBinding(source: Exchange, destination: Destination, key: string, args: BindingArguments): boolean {
    return source.bindings.has(bindingIdentity(destination, key, args));
  }

  bindingsTo(destination: Destination): Iterable<Binding> {
    return this.#bindingsTo.get(destination) ?? [];
  }

  #bindingKey({ source, destination, key, args }: Binding): string {
    const kind = destination.kind === "exchange" ? "e" : "q";
    return definitionKey("binding", this.name, source.name, kind, destination.name, key, argumentsKey(args));
  }

  #removeBinding(binding: Binding): void {
    const { source, destination, key, args } = binding;
    source.bindings.delete(bindingIdentity(destination, key, args));
    this.#bindingsTo.get(destination)?.delete(binding);
    source.router.unbind(destination, key, args);
    if (binding.isDurable) this.broker.storage.table.delete(this.#bindingKey(binding));
    this.routingVersion++;
  }

  #removeBindingsTo(destination: Destination): void {
    for (const binding of this.#bindingsTo.get(destination) ?? []) {
      this.#removeBinding(binding);
      this.#deleteIfUnused(binding.source);
    }
    this.#bindingsTo.delete(destination);
  }

  #deleteIfUnused(exchange: Exchange): void {
    if (exchange.autoDelete && exchange.bindings.size === 0 && !exchange.isDeleted)
      this.deleteExchange(exchange);
  }

  // Definitions

  #save(key: string, definition: object): void {
    this.broker.storage.table.put(key, JSON.stringify(definition));
  }
}

/** The queue is gone: those who look at it are to look elsewhere. */
function tellWaiters(queue: Queue): void {
  for (const waiter of queue.waiters) waiter.logChanged(queue);
  queue.waiters.clear();
}

const argumentsKeyMax = 1024;

/** What tells bindings apart that differ in their arguments alone. Those of a client may be longer than a key can be. */
function argumentsKey(args: BindingArguments): string {
  const text = JSON.stringify(args);
  if (text.length <= argumentsKeyMax) return text;
  return crypto.createHash("sha256").update(text).digest("hex");
}

function checkName(kind: string, name: string): void {
  const { length } = name;
  if (length <= limits.nameBytesMax) return;
  throw new BrokerError("INVALID", `${kind} name of ${length} bytes; the most is ${limits.nameBytesMax}`);
}
