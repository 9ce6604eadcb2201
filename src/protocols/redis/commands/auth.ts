/** AUTH [user] password */
import { isPasswordRequired, logIn } from "../authentication.ts";
import type { CommandContext } from "../context.ts";
import { RedisError, syntaxError } from "../errors.ts";

export function auth(context: CommandContext): void {
  const { request, reply, server } = context;
  if (request.argumentCount > 3) throw syntaxError();
  if (request.argumentCount === 3) logIn(context, request.utf8(1), request.utf8(2));
  else {
    if (!isPasswordRequired(server)) {
      throw new RedisError(
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your " +
          "configuration is correct?",
      );
    }
    logIn(context, "default", request.utf8(1));
  }
  reply.ok();
}
