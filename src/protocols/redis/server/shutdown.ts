/**
 * SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]: stops the broker, all protocols of it, as a signal does. What was answered is on the
 * disk then, whatever the options say.
 *
 * A client may only do that where `--redis-shutdown` is given.
 */
import type { CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";

export const shutdownCommand: CommandRow = {
  name: "shutdown",
  arity: -1,
  flags: ["admin", "noscript", "loading", "stale", "no_multi", "allow_busy"],
  since: "1.0.0",
  complexity: "O(N) when saving N keys, else O(1)",
  summary: "Stops the server.",
  run: shutdown,
};

function shutdown({ request, server }: CommandContext): void {
  const given = new Set<string>();
  for (let at = 1; at < request.argumentCount; at++) {
    const option = request.utf8(at).toLowerCase();
    if (!["nosave", "save", "now", "force", "abort"].includes(option)) throw syntaxError();
    given.add(option);
  }
  const isAbort = given.delete("abort");
  if ((isAbort && given.size > 0) || (given.has("save") && given.has("nosave"))) throw syntaxError();
  if (isAbort) throw new RedisError("ERR No shutdown in progress.");
  if (server.busyScript !== null && !given.has("nosave"))
    throw new RedisError(errorTexts.busy[server.busyScript.options.kind]);
  if (server.stop === null)
    throw new RedisError(
      "ERR SHUTDOWN would stop all protocols of this broker; start it with --redis-shutdown to allow that, or send it SIGTERM",
    );
  // As in redis there is no answer: the connection ends.
  server.stop();
}
