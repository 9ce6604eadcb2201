/**
 * Every method of AMQP 0-9-1 and of RabbitMQ's extensions, described once as data: number, sender, arguments in
 * wire order. Types (here) and codec (method-codec.ts) derive from it.
 *
 * Names are the spec's in camel case. Arguments that the spec reserves are kept under the names that they had
 * (`ticket`, `knownHosts`), since they take their place on the wire.
 *
 * Invariant: adjacent bits share an octet, lowest first (spec 4.2.5.2).
 */
import type { FieldTable } from "../../../message/amqp/table.ts";

interface ArgumentTypes {
  bit: boolean;
  octet: number;
  short: number;
  long: number;
  /** Unsigned; beyond 2^53 it loses its low bits, and no delivery tag gets there. */
  longlong: number;
  /** UTF-8; a method with another is malformed, as in RabbitMQ. */
  shortstr: string;
  longstr: Buffer;
  table: FieldTable;
}

export type ArgumentType = keyof ArgumentTypes;
type ArgumentList = Readonly<Record<string, ArgumentType>>;
type Sender = "client" | "server" | "both";

export interface MethodShape {
  readonly classId: number;
  readonly methodId: number;
  readonly sender: Sender;
  /** Whether a content header and body follow. */
  readonly hasContent: boolean;
  readonly arguments: ArgumentList;
}

function ofClass(classId: number) {
  return <const List extends ArgumentList>(
    methodId: number,
    sender: Sender,
    list: List,
    content?: "content",
  ) => ({ classId, methodId, sender, hasContent: content !== undefined, arguments: list });
}

const connection = ofClass(10);
const channel = ofClass(20);
const access = ofClass(30);
const exchange = ofClass(40);
const queue = ofClass(50);
const basic = ofClass(60);
const confirm = ofClass(85);
const tx = ofClass(90);

const close = { replyCode: "short", replyText: "shortstr", classId: "short", methodId: "short" } as const;
const tune = { channelMax: "short", frameMax: "long", heartbeat: "short" } as const;
const exchangeBinding = {
  ticket: "short",
  destination: "shortstr",
  source: "shortstr",
  routingKey: "shortstr",
  noWait: "bit",
  arguments: "table",
} as const;
const queueBinding = {
  ticket: "short",
  queue: "shortstr",
  exchange: "shortstr",
  routingKey: "shortstr",
} as const;

