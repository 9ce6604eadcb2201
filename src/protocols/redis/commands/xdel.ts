/** XDEL key id [id ...] */
import { LogReader } from "../../../broker/log-entries.ts";
import type { CommandContext } from "../context.ts";
import { compareIds, StreamId, strictIdArgument } from "../stream-id.ts";
import { findEntry } from "../stream-log.ts";
import { findStream } from "../streams.ts";

const id = new StreamId();

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
    if (!findEntry(reader, id.ms, id.sequence)) continue;
    const { offset } = reader;
    cursor?.settle(offset);
    log.remove(offset);
    deleted++;
    if (compareIds(id.ms, id.sequence, log.maxDeletedIdMs, log.maxDeletedIdSequence) > 0) {
      log.maxDeletedIdMs = id.ms;
      log.maxDeletedIdSequence = id.sequence;
    }
  }
  if (deleted > 0) {
    log.metaChanged();
    context.keyChanged(1);
  }
  reply.integer(deleted);
}
