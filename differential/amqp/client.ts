/**
 * An AMQP client that hides nothing: every method that a server sends is an event, in its order, with its content.
 *
 * It shares the codec of methods with the broker (which has vectors of its own), and nothing else.
 */
import net from "node:net";
import { ByteReader, ByteWriter } from "../../src/base/bytes.ts";
import { type AmqpProperties, readProperties, writeProperties } from "../../src/message/amqp/properties.ts";
import { decodeMethod, writeMethodFrame } from "../../src/protocols/amqp/wire/method-codec.ts";
import type { Method, MethodArguments, MethodName } from "../../src/protocols/amqp/wire/methods.ts";

export interface Content {
  readonly properties: AmqpProperties;
  readonly body: string;
}

export type Listener = (channel: number, method: Method, content: Content | null) => void;

const closeMethods = new Set([0x0a_0032, 0x14_0028]);

/** RabbitMQ cuts reply texts inside a character: they need not be UTF-8, as the codec demands of names. */
function methodOf(payload: Buffer): Method {
  const number = payload.readUInt32BE(0);
  if (!closeMethods.has(number)) return decodeMethod(new ByteReader(payload));
  const textEnd = 7 + payload[6]!;
  return {
    name: number === 0x0a_0032 ? "connection.close" : "channel.close",
    arguments: {
      replyCode: payload.readUInt16BE(4),
      replyText: payload.toString("utf8", 7, textEnd).replace(/\ufffd*\.\.\.$/, "..."),
      classId: payload.readUInt16BE(textEnd),
      methodId: payload.readUInt16BE(textEnd + 2),
    },
  };
}

const contentMethods = new Set<MethodName>(["basic.deliver", "basic.get-ok", "basic.return"]);
const startMsMax = 10_000;

export class PeerConnection {
  readonly #socket: net.Socket;
  readonly #listener: Listener;
  readonly #output = new ByteWriter(1024);
  #input: Buffer = Buffer.alloc(0);
  /** By channel: the method whose content is on its way. */
  readonly #pending = new Map<
    number,
    { method: Method; header: Buffer | null; body: Buffer[]; left: number }
  >();
  isClosed = false;
  #opened: (() => void) | null = null;

  private constructor(port: number, listener: Listener) {
    this.#listener = listener;
    this.#socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("data", (bytes: Buffer) => this.#data(bytes));
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => (this.isClosed = true));
  }

  static async open(port: number, listener: Listener): Promise<PeerConnection> {
    const connection = new PeerConnection(port, listener);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no connection.open-ok")), startMsMax);
      connection.#opened = () => {
        clearTimeout(timer);
        resolve();
      };
      connection.#socket.write(Buffer.from("AMQP\x00\x00\x09\x01", "latin1"));
    });
    return connection;
  }

  send<Name extends MethodName>(channel: number, name: Name, values: MethodArguments[Name]): void {
    const output = this.#output;
    output.reset();
    writeMethodFrame(output, channel, name, values);
    this.#socket.write(output.copy());
  }

  publish(
    channel: number,
    values: MethodArguments["basic.publish"],
    { properties, body }: { properties: AmqpProperties; body: string },
  ): void {
    const output = this.#output;
    output.reset();
    writeMethodFrame(output, channel, "basic.publish", values);
    const bytes = Buffer.from(body);
    const header = new ByteWriter(256);
    header.uint16(60).uint16(0).int64(bytes.length);
    writeProperties(header, properties);
    output.uint8(2).uint16(channel).uint32(header.length).bytes(header.buffer, 0, header.length).uint8(0xce);
    if (bytes.length > 0) output.uint8(3).uint16(channel).uint32(bytes.length).bytes(bytes).uint8(0xce);
    this.#socket.write(output.copy());
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** Bytes as they are. */
  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  destroy(): void {
    this.isClosed = true;
    this.#socket.destroy();
  }

  #data(bytes: Buffer): void {
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
    while (this.#input.length >= 8) {
      const size = this.#input.readUInt32BE(3);
      if (this.#input.length < size + 8) return;
      const payload = this.#input.subarray(7, 7 + size);
      const type = this.#input[0]!;
      const channel = this.#input.readUInt16BE(1);
      this.#input = this.#input.subarray(size + 8);
      this.#frame(type, channel, payload);
    }
  }

  #frame(type: number, channel: number, payload: Buffer): void {
    const pending = this.#pending.get(channel);
    if (type === 1) {
      const method = methodOf(payload);
      if (channel === 0) return this.#connectionMethod(method);
      if (contentMethods.has(method.name)) {
        this.#pending.set(channel, { method, header: null, body: [], left: 0 });
      } else this.#listener(channel, method, null);
    } else if (pending !== undefined) {
      if (type === 2) {
        pending.header = Buffer.from(payload);
        pending.left = Number(payload.readBigUInt64BE(4));
      } else if (type === 3) {
        pending.body.push(Buffer.from(payload));
        pending.left -= payload.length;
      }
      if (pending.left > 0) return;
      this.#pending.delete(channel);
      const properties = readProperties(new ByteReader(pending.header!, 12, pending.header!.length));
      const body = Buffer.concat(pending.body).toString();
      this.#listener(channel, pending.method, { properties, body });
    }
  }

  #connectionMethod(method: Method): void {
    switch (method.name) {
      case "connection.start":
        return this.send(0, "connection.start-ok", {
          clientProperties: [
            {
              name: "capabilities",
              field: {
                type: "F",
                value: [
                  { name: "consumer_cancel_notify", field: { type: "t", value: true } },
                  { name: "authentication_failure_close", field: { type: "t", value: true } },
                ],
              },
            },
          ],
          mechanism: "PLAIN",
          response: Buffer.from("\0guest\0guest"),
          locale: "en_US",
        });
      case "connection.tune":
        this.send(0, "connection.tune-ok", { ...method.arguments, heartbeat: 0 });
        return this.send(0, "connection.open", { virtualHost: "/", capabilities: "", insist: false });
      case "connection.open-ok":
        return this.#opened?.();
      case "connection.close":
        this.#listener(0, method, null);
        this.send(0, "connection.close-ok", {});
        return this.destroy();
      default:
    }
  }
}
