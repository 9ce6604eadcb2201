/** CLIENT PAUSE and UNPAUSE: see client-pause.ts. */
import type { CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { subcommandSyntaxError } from "../core/help.ts";
import type { PauseMode } from "./client-pause.ts";

export const clientPauseCommands: readonly CommandRow[] = [
  {
    name: "pause",
    arity: -3,
    flags: ["admin", "noscript", "loading", "stale"],
    since: "2.9.50",
    complexity: "O(1)",
    summary: "Holds back the commands of all clients for a while.",
    run: clientPause,
  },
  {
    name: "unpause",
    arity: 2,
    flags: ["admin", "noscript", "loading", "stale"],
    since: "6.2.0",
    complexity: "O(N), N paused clients",
    summary: "Lets paused clients go on.",
    run: clientUnpause,
  },
];

/** CLIENT PAUSE milliseconds [WRITE | ALL] */
function clientPause(context: CommandContext): void {
  const { request, reply, server } = context;
  if (request.argumentCount > 4) throw subcommandSyntaxError(context);
  let mode: PauseMode = "all";
  if (request.argumentCount > 3) {
    if (request.is(3, "WRITE")) mode = "write";
    else if (!request.is(3, "ALL")) throw new RedisError("ERR CLIENT PAUSE mode must be WRITE or ALL");
  }
  const milliseconds = request.integer(2);
  if (Number.isNaN(milliseconds)) throw new RedisError("ERR timeout is not an integer or out of range");
  if (milliseconds < 0) throw new RedisError("ERR timeout is negative");
  server.pause.begin(mode, milliseconds);
  reply.ok();
}

function clientUnpause({ reply, server }: CommandContext): void {
  server.pause.end();
  reply.ok();
}
