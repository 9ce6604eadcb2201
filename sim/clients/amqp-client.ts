/**
 * An AMQP client of a run, on channel 1: calls with their answers in order, publishes with confirms, deliveries.
 *
 * Not here: what is published, and what its confirm means (actors).
 */
import {
  frame,
  longText,
  method,
  open,
  protocolHeader,
  shortText,
  startOk,
  tuneOk,
  uint,
} from "../../test/support/amqp-frames.ts";
import type { LinkEnd, SimLink } from "../network.ts";

export interface Delivery {
  readonly tag: number;
  readonly isRedelivered: boolean;
  readonly body: string;
}

export interface AmqpEvents {
  delivered?(delivery: Delivery): void;
  confirmed?(tag: number, isMultiple: boolean, isAck: boolean): void;
  /** The server closed the channel or the connection, or it is gone. */
  lost?(why: string): void;
}

type OnAnswer = (payload: Buffer | null) => void;

const channelMax = 10;
const frameBytesMax = 4096;
/** Of a declaration: the queue is a stream. */
export const streamTable = Buffer.concat([
  shortText("x-queue-type"),
  Buffer.from("S"),
  uint(4, 6),
  Buffer.from("stream"),
]);
/** A table of a declaration, or of headers. */
export function tableOf(fields: Readonly<Record<string, string | number | boolean>>): Buffer {
  return Buffer.concat(Object.entries(fields).flatMap(([name, value]) => [shortText(name), fieldOf(value)]));
}

function fieldOf(value: string | number | boolean): Buffer {
  if (typeof value === "boolean") return Buffer.from([0x74, value ? 1 : 0]);
  if (typeof value === "string") return Buffer.concat([Buffer.from("S"), longText(value)]);
  return Buffer.concat([Buffer.from("I"), uint(4, value)]);
}

const closes = new Set(["10.50", "20.40"]);

interface PublishedProperties {
  readonly priority?: number;
  readonly messageId?: string;
  /** An encoded table. */
  readonly headers?: Buffer;
}

export class AmqpClient implements LinkEnd {
  readonly #link: SimLink;
  readonly #events: AmqpEvents;
  #received: Buffer = Buffer.alloc(0);
  #waiting: OnAnswer[] = [];
  #delivery: { tag: number; isRedelivered: boolean; isGet: boolean } | null = null;
  #bodyLeft = 0;
  #body: Buffer[] = [];
  #onGet: ((delivery: Delivery | null) => void)[] = [];
  isLost = false;

  constructor(link: SimLink, events: AmqpEvents) {
    this.#link = link;
    this.#events = events;
    link.client = this;
    link.send(protocolHeader);
    link.send(startOk("guest", "guest", ["consumer_cancel_notify", "publisher_confirms"]));
    link.send(tuneOk(channelMax, frameBytesMax, 0));
    link.send(open("/"));
    this.call(method(1, 20, 10, shortText("")), () => {});
  }

  get waiting(): number {
    return this.#waiting.length + this.#onGet.length;
  }

  /** A method that has one answer. It gets the answer's payload, or null when the connection is gone. */
  call(bytes: Buffer, onAnswer: OnAnswer): void {
    if (this.isLost) return onAnswer(null);
    this.#waiting.push(onAnswer);
    this.#link.send(bytes);
  }

  declare(queue: string, table: Buffer, onAnswer: OnAnswer): void {
    this.call(
      method(1, 50, 10, uint(2, 0), shortText(queue), uint(1, 2), uint(4, table.length), table),
      onAnswer,
    );
  }

  /** How many messages it has that nobody holds; null when the connection is gone. */
  count(queue: string, onCount: (count: number | null) => void): void {
    const bytes = method(1, 50, 10, uint(2, 0), shortText(queue), uint(1, 1), uint(4, 0));
    this.call(bytes, (payload) => onCount(payload === null ? null : payload.readUInt32BE(5 + payload[4]!)));
  }

  deleteQueue(queue: string, onAnswer: OnAnswer): void {
    this.call(method(1, 50, 40, uint(2, 0), shortText(queue), uint(1, 0)), onAnswer);
  }

