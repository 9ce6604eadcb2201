/**
 * SASL PLAIN against the broker's users, for clients that want to name themselves.
 *
 * Nobody has to by default: a connection without it may do everything. One whose credentials are wrong is closed, as in
 * Kafka, after the answer that says so.
 *
 *     token  [authorization id] NUL user NUL password       (RFC 4616)
 */
import type { Caller } from "./call.ts";

export const saslMechanisms: readonly string[] = ["PLAIN"];

/** Whether the token names a user and its password. */
export function authenticate(caller: Caller, token: Uint8Array): boolean {
  const [, user, password, ...rest] = Buffer.from(token).toString("utf8").split("\0");
  if (user === undefined || password === undefined || rest.length > 0) return false;
  if (caller.node.broker.access.authenticate(user, password) === null) return false;
  caller.user = user;
  return true;
}

/** A frame that is only a token; answered by an empty one. False: the connection is to be closed. */
export function takeBareToken(caller: Caller, token: Uint8Array): boolean {
  caller.expectsToken = false;
  if (!authenticate(caller, token)) return false;
  caller.connection.output.int32(0);
  caller.connection.touch();
  return true;
}
