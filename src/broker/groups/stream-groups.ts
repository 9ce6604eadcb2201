/**
 * The Redis consumer groups of a stream: made and deleted, with their definitions.
 *
 *     group/[log id, group name] -> { cursor: state id }
 *
 * A definition names the log, not the stream: a stream that is renamed keeps its groups as they are, and what a deleted stream of
 * the same name left behind is another log's. Not here: what a group holds (group-cursor.ts). Invariant: a group of a durable log has
 * a definition and a state, or neither; one whose log no queue has is void, and is deleted at the next start.
 */
import type { Job } from "../../base/turn-work.ts";
import type { Log, Storage } from "../../storage/index.ts";
import { definitionKey } from "../names.ts";
import type { Queue } from "../queue/queue.ts";
import type { RetryPolicy } from "../retry/retry-policy.ts";
import { GroupCursor } from "./group-cursor.ts";

/** Deleting a group: its state and its definition. */
const unitsOfGroup = 2;

/** Whose groups they are: a stream, or one that is being made. */
export interface GroupHolder {
  readonly log: Log;
  readonly groups: Map<string, GroupCursor>;
}

export interface GroupDefinition {
  cursor: number;
  retry?: RetryPolicy;
}

function groupKey(log: Log, name: string): string {
  return definitionKey("group", String(log.id), name);
}

export function makeGroup(
  storage: Storage,
  { log, groups }: GroupHolder,
  name: string,
  retryPolicy: RetryPolicy | null = null,
): GroupCursor {
  const cursor = new GroupCursor(log, storage, name);
  cursor.retryPolicy = retryPolicy;
  groups.set(name, cursor);
  if (log.isDurable) {
    cursor.handle = storage.createState(cursor);
    defineGroup(storage, cursor, cursor.handle.id);
  }
  return cursor;
}

export function defineGroup(
  storage: Storage,
  { log, name, retryPolicy }: GroupCursor,
  stateId: number,
): void {
  const definition: GroupDefinition = { cursor: stateId };
  if (retryPolicy !== null) definition.retry = retryPolicy;
  storage.definitions.put(groupKey(log, name), JSON.stringify(definition));
}

/** Has the group's entries that are given up treated so; null: as the stream's policy says. Kept with its definition. */
export function setRetryPolicy(queue: Queue, name: string, policy: RetryPolicy | null): void {
  const cursor = queue.groups.get(name)!;
  cursor.retryPolicy = policy;
  if (cursor.handle !== null) defineGroup(queue.vhost.broker.storage, cursor, cursor.handle.id);
}

export function createGroup(queue: Queue, name: string): GroupCursor {
  return makeGroup(queue.vhost.broker.storage, queue, name);
}

export function deleteGroup(queue: Queue, name: string): void {
  const { broker } = queue.vhost;
  // A reader that waits in the group learns of it when the tick ends, not in the middle of another client's command.
  if (removeGroup(broker.storage, queue, name)) broker.schedule(queue);
}

/** Deletes a group; says whether there was one. */
function removeGroup(storage: Storage, { log, groups }: GroupHolder, name: string): boolean {
  const cursor = groups.get(name);
  if (cursor === undefined) return false;
  groups.delete(name);
  cursor.retries?.close();
  cursor.share?.close();
  if (cursor.handle !== null) storage.deleteState(cursor.handle);
  storage.definitions.delete(groupKey(log, name));
  return true;
}

/** All groups of what is deleted, in slices. Those that a stop leaves are void. */
export function* deleteGroups(storage: Storage, holder: GroupHolder): Job<void> {
  for (const name of holder.groups.keys()) {
    removeGroup(storage, holder, name);
    yield unitsOfGroup;
  }
}
