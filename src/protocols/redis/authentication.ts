/**
 * Logging in: AUTH, and AUTH within HELLO. The user `default` needs no password unless the broker was started with one or
 * `requirepass` is set, which then counts instead; every other user is one of the broker's, with the password that AMQP
 * clients use too.
 */
import type { CommandContext } from "./context.ts";
import { errorTexts, RedisError } from "./errors.ts";
import type { RedisServer } from "./server.ts";

/** Throws WRONGPASS. */
export function logIn({ server, session, broker }: CommandContext, user: string, password: string): void {
  const isRight =
    user === "default"
      ? isDefaultPassword(server, password)
      : broker.access.authenticate(user, password, session.connection.remote.host) !== null;
  if (!isRight) throw new RedisError(errorTexts.wrongPassword);
  session.authenticated(user);
}

function isDefaultPassword({ settings, broker: { access } }: RedisServer, password: string): boolean {
  if (settings.password !== null)
    return settings.password === "" || access.isSameSecret(settings.password, password);
  return !access.isRequired || access.isOperatorPassword(password);
}

/** Whether a connection may do nothing before it has logged in. */
export function isPasswordRequired({ settings, broker: { access } }: RedisServer): boolean {
  return settings.password === null ? access.isRequired : settings.password !== "";
}
