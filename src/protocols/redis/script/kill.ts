/** SCRIPT KILL and FUNCTION KILL, and what others are told while a script or function takes long. */
import { scriptsOf } from "./run/engine.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";

export function kill({ server, reply }: CommandContext, kind: "script" | "function"): void {
  const run = scriptsOf(server).suspended;
  if (run === null) throw new RedisError("NOTBUSY No scripts in execution right now.");
  if (run.options.kind !== kind) throw new RedisError(errorTexts.busy[run.options.kind]);
  run.isKilled = true;
  reply.ok();
}
