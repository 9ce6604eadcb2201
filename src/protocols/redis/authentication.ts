/**
 * Logging in: AUTH, and AUTH within HELLO. The user `default` needs no password unless `requirepass` is set; every other
 * user is one of the broker's, with the password that AMQP clients use too.
 */
import type { CommandContext } from "./context.ts";
import { errorTexts, RedisError } from "./errors.ts";

/** Throws WRONGPASS. */
export function logIn({ server, session, broker }: CommandContext, user: string, password: string): void {
  const { settings } = server;
  if (user === "default") {
    if (settings.password !== "" && settings.password !== password)
      throw new RedisError(errorTexts.wrongPassword);
  } else if (broker.access.authenticate(user, password) === null)
    throw new RedisError(errorTexts.wrongPassword);
  session.authenticated(user);
}
