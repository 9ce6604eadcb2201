/**
 * Sends one connection's share of a run's requests, which differ only by the header of their payload.
 *
 * At full speed it is a closed loop as redis-benchmark's: so many requests at once, and the next when all are answered.
 * At a fixed rate it is an open loop: bursts are due at even times, of one connection after the other, are sent then
 * whatever is unanswered, and carry the time when they were due, not when they were sent. A server that stalls is not
 * forgiven.
 *
 * Invariant: never more than one batch is unsent, so a server that does not read costs no memory.
 */
import type { Histogram } from "../../base/histogram.ts";
import type { CommandBatch } from "./commands.ts";
import type { Connection } from "./connection.ts";
import { writePayloadHeader } from "./payload.ts";
import { ReplyCounter } from "./replies.ts";

export interface PaceOptions {
  /** Of all connections together. */
  readonly ratePerSecond: number;
  /** Requests that are due together, as a client that pipelines sends them; it spares the generator system calls. */
  readonly burst: number;
}

export interface Pace extends PaceOptions {
  /** How much later than due a burst was sent. The generator's own fault, unless the server did not read. */
  readonly lateness: Histogram;
}

export interface Share {
  /** Which of the `sources` connections this is; each sends as many of the requests as the others. */
  readonly source: number;
  readonly sources: number;
  readonly requests: number;
  /** At once and unanswered, at full speed. */
  readonly pipeline: number;
  readonly pace: Pace | undefined;
}

export class Sender {
  readonly #connection: Connection;
  readonly #batch: CommandBatch;
  readonly #view: DataView;
  readonly #share: Share;
  readonly #counter = new ReplyCounter();
  readonly #requests: number;
  #sent = 0;
  #startMs = 0;

  constructor(connection: Connection, batch: CommandBatch, share: Share) {
    this.#connection = connection;
    // Each its own: a connection keeps the bytes until the kernel has taken them.
    const bytes = Buffer.from(batch.bytes);
    this.#batch = { ...batch, bytes };
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#share = share;
    this.#requests = Math.ceil((share.requests - share.source) / share.sources);
  }

  get sent(): number {
    return this.#sent;
  }

  get answered(): number {
    return this.#counter.replies;
  }

  /** Of all replies that were counts. */
  get integerSum(): number {
    return this.#counter.integerSum;
  }

  get isDone(): boolean {
    return this.answered === this.#requests;
  }

  start(startMs: number, answered: (sender: Sender, replies: number) => void): void {
    this.#startMs = startMs;
    this.#connection.received = (chunk) => {
      const before = this.answered;
      this.#counter.feed(chunk);
      answered(this, this.answered - before);
    };
  }

  /** When the connection's request of this number was to be sent, of a run with a rate. */
  dueMs(index: number): number {
    const { source, sources } = this.#share;
    const { burst, ratePerSecond } = this.#share.pace!;
    const burstsBefore = Math.floor(index / burst) * sources + source;
    return this.#startMs + (burstsBefore * burst * 1000) / ratePerSecond;
  }

  /** Sends what may be sent now, at most `commandsMax`. @returns how many requests that was */
  step(nowMs: number, commandsMax: number): number {
    if (!this.#connection.isIdle) return 0;
    const { pipeline, pace } = this.#share;
    const isPaced = pace !== undefined;
    if (!isPaced && this.answered < this.#sent) return 0;
    const most = Math.min(this.#requests - this.#sent, this.#batch.commands, commandsMax);
    const count = isPaced ? this.#dueOf(nowMs, most) : Math.min(most, pipeline);
    if (count <= 0) return 0;
    if (isPaced) pace.lateness.record((nowMs - this.dueMs(this.#sent)) * 1000);
    const { bytes, commandBytes, payloadOffset } = this.#batch;
    for (let index = 0; payloadOffset !== undefined && index < count; index++) {
      const sequence = this.#sent + index;
      const timeMs = isPaced ? this.dueMs(sequence) : nowMs;
      const at = index * commandBytes + payloadOffset;
      writePayloadHeader(this.#view, at, { sequence, source: this.#share.source, timeMs });
    }
    this.#sent += count;
    this.#connection.send(bytes, 0, count * commandBytes);
    return count;
  }

  #dueOf(nowMs: number, most: number): number {
    let due = 0;
    while (due < most && this.dueMs(this.#sent + due) <= nowMs) due += 1;
    return due;
  }
}
