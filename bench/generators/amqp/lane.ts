/**
 * One publisher and what it sends, through one queue or fanned out to many, until all of it has arrived and, where
 * there are confirms, is confirmed.
 *
 * Invariant: each of `copies` consumers gets each sequence number once; what was not sent, or comes again, throws.
 */
import { Histogram } from "../../base/histogram.ts";
import { ackUpTo, AmqpLink } from "../growth/amqp-link.ts";
import { Arrivals } from "../growth/arrivals.ts";
import { dueAt, type PublishBlocks } from "../growth/publish-blocks.ts";

/** At full speed the latency of one message in so many is looked at. */
const sampleMask = 63;
const ackFrame = ackUpTo(1, 0);
const ackTagAt = 11;
const ackMultipleAt = ackTagAt + 8;

export interface LaneOptions {
  readonly writing: AmqpLink;
  readonly reading: AmqpLink;
  readonly blocks: PublishBlocks;
  /** Consumers, each of which gets every message, on the channels from 1 on. */
  readonly copies: number;
  readonly hasConfirms: boolean;
  /** Each delivery is acknowledged, one by one, once for each read of the socket. */
  readonly acks: boolean;
  readonly inFlightMax: number;
  readonly messagesMax: number;
  readonly ratePerSecond: number | undefined;
  readonly secondsWanted: number;
}

export class Lane {
  readonly latency = new Histogram();
  delivered = 0;
  confirmed = 0;
  lastArrivalMs = 0;
  readonly #options: LaneOptions;
  readonly #arrivals: Arrivals[];
  readonly #stepMs: number;
  readonly #total: number;
  #startMs = 0;
  #isOver = false;
  #finish: () => void = () => {};
  #acks = Buffer.alloc(0);
  #ackBytes = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
    const { ratePerSecond, secondsWanted, messagesMax, copies } = options;
    this.#stepMs = ratePerSecond === undefined ? 0 : 1000 / ratePerSecond;
    this.#total = ratePerSecond === undefined ? messagesMax : Math.ceil(ratePerSecond * secondsWanted);
    this.#arrivals = Array.from({ length: copies }, () => new Arrivals(this.#total));
  }

  get sent(): number {
    return this.#options.blocks.sent;
  }

  get note(): string {
    return `${this.sent} sent, ${this.delivered} of ${this.sent * this.#options.copies} arrived, ${this.confirmed} confirmed`;
  }

  async run(): Promise<void> {
    const { writing, reading, blocks, acks, hasConfirms, ratePerSecond, secondsWanted } = this.#options;
    this.#startMs = performance.now();
    reading.onDeliver = (bytes, bodyAt, tag, channel) => this.#arrived(bytes, bodyAt, tag, channel);
    reading.onChunk = () => {
      if (acks) this.#sendAcks();
      this.#progressed();
    };
    if (hasConfirms) {
      writing.onConfirm = (tag, isMultiple) => {
        this.confirmed = isMultiple ? Math.max(this.confirmed, tag) : this.confirmed + 1;
      };
      writing.onChunk = () => this.#progressed();
    }
    blocks.onFree = () => this.#progressed();
    const pacer = ratePerSecond === undefined ? undefined : setInterval(() => this.#progressed(), 1);
    const end = setTimeout(
      () => {
        this.#isOver = true;
        this.#progressed();
      },
      ratePerSecond === undefined ? secondsWanted * 1000 : 2 ** 30,
    );
    await new Promise<void>((resolve) => {
      this.#finish = resolve;
      this.#progressed();
    });
    clearInterval(pacer);
    clearTimeout(end);
  }

  #arrived(bytes: Buffer, bodyAt: number, tag: number, channel: number): void {
    const sequence = bytes.readUInt32BE(bodyAt);
    if (sequence >= this.sent) throw new Error(`message ${sequence} came, of ${this.sent} that were sent`);
    this.#arrivals[channel - 1]!.add(sequence);
    this.delivered += 1;
    const { reading, acks, ratePerSecond } = this.#options;
    if (ratePerSecond !== undefined || (sequence & sampleMask) === 0) {
      this.latency.record((reading.chunkMs - bytes.readDoubleBE(bodyAt + dueAt)) * 1000);
    }
    if (acks) this.#addAck(tag);
  }

  #addAck(tag: number): void {
    if (this.#ackBytes + ackFrame.length > this.#acks.length) {
      this.#acks = Buffer.concat([this.#acks], Math.max(8192, this.#acks.length * 2));
    }
    const at = this.#ackBytes;
    ackFrame.copy(this.#acks, at);
    this.#acks.writeUInt32BE(tag, at + ackTagAt + 4);
    this.#acks[at + ackMultipleAt] = 0;
    this.#ackBytes = at + ackFrame.length;
  }

  #sendAcks(): void {
    if (this.#ackBytes === 0) return;
    this.#options.reading.socket.write(Buffer.from(this.#acks.subarray(0, this.#ackBytes)));
    this.#ackBytes = 0;
  }

  #progressed(): void {
    const { blocks, copies, hasConfirms, inFlightMax } = this.#options;
    const arrived = this.delivered / copies;
    const settled = hasConfirms ? Math.min(arrived, this.confirmed) : arrived;
    if ((this.#isOver || this.sent >= this.#total) && settled >= this.sent) {
      this.lastArrivalMs = performance.now();
      return this.#finish();
    }
    const batch = Math.min(blocks.messagesPerBlock, inFlightMax >> 2);
    while (blocks.hasFree && !this.#isOver) {
      const room = inFlightMax - (this.sent - Math.floor(settled));
      const count = Math.min(room, this.#allowed() - this.sent);
      const isTail = this.#stepMs > 0 && count > 0;
      if (count < batch && !isTail && count < this.#total - this.sent) return;
      if (count <= 0) return;
      if (this.#stepMs === 0) blocks.send(count, performance.now(), 0);
      else blocks.send(count, this.#startMs + this.sent * this.#stepMs, this.#stepMs);
    }
  }

  /** How many may have been sent by now: all, or those that are due. */
  #allowed(): number {
    if (this.#stepMs === 0) return this.#total;
    return Math.min(this.#total, Math.floor((performance.now() - this.#startMs) / this.#stepMs));
  }
}
