/**
 * The consumers of one connection, each with a queue and a channel of its own, from 1 on.
 *
 * Not here: who publishes. Invariant: each consumer gets the sequence numbers of its queue in the order in which they
 * were published, each once, in bodies of the right size: what is lost, doubled, overtaken or in another's queue throws.
 */
import { Histogram } from "../../base/histogram.ts";
import { method, methodId, qos, uint } from "./handshake.ts";
import { type AmqpLink, consume } from "./link.ts";
import { dueAt } from "./publish-blocks.ts";

/** At full speed the latency of one message in so many is looked at. */
const sampleMask = 63;

/** One for each delivery, as clients acknowledge; tag and channel are written over. */
const ackFrame = method(1, methodId.ack, uint(8, 0), uint(1, 0));
const ackTagAt = 11;
const acksFirst = 1024;

/** How the sequence numbers are shared out over the queues. */
export interface Consumed {
  readonly queue: string;
  readonly firstSequence: number;
  /** To the queue's next one. */
  readonly sequenceStep: number;
}

export interface DeliveriesOptions {
  readonly link: AmqpLink;
  readonly consumed: readonly Consumed[];
  readonly bodyBytes: number;
  /** With manual acknowledgement; absent: automatic. */
  readonly prefetch: number | undefined;
  /** Each latency is recorded, not only a sample. */
  readonly isEachTimed: boolean;
  /** Else no latency is: the messages lay there. */
  readonly isTimed: boolean;
}

export class Deliveries {
  readonly latency = new Histogram();
  count = 0;
  /** After all that one read of the socket brought. */
  onProgress: () => void = () => {};
  readonly #options: DeliveriesOptions;
  /** By channel, from 0. */
  readonly #expected: number[];
  #acks = Buffer.alloc(ackFrame.length * acksFirst, ackFrame);
  #ackBytes = 0;

  private constructor(options: DeliveriesOptions) {
    const { link, consumed, prefetch } = options;
    this.#options = options;
    this.#expected = consumed.map(({ firstSequence }) => firstSequence);
    link.onDeliver = (bytes, bodyAt, tag, channel) => {
      this.#delivered(bytes, bodyAt, channel - 1);
      if (prefetch !== undefined) this.#addAck(tag, channel);
    };
    link.onChunk = () => {
      this.#sendAcks();
      this.onProgress();
    };
  }

  static async subscribe(options: DeliveriesOptions): Promise<Deliveries> {
    const deliveries = new Deliveries(options);
    const { link, consumed, prefetch } = options;
    const acks = prefetch !== undefined;
    for (const [index, { queue }] of consumed.entries()) {
      const channel = index + 1;
      if (acks) await link.call(qos(channel, prefetch), methodId.qosOk);
      await link.call(consume({ queue, channel, tag: "consumer", acks }), methodId.consumeOk);
    }
    return deliveries;
  }

  /** Once the queues are gone: a message that was delivered one time too many comes before the answer, and throws. */
  async expectNoMore(): Promise<void> {
    const { link, consumed, prefetch = 0 } = this.#options;
    const asks = consumed.map((_, index) => qos(index + 1, prefetch));
    await link.call(Buffer.concat(asks), methodId.qosOk, asks.length);
  }

  #delivered(bytes: Buffer, bodyAt: number, consumer: number): void {
    const { link, consumed, bodyBytes, isEachTimed, isTimed } = this.#options;
    // Before a body's frame are its size's four bytes.
    const size = bytes.readUInt32BE(bodyAt - 4);
    if (size !== bodyBytes) throw new Error(`a body of ${size} B came, not of ${bodyBytes} B`);
    const sequence = bytes.readUInt32BE(bodyAt);
    const expected = this.#expected[consumer]!;
    if (sequence !== expected)
      throw new Error(`${consumed[consumer]?.queue} brought message ${sequence}, not ${expected}`);
    this.#expected[consumer] = expected + consumed[consumer]!.sequenceStep;
    this.count += 1;
    if (isTimed && (isEachTimed || (sequence & sampleMask) === 0))
      this.latency.record((link.chunkMs - bytes.readDoubleBE(bodyAt + dueAt)) * 1000);
  }

  #addAck(tag: number, channel: number): void {
    const at = this.#ackBytes;
    if (at === this.#acks.length) {
      const half = this.#acks;
      this.#acks = Buffer.concat([half, half]);
    }
    this.#acks.writeUInt16BE(channel, at + 1);
    this.#acks.writeUIntBE(tag, at + ackTagAt + 2, 6);
    this.#ackBytes = at + ackFrame.length;
  }

  #sendAcks(): void {
    if (this.#ackBytes === 0) return;
    // A copy: the socket may keep the bytes for longer than until the next read.
    this.#options.link.socket.write(Buffer.from(this.#acks.subarray(0, this.#ackBytes)));
    this.#ackBytes = 0;
  }
}
