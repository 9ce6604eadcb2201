/**
 * Closes channels whose client holds a delivery for too long without acknowledging it (RabbitMQ's consumer timeout): 406, and what the channel
 * held goes back to its queues.
 *
 * A delivery costs nothing: now and then it is noted how far the delivery tags of a channel have come, so a tag is known to be at least as old
 * as the first note that is not below it. As in RabbitMQ the oldest delivery of a channel counts, and a delivery may be held for one look longer
 * than its time. Not here: what a queue's policy says. Invariant: a delivery is never held for older than it is.
 */
import { assertInvariant, assertsAreOn } from "../../../base/assert.ts";
import type { Timer } from "../../../base/clock.ts";
import { limits } from "../../../base/limits.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { Broker } from "../../../broker/broker.ts";
import { AmqpError } from "../core/errors.ts";
import type { Channel } from "./channel.ts";

/** Beyond that, every other note is dropped: the deliveries between are held to be younger. */
const notesMax = 512;

/** When the delivery tags of a channel had come how far. */
class Notes {
  #tags: number[] = [];
  #times: number[] = [];

  note(tag: number, at: number): void {
    if (this.#tags.at(-1) === tag) return;
    this.#tags.push(tag);
    this.#times.push(at);
    if (this.#tags.length <= notesMax) return;
    // The newest is kept, since each tag needs a note that is not below it.
    const isKept = (_: number, i: number): boolean => i % 2 === 0;
    this.#tags = this.#tags.filter(isKept);
    this.#times = this.#times.filter(isKept);
  }

  /** A time at which the tag had been given; older notes are dropped. */
  timeOf(tag: number): number {
    const from = this.#tags.findIndex((noted) => noted >= tag);
    if (assertsAreOn) assertInvariant(from >= 0, "the newest tag is noted");
    this.#tags.splice(0, from);
    this.#times.splice(0, from);
    return this.#times[0]!;
  }
}

export class AckTimeouts {
  readonly #broker: Broker;
  readonly #channels = new Map<Channel, Notes>();
  #timer: Timer | null = null;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  add(channel: Channel): void {
    this.#channels.set(channel, new Notes());
    this.#lookLater();
  }

  remove(channel: Channel): void {
    this.#channels.delete(channel);
  }

  #lookLater(): void {
    if (this.#timer !== null || this.#channels.size === 0) return;
    const { timers, work } = this.#broker;
    this.#timer = timers.after(limits.ackTimeoutLookMs, () => {
      work.run(this.#looking(), () => {
        this.#timer = null;
        this.#lookLater();
      });
    });
  }

  *#looking(): Job<void> {
    for (const [channel, notes] of this.#channels) {
      if (channel.unacked.size > 0) this.#look(channel, notes);
      yield 1;
    }
  }

  #look(channel: Channel, notes: Notes): void {
    const { unacked, session } = channel;
    // What is being settled is not held any more.
    if (channel.isClosing || session.isAtWork) return;
    const now = this.#broker.clock.monotonic();
    notes.note(unacked.lastTag, now);
    const oldest = unacked.firstTag;
    const { policy, name } = unacked.sourceOf(oldest)!.queue;
    const timeout = policy.consumerTimeout ?? limits.consumerTimeoutMs;
    if (now - notes.timeOf(oldest) < timeout) return;
    this.#broker.logger.warn("a consumer has not acknowledged a delivery in time: its channel is closed", {
      queue: name,
      vhost: channel.vhost.name,
      timeoutMs: timeout,
    });
    channel.methodNumber = 0;
    session.failLater(
      channel,
      new AmqpError(
        "PRECONDITION_FAILED",
        `delivery acknowledgement on channel ${channel.number} timed out. Timeout value used: ${timeout} ms. ` +
          "This timeout value can be configured, see consumers doc guide to learn more",
      ),
    );
    this.#broker.ticker.request();
  }
}
