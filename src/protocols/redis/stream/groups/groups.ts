/** Consumer groups of a stream: finding them and their consumers, and what replies say of them. */
import { sortedInSlices } from "../../../../base/sliced-sort.ts";
import type { Job } from "../../../../base/turn-work.ts";
import type { Log } from "../../../../storage/logs.ts";
import type { Queue } from "../../../../broker/queue/queue.ts";
import type { GroupCursor } from "../../../../broker/groups/group-cursor.ts";
import type { CursorOwner } from "../../../../broker/groups/group-owners.ts";
import { EntryId } from "../../../../message/entry-id.ts";
import type { CommandContext } from "../../core/context.ts";
import { RedisError } from "../../core/errors.ts";
import { memberPrefix } from "../../../../broker/groups/member-prefix.ts";
import { retryOwnerName } from "../../../../broker/groups/retry-owner.ts";
import { isShareOwner } from "../../../../broker/groups/share/share-owner.ts";
import { groupLag, notKnown } from "../../../../broker/groups/progress.ts";
import type { ReplyWriter } from "../../wire/reply-writer.ts";
import { keyEvents } from "../../notifications/key-events.ts";

const next = new EntryId();

/** The group in argument `index`; undefined when stream or group is not there. */
export function findGroup(
  context: CommandContext,
  queue: Queue | undefined,
  index: number,
): GroupCursor | undefined {
  return queue?.groups.get(context.request.repeatedName(index));
}

/** The error of commands that need a group, for the key in argument 1 and the group in argument 2. */
export function noGroup(context: CommandContext, suffix = ""): RedisError {
  const { request } = context;
  return new RedisError(
    `NOGROUP No such key '${request.utf8(1)}' or consumer group '${request.utf8(2)}'${suffix}`,
  );
}

/** The error of XGROUP and XINFO, for the key in argument 2 and the group in argument 3. */
export function noSuchGroup(context: CommandContext): RedisError {
  const { request } = context;
  return new RedisError(
    `NOGROUP No such consumer group '${request.utf8(3)}' for key name '${request.utf8(2)}'`,
  );
}

/** Of an id that a group's reader cannot ask for. */
export function meaninglessId(id: string): RedisError {
  return new RedisError(
    `ERR The ${id} ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer ` +
      `by specifying a proper ID, or use the > ID to get new messages. The ${id} ID would just return an empty ` +
      "result set.",
  );
}

/** Throws where argument `index` is the name of the consumer that the broker keeps for itself. */
export function assertConsumerName({ request }: CommandContext, index: number): void {
  const fault = reservedConsumer(request.repeatedName(index));
  if (fault !== null) throw fault;
}

/** Why no client may be, or delete, a consumer of that name; null where it may. */
export function reservedConsumer(name: string): RedisError | null {
  if (name === retryOwnerName)
    return new RedisError(
      `ERR the consumer '${retryOwnerName}' holds what waits for its next delivery: give your consumer another name`,
    );
  if (isShareOwner(name))
    return new RedisError(
      "ERR consumers 'troika.share.*' are members of a share group of Kafka: give your consumer another name",
    );
  if (!name.startsWith(memberPrefix)) return null;
  return new RedisError(
    `ERR consumers '${memberPrefix}*' are consumers of AMQP: give your consumer another name`,
  );
}

/** The consumer of that name, made when it is not there; it counts as seen now. The stream's key is in argument `keyIndex`. */
export function seenConsumer(
  context: CommandContext,
  cursor: GroupCursor,
  name: string,
  keyIndex: number,
): CursorOwner {
  const now = context.broker.clock.now();
  let owner = cursor.owners.get(name);
  if (owner === undefined) {
    owner = cursor.addOwner(name, now);
    context.notify(keyEvents.xgroupCreateConsumer, keyIndex);
  }
  owner.seenAt = now;
  return owner;
}

/** In the order in which redis lists names: by their bytes. A client may have made any number of them. */
export function* sortedByName<Value>(map: ReadonlyMap<string, Value>): Job<[name: string, value: Value][]> {
  return yield* sortedInSlices([...map], ([a], [b]) => (a < b ? -1 : 1));
}

/** Puts the group behind the entry with that id. */
export function setGroupPosition(cursor: GroupCursor, id: EntryId, entriesRead: number): void {
  const { log } = cursor;
  const offset = next.copyFrom(id).increment() ? log.offsetOfEntryId(next) : log.stableEnd;
  cursor.setGroupPosition(offset, id, entriesRead);
}

/** The values of `entries-read` and `lag`, each with its name. */
export function writeProgress(reply: ReplyWriter, log: Log, cursor: GroupCursor): void {
  reply.bulkLatin1("entries-read");
  writeKnown(reply, cursor.entriesRead === notKnown ? NaN : cursor.entriesRead);
  reply.bulkLatin1("lag");
  writeKnown(reply, groupLag(log, cursor.entriesRead, cursor.lastId));
}

function writeKnown(reply: ReplyWriter, value: number): void {
  if (Number.isNaN(value)) reply.null();
  else reply.integer(value);
}
