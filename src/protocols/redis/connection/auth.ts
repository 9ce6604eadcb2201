/** AUTH [user] password */
import { defaultUserName } from "../../../broker/access/users.ts";
import { logIn } from "./authentication.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const authCommand: CommandRow = {
  name: "auth",
  arity: -2,
  flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
  since: "1.0.0",
  complexity: "O(N), N passwords of the user",
  summary: "Logs this connection in.",
  secrets: () => [1, 2],
  run: auth,
};

function auth(context: CommandContext): void {
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
