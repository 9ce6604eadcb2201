/**
 * Publisher confirms of one channel: which publishes are not yet answered, and what each waits for.
 *
 * Runs of publishes that wait for the same journal position are one entry, and one basic.ack with `multiple` answers
 * all that the watermark has passed. RabbitMQ may confirm a transient message before an earlier persistent one; here
 * confirms keep the order of the publishes, which the protocol allows and costs a transient one at most a sync.
 * Invariant: entries are in the order of their sequence numbers and of their positions; nacks are answered singly.
 */
import { assertInvariant, assertsAreOn } from "../../../base/assert.ts";
import type { ByteWriter } from "../../../base/bytes.ts";
import { writeAck, writeNack } from "../wire/content-output.ts";

export class Confirms {
  readonly #channel: number;
  /** Three numbers an entry: last sequence number, position, 1 for a nack. */
  #entries = new Float64Array(3 * 16);
  #from = 0;
  #to = 0;
  #published = 0;
  #answered = 0;
  #refused = 0;

  constructor(channel: number) {
    this.#channel = channel;
  }

  /** How many publishes have been confirmed: those that were refused do not count, as in RabbitMQ. */
  get confirmed(): number {
    return this.#answered - this.#refused;
  }

  /** How many have not. */
  get unanswered(): number {
    return this.#published - this.#answered;
  }

  get isWaiting(): boolean {
    return this.#from < this.#to;
  }

  /** The next publish waits for `position`; `written` is what the journal has been handed. */
  add(position: number, written: number, isRefused: boolean): void {
    const sequence = ++this.#published;
    const entries = this.#entries;
    const last = this.#to - 3;
    if (last >= this.#from && !isRefused && entries[last + 2] === 0) {
      const before = entries[last + 1]!;
      // What this tick writes becomes durable together.
      if (position <= before || before > written) {
        entries[last] = sequence;
        if (position > before) entries[last + 1] = position;
        return;
      }
    }
    this.#push(sequence, last >= this.#from ? Math.max(position, entries[last + 1]!) : position, isRefused);
  }

  #push(sequence: number, position: number, isRefused: boolean): void {
    if (assertsAreOn && this.isWaiting) {
      const last = this.#to - 3;
      assertInvariant(
        sequence > this.#entries[last]! && position >= this.#entries[last + 1]!,
        "confirms are in the order of their publishes and positions",
      );
    }
    if (this.#to === this.#entries.length) {
      const live = this.#entries.subarray(this.#from, this.#to);
      const size = live.length * 2 > this.#entries.length ? this.#entries.length * 2 : this.#entries.length;
      const entries = new Float64Array(size);
      entries.set(live);
      this.#entries = entries;
      this.#to -= this.#from;
      this.#from = 0;
    }
    this.#entries[this.#to] = sequence;
    this.#entries[this.#to + 1] = position;
    this.#entries[this.#to + 2] = isRefused ? 1 : 0;
    this.#to += 3;
  }

  /** Answers all publishes whose position is durable; says whether it wrote anything. */
  release(output: ByteWriter, durable: number): boolean {
    const entries = this.#entries;
    const start = output.length;
    let upTo = this.#answered;
    while (this.#from < this.#to && entries[this.#from + 1]! <= durable) {
      const sequence = entries[this.#from]!;
      if (entries[this.#from + 2] === 1) {
        this.#ack(output, upTo);
        writeNack(output, this.#channel, sequence, false);
        this.#refused++;
        this.#answered = sequence;
      }
      upTo = sequence;
      this.#from += 3;
    }
    this.#ack(output, upTo);
    if (this.#from === this.#to) this.#from = this.#to = 0;
    return output.length > start;
  }

  #ack(output: ByteWriter, upTo: number): void {
    if (upTo <= this.#answered) return;
    if (assertsAreOn) assertInvariant(upTo <= this.#published, "no publish is confirmed before it came");
    writeAck(output, this.#channel, upTo, upTo > this.#answered + 1);
    this.#answered = upTo;
  }
}
