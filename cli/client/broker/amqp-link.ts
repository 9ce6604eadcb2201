/**
 * One AMQP connection with one channel, for commands that publish and consume: methods and content, no more.
 *
 * Where it is: the host of the HTTP interface, and the port that /api/overview tells (amqp-address.ts). Not here: what is declared and
 * consumed. Invariants: one call waits at a time; whatever ends the connection ends every wait with a fault that says why.
 */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ByteReader, ByteWriter } from "../../../src/base/bytes.ts";
import { version } from "../../../src/base/version.ts";
import {
  type AmqpProperties,
  readProperties,
  writeProperties,
} from "../../../src/message/amqp/properties.ts";
import { fromPlain } from "../../../src/message/amqp/table-plain.ts";
import { basicClassId, frameEnd, frameType } from "../../../src/protocols/amqp/wire/constants.ts";
import { FrameParser, protocolHeader } from "../../../src/protocols/amqp/wire/frame-parser.ts";
import { decodeMethod, writeMethodFrame } from "../../../src/protocols/amqp/wire/method-codec.ts";
import type { Method, MethodArguments, MethodName } from "../../../src/protocols/amqp/wire/methods.ts";
import { CliFault, type FaultKind } from "../fault.ts";
import type { AmqpAddress } from "./amqp-address.ts";

export interface Message {
  /** Of the method that it came with. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly redelivered: boolean;
  readonly deliveryTag: number;
  readonly consumerTag: string;
  readonly properties: AmqpProperties;
  readonly body: Buffer;
}

export interface Receivers {
  readonly delivered?: (message: Message) => void;
  /** A mandatory message that no queue took, with the broker's text. */
  readonly returned?: (message: Message, text: string) => void;
  /** How many messages the broker has answered for until now. */
  readonly confirmed?: (upTo: number, accepted: boolean) => void;
  /** The connection has ended by itself. */
  readonly failed?: (fault: CliFault) => void;
}

const connectMsMax = 10_000;
const heartbeatSeconds = 30;
/** Halves of the interval without a byte: two intervals, as AMQP has it. */
const silentBeatsMax = 4;
const frameMaxWanted = 131_072;
const channel = 1;

const kinds: Readonly<Record<number, FaultKind>> = { 403: "notAllowed", 404: "notFound" };

interface Content {
  readonly method: Method;
  properties: AmqpProperties;
  size: number;
  readonly parts: Buffer[];
  received: number;
}