export const methods = {
  "connection.start": connection(10, "server", {
    versionMajor: "octet",
    versionMinor: "octet",
    serverProperties: "table",
    mechanisms: "longstr",
    locales: "longstr",
  }),
  "connection.start-ok": connection(11, "client", {
    clientProperties: "table",
    mechanism: "shortstr",
    response: "longstr",
    locale: "shortstr",
  }),
  "connection.secure": connection(20, "server", { challenge: "longstr" }),
  "connection.secure-ok": connection(21, "client", { response: "longstr" }),
  "connection.tune": connection(30, "server", tune),
  "connection.tune-ok": connection(31, "client", tune),
  "connection.open": connection(40, "client", {
    virtualHost: "shortstr",
    capabilities: "shortstr",
    insist: "bit",
  }),
  "connection.open-ok": connection(41, "server", { knownHosts: "shortstr" }),
  "connection.close": connection(50, "both", close),
  "connection.close-ok": connection(51, "both", {}),
  "connection.blocked": connection(60, "server", { reason: "shortstr" }),
  "connection.unblocked": connection(61, "server", {}),
  "connection.update-secret": connection(70, "client", { newSecret: "longstr", reason: "shortstr" }),
  "connection.update-secret-ok": connection(71, "server", {}),

  "channel.open": channel(10, "client", { outOfBand: "shortstr" }),
  "channel.open-ok": channel(11, "server", { channelId: "longstr" }),
  "channel.flow": channel(20, "both", { active: "bit" }),
  "channel.flow-ok": channel(21, "both", { active: "bit" }),
  "channel.close": channel(40, "both", close),
  "channel.close-ok": channel(41, "both", {}),

  // Not in 0-9-1 any more; RabbitMQ still answers it for clients that began with 0-8.
  "access.request": access(10, "client", {
    realm: "shortstr",
    exclusive: "bit",
    passive: "bit",
    active: "bit",
    write: "bit",
    read: "bit",
  }),
  "access.request-ok": access(11, "server", { ticket: "short" }),

  "exchange.declare": exchange(10, "client", {
    ticket: "short",
    exchange: "shortstr",
    type: "shortstr",
    passive: "bit",
    durable: "bit",
    autoDelete: "bit",
    internal: "bit",
    noWait: "bit",
    arguments: "table",
  }),
  "exchange.declare-ok": exchange(11, "server", {}),
  "exchange.delete": exchange(20, "client", {
    ticket: "short",
    exchange: "shortstr",
    ifUnused: "bit",
    noWait: "bit",
  }),
  "exchange.delete-ok": exchange(21, "server", {}),
  "exchange.bind": exchange(30, "client", exchangeBinding),
  "exchange.bind-ok": exchange(31, "server", {}),
  "exchange.unbind": exchange(40, "client", exchangeBinding),
  "exchange.unbind-ok": exchange(51, "server", {}), // 51, not 41: so it was released, and so it stayed

  "queue.declare": queue(10, "client", {
    ticket: "short",
    queue: "shortstr",
    passive: "bit",
    durable: "bit",
    exclusive: "bit",
    autoDelete: "bit",
    noWait: "bit",
    arguments: "table",
  }),
  "queue.declare-ok": queue(11, "server", { queue: "shortstr", messageCount: "long", consumerCount: "long" }),
  "queue.bind": queue(20, "client", { ...queueBinding, noWait: "bit", arguments: "table" }),
  "queue.bind-ok": queue(21, "server", {}),
  "queue.purge": queue(30, "client", { ticket: "short", queue: "shortstr", noWait: "bit" }),
  "queue.purge-ok": queue(31, "server", { messageCount: "long" }),
  "queue.delete": queue(40, "client", {
    ticket: "short",
    queue: "shortstr",
    ifUnused: "bit",
    ifEmpty: "bit",
    noWait: "bit",
  }),
  "queue.delete-ok": queue(41, "server", { messageCount: "long" }),
  "queue.unbind": queue(50, "client", { ...queueBinding, arguments: "table" }),
  "queue.unbind-ok": queue(51, "server", {}),

  "basic.qos": basic(10, "client", { prefetchSize: "long", prefetchCount: "short", global: "bit" }),
  "basic.qos-ok": basic(11, "server", {}),
  "basic.consume": basic(20, "client", {
    ticket: "short",
    queue: "shortstr",
    consumerTag: "shortstr",
    noLocal: "bit",
    noAck: "bit",
    exclusive: "bit",
    noWait: "bit",
    arguments: "table",
  }),
  "basic.consume-ok": basic(21, "server", { consumerTag: "shortstr" }),
  // The server sends it to say that the queue is gone (capability consumer_cancel_notify).
  "basic.cancel": basic(30, "both", { consumerTag: "shortstr", noWait: "bit" }),
  "basic.cancel-ok": basic(31, "both", { consumerTag: "shortstr" }),
  "basic.publish": basic(
    40,
    "client",
    { ticket: "short", exchange: "shortstr", routingKey: "shortstr", mandatory: "bit", immediate: "bit" },
    "content",
  ),
  "basic.return": basic(
    50,
    "server",
    { replyCode: "short", replyText: "shortstr", exchange: "shortstr", routingKey: "shortstr" },
    "content",
  ),
  "basic.deliver": basic(
    60,
    "server",
    {
      consumerTag: "shortstr",
      deliveryTag: "longlong",
      redelivered: "bit",
      exchange: "shortstr",
      routingKey: "shortstr",
    },
    "content",
  ),
  "basic.get": basic(70, "client", { ticket: "short", queue: "shortstr", noAck: "bit" }),
  "basic.get-ok": basic(
    71,
    "server",
    {
      deliveryTag: "longlong",
      redelivered: "bit",
      exchange: "shortstr",
      routingKey: "shortstr",
      messageCount: "long",
    },
    "content",
  ),
  "basic.get-empty": basic(72, "server", { clusterId: "shortstr" }),
  "basic.ack": basic(80, "both", { deliveryTag: "longlong", multiple: "bit" }),
  "basic.reject": basic(90, "client", { deliveryTag: "longlong", requeue: "bit" }),
  "basic.recover-async": basic(100, "client", { requeue: "bit" }),
  "basic.recover": basic(110, "client", { requeue: "bit" }),
  "basic.recover-ok": basic(111, "server", {}),
  "basic.nack": basic(120, "both", { deliveryTag: "longlong", multiple: "bit", requeue: "bit" }),

  "confirm.select": confirm(10, "client", { noWait: "bit" }),
  "confirm.select-ok": confirm(11, "server", {}),

  "tx.select": tx(10, "client", {}),
  "tx.select-ok": tx(11, "server", {}),
  "tx.commit": tx(20, "client", {}),
  "tx.commit-ok": tx(21, "server", {}),
  "tx.rollback": tx(30, "client", {}),
  "tx.rollback-ok": tx(31, "server", {}),
} as const satisfies Record<string, MethodShape>;

export type MethodName = keyof typeof methods;

type ArgumentsOf<List extends ArgumentList> = { -readonly [Name in keyof List]: ArgumentTypes[List[Name]] };

/** The arguments of each method by its name, for example `MethodArguments["queue.declare"]`. */
export type MethodArguments = { [Name in MethodName]: ArgumentsOf<(typeof methods)[Name]["arguments"]> };

/** A decoded method; `switch (method.name)` narrows its arguments. */
export type Method = {
  [Name in MethodName]: { readonly name: Name; readonly arguments: MethodArguments[Name] };
}[MethodName];

/** Class and method id as they begin a method frame's payload. */
export function methodNumber(name: MethodName): number {
  const shape = methods[name];
  return shape.classId * 0x1_0000 + shape.methodId;
}
