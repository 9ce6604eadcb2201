/** EXEC: runs what MULTI gathered, with nothing of another connection in between. */
import type { CommandContext } from "../context.ts";
import { replyError, runHandler } from "../dispatch.ts";
import { RedisError } from "../errors.ts";

export function exec(context: CommandContext): void {
  const { reply, session, server } = context;
  const { transaction, watcher } = session;
  if (transaction === null) throw new RedisError("ERR EXEC without MULTI");
  const hasChanged = watcher !== null && server.watches.hasChanged(watcher);
  session.endTransaction();
  if (transaction.isAborted)
    throw new RedisError("EXECABORT Transaction discarded because of previous errors.");
  if (hasChanged) return reply.nullArray();
  const { request, spec } = context;
  reply.array(transaction.commands.length);
  context.isInTransaction = true;
  for (const command of transaction.commands) {
    context.request = command.request;
    context.spec = command.spec;
    runPermitted(context);
  }
  context.isInTransaction = false;
  context.request = request;
  context.spec = spec;
}

/** What the user was allowed when it was queued may have been taken since. */
function runPermitted(context: CommandContext): void {
  const { authorization } = context.session;
  try {
    if (authorization !== null) context.session.assertPermitted(authorization, context.spec);
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
    const reason = error.message.replace(/^NOPERM /, "");
    return replyError(
      context,
      new RedisError(
        "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This " +
          `command is no longer allowed for the following reason: ${reason}`,
      ),
    );
  }
  runHandler(context);
}
