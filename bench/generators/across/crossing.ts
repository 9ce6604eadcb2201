/**
 * Messages that are written in one protocol and read in another: sent by a schedule, and seen to arrive in order.
 *
 * Latency is from when a message was due to its arrival. Not here: either protocol.
 * Invariant: message n is the n-th to arrive; a lost, doubled or overtaken one throws, as does one that never comes.
 */
import { Histogram } from "../../base/histogram.ts";
import type { Figures } from "../../contract.ts";
import { dueAt } from "../amqp/publish-blocks.ts";
import type { Schedule } from "../base/schedule.ts";
import { throwWhenStalled } from "../base/watch.ts";

const inFlightMax = 20_000;
const tickMs = 1;

/** What sends blocks of messages, see amqp/publish-blocks.ts for their bodies. */
export interface BlockWriter {
  readonly sent: number;
  readonly hasFree: boolean;
  readonly messagesPerBlock: number;
  onFree: () => void;
  send(count: number, dueMs: number, stepMs: number): void;
}

export class Crossing {
  readonly #latency = new Histogram();
  readonly #writer: BlockWriter;
  readonly #schedule: Schedule;
  #arrived = 0;
  #startedMs = 0;
  #lastMs = 0;
  #done: () => void = () => {};

  constructor(writer: BlockWriter, schedule: Schedule) {
    this.#writer = writer;
    this.#schedule = schedule;
  }

  /** Until all that was sent has arrived. */
  async run(): Promise<Figures> {
    const writer = this.#writer;
    const stopWatching = throwWhenStalled(
      () => this.#arrived,
      () => `${this.#arrived} of ${writer.sent} messages arrived`,
    );
    this.#startedMs = performance.now();
    this.#schedule.start(this.#startedMs);
    const done = new Promise<void>((resolve) => (this.#done = resolve));
    const tick = setInterval(() => this.#pump(), tickMs);
    writer.onFree = () => this.#pump();
    this.#pump();
    await done;
    clearInterval(tick);
    stopWatching();
    const latency = this.#latency.percentiles();
    return {
      count: this.#arrived,
      seconds: (this.#lastMs - this.#startedMs) / 1000,
      ...(latency === undefined ? {} : { latency }),
      verified: `${this.#arrived} messages, each once and in order`,
    };
  }

  #pump(): void {
    const [writer, schedule] = [this.#writer, this.#schedule];
    const nowMs = performance.now();
    // At a rate what is due is sent, however far behind the server is.
    const inFlight = schedule.stepMs > 0 ? Infinity : this.#arrived + inFlightMax;
    const most = Math.min(schedule.allowed(nowMs), inFlight);
    while (writer.hasFree && writer.sent < most)
      writer.send(most - writer.sent, schedule.sentMs(writer.sent, nowMs), schedule.stepMs);
    if (this.#arrived === writer.sent && schedule.isOver(writer.sent, nowMs)) this.#done();
  }

  /** @param bodyAt where in `bytes` a message's body begins */
  arrived(bytes: Buffer, bodyAt: number, nowMs: number): void {
    const sequence = bytes.readUInt32BE(bodyAt);
    if (sequence !== this.#arrived)
      throw new Error(`message ${sequence} arrived where ${this.#arrived} was due`);
    this.#arrived += 1;
    this.#lastMs = nowMs;
    this.#latency.record((nowMs - bytes.readDoubleBE(bodyAt + dueAt)) * 1000);
    if (this.#arrived % this.#writer.messagesPerBlock === 0 || this.#arrived === this.#writer.sent)
      this.#pump();
  }
}
