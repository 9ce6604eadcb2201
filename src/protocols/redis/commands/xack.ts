/** XACK key group id [id ...] */
import { EntryId } from "../../../message/entry-id.ts";
import type { CommandContext } from "../context.ts";
import { findGroup } from "../groups.ts";
import { strictIdArgument } from "../stream-id.ts";
import { findStream } from "../streams.ts";

const id = new EntryId();

export function xack(context: CommandContext): void {
  const { request, reply } = context;
  const cursor = findGroup(context, findStream(context, 1), 2);
  if (cursor === undefined) return reply.integer(0);
  // All ids are checked before one is acknowledged.
  const count = request.argumentCount;
  if (count > 4) for (let at = 3; at < count; at++) strictIdArgument(request, at, id);
  let acknowledged = 0;
  for (let at = 3; at < count; at++) {
    strictIdArgument(request, at, id);
    const offset = cursor.pending.findId(id);
    if (offset >= 0 && cursor.settle(offset)) acknowledged++;
  }
  reply.integer(acknowledged);
}
