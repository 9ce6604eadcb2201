/** XREAD [COUNT count] [BLOCK ms] STREAMS key [key ...] id [id ...] */
import type { CommandContext } from "../core/context.ts";
import { BlockedRead } from "./blocked-read.ts";
import { parseRead, serve } from "./read.ts";
import { keysBehind, type CommandRow } from "../core/command-spec.ts";

export const xreadCommand: CommandRow = {
  name: "xread",
  arity: -4,
  flags: ["readonly", "blocking", "movablekeys"],
  keys: [keysBehind("STREAMS", { startFrom: 1, lastKey: -1, limit: 2 }, "RO", "access")],
  since: "5.0.0",
  complexity: "O(N) for each stream, N entries returned",
  summary: "Reads streams from given ids on, and may wait for entries.",
  run: xread,
};

function xread(context: CommandContext): void {
  readOrWait(context, false);
}

/** Also XREADGROUP: replies, or says that there is nothing, or waits. */
export function readOrWait(context: CommandContext, isGroupRead: boolean): void {
  const read = parseRead(context, isGroupRead);
  if (serve(context, read, read.streams)) return;
  if (read.blockMs < 0) context.reply.nullArray();
  else {
    const wait = new BlockedRead(read);
    context.server.blocking.block(context, wait);
  }
}
