/** XDEL key id [id ...] */
import { LogReader } from "../../../broker/log-entries.ts";
import { EntryId } from "../../../message/entry-id.ts";
import type { CommandContext } from "../context.ts";
import { strictIdArgument } from "../stream-id.ts";
import { findEntry } from "../stream-log.ts";
import { findStream } from "../streams.ts";

const id = new EntryId();

export function xdel(context: CommandContext): void {
  const { request, reply } = context;
  const queue = findStream(context, 1);
  if (queue === undefined) return reply.integer(0);
  // All ids are checked before one is deleted.
  for (let at = 2; at < request.argumentCount; at++) strictIdArgument(request, at, id);
  const { log, cursor } = queue;
  const reader = new LogReader(log);
  let deleted = 0;
  for (let at = 2; at < request.argumentCount; at++) {
    strictIdArgument(request, at, id);
    if (!findEntry(reader, id)) continue;
    const { offset } = reader;
    cursor?.settle(offset);
    log.remove(offset);
    deleted++;
    if (id.compare(log.maxDeletedId) > 0) log.maxDeletedId.copyFrom(id);
  }
  if (deleted > 0) {
    log.metaChanged();
    context.keyChanged(1);
  }
  reply.integer(deleted);
}