  /** A direct exchange that is not durable. */
  declareExchange(exchange: string, onAnswer: OnAnswer): void {
    const table = uint(4, 0);
    this.call(
      method(1, 40, 10, uint(2, 0), shortText(exchange), shortText("direct"), uint(1, 0), table),
      onAnswer,
    );
  }

  deleteExchange(exchange: string, onAnswer: OnAnswer): void {
    this.call(method(1, 40, 20, uint(2, 0), shortText(exchange), uint(1, 0)), onAnswer);
  }

  /** A durable exchange. */
  declareKept(exchange: string, type: string, table: Buffer, onAnswer: OnAnswer): void {
    const names = [shortText(exchange), shortText(type)];
    this.call(method(1, 40, 10, uint(2, 0), ...names, uint(1, 2), longText(table)), onAnswer);
  }

  /** Messages of one exchange go through another, whatever their keys. */
  bindExchange(destination: string, source: string, onAnswer: OnAnswer): void {
    const names = [shortText(destination), shortText(source), shortText("")];
    this.call(method(1, 40, 30, uint(2, 0), ...names, uint(1, 0), uint(4, 0)), onAnswer);
  }

  /** Under the queue's own name, if no key is given. */
  bind(queue: string, exchange: string, onAnswer: OnAnswer, key: string = queue): void {
    const names = [shortText(queue), shortText(exchange), shortText(key)];
    this.call(method(1, 50, 20, uint(2, 0), ...names, uint(1, 0), uint(4, 0)), onAnswer);
  }

  confirmSelect(onAnswer: OnAnswer): void {
    this.call(method(1, 85, 10, uint(1, 0)), onAnswer);
  }

  /** An answer to it says that all acknowledgements before it were taken. */
  qos(prefetch: number, onAnswer: OnAnswer): void {
    this.call(method(1, 60, 10, uint(4, 0), uint(2, prefetch), uint(1, 0)), onAnswer);
  }

  consume(queue: string, onAnswer: OnAnswer): void {
    const table = uint(4, 0);
    this.call(method(1, 60, 20, uint(2, 0), shortText(queue), shortText("c"), uint(1, 0), table), onAnswer);
  }

  /** A consumer of a stream, from its first record. */
  consumeStream(queue: string, onAnswer: OnAnswer): void {
    const inner = Buffer.concat([
      shortText("x-stream-offset"),
      Buffer.from("S"),
      uint(4, 5),
      Buffer.from("first"),
    ]);
    const table = Buffer.concat([uint(4, inner.length), inner]);
    this.call(method(1, 60, 20, uint(2, 0), shortText(queue), shortText("s"), uint(1, 0), table), onAnswer);
  }

  /** A consumer in a group of a stream. */
  consumeGroup(queue: string, group: string, onAnswer: OnAnswer): void {
    const table = tableOf({ "x-group": group });
    const names = [shortText(queue), shortText("m")];
    this.call(method(1, 60, 20, uint(2, 0), ...names, uint(1, 0), longText(table)), onAnswer);
  }

  get(queue: string, onGet: (delivery: Delivery | null) => void, isNoAck = true): void {
    if (this.isLost) return onGet(null);
    this.#onGet.push(onGet);
    this.#link.send(method(1, 60, 70, uint(2, 0), shortText(queue), uint(1, isNoAck ? 1 : 0)));
  }

