/**
 * SASL PLAIN against the broker's users, for clients that want to name themselves.
 *
 * Nobody has to as long as the user `default`, which stands for who does not, needs no password. Where it does, a
 * connection that asks for anything else first is closed, as by Kafka's SASL listeners. So is one whose credentials are
 * wrong, after the answer that says so.
 *
 *     token  [authorization id] NUL user NUL password       (RFC 4616)
 */
import { BrokerError } from "../../../base/errors.ts";
import type { Caller } from "../core/call.ts";
import type { ApiName } from "../wire/codec.ts";

export const saslMechanisms: readonly string[] = ["PLAIN"];

/** Says, now or later, whether the token named a user and its password; then the caller acts as that user. */
export function authenticate(caller: Caller, token: Uint8Array, done: (isRight: boolean) => void): void {
  const [, name, password, ...rest] = Buffer.from(token).toString("utf8").split("\0");
  const { connection, server } = caller;
  const from = { protocol: "kafka", remoteHost: connection.remote.host } as const;
  if (name === undefined || password === undefined || rest.length > 0) {
    server.broker.access.refused({ ...from, name: name ?? "" }, "the PLAIN token cannot be read");
    return done(false);
  }
  const credentials = { ...from, name, password };
  server.broker.access.logIn(credentials, (authorization) => {
    if (connection.isClosed) return;
    if (authorization !== null) caller.loggedIn(authorization);
    done(authorization !== null);
  });
}

/** What Kafka answers before a login on a listener that demands one. */
const beforeLogin: ReadonlySet<ApiName> = new Set(["ApiVersions", "SaslHandshake", "SaslAuthenticate"]);

/** Throws where the connection has to log in first. */
export function assertMayAsk(caller: Caller, name: ApiName): void {
  if (caller.authorization !== null || beforeLogin.has(name)) return;
  throw new BrokerError("ACCESS_REFUSED", `${name} came before the SASL login, which this broker demands`);
}
