/**
 * A channel for the HTTP API: declares, binds, publishes and gets by AMQP's own methods, on behalf of a user, as RabbitMQ's management
 * plugin does. So every check, right and text is that of a client of AMQP.
 *
 * It speaks frames to a session of its own (direct-connection.ts). Not here: JSON's form of properties and arguments (json-form.ts),
 * HTTP's form of errors (admin). Invariants: one call at a time; after an error the channel is of no more use; `close` gives back
 * what was taken.
 */
import { propertiesAsJson } from "../../../broker/look/properties-json.ts";
import { ByteReader, ByteWriter } from "../../../base/bytes.ts";
import type { Authorization } from "../../../broker/access/permissions.ts";
import type { Vhost } from "../../../broker/vhost.ts";
import { type AmqpProperties, readProperties, writeProperties } from "../../../message/amqp/properties.ts";
import type { AmqpServer } from "../core/server.ts";
import { AmqpSession } from "../core/session.ts";
import { frameEnd, frameType } from "../wire/constants.ts";
import { FrameParser } from "../wire/frame-parser.ts";
import { decodeMethod, writeMethodFrame } from "../wire/method-codec.ts";
import { type Method, type MethodArguments, type MethodName, methods } from "../wire/methods.ts";
import { DirectConnection } from "./direct-connection.ts";
import { argumentsOf, propertiesOf } from "./json-form.ts";

/** What the server closed the channel or connection with. */
export class DirectError extends Error {
  readonly code: number;
  /** The whole connection was closed. */
  readonly isHard: boolean;

  constructor(code: number, text: string, isHard: boolean) {
    super(text);
    this.code = code;
    this.isHard = isHard;
  }
}

interface Reply {
  readonly method: Method;
  readonly properties: AmqpProperties | null;
  readonly body: Buffer;
}

export interface DirectMessage {
  readonly deliveryTag: number;
  readonly redelivered: boolean;
  readonly exchange: string;
  readonly routingKey: string;
  readonly messageCount: number;
  /** As JSON has them. */
  readonly properties: Readonly<Record<string, unknown>>;
  readonly payload: Buffer;
}

type Json = Readonly<Record<string, unknown>>;

const number = 1;
const basicClass = methods["basic.publish"].classId;
const reserved = { ticket: 0, noWait: false } as const;
const nothing = Buffer.alloc(0);

export class DirectChannel {
  readonly #session: AmqpSession;
  readonly #connection: DirectConnection;
  readonly #parser = new FrameParser();
  #replies: Reply[] = [];
  #error: DirectError | null = null;
  #waiting: (() => void) | null = null;
  /** The method whose content is on its way. */
  #pending: { method: Method; properties: AmqpProperties | null; chunks: Buffer[]; left: number } | null =
    null;

