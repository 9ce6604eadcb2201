/**
 * The connection class: handshake, tuning, opening and closing, as a table of states and methods.
 *
 *   header --AMQP0091--> starting --start-ok--> authenticating --password is right--> tuning --tune-ok--> opening
 *   opening --open--> running
 *   any --error--> closing (connection.close sent);  any --close--> closing (close-ok sent)
 *   closing --close-ok, or the client ends its socket, or a while--> broken;  closing --close--> closing (close-ok sent)
 *
 * Invariant: every state has a cell for every method that a client can send on channel 0; a cell without a handler is
 * RabbitMQ's 504 "unexpected method in connection state".
 */
import { isHiddenVhost } from "../../../broker/names.ts";
import { ByteReader, ByteWriter } from "../../../base/bytes.ts";
import { limits } from "../../../base/limits.ts";
import { readFieldTable } from "../../../message/amqp/table.ts";
import { toPlain } from "../../../message/amqp/table-plain.ts";
import { clientCapabilities, clientNames, serverProperties } from "./capabilities.ts";
import type { Authorization } from "../../../broker/access/permissions.ts";
import { nameOfCertificate } from "./certificate-name.ts";
import { assertConnectionRoom, count } from "./limits.ts";
import { AmqpError } from "./errors.ts";
import { brokerName } from "./names.ts";
import type { AmqpSession } from "./session.ts";
import { frameMaxMin } from "../wire/constants.ts";
import type { Method, MethodArguments } from "../wire/methods.ts";

export type ConnectionState =
  | "header"
  | "starting"
  /** The password is being checked. */
  | "authenticating"
  | "tuning"
  | "opening"
  | "running"
  | "closing"
  /** No more input is read. */
  | "broken";

type ConnectionMethod =
  | "connection.start-ok"
  | "connection.tune-ok"
  | "connection.open"
  | "connection.close"
  | "connection.close-ok"
  | "connection.update-secret";

type Handlers = {
  readonly [Name in ConnectionMethod]:
    | ((session: AmqpSession, values: MethodArguments[Name]) => void)
    | "unexpected"
    | "ignored";
};

const heartbeatSeconds = 60;

const nothingExpected: Handlers = {
  "connection.start-ok": "unexpected",
  "connection.tune-ok": "unexpected",
  "connection.open": "unexpected",
  "connection.close": (session) => session.closeByClient(),
  "connection.close-ok": "unexpected",
  "connection.update-secret": "unexpected",
};

const table: Record<ConnectionState, Handlers> = {
  header: nothingExpected,
  starting: { ...nothingExpected, "connection.start-ok": startOk },
  authenticating: nothingExpected,
  tuning: { ...nothingExpected, "connection.tune-ok": tuneOk },
  opening: { ...nothingExpected, "connection.open": open },
  running: { ...nothingExpected, "connection.update-secret": updateSecret },
  closing: {
    "connection.start-ok": "ignored",
    "connection.tune-ok": "ignored",
    "connection.open": "ignored",
    "connection.close": (session) => session.closeByClient(),
    "connection.close-ok": (session) => session.connection.end(),
    "connection.update-secret": "ignored",
  },
  broken: {
    "connection.start-ok": "ignored",
    "connection.tune-ok": "ignored",
    "connection.open": "ignored",
    "connection.close": "ignored",
    "connection.close-ok": "ignored",
    "connection.update-secret": "ignored",
  },
};

export function runConnectionMethod(session: AmqpSession, method: Method): void {
  const handlers: Readonly<Record<string, unknown>> = table[session.state];
  const handler = handlers[method.name] ?? "unexpected";
  if (handler === "ignored") return;
  if (handler === "unexpected") {
    if (session.state === "closing") return;
    throw new AmqpError("CHANNEL_ERROR", `unexpected method in connection state ${session.state}`);
  }
  (handler as (session: AmqpSession, values: unknown) => void)(session, method.arguments);
}

export function sendStart(session: AmqpSession): void {
  session.state = "starting";
  session.send(0, "connection.start", {
    versionMajor: 0,
    versionMinor: 9,
    serverProperties,
    // As RabbitMQ, it is offered to clients without a certificate too: the refusal tells more than no common mechanism would.
    mechanisms: Buffer.from(session.connection.isEncrypted ? "PLAIN AMQPLAIN EXTERNAL" : "PLAIN AMQPLAIN"),
    locales: Buffer.from("en_US"),
  });
}

function startOk(session: AmqpSession, values: MethodArguments["connection.start-ok"]): void {
  session.capabilities = clientCapabilities(values.clientProperties);
  session.client = clientNames(values);
  const { broker, connection } = session;
  const from = { protocol: "amqp", remoteHost: connection.remote.host } as const;
  if (values.mechanism === "EXTERNAL" && connection.isEncrypted) return logInByCertificate(session, from);
  const credentials = credentialsOf(values.mechanism, values.response);
  if (credentials === null) {
    broker.access.refused({ ...from, name: "" }, `the ${values.mechanism} response cannot be read`);
    return refuseLogin(session, values.mechanism);
  }
  session.state = "authenticating";
  const mark = connection.answerMark;
  broker.access.logIn({ ...credentials, ...from }, (authorization) => {
    // The check may have taken a while.
    if (connection.isClosed || session.state !== "authenticating") return;
    connection.answerTo(mark, () => {
      if (authorization === null) refuseLogin(session, values.mechanism);
      else loggedIn(session, authorization);
    });
  });
}

