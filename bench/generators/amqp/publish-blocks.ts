/**
 * Messages ready to be published: blocks of frames made once, of which only queue, sequence number and time change.
 *
 *     body = u32 sequence, u32 0, f64 when it was due (ms of performance.now), filling
 *
 * Blocks are as many as may be with the socket at once; none is written to before the socket has given it back.
 * Invariant: bodies hold the sequence numbers from 0 on, each once.
 */
import { frame, method, shortText, uint } from "./handshake.ts";
import { type AmqpLink, queueDigits, queueName } from "./link.ts";

const blocksMax = 16;
const blockBytesWanted = 32 << 10;
const publishId = 0x003c_0028;
export const dueAt = 8;

/**
 * Where to: round robin over the queues of this prefix, through the default exchange; with that prefix as routing key
 * through an exchange; or through an exchange without a key.
 */
export type PublishTarget =
  | { readonly exchange?: string; readonly queuePrefix: string; readonly queues: number }
  | { readonly exchange: string };

export interface PublishBlocksOptions {
  readonly link: AmqpLink;
  readonly bodyBytes: number;
  readonly isPersistent: boolean;
  /** Priorities from 0 to this one go round; absent: messages have none. */
  readonly priorityMax?: number | undefined;
  readonly to: PublishTarget;
}

export class PublishBlocks {
  /** The sequence number that the next message gets: as many as were sent. */
  sent = 0;
  /** Called when the socket gave a block back. */
  onFree: () => void = () => {};
  readonly messagesPerBlock: number;
  readonly #link: AmqpLink;
  readonly #queues: number;
  readonly #free: Buffer[] = [];
  readonly #messageBytes: number;
  readonly #digitsAt: number;
  readonly #bodyAt: number;
  readonly #priorityAt: number;
  readonly #priorityMax: number;
  #nextQueue = 0;

  constructor({ link, bodyBytes, isPersistent, priorityMax, to }: PublishBlocksOptions) {
    this.#link = link;
    const isToQueues = "queues" in to;
    this.#queues = isToQueues ? to.queues : 0;
    const exchange = to.exchange ?? "";
    const key = isToQueues ? queueName(to.queuePrefix, 0) : "";
    const publish = method(1, publishId, uint(2, 0), shortText(exchange), shortText(key), uint(1, 0));
    const flags = (isPersistent ? 0x1000 : 0) | (priorityMax === undefined ? 0 : 0x0800);
    const properties = [
      uint(2, flags),
      ...(isPersistent ? [uint(1, 2)] : []),
      ...(priorityMax === undefined ? [] : [uint(1, 0)]),
    ];
    const header = frame(2, 1, uint(2, 60), uint(2, 0), uint(8, bodyBytes), ...properties);
    // The header's last byte before the end of its frame.
    this.#priorityAt = publish.length + header.length - 2;
    this.#priorityMax = priorityMax ?? -1;
    const message = Buffer.concat([publish, header, frame(3, 1, Buffer.alloc(bodyBytes, "x"))]);
    this.#messageBytes = message.length;
    // The method's last byte before the end of its frame is the bits; the key's digits are just before.
    this.#digitsAt = publish.length - 2 - queueDigits;
    this.#bodyAt = publish.length + header.length + 7;
    this.messagesPerBlock = Math.max(1, Math.floor(blockBytesWanted / message.length));
    for (let i = 0; i < blocksMax; i++)
      this.#free.push(Buffer.alloc(message.length * this.messagesPerBlock, message));
  }

  get hasFree(): boolean {
    return this.#free.length > 0;
  }

  /** Sends up to a block of `count` messages; message n was due at `dueMs + n * stepMs`. */
  send(count: number, dueMs: number, stepMs: number): void {
    const block = this.#free.pop()!;
    const messages = Math.min(count, this.messagesPerBlock);
    let at = 0;
    for (let i = 0; i < messages; i++, at += this.#messageBytes) {
      if (this.#queues > 1) this.#writeQueue(block, at + this.#digitsAt);
      if (this.#priorityMax >= 0) block[at + this.#priorityAt] = (this.sent + i) % (this.#priorityMax + 1);
      block.writeUInt32BE(this.sent + i, at + this.#bodyAt);
      block.writeDoubleBE(dueMs + i * stepMs, at + this.#bodyAt + dueAt);
    }
    this.sent += messages;
    this.#link.socket.write(block.subarray(0, at), () => {
      this.#free.push(block);
      this.onFree();
    });
  }

  #writeQueue(block: Buffer, at: number): void {
    let left = this.#nextQueue;
    for (let digit = queueDigits - 1; digit >= 0; digit--) {
      block[at + digit] = 48 + (left % 10);
      left = Math.floor(left / 10);
    }
    this.#nextQueue = this.#nextQueue + 1 === this.#queues ? 0 : this.#nextQueue + 1;
  }
}