  constructor(server: AmqpServer, vhost: Vhost, user: Authorization, remoteHost: string) {
    this.#connection = new DirectConnection(server.broker, remoteHost, (bytes) => this.#take(bytes));
    const session = new AmqpSession(this.#connection, server);
    // What the handshake would have come to.
    Object.assign(session, { authorization: user, vhost, state: "running" });
    user.holders.add(session);
    session.parser.frameMax = session.frameMax;
    session.setDeadline(null);
    this.#session = session;
    this.#parser.frameMax = session.frameMax;
    this.#send("channel.open", { outOfBand: "" });
  }

  async declareExchange(
    name: string,
    given: { type: string; durable: boolean; autoDelete: boolean; internal: boolean; arguments: Json },
  ): Promise<void> {
    const { type, durable, autoDelete, internal } = given;
    await this.#call("exchange.declare", {
      ...reserved,
      exchange: name,
      type,
      passive: false,
      durable,
      autoDelete,
      internal,
      arguments: argumentsOf(given.arguments),
    });
  }

  async deleteExchange(name: string, ifUnused: boolean): Promise<void> {
    await this.#call("exchange.delete", { ...reserved, exchange: name, ifUnused });
  }

  async declareQueue(
    name: string,
    given: { durable: boolean; autoDelete: boolean; arguments: Json },
  ): Promise<void> {
    await this.#call("queue.declare", {
      ...reserved,
      queue: name,
      passive: false,
      durable: given.durable,
      exclusive: false,
      autoDelete: given.autoDelete,
      arguments: argumentsOf(given.arguments),
    });
  }

  async deleteQueue(name: string, when: { ifUnused: boolean; ifEmpty: boolean }): Promise<void> {
    await this.#call("queue.delete", { ...reserved, queue: name, ...when });
  }

  async purgeQueue(name: string): Promise<void> {
    await this.#call("queue.purge", { ...reserved, queue: name });
  }

  async bind(
    kind: "queue" | "exchange",
    source: string,
    destination: string,
    routingKey: string,
    args: Json,
  ): Promise<void> {
    const rest = { ...reserved, routingKey, arguments: argumentsOf(args) };
    if (kind === "queue") await this.#call("queue.bind", { ...rest, queue: destination, exchange: source });
    else await this.#call("exchange.bind", { ...rest, destination, source });
  }

  async unbind(
    kind: "queue" | "exchange",
    source: string,
    destination: string,
    routingKey: string,
    args: Json,
  ): Promise<void> {
    const { ticket } = reserved;
    const rest = { ticket, routingKey, arguments: argumentsOf(args) };
    if (kind === "queue") await this.#call("queue.unbind", { ...rest, queue: destination, exchange: source });
    else await this.#call("exchange.unbind", { ...rest, noWait: false, destination, source });
  }

  /** Publishes and waits for the confirm; whether any queue got it. */
  async publish(exchange: string, routingKey: string, properties: Json, payload: Buffer): Promise<boolean> {
    const given = propertiesOf(properties);
    await this.#call("confirm.select", { noWait: false });
    const output = new ByteWriter(payload.length + 512);
    const route = { ticket: 0, exchange, routingKey, mandatory: true, immediate: false };
    writeMethodFrame(output, number, "basic.publish", route);
    const header = new ByteWriter(256);
    header.uint16(basicClass).uint16(0).int64(payload.length);
    writeProperties(header, given);
    putFrame(output, frameType.header, header.buffer.subarray(0, header.length));
    const room = this.#session.frameMax - 8;
    for (let at = 0; at < payload.length; at += room)
      putFrame(output, frameType.body, payload.subarray(at, at + room));
    const replies = await this.#exchange(
      output,
      (method) => method === "basic.ack" || method === "basic.nack",
    );
    return !replies.some(({ method }) => method.name === "basic.return");
  }

  /** The message at the head of the queue, or null. */
  async get(queue: string, noAck: boolean): Promise<DirectMessage | null> {
    const { method, properties, body } = await this.#call("basic.get", { ticket: 0, queue, noAck });
    if (method.name !== "basic.get-ok") return null;
    const { deliveryTag, redelivered, exchange, routingKey, messageCount } = method.arguments;
    return {
      deliveryTag,
      redelivered,
      exchange,
      routingKey,
      messageCount,
      properties: propertiesAsJson(properties ?? {}),
      payload: body,
    };
  }

  /** Gives back, or throws away, all that was got up to this delivery. */
  settle(deliveryTag: number, requeue: boolean): void {
    this.#send("basic.nack", { deliveryTag, multiple: true, requeue });
  }

  close(): void {
    this.#connection.isClosed = true;
    this.#session.onClosed();
  }

  #send<Name extends MethodName>(name: Name, values: MethodArguments[Name]): void {
    const output = new ByteWriter(256);
    writeMethodFrame(output, number, name, values);
    this.#session.onData(output.copy());
  }

  async #call<Name extends MethodName>(name: Name, values: MethodArguments[Name]): Promise<Reply> {
    const output = new ByteWriter(256);
    writeMethodFrame(output, number, name, values);
    const replies = await this.#exchange(output, (method) => method !== "channel.open-ok");
    return replies.at(-1)!;
  }

  /** Sends, and resolves with all replies when the last of them has come. Rejects with a DirectError. */
  async #exchange(output: ByteWriter, isLast: (name: MethodName) => boolean): Promise<Reply[]> {
    this.#replies = [];
    this.#session.onData(output.copy());
    for (;;) {
      if (this.#error !== null) throw this.#error;
      if (this.#replies.some(({ method }) => isLast(method.name))) return this.#replies;
      await new Promise<void>((resolve) => (this.#waiting = resolve));
    }
  }

  #take(bytes: Buffer): void {
    const parser = this.#parser;
    parser.push(bytes);
    while (parser.next()) {
      const payload = Buffer.from(parser.bytes.subarray(parser.payloadStart, parser.payloadEnd));
      this.#frame(parser.type, payload);
    }
    parser.settle();
    this.#waiting?.();
    this.#waiting = null;
  }

  #frame(type: number, payload: Buffer): void {
    if (type === frameType.method) {
      const method = decodeMethod(new ByteReader(payload));
      if (methods[method.name].hasContent) {
        this.#pending = { method, properties: null, chunks: [], left: 0 };
      } else this.#heard({ method, properties: null, body: nothing });
      return;
    }
    const pending = this.#pending;
    if (pending === null) return;
    if (type === frameType.header) {
      pending.left = Number(payload.readBigUInt64BE(4));
      pending.properties = readProperties(new ByteReader(payload, 12, payload.length));
    } else {
      pending.chunks.push(payload);
      pending.left -= payload.length;
    }
    if (pending.left > 0) return;
    this.#pending = null;
    const { method, properties, chunks } = pending;
    this.#heard({ method, properties, body: Buffer.concat(chunks) });
  }

  #heard(reply: Reply): void {
    const { method } = reply;
    if (method.name === "channel.close" || method.name === "connection.close") {
      const { replyCode, replyText } = method.arguments;
      this.#error = new DirectError(replyCode, replyText, method.name === "connection.close");
    } else this.#replies.push(reply);
  }
}

function putFrame(output: ByteWriter, type: number, payload: Buffer): void {
  output.uint8(type).uint16(number).uint32(payload.length).bytes(payload).uint8(frameEnd);
}

/** Opens such channels; what the HTTP API is given. */
export class DirectAmqp {
  readonly #server: AmqpServer;

  constructor(server: AmqpServer) {
    this.#server = server;
  }

  open(vhost: Vhost, user: Authorization, remoteHost: string): DirectChannel {
    return new DirectChannel(this.#server, vhost, user, remoteHost);
  }

  /** Channels of clients, since the start. */
  get channelsOpened(): number {
    return this.#server.channelsOpened;
  }
}