/** Who it is was shown in the handshake of TLS; the response says nothing more. */
function logInByCertificate(
  session: AmqpSession,
  from: { readonly protocol: "amqp"; readonly remoteHost: string },
): void {
  const { access, options } = session.broker;
  const certificate = session.connection.peerCertificate();
  const name =
    certificate === null
      ? null
      : nameOfCertificate(certificate, options.certificateLogin ?? "distinguished_name");
  if (name === null) {
    const reason =
      certificate === null ? "the client has shown no certificate" : "its certificate has no such name";
    access.refused({ ...from, name: "" }, reason);
    return refuseLogin(session, "EXTERNAL");
  }
  const authorization = access.logInByCertificate({ ...from, name });
  if (authorization === null) refuseLogin(session, "EXTERNAL");
  else loggedIn(session, authorization);
}

function loggedIn(session: AmqpSession, authorization: Authorization): void {
  session.authorization = authorization;
  authorization.holders.add(session);
  session.connection.settle(true);
  session.state = "tuning";
  session.send(0, "connection.tune", {
    channelMax: limits.amqpChannelsMax,
    frameMax: limits.amqpFrameBytesMax,
    heartbeat: heartbeatSeconds,
  });
}

interface Credentials {
  readonly name: string;
  readonly password: string;
}

/**
 * PLAIN (RFC 4616) is `[authorisation] NUL name NUL password`; AMQPLAIN, which PHP's library begins with, is a table
 * body of LOGIN and PASSWORD.
 */
function credentialsOf(mechanism: string, response: Buffer): Credentials | null {
  if (mechanism === "AMQPLAIN") return tableCredentials(response);
  if (mechanism !== "PLAIN") {
    throw new AmqpError("COMMAND_INVALID", `unknown authentication mechanism '${mechanism}'`);
  }
  const first = response.indexOf(0);
  const second = response.indexOf(0, first + 1);
  if (first < 0 || second < 0) return null;
  return {
    name: response.toString("utf8", first + 1, second),
    password: response.toString("utf8", second + 1),
  };
}

function tableCredentials(response: Buffer): Credentials | null {
  const bytes = new ByteWriter(response.length + 4).uint32(response.length).bytes(response);
  const { LOGIN: name, PASSWORD: password } = toPlain(
    readFieldTable(new ByteReader(bytes.buffer, 0, bytes.length)),
  );
  return typeof name === "string" && typeof password === "string" ? { name, password } : null;
}

function refuseLogin(session: AmqpSession, mechanism: string): void {
  if (!session.capabilities.authenticationFailureClose) {
    // Clients that follow the specification expect the end without a message (0-9-1 spec 2.2.4).
    session.connection.end();
    session.state = "broken";
    return;
  }
  const text = `Login was refused using authentication mechanism ${mechanism}. For details see the broker logfile.`;
  session.failConnection(new AmqpError("ACCESS_REFUSED", text), 0);
}

function tuneOk(session: AmqpSession, values: MethodArguments["connection.tune-ok"]): void {
  checkNegotiated("frame_max", values.frameMax, frameMaxMin, limits.amqpFrameBytesMax);
  checkNegotiated("channel_max", values.channelMax, 1, limits.amqpChannelsMax);
  session.frameMax = session.parser.frameMax = values.frameMax;
  session.channelMax = values.channelMax;
  session.heartbeat.start(values.heartbeat);
  session.state = "opening";
}

/** A client may ask for less than was offered, not for more; 0 would be no bound at all. */
function checkNegotiated(field: string, value: number, least: number, most: number): void {
  if (value !== 0 && value < least) {
    throw new AmqpError(
      "NOT_ALLOWED",
      `negotiated ${field} = ${value} is lower than the minimum allowed value (${least})`,
    );
  }
  if (value === 0 || value > most) {
    const detail = value === 0 ? " (no limit)" : "";
    throw new AmqpError(
      "NOT_ALLOWED",
      `negotiated ${field} = ${value}${detail} is higher than the maximum allowed value (${most})`,
    );
  }
}

function open(session: AmqpSession, values: MethodArguments["connection.open"]): void {
  session.broker.lookedAtDefinitions();
  const vhost = session.broker.vhost(brokerName(values.virtualHost));
  if (vhost === undefined || isHiddenVhost(vhost.name))
    throw new AmqpError("NOT_ALLOWED", `vhost ${values.virtualHost} not found`);
  if (!session.authorization!.hasVhost(vhost.name)) {
    throw new AmqpError(
      "NOT_ALLOWED",
      `access to vhost '${values.virtualHost}' refused for user '${session.userName}'`,
    );
  }
  assertConnectionRoom(session, vhost);
  session.vhost = vhost;
  count(session);
  session.state = "running";
  session.setDeadline(null);
  session.broker.flow.listeners.add(session.blockedNotice.changed);
  session.send(0, "connection.open-ok", { knownHosts: "" });
}

/** For credentials that expire. Ours do not, so any secret is accepted, as RabbitMQ does for its own users. */
function updateSecret(session: AmqpSession): void {
  session.send(0, "connection.update-secret-ok", {});
}
