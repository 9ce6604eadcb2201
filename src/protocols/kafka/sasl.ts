/**
 * SASL PLAIN against the broker's users, for clients that want to name themselves.
 *
 * Nobody has to unless the broker was started with a password: then a connection that asks for anything else first is
 * closed, as by Kafka's SASL listeners. So is one whose credentials are wrong, after the answer that says so.
 *
 *     token  [authorization id] NUL user NUL password       (RFC 4616)
 */
import { BrokerError } from "../../base/errors.ts";
import type { Caller } from "./call.ts";
import type { ApiName } from "./wire/codec.ts";

export const saslMechanisms: readonly string[] = ["PLAIN"];

/** Whether the token names a user and its password. */
export function authenticate(caller: Caller, token: Uint8Array): boolean {
  const [, user, password, ...rest] = Buffer.from(token).toString("utf8").split("\0");
  if (user === undefined || password === undefined || rest.length > 0) return false;
  const { connection, node } = caller;
  if (node.broker.access.authenticate(user, password, connection.remote.host) === null) return false;
  caller.user = user;
  return true;
}

/** What Kafka answers before a login on a listener that demands one. */
const beforeLogin: ReadonlySet<ApiName> = new Set(["ApiVersions", "SaslHandshake", "SaslAuthenticate"]);

/** Throws where the connection has to log in first. */
export function assertMayAsk(caller: Caller, name: ApiName): void {
  if (caller.user !== null || beforeLogin.has(name) || !caller.node.broker.access.isRequired) return;
  throw new BrokerError("ACCESS_REFUSED", `${name} before SASL has told who asks`);
}

/** A frame that is only a token; answered by an empty one. False: the connection is to be closed. */
export function takeBareToken(caller: Caller, token: Uint8Array): boolean {
  caller.expectsToken = false;
  if (!authenticate(caller, token)) return false;
  caller.connection.output.int32(0);
  caller.connection.touch();
  return true;
}
