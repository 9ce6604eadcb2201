/**
 * How queues and streams of a virtual host are declared, made, kept in the table of definitions, and deleted.
 *
 * Not here: which names are free (name-rules.ts), whether a declaration fits the queue that is there (declared-same.ts), how queues come
 * back at start-up (restore.ts). Invariant: a durable queue that is not exclusive is in the table from the call that makes it
 * to the call that deletes it.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { QueueCursor } from "../cursor/queue-cursor.ts";
import { deleteGroups, type GroupHolder } from "../groups/stream-groups.ts";
import { companionPrefixes, definitionKey } from "../names.ts";
import { assertQueueRoom } from "../parameters/vhost-limits.ts";
import type { Vhost } from "../vhost.ts";
import { assertSameQueue } from "./declared-same.ts";
import type { QueueDefinition, QueueOptions } from "./definition.ts";
import { assertFree, assertNameFits, isUnclaimed } from "./name-rules.ts";
import { deleteProducersOf } from "./producer-state.ts";
import type { Queue } from "./queue.ts";

/** What making a queue or stream costs. */
const unitsOfQueue = 12;

/** A stream that comes into being by being written to. */
export const implicitStream = {
  kind: "stream",
  durable: true,
  exclusiveOwner: 0,
  autoDelete: false,
  args: {},
  isImplicit: true,
} as const satisfies Omit<QueueOptions, "name">;

/** Makes a queue or stream, or returns an existing one that is the same. Throws PRECONDITION_FAILED if it differs. */
export function declareQueue(vhost: Vhost, options: QueueOptions): Queue {
  const { churn } = vhost.broker;
  churn.declared++;
  const present = vhost.findQueue(options.name);
  if (present !== undefined) {
    assertSameQueue(vhost.name, options, present);
    if (options.isImplicit !== true) claim(present);
    return present;
  }
  assertNameFits("queue", options.name);
  if (options.isImplicit !== true) assertQueueRoom(vhost, options.name);
  assertFree(vhost, options.name, options.isImplicit === true ? "implicit stream" : "queue");
  return makeQueue(vhost, options);
}

/** A client declares a stream that was made by being written to. */
function claim(queue: Queue): void {
  if (!queue.isImplicit) return;
  queue.isImplicit = false;
  save(queue);
}

export function makeQueue(vhost: Vhost, options: QueueOptions): Queue {
  vhost.assertExists();
  const { storage, work, churn } = vhost.broker;
  work.spend(unitsOfQueue);
  churn.created++;
  const isKept = options.durable && options.exclusiveOwner === 0;
  const log = storage.createLog(isKept);
  let cursor: QueueCursor | null = null;
  if (options.kind === "queue") cursor = new QueueCursor(log, storage);
  const queue = vhost.addQueue(options, log, cursor);
  if (isKept) {
    // Only now: the queue's constructor prepares the cursor for the queue's policy.
    if (cursor !== null) cursor.handle = storage.createState(cursor);
    save(queue);
  }
  return queue;
}

function save(queue: Queue): void {
  const { vhost, name, kind, autoDelete, args, argTypes, log, cursor } = queue;
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
  vhost.broker.storage.definitions.put(definitionKey("queue", vhost.name, name), JSON.stringify(definition));
}

/** Stores the definition again after a change. */
export function queueChanged(queue: Queue): void {
  const isKept = queue.durable && queue.exclusiveOwner === 0 && !queue.isDeleted;
  // A queue that is being made is stored at the end of `makeQueue`.
  if (isKept && (queue.cursor === null || queue.cursor.handle !== null)) save(queue);
}

/** Deletes a queue with its records, bindings, groups and consumers. */
export function deleteQueue(queue: Queue): void {
  if (queue.isDeleted) return;
  queue.isDeleted = true;
  const { vhost } = queue;
  const { storage, work, churn, tracer } = vhost.broker;
  if (queue.trace !== null) tracer.removed(queue, 0, Infinity, "the queue was deleted");
  churn.deleted++;
  queue.retries?.close();
  vhost.removeQueue(queue);
  if (queue.groups.size > 0) work.run(deleteGroups(storage, queue), () => {});
  const handle = queue.cursor?.handle ?? null;
  if (handle !== null) storage.deleteState(handle);
  deleteProducersOf(queue);
  for (const prefix of goingWithQueues) deleteCompanion(prefix, queue);
  vhost.broker.dedup.forget(queue.log);
  storage.deleteLog(queue.log);
  storage.definitions.delete(definitionKey("queue", vhost.name, queue.name));
  vhost.topics.queueDeleted(queue);
  for (const consumer of queue.consumers.takeAll()) consumer.cancelled(queue);
  tellWaiters(queue);
}

/** Dead letters that wait for other queues, and messages that wait for this one. */
const goingWithQueues = [companionPrefixes.undelivered, companionPrefixes.later];

function deleteCompanion(prefix: string, { vhost, name }: Queue): void {
  const companion = vhost.broker.vhosts.get(prefix + vhost.name)?.queues.get(name);
  if (companion !== undefined) deleteQueue(companion);
}

/** The queue is gone: those who look at it are to look elsewhere. */
function tellWaiters(queue: Queue): void {
  for (const waiter of queue.waiters) waiter.logChanged(queue);
  queue.waiters.clear();
}

/** A stream that has no name yet. */
export interface AdoptedStream extends GroupHolder {
  /** Wall time at which it is deleted, ms; 0: never. */
  readonly deleteAt: number;
}

/**
 * Gives a stream that only Redis's clients know (`isUnclaimed`) another name, in its virtual host or another one, with its groups and
 * the time at which it is deleted. Throws ALREADY_EXISTS, INVALID unless the name is free. It is another `Queue` over the same log
 * from then on: for those who know the old one, that is deleted.
 */
export function renameStream(queue: Queue, target: Vhost, name: string): Queue {
  const { log, groups, deleteAt, vhost } = queue;
  if (assertsAreOn) assertInvariant(isUnclaimed(queue), "only a stream that nobody else knows is renamed");
  assertStreamFree(target, name);
  log.store.seal();
  queue.isDeleted = true;
  vhost.removeQueue(queue);
  queue.groups = new Map();
  vhost.broker.storage.definitions.delete(definitionKey("queue", vhost.name, queue.name));
  const renamed = adoptStream(target, name, { log, groups, deleteAt });
  const from = { vhostName: vhost.name, name: queue.name };
  vhost.broker.delays?.renamed(from, { vhostName: target.name, name });
  tellWaiters(queue);
  return renamed;
}

/** Makes a stream of a log that has its records and groups already. Throws ALREADY_EXISTS, INVALID unless the name is free. */
export function adoptStream(vhost: Vhost, name: string, { log, groups, deleteAt }: AdoptedStream): Queue {
  assertStreamFree(vhost, name);
  vhost.broker.work.spend(unitsOfQueue);
  const queue = vhost.addQueue({ ...implicitStream, name, groups, deleteAt }, log, null);
  if (log.isDurable) save(queue);
  // Those who have waited for a stream of this name have something to read.
  vhost.broker.schedule(queue);
  return queue;
}

function assertStreamFree(vhost: Vhost, name: string): void {
  vhost.assertExists();
  assertNameFits("queue", name);
  assertFree(vhost, name, "implicit stream");
  if (assertsAreOn) assertInvariant(!vhost.queues.has(name), "a stream takes a name that no queue has");
}
