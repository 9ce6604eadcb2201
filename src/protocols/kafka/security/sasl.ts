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

const invalid = "Authentication failed: Invalid username or password";
const actsAsAnother =
  "Authentication failed: Client requested an authorization id that is different from username";

/** Says, now or later, what is wrong with the token, in Kafka's words; with null the caller acts as the user that it names. */
export function authenticate(caller: Caller, token: Uint8Array, done: (fault: string | null) => void): void {
  const [actsAs, name, password, ...rest] = Buffer.from(token).toString("utf8").split("\0");
  const { connection, server } = caller;
  const from = { protocol: "kafka", remoteHost: connection.remote.host } as const;
  if (name === undefined || password === undefined || rest.length > 0) {
    server.broker.access.refused({ ...from, name: name ?? "" }, "the PLAIN token cannot be read");
    return done(invalid);
  }
  const credentials = { ...from, name, password };
  server.broker.access.logIn(credentials, (authorization) => {
    if (connection.isClosed) return;
    if (authorization === null) return done(invalid);
    // Only who knows the password learns of it, as in Kafka.
    if (actsAs !== "" && actsAs !== name) {
      server.broker.access.refused({ ...from, name }, "the PLAIN token names another user to act as");
      return done(actsAsAnother);
    }
    caller.loggedIn(authorization);
    done(null);
  });
}

/** What Kafka answers before a login on a listener that demands one. */
const beforeLogin: ReadonlySet<ApiName> = new Set(["ApiVersions", "SaslHandshake", "SaslAuthenticate"]);

/** Throws where the connection has to log in first. */
export function assertMayAsk(caller: Caller, name: ApiName): void {
  if (caller.authorization !== null || beforeLogin.has(name)) return;
  throw new BrokerError("ACCESS_REFUSED", `${name} came before the SASL login, which this broker demands`);
}
