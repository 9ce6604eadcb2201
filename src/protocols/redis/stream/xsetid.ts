/** XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id] */
import { entriesAdded } from "../../../broker/groups/progress.ts";
import { LogReader, type Log } from "../../../storage/logs.ts";
import { EntryId } from "../../../message/entry-id.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { strictIdArgument } from "./id.ts";
import { findStream } from "./find.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const xsetidCommand: CommandRow = {
  name: "xsetid",
  arity: -3,
  flags: ["write", "denyoom", "fast"],
  keys: [oneKey(1, "RW", "update")],
  since: "5.0.0",
  complexity: "O(1)",
  summary: "Sets the last id of a stream.",
  acts: ["setLastId"],
  run: xsetid,
};

const last = new EntryId();
const maxDeleted = new EntryId();

function xsetid(context: CommandContext): void {
  const { request, reply } = context;
  strictIdArgument(request, 2, last);
  maxDeleted.set(0, 0);
  let added = -1;
  for (let at = 3; at < request.argumentCount; at += 2) {
    const hasValue = at + 1 < request.argumentCount;
    if (hasValue && request.is(at, "ENTRIESADDED")) {
      added = request.integer(at + 1);
      if (Number.isNaN(added)) throw new RedisError(errorTexts.notInteger);
      if (added < 0) throw new RedisError("ERR entries_added must be positive");
    } else if (hasValue && request.is(at, "MAXDELETEDID")) {
      strictIdArgument(request, at + 1, maxDeleted);
      if (last.compare(maxDeleted) < 0) {
        throw new RedisError(
          "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
        );
      }
    } else throw syntaxError();
  }
  const queue = findStream(context, 1);
  if (queue === undefined) throw new RedisError(errorTexts.noSuchKey);
  const { log } = queue;
  // As of redis 7.2: a group may hold what was deleted, and finds what it holds by ids that grow.
  if (last.compare(log.maxDeletedId) < 0)
    throw new RedisError("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
  if (log.length > 0) {
    if (isBelowTop(log))
      throw new RedisError("ERR The ID specified in XSETID is smaller than the target stream top item");
    if (added >= 0 && log.length > added) {
      throw new RedisError(
        "ERR The entries_added specified in XSETID is smaller than the target stream length",
      );
    }
  }
  log.setMeta({
    lastId: last,
    maxDeletedId: maxDeleted.isZero ? log.maxDeletedId : maxDeleted,
    entriesAdded: added >= 0 ? added : entriesAdded(log),
  });
  context.notify(keyEvents.xsetid, 1);
  reply.ok();
}

/** Whether the wanted id is below the last entry that is there, of an open transaction or not. */
function isBelowTop(log: Log): boolean {
  const reader = new LogReader(log, log.removed.previousPresent(log.nextOffset - 1), true);
  return reader.next() && last.compare(reader.id) < 0;
}
