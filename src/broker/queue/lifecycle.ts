/**
 * How queues and streams of a virtual host are declared, made, kept in the table of definitions, and deleted.
 *
 * Not here: which names are free (name-rules.ts), whether a declaration fits the queue that is there (declared-same.ts), how queues come
 * back at start-up (restore.ts). Invariant: a durable queue that is not exclusive is in the table from the call that makes it
 * to the call that deletes it.
 */
import { QueueCursor } from "../cursor/queue-cursor.ts";
import { deleteGroups } from "../groups/stream-groups.ts";
import { definitionKey } from "../names.ts";
import type { Vhost } from "../vhost.ts";
import { assertSameQueue } from "./declared-same.ts";
import type { QueueDefinition, QueueOptions } from "./definition.ts";
import { assertFree, assertNameFits } from "./name-rules.ts";
import { deleteProducersOf } from "./producer-state.ts";
import type { Queue } from "./queue.ts";

/** What making a queue or stream costs. */
const unitsOfQueue = 12;

/** Makes a queue or stream, or returns an existing one that is the same. Throws PRECONDITION_FAILED if it differs. */
export function declareQueue(vhost: Vhost, options: QueueOptions): Queue {
  const present = vhost.queues.get(options.name);
  if (present !== undefined) {
    assertSameQueue(vhost.name, options, present);
    if (options.isImplicit !== true) claim(present);
    return present;
  }
  assertNameFits("queue", options.name);
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
  const { storage, work } = vhost.broker;
  work.spend(unitsOfQueue);
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
  vhost.broker.storage.definitions.put(definitionKey("queue", vhost.name, name), JSON.stringify(definition));
}

/** Stores the definition again after a change. */
export function queueChanged(queue: Queue): void {
  const isKept = queue.durable && queue.exclusiveOwner === 0;
  // A queue that is being made is stored at the end of `makeQueue`.
  if (isKept && (queue.cursor === null || queue.cursor.handle !== null)) save(queue);
}

/** Deletes a queue with its records, bindings, groups and consumers. */
export function deleteQueue(queue: Queue): void {
  if (queue.isDeleted) return;
  queue.isDeleted = true;
  const { vhost } = queue;
  const { storage } = vhost.broker;
  vhost.removeQueue(queue);
  deleteGroups(queue);
  const handle = queue.cursor?.handle ?? null;
  if (handle !== null) storage.deleteState(handle);
  deleteProducersOf(queue);
  storage.deleteLog(queue.log);
  storage.definitions.delete(definitionKey("queue", vhost.name, queue.name));
  vhost.topics.queueDeleted(queue);
  for (const consumer of queue.consumers.takeAll()) consumer.cancelled(queue);
  for (const waiter of queue.waiters) waiter.logChanged(queue);
  queue.waiters.clear();
}