export class AmqpLink {
  readonly #socket: Socket;
  readonly #parser = new FrameParser();
  readonly #out = new ByteWriter();
  readonly #receivers: Receivers;
  #frameMax = frameMaxWanted;
  #waiting: {
    names: readonly MethodName[];
    resolve: (method: Method) => void;
    reject: (e: Error) => void;
  } | null = null;
  #content: Content | null = null;
  #failure: CliFault | null = null;
  #heartbeat: NodeJS.Timeout | null = null;
  #silentBeats = 0;
  private constructor(socket: Socket, receivers: Receivers) {
    this.#socket = socket;
    this.#receivers = receivers;
    socket.on("data", (bytes: Buffer) => this.#received(bytes));
    socket.on("error", (error) =>
      this.#fail(new CliFault("unreachable", `the broker is gone: ${error.message}`)),
    );
    socket.on("close", () => this.#fail(new CliFault("unreachable", "the broker has closed the connection")));
  }

  /** Connects, logs in and opens the channel. @throws CliFault */
  static async open(address: AmqpAddress, receivers: Receivers = {}): Promise<AmqpLink> {
    const { host, port, isTls, user, password, vhost } = address;
    const socket = isTls
      ? connectTls({ host, port, servername: host })
      : connect({ host, port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => {
        socket.destroy();
        reject(new CliFault("unreachable", `no AMQP at ${host}:${port}: ${why}`));
      };
      socket.setTimeout(connectMsMax, () => fail("it does not answer"));
      socket.once("error", (error) => fail(error.message));
      socket.once(isTls ? "secureConnect" : "connect", resolve);
    });
    socket.removeAllListeners("error");
    socket
      .removeAllListeners("timeout")
      .once("timeout", () => socket.destroy(new Error("it does not answer")));
    const link = new AmqpLink(socket, receivers);
    await link.#logIn(user, password, vhost);
    // Until here silence means that this is no AMQP; from here on there are heartbeats.
    socket.setTimeout(0);
    return link;
  }

  async #logIn(user: string, password: string, vhost: string): Promise<void> {
    const started = this.#wait("connection.start");
    this.#socket.write(protocolHeader);
    await started;
    this.#method(0, "connection.start-ok", {
      clientProperties: fromPlain({
        product: "troikamq command line",
        version,
        connection_name: `troikamq ${process.argv[2] ?? ""}`,
        capabilities: {
          consumer_cancel_notify: true,
          authentication_failure_close: true,
          publisher_confirms: true,
        },
      }),
      mechanism: "PLAIN",
      response: Buffer.from(`\0${user}\0${password}`),
      locale: "en_US",
    });
    const { frameMax } = (await this.#wait("connection.tune"))
      .arguments as MethodArguments["connection.tune"];
    this.#frameMax = frameMax === 0 ? frameMaxWanted : Math.min(frameMax, frameMaxWanted);
    this.#parser.frameMax = this.#frameMax;
    this.#method(0, "connection.tune-ok", {
      channelMax: 1,
      frameMax: this.#frameMax,
      heartbeat: heartbeatSeconds,
    });
    this.#heartbeat = setInterval(() => this.#beat(), (heartbeatSeconds * 1000) / 2);
    const opened = this.#wait("connection.open-ok");
    this.#method(0, "connection.open", { virtualHost: vhost, capabilities: "", insist: false });
    await opened;
    await this.call("channel.open", { outOfBand: "" });
  }

  /** Sends a method and waits for its `-ok`. @throws CliFault */
  async call<Name extends MethodName, Reply extends MethodName = `${Name}-ok` & MethodName>(
    name: Name,
    values: MethodArguments[Name],
  ): Promise<MethodArguments[Reply]> {
    const answered = this.#wait(`${name}-ok` as MethodName);
    this.#method(channel, name, values);
    return (await answered).arguments as MethodArguments[Reply];
  }

  /** Sends a method that is not answered. */
  send<Name extends MethodName>(name: Name, values: MethodArguments[Name]): void {
    this.#method(channel, name, values);
  }

  /** False: the socket has enough for now; wait for `drained`. */
  publish(exchange: string, routingKey: string, properties: AmqpProperties, body: Buffer): boolean {
    if (this.#failure !== null) throw this.#failure;
    const out = this.#out;
    writeMethodFrame(out, channel, "basic.publish", {
      ticket: 0,
      exchange,
      routingKey,
      mandatory: true,
      immediate: false,
    });
    out.uint8(frameType.header).uint16(channel);
    const sizeAt = out.reserve(4);
    out.uint16(basicClassId).uint16(0).int64(body.length);
    writeProperties(out, properties);
    out.patchUint32(sizeAt, out.length - sizeAt - 4);
    out.uint8(frameEnd);
    const payloadMax = this.#frameMax - 8;
    for (let at = 0; at < body.length; at += payloadMax) {
      const end = Math.min(at + payloadMax, body.length);
      out
        .uint8(frameType.body)
        .uint16(channel)
        .uint32(end - at)
        .bytes(body, at, end)
        .uint8(frameEnd);
    }
    return this.#flush();
  }

  async drained(): Promise<void> {
    if (!this.#socket.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      const over = (): void => {
        this.#socket.off("drain", over).off("close", over);
        resolve();
      };
      this.#socket.on("drain", over).on("close", over);
    });
    if (this.#failure !== null) throw this.#failure;
  }

  /** Says goodbye; the broker has taken what was sent before. */
  async close(): Promise<void> {
    if (this.#failure !== null) return;
    const closed = this.#wait("connection.close-ok");
    this.#method(0, "connection.close", { replyCode: 200, replyText: "done", classId: 0, methodId: 0 });
    await closed.catch(() => {});
    this.#stop();
  }

  #stop(): void {
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat);
    this.#failure ??= new CliFault("unreachable", "the connection is closed");
    this.#socket.destroy();
  }

  #fail(fault: CliFault): void {
    if (this.#failure !== null) return;
    this.#failure = fault;
    this.#stop();
    this.#waiting?.reject(fault);
    this.#receivers.failed?.(fault);
  }

  #beat(): void {
    if (++this.#silentBeats > silentBeatsMax) {
      this.#fail(new CliFault("unreachable", "the broker is silent"));
      return;
    }
    this.#out.uint8(frameType.heartbeat).uint16(0).uint32(0).uint8(frameEnd);
    this.#flush();
  }

  #wait(...names: readonly MethodName[]): Promise<Method> {
    // A promise that is rejected already would be nobody's where what is to be sent then throws.
    if (this.#failure !== null) throw this.#failure;
    return new Promise((resolve, reject) => {
      this.#waiting = { names, resolve, reject };
    });
  }

  #method<Name extends MethodName>(on: number, name: Name, values: MethodArguments[Name]): void {
    if (this.#failure !== null) throw this.#failure;
    writeMethodFrame(this.#out, on, name, values);
    this.#flush();
  }

  #flush(): boolean {
    const bytes = this.#out.copy();
    this.#out.reset();
    return this.#socket.write(bytes);
  }

  #received(bytes: Buffer): void {
    this.#silentBeats = 0;
    try {
      this.#parser.push(bytes);
      while (this.#parser.next()) this.#frame();
      this.#parser.settle();
    } catch (error) {
      const fault = error instanceof CliFault ? error : null;
      this.#fail(
        fault ?? new CliFault("unreachable", `what answers speaks no AMQP: ${(error as Error).message}`),
      );
    }
  }

  #frame(): void {
    const { type, bytes, payloadStart, payloadEnd } = this.#parser;
    if (type === frameType.method)
      this.#handle(decodeMethod(new ByteReader(bytes, payloadStart, payloadEnd)));
    else if (type === frameType.header) {
      const reader = new ByteReader(bytes, payloadStart, payloadEnd);
      reader.skip(4);
      const size = reader.int64();
      const content = this.#content!;
      content.size = size;
      content.properties = readProperties(reader);
      this.#contentCame(content);
    } else if (type === frameType.body) {
      const content = this.#content!;
      const part = Buffer.from(bytes.subarray(payloadStart, payloadEnd));
      content.parts.push(part);
      content.received += part.length;
      this.#contentCame(content);
    }
  }

  #contentCame({ method, properties, size, parts, received }: Content): void {
    if (received < size) return;
    this.#content = null;
    const { exchange, routingKey, ...more } = method.arguments as Partial<MethodArguments["basic.deliver"]> &
      Pick<MethodArguments["basic.deliver"], "exchange" | "routingKey">;
    const { redelivered = false, deliveryTag = 0, consumerTag = "" } = more;
    const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    const message = { exchange, routingKey, redelivered, deliveryTag, consumerTag, properties, body };
    if (method.name === "basic.return") this.#receivers.returned?.(message, method.arguments.replyText);
    else this.#receivers.delivered?.(message);
  }

  #handle(method: Method): void {
    switch (method.name) {
      case "basic.deliver":
      case "basic.return":
        this.#content = { method, properties: {}, size: 0, parts: [], received: 0 };
        return;
      case "basic.ack":
      case "basic.nack":
        this.#receivers.confirmed?.(method.arguments.deliveryTag, method.name === "basic.ack");
        return;
      case "basic.cancel":
        throw new CliFault("notFound", "the broker has ended the subscription: what it was of is gone");
      case "connection.close":
      case "channel.close": {
        const { replyCode, replyText } = method.arguments;
        throw new CliFault(kinds[replyCode] ?? "refused", `the broker refuses: ${replyText}`);
      }
      default:
    }
    if (this.#waiting?.names.includes(method.name) !== true) return;
    const { resolve } = this.#waiting;
    this.#waiting = null;
    resolve(method);
  }
}