  /** Through the default exchange or another. Delivery tags of confirms count from 1. */
  publish(key: string, body: string, exchange = "", properties: PublishedProperties = {}): void {
    if (this.isLost) return;
    const { priority = -1, messageId = "", headers = null } = properties;
    const bytes = Buffer.from(body);
    // Delivery-mode (bit 12) is always there: persistent; headers (bit 13), priority (bit 11) and message id (bit 7) if they are given.
    const given =
      (headers === null ? 0 : 0x2000) | (priority < 0 ? 0 : 0x0800) | (messageId === "" ? 0 : 0x0080);
    const header = Buffer.concat([
      uint(2, 60),
      uint(2, 0),
      uint(8, bytes.length),
      uint(2, 0x1000 | given),
      headers === null ? Buffer.alloc(0) : longText(headers),
      uint(1, 2),
      priority < 0 ? Buffer.alloc(0) : uint(1, priority),
      messageId === "" ? Buffer.alloc(0) : shortText(messageId),
    ]);
    this.#link.send(
      Buffer.concat([
        method(1, 60, 40, uint(2, 0), shortText(exchange), shortText(key), uint(1, 0)),
        frame(2, 1, header),
        ...pieces(bytes),
      ]),
    );
  }

  ack(tag: number): void {
    this.#link.send(method(1, 60, 80, uint(8, tag), uint(1, 0)));
  }

  requeue(tag: number): void {
    this.#link.send(method(1, 60, 120, uint(8, tag), uint(1, 2)));
  }

  reject(tag: number): void {
    this.#link.send(method(1, 60, 90, uint(8, tag), uint(1, 0)));
  }

  received(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    while (this.#received.length >= 8) {
      const end = this.#received.readUInt32BE(3) + 8;
      if (this.#received.length < end) return;
      const whole = this.#received.subarray(0, end);
      this.#received = this.#received.subarray(end);
      if (whole[end - 1] !== 0xce) return this.#lost("a frame without its end");
      this.#frame(whole[0]!, Buffer.from(whole.subarray(7, end - 1)));
      if (this.isLost) return;
    }
  }

  #frame(type: number, payload: Buffer): void {
    if (type === 1) this.#method(`${payload.readUInt16BE(0)}.${payload.readUInt16BE(2)}`, payload);
    else if (type === 2) {
      this.#bodyLeft = Number(payload.readBigUInt64BE(4));
      this.#body = [];
      if (this.#bodyLeft === 0) this.#whole();
    } else if (type === 3) {
      this.#body.push(payload);
      this.#bodyLeft -= payload.length;
      if (this.#bodyLeft === 0) this.#whole();
    }
  }

  #method(name: string, payload: Buffer): void {
    if (closes.has(name)) return this.#lost(payload.toString("utf8", 7, 7 + payload[6]!));
    switch (name) {
      case "10.10":
      case "10.30":
      case "10.41":
        return;
      case "60.60": {
        const at = 5 + payload[4]!;
        const tag = Number(payload.readBigUInt64BE(at));
        this.#delivery = { tag, isRedelivered: payload[at + 8] === 1, isGet: false };
        return;
      }
      case "60.71":
        this.#delivery = {
          tag: Number(payload.readBigUInt64BE(4)),
          isRedelivered: payload[12] === 1,
          isGet: true,
        };
        return;
      case "60.72":
        return this.#onGet.shift()?.(null);
      case "60.80":
      case "60.120":
        return this.#events.confirmed?.(
          Number(payload.readBigUInt64BE(4)),
          (payload[12]! & 1) === 1,
          name === "60.80",
        );
      case "60.30":
        return this.#lost("the consumer was cancelled");
      default:
        this.#waiting.shift()?.(payload);
    }
  }

  #whole(): void {
    const { tag, isRedelivered, isGet } = this.#delivery!;
    const delivery = { tag, isRedelivered, body: Buffer.concat(this.#body).toString() };
    if (isGet) this.#onGet.shift()?.(delivery);
    else this.#events.delivered?.(delivery);
  }

  #lost(why: string): void {
    this.#link.cut();
    this.#events.lost?.(why);
  }

  closed(): void {
    if (this.isLost) return;
    this.isLost = true;
    for (const onAnswer of this.#waiting.splice(0)) onAnswer(null);
    for (const onGet of this.#onGet.splice(0)) onGet(null);
    this.#events.lost?.("the connection is gone");
  }

  cut(): void {
    this.#link.cut();
  }
}

function pieces(bytes: Buffer): Buffer[] {
  const all: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += frameBytesMax - 8)
    all.push(frame(3, 1, bytes.subarray(at, at + frameBytesMax - 8)));
  return all;
}
