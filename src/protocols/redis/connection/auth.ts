/** AUTH [user] password */
import { defaultUserName } from "../../../broker/access/users.ts";
import { logIn } from "./authentication.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError, syntaxError } from "../core/errors.ts";

export function auth(context: CommandContext): void {
  const { request, reply, broker } = context;
  if (request.argumentCount > 3) throw syntaxError();
  const done = (): void => reply.ok();
  if (request.argumentCount === 3) return logIn(context, request.utf8(1), request.utf8(2), done);
  if (broker.access.users.get(defaultUserName)!.needsNoPassword) {
    throw new RedisError(
      "ERR AUTH <password> called without any password configured for the default user. Are you sure your " +
        "configuration is correct?",
    );
  }
  logIn(context, defaultUserName, request.utf8(1), done);
}
