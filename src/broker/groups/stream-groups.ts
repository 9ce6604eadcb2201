/**
 * The Redis consumer groups of a stream: made and deleted, and kept in the table of definitions while the stream is durable.
 *
 * Not here: what a group has delivered to whom (group-cursor.ts), the offsets of Kafka's groups (offsets.ts).
 * Invariant: a group's definition names the log that it was made for, so a group never passes to another stream of the same name.
 */
import type { Job } from "../../base/turn-work.ts";
import { definitionKey } from "../names.ts";
import type { Queue } from "../queue/queue.ts";
import { GroupCursor } from "./group-cursor.ts";

/** Deleting a group: its state and its definition. */
const unitsOfGroup = 2;

/** A group in the table. */
export interface GroupDefinition {
  cursor: number;
  /** Of the stream that it is of; older versions did not say. A stream's groups go after the stream itself. */
  ofLog?: number;
}

export function createGroup(queue: Queue, name: string): GroupCursor {
  const { storage } = queue.vhost.broker;
  const cursor = new GroupCursor(queue.log, storage);
  queue.groups.set(name, cursor);
  if (queue.log.isDurable) {
    cursor.handle = storage.createState(cursor);
    // The log's number: the definition is void where the queue of that name is another one by now.
    const definition: GroupDefinition = { cursor: cursor.handle.id, ofLog: queue.log.id };
    storage.definitions.put(
      definitionKey("group", queue.vhost.name, queue.name, name),
      JSON.stringify(definition),
    );
  }
  return cursor;
}

/**
 * The groups of a deleted queue, in slices. A queue that is made of the same name meanwhile may have such a group: its
 * definition has taken the place of the old one. Those that a stop leaves are void (restore.ts).
 */
export function deleteGroups(queue: Queue): void {
  if (queue.groups.size > 0) queue.vhost.broker.work.run(deletingGroups(queue), () => {});
}

function* deletingGroups(queue: Queue): Job<void> {
  for (const name of queue.groups.keys()) {
    const isAnothers = queue.vhost.queues.get(queue.name)?.groups.has(name) ?? false;
    forgetGroup(queue, name, !isAnothers);
    yield unitsOfGroup;
  }
}

function forgetGroup(queue: Queue, name: string, isDefined: boolean): void {
  const { storage } = queue.vhost.broker;
  const { handle } = queue.groups.get(name)!;
  queue.groups.delete(name);
  if (handle !== null) storage.deleteState(handle);
  if (isDefined) storage.definitions.delete(definitionKey("group", queue.vhost.name, queue.name, name));
}

export function deleteGroup(queue: Queue, name: string): void {
  if (!queue.groups.has(name)) return;
  forgetGroup(queue, name, true);
  // Who waits in the group learns of it when the tick ends, not in the middle of somebody's command.
  queue.vhost.broker.schedule(queue);
}
