/**
 * A raw AMQP 0-9-1 connection: many queues and consumers on a few channels, frames walked where they came in, one call
 * for each delivery and each confirm.
 *
 *     frame = u8 type, u16 channel, u32 size, payload, u8 0xce
 *
 * Not here: publishing (publish-blocks.ts), and what a message means. Invariant: a method that nobody waits for and
 * that is no delivery, confirm or heartbeat ends the generator, as does a socket that closes early.
 */
import { connect, type Socket } from "node:net";
import {
  channelOpen,
  connectionOpen,
  method,
  methodId,
  protocolHeader,
  shortText,
  startOk,
  uint,
} from "./handshake.ts";

const frameOverheadBytes = 8;
/** In a header's frame: behind class, weight and body size. */
const headerPropertiesAt = 7 + 2 + 2 + 8;
const answerMsMax = 60_000;

type AwaitedMethod = (typeof methodId)[keyof typeof methodId];

const noBytes: Buffer = Buffer.alloc(0);

interface Awaited {
  readonly method: AwaitedMethod;
  left: number;
  readonly resolve: () => void;
}

export class AmqpLink {
  readonly socket: Socket;
  /** The body's bytes are valid during the call only. */
  onDeliver: (bytes: Buffer, bodyAt: number, deliveryTag: number, channel: number) => void = () => {};
  /** The properties of a message, from their flags on, before its body. */
  onHeader: (bytes: Buffer, at: number) => void = () => {};
  /** This publish of a channel is confirmed, or all up to it; see confirms.ts. */
  onConfirm: (deliveryTag: number, isMultiple: boolean) => void = () => {};
  /** After all that one read of the socket brought. */
  onChunk: () => void = () => {};
  /** When that read came, ms of performance.now; one look at the clock for all that it brought. */
  chunkMs = 0;
  /** The last method that was waited for, from its class id to its frame's end. */
  answer: Buffer = noBytes;
  #awaited: Awaited | null = null;
  #held: Buffer = noBytes;
  #deliveryTag = 0;
  #isClosing = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("error", (error) => {
      throw error;
    });
    socket.on("close", () => {
      if (!this.#isClosing) throw new Error("the server closed a connection");
    });
  }

  static async open(port: number, channels: number): Promise<AmqpLink> {
    const socket = connect(port, "127.0.0.1");
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    const link = new AmqpLink(socket);
    await link.call(protocolHeader, methodId.connectionStart);
    await link.call(startOk, methodId.connectionTune);
    await link.call(connectionOpen, methodId.connectionOpenOk);
    const opens = Array.from({ length: channels }, (_, i) => channelOpen(i + 1));
    await link.call(Buffer.concat(opens), methodId.channelOpenOk, channels);
    return link;
  }

  /** Sends, and waits until so many methods of this kind have come. */
  async call(bytes: Buffer, awaited: AwaitedMethod, count = 1): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      const waiting = { method: awaited, left: count, resolve };
      this.#awaited = waiting;
      timer = setTimeout(
        () => reject(new Error(`${waiting.left} of ${count} answers ${awaited.toString(16)} are missing`)),
        answerMsMax,
      );
      this.socket.write(bytes);
    });
    clearTimeout(timer);
  }

  close(): void {
    this.#isClosing = true;
    this.socket.destroy();
  }

  #received(chunk: Buffer): void {
    this.chunkMs = performance.now();
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let at = 0;
    while (bytes.length - at >= frameOverheadBytes) {
      const size =
        ((bytes[at + 3]! << 24) | (bytes[at + 4]! << 16) | (bytes[at + 5]! << 8) | bytes[at + 6]!) >>> 0;
      const end = at + size + frameOverheadBytes;
      if (end > bytes.length) break;
      const type = bytes[at]!;
      if (type === 1) this.#method(bytes, at + 7, end - 1);
      else if (type === 2) this.onHeader(bytes, at + headerPropertiesAt);
      else if (type === 3)
        this.onDeliver(bytes, at + 7, this.#deliveryTag, (bytes[at + 1]! << 8) | bytes[at + 2]!);
      at = end;
    }
    // The chunk's memory is the socket's: what is kept of it is copied.
    this.#held = at === bytes.length ? noBytes : Buffer.from(bytes.subarray(at));
    this.onChunk();
  }

  #method(bytes: Buffer, at: number, end: number): void {
    const id = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    if (id === methodId.deliver) {
      this.#deliveryTag = tagAt(bytes, at + 5 + bytes[at + 4]!);
      return;
    }
    if (id === methodId.ack) return this.onConfirm(tagAt(bytes, at + 4), bytes[at + 12] === 1);
    const awaited = this.#awaited;
    if (awaited?.method !== id)
      throw new Error(`an unexpected method: ${bytes.toString("latin1", at, at + 100)}`);
    awaited.left -= 1;
    if (awaited.left > 0) return;
    this.#awaited = null;
    this.answer = Buffer.from(bytes.subarray(at, end));
    awaited.resolve();
  }
}

function tagAt(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

/** Names of the same length, so that one can be written over another. */
export function queueName(prefix: string, number: number): string {
  return `${prefix}-${String(number).padStart(queueDigits, "0")}`;
}

export const queueDigits = 6;

export async function declareQueues(
  link: AmqpLink,
  prefix: string,
  queues: number,
  isDurable: boolean,
  args: Buffer = uint(4, 0),
): Promise<void> {
  const bits = uint(1, isDurable ? 2 : 0);
  const declares = Array.from({ length: queues }, (_, number) =>
    method(1, 0x0032_000a, uint(2, 0), shortText(queueName(prefix, number)), bits, args),
  );
  await link.call(Buffer.concat(declares), methodId.queueDeclareOk, queues);
}

/** How many messages of a queue wait for a consumer. */
export async function readyMessages(link: AmqpLink, queue: string): Promise<number> {
  const passive = uint(1, 1);
  const declare = method(1, 0x0032_000a, uint(2, 0), shortText(queue), passive, uint(4, 0));
  await link.call(declare, methodId.queueDeclareOk);
  const nameBytes = link.answer[4]!;
  return link.answer.readUInt32BE(5 + nameBytes);
}

export async function deleteQueues(link: AmqpLink, prefix: string, queues: number): Promise<void> {
  const deletes = Array.from({ length: queues }, (_, number) =>
    method(1, 0x0032_0028, uint(2, 0), shortText(queueName(prefix, number)), uint(1, 0)),
  );
  await link.call(Buffer.concat(deletes), methodId.queueDeleteOk, queues);
}

/** All deliveries of a channel up to this tag. */
export function ackUpTo(channel: number, deliveryTag: number): Buffer {
  return method(channel, methodId.ack, uint(8, deliveryTag), uint(1, 1));
}

export interface ConsumeOptions {
  readonly queue: string;
  readonly channel: number;
  readonly tag: string;
  readonly acks: boolean;
}

export function consume({ queue, channel, tag, acks }: ConsumeOptions): Buffer {
  const bits = uint(1, acks ? 0 : 2);
  return method(channel, 0x003c_0014, uint(2, 0), shortText(queue), shortText(tag), bits, uint(4, 0));
}
