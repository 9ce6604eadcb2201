/**
 * An AMQP client for loads: no object for each message sent, bodies of any size gathered without copying them twice,
 * and reading that can be stopped. Its frames are made by hand (bench/generators/amqp), so that it shares no code with
 * the broker.
 *
 * Invariant: `call` resolves with the next method of the wanted kind, in the order of the calls; a connection that the
 * server closed rejects what waits, with the server's own words.
 */
import { connect, type Socket } from "node:net";
import {
  channelOpen,
  connectionOpen,
  frame,
  method,
  methodId,
  protocolHeader,
  shortText,
  startOk,
  uint,
} from "../../bench/generators/amqp/handshake.ts";

const frameBytesMax = 131_072 - 8;
const frameOverhead = 8;
const basicClass = 60;
const persistent = [uint(2, 0x1000), uint(1, 2)];
const transient = [uint(2, 0)];
const noArguments = uint(4, 0);

interface Waiting {
  readonly id: number;
  readonly resolve: (payload: Buffer) => void;
  readonly reject: (error: Error) => void;
}

interface Delivery {
  readonly tag: number;
  readonly isRedelivered: boolean;
  body: Buffer;
  filled: number;
}

export class AmqpClient {
  readonly socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #waiting: Waiting[] = [];
  #delivery: Delivery | null = null;
  #failure: Error | null = null;
  readonly #onDrained: (() => void)[] = [];
  isClosed = false;
  onDelivery: (body: Buffer, tag: number, isRedelivered: boolean, channel: number) => void = () => {};
  onConfirm: (tag: number, isMultiple: boolean) => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => this.#data(bytes));
    socket.on("drain", () => this.#settleDrained());
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => {
      this.isClosed = true;
      this.#settleDrained();
      this.#fail(new Error("the connection was closed"));
    });
  }

  /** Through the handshake, with channel 1 open. */
  static async open(port: number): Promise<AmqpClient> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const client = new AmqpClient(socket);
    await client.call(protocolHeader, methodId.connectionStart);
    await client.call(startOk, methodId.connectionTune);
    await client.call(connectionOpen, methodId.connectionOpenOk);
    await client.openChannel(1);
    return client;
  }

  /** Sends, and waits for the next method of that kind; returns its payload after class and method. */
  call(bytes: Buffer, id: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      this.#waiting.push({ id, resolve, reject });
      this.socket.write(bytes);
    });
  }

  async openChannel(channel: number): Promise<void> {
    await this.call(channelOpen(channel), methodId.channelOpenOk);
  }

  /** @returns how many messages it holds */
  async declare(queue: string, options: { isPassive?: boolean; isStream?: boolean } = {}): Promise<number> {
    const bits = options.isPassive === true ? 3 : 2;
    const type = Buffer.concat([
      shortText("x-queue-type"),
      Buffer.from("S"),
      uint(4, 6),
      Buffer.from("stream"),
    ]);
    const table = options.isStream === true ? Buffer.concat([uint(4, type.length), type]) : noArguments;
    const bytes = method(1, 0x0032_000a, uint(2, 0), shortText(queue), uint(1, bits), table);
    const payload = await this.call(bytes, methodId.queueDeclareOk);
    return payload.readUInt32BE(1 + payload[0]!);
  }

  async selectConfirms(): Promise<void> {
    await this.call(method(1, 0x0055_000a, uint(1, 0)), methodId.confirmSelectOk);
  }

  async prefetch(count: number): Promise<void> {
    await this.call(method(1, 0x003c_000a, uint(4, 0), uint(2, count), uint(1, 0)), methodId.qosOk);
  }

  async consume(
    queue: string,
    options: { isAcked: boolean; channel?: number; offset?: string },
  ): Promise<void> {
    await this.call(consumeBytes(queue, options), methodId.consumeOk);
  }

  /** @returns whether the kernel has room for more */
  publish(queue: string, body: Buffer, isPersistent = true): boolean {
    return this.socket.write(publishBytes(queue, body, isPersistent));
  }

  ack(tag: number, isMultiple: boolean, channel = 1): void {
    this.socket.write(method(channel, 0x003c_0050, uint(8, tag), uint(1, isMultiple ? 1 : 0)));
  }

  /** When the kernel has room for more, or the connection is gone. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.isClosed || !this.socket.writableNeedDrain) return resolve();
      this.#onDrained.push(resolve);
    });
  }

  #settleDrained(): void {
    for (const resolve of this.#onDrained.splice(0)) resolve();
  }

  close(): void {
    this.socket.destroy();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }

  #data(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (at + frameOverhead <= bytes.length) {
      const end = at + 7 + bytes.readUInt32BE(at + 3);
      if (end >= bytes.length) break;
      this.#frame(bytes[at]!, bytes.readUInt16BE(at + 1), bytes.subarray(at + 7, end));
      at = end + 1;
    }
    this.#rest = at === bytes.length ? Buffer.alloc(0) : bytes.subarray(at);
  }

  #frame(type: number, channel: number, payload: Buffer): void {
    if (type === 1) this.#method(payload);
    else if (type === 2) {
      this.#delivery!.body = Buffer.allocUnsafeSlow(Number(payload.readBigUInt64BE(4)));
      this.#deliverWhenWhole(channel);
    } else if (type === 3) {
      const delivery = this.#delivery!;
      delivery.filled += payload.copy(delivery.body, delivery.filled);
      this.#deliverWhenWhole(channel);
    }
  }

  #method(payload: Buffer): void {
    const id = payload.readUInt32BE(0);
    if (id === methodId.deliver) {
      const at = 5 + payload[4]!;
      const tag = Number(payload.readBigUInt64BE(at));
      this.#delivery = { tag, isRedelivered: payload[at + 8] === 1, body: Buffer.alloc(0), filled: 0 };
    } else if (id === methodId.ack) this.onConfirm(Number(payload.readBigUInt64BE(4)), payload[12] === 1);
    else if (id === 0x000a_0032 || id === 0x0014_0028) {
      const text = payload.toString("utf8", 7, 7 + payload[6]!);
      this.#fail(new Error(`the server closed with ${payload.readUInt16BE(4)} ${text}`));
    } else {
      const index = this.#waiting.findIndex((waiting) => waiting.id === id);
      if (index >= 0) this.#waiting.splice(index, 1)[0]!.resolve(payload.subarray(4));
    }
  }

  #deliverWhenWhole(channel: number): void {
    const delivery = this.#delivery!;
    if (delivery.filled < delivery.body.length) return;
    this.#delivery = null;
    this.onDelivery(delivery.body, delivery.tag, delivery.isRedelivered, channel);
  }
}

export function declareBytes(queue: string): Buffer {
  return method(1, 0x0032_000a, uint(2, 0), shortText(queue), uint(1, 2), noArguments);
}

export function deleteBytes(queue: string): Buffer {
  return method(1, 0x0032_0028, uint(2, 0), shortText(queue), uint(1, 0));
}

export function consumeBytes(
  queue: string,
  { isAcked, channel = 1, offset }: { isAcked: boolean; channel?: number; offset?: string },
): Buffer {
  let table = noArguments;
  if (offset !== undefined) {
    const text = Buffer.from(offset);
    const entry = Buffer.concat([shortText("x-stream-offset"), Buffer.from("S"), uint(4, text.length), text]);
    table = Buffer.concat([uint(4, entry.length), entry]);
  }
  const names = [shortText(queue), shortText("")];
  return method(channel, 0x003c_0014, uint(2, 0), ...names, uint(1, isAcked ? 0 : 2), table);
}

export function publishBytes(queue: string, body: Buffer, isPersistent: boolean): Buffer {
  const properties = isPersistent ? persistent : transient;
  const frames = [
    method(1, 0x003c_0028, uint(2, 0), shortText(""), shortText(queue), uint(1, 0)),
    frame(2, 1, uint(2, basicClass), uint(2, 0), uint(8, body.length), ...properties),
  ];
  for (let at = 0; at < body.length; at += frameBytesMax)
    frames.push(frame(3, 1, body.subarray(at, at + frameBytesMax)));
  return Buffer.concat(frames);
}
