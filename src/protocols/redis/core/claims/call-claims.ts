/**
 * Whether a command may run now, as to the keys that others have claimed (claims.ts): it waits, or what is in its way is finished first.
 *
 * Not here: who runs it.
 */
import type { CommandContext } from "../context.ts";
import type { KeyWant } from "./key-modes.ts";
import { wantsOf } from "./key-wants.ts";

/**
 * Has the command in `context`, which came from a client, wait if keys that it needs are claimed; `start` is called when they are free,
 * and what it throws is the reply. Says whether it waits.
 */
export function waitForKeys(context: CommandContext, start: () => void): boolean {
  const { claims } = context.server;
  const { later } = context.caller;
  const wants = wantsOfCall(context);
  if (later === null || !claims.mustWait(wants)) return false;
  later.keepRequest();
  const reply = later.beginLater({ isPostponed: true, abandon: () => leave() });
  const leave = claims.wait(wants, () => reply.answer(start));
  return true;
}

/** The work goes first that has claimed the keys of the command in `context`, which cannot wait. */
export function finishClaims(context: CommandContext): void {
  const { claims } = context.server;
  if (claims.isAny) claims.finish(wantsOfCall(context));
}

/** What the command needs; of EXEC, all that was queued. */
function wantsOfCall(context: CommandContext): readonly KeyWant[] {
  return wantsOf(context.executed?.commands ?? [context], context.database);
}
