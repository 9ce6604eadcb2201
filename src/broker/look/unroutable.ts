/**
 * Samples of messages that no queue took: the last ones of each exchange, with who published them, for whoever asks why a message did not come.
 *
 * In memory, so they are gone after a restart. A flood costs little: of an exchange `unroutableSamplesPerSecondOfExchange` are copied in a second, of all `unroutableSamplesPerSecond`; the others
 * are counted alone (`exchange.unroutable`, which is exact). Nothing here is touched for a message that a queue takes.
 * Not here: when a message is unroutable (exchange/publication.ts), who may see it (admin/troika/unroutable.ts).
 * Invariants: an exchange has `unroutableKeptOfExchange` samples, a virtual host `unroutableKeptOfVhost`, the broker `unroutableKept` of
 * `unroutableBytesMax` bytes; where one is too many, the oldest goes.
 */
import type { Clock } from "../../base/clock.ts";
import type { Address } from "../../base/connection.ts";
import { limits } from "../../base/limits.ts";
import type { AmqpRecordParts } from "../../message/amqp/record.ts";

/** Who published it. */
export interface Publisher {
  /** As the lists of connections call it; or `http`. */
  readonly protocol: string;
  readonly user: string;
  /** As the client calls itself; "" if it does not. */
  readonly clientName: string;
  readonly remote: Address;
  readonly local: Address;
}

/**
 * Who published it: a client, or the broker, which moved a dead letter or a message whose delay was over, or copied one for a replay. `dead_letter_cycle`: the queues that
 * would get it are those that it has come through (queue/dead-letter.ts).
 */
export type UnroutableCause = "published" | "dead_letter" | "dead_letter_cycle" | "delayed" | "replayed";

export interface UnroutableSample {
  readonly exchange: string;
  readonly routingKey: string;
  /** Wall time, ms. */
  readonly time: number;
  /** As AMQP has them; null: they are too long to be kept. */
  readonly properties: Buffer | null;
  /** Its first bytes. */
  readonly body: Buffer;
  readonly bodyBytes: number;
  readonly cause: UnroutableCause;
  /** Of a client's message; else null. */
  readonly publisher: Publisher | null;
  /** Its publisher got it back (mandatory). */
  readonly isReturned: boolean;
}

/** What only whoever published it knows. */
type Origin = Pick<UnroutableSample, "cause" | "publisher" | "isReturned">;

/** What a sample takes beside its bytes. */
const sampleBytes = 600;

function bytesOf({ properties, body }: UnroutableSample): number {
  return sampleBytes + (properties?.length ?? 0) + body.length;
}

/** So many in a second. */
class SampleRate {
  readonly #most: number;
  #began = -Infinity;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** `now` is monotonic, ms. True: one is taken. */
  mayTake(now: number): boolean {
    if (now - this.#began >= 1000) {
      this.#began = now;
      this.#taken = 0;
    }
    if (this.#taken >= this.#most) return false;
    this.#taken++;
    return true;
  }
}

interface Kept {
  readonly sample: UnroutableSample;
  readonly of: UnroutableMessages;
}

/** The bounds of all virtual hosts together. */
export class UnroutableRoom {
  readonly clock: Clock;
  /** The oldest first. */
  readonly #all = new Set<Kept>();
  #bytes = 0;
  readonly #rate = new SampleRate(limits.unroutableSamplesPerSecond);

  constructor(clock: Clock) {
    this.clock = clock;
  }

  mayTake(now: number): boolean {
    return this.#rate.mayTake(now);
  }

  add(kept: Kept): void {
    this.#all.add(kept);
    this.#bytes += bytesOf(kept.sample);
    for (const oldest of this.#all) {
      if (this.#all.size <= limits.unroutableKept && this.#bytes <= limits.unroutableBytesMax) break;
      oldest.of.drop(oldest);
    }
  }

  removed(kept: Kept): void {
    if (this.#all.delete(kept)) this.#bytes -= bytesOf(kept.sample);
  }
}

interface OfExchange {
  /** The oldest first. */
  readonly kept: Kept[];
  readonly rate: SampleRate;
}

interface Message {
  asAmqp(): AmqpRecordParts;
  readonly publisher?: (() => Publisher) | null;
}

/** Of one virtual host. */
export class UnroutableMessages {
  readonly #room: UnroutableRoom;
  readonly #byExchange = new Map<string, OfExchange>();
  /** The oldest first. */
  readonly #all = new Set<Kept>();

  constructor(room: UnroutableRoom) {
    this.#room = room;
  }

  /** The newest first. */
  samples(): UnroutableSample[] {
    return [...this.#all].map(({ sample }) => sample).toReversed();
  }

  /** No queue took a client's message. */
  published(exchange: string, message: Message, isReturned = false): void {
    if (!this.#mayTake(exchange)) return;
    const publisher = message.publisher?.() ?? null;
    this.#keep(exchange, message, { cause: "published", publisher, isReturned });
  }

  /** No queue took a message that the broker itself has moved. */
  moved(exchange: string, message: Message, cause: Exclude<UnroutableCause, "published">): void {
    if (this.#mayTake(exchange)) this.#keep(exchange, message, { cause, publisher: null, isReturned: false });
  }

  #mayTake(exchange: string): boolean {
    const now = this.#room.clock.monotonic();
    const of = this.#byExchange.get(exchange);
    return (of === undefined || of.rate.mayTake(now)) && this.#room.mayTake(now);
  }

  #keep(exchange: string, message: Message, origin: Origin): void {
    let of = this.#byExchange.get(exchange);
    if (of === undefined) {
      const rate = new SampleRate(limits.unroutableSamplesPerSecondOfExchange);
      rate.mayTake(this.#room.clock.monotonic());
      this.#byExchange.set(exchange, (of = { kept: [], rate }));
    }
    const sample = sampleOf(exchange, message.asAmqp(), this.#room.clock.now(), origin);
    const kept: Kept = { sample, of: this };
    of.kept.push(kept);
    this.#all.add(kept);
    this.#room.add(kept);
    if (of.kept.length > limits.unroutableKeptOfExchange) this.drop(of.kept[0]!);
    if (this.#all.size > limits.unroutableKeptOfVhost) this.drop(this.#all.values().next().value!);
  }

  /** For the room of all alone. */
  drop(kept: Kept): void {
    const { exchange } = kept.sample;
    this.#all.delete(kept);
    const of = this.#byExchange.get(exchange)!;
    of.kept.splice(of.kept.indexOf(kept), 1);
    if (of.kept.length === 0) this.#byExchange.delete(exchange);
    this.#room.removed(kept);
  }

  /** The exchange is gone: nobody may see them who makes one of the same name. */
  forget(exchange: string): void {
    for (const kept of (this.#byExchange.get(exchange)?.kept ?? []).toReversed()) this.drop(kept);
  }
}

function sampleOf(exchange: string, parts: AmqpRecordParts, time: number, origin: Origin): UnroutableSample {
  const { buffer, routingKeyStart, routingKeyEnd, propertiesStart, headerEnd, bodyStart, bodyEnd } = parts;
  const keptEnd = Math.min(bodyEnd, bodyStart + limits.unroutableBodyBytesMax);
  const isLong = headerEnd - propertiesStart > limits.unroutablePropertiesBytesMax;
  return {
    exchange,
    routingKey: buffer.latin1Slice(routingKeyStart, routingKeyEnd),
    time,
    properties: isLong ? null : copied(buffer, propertiesStart, headerEnd),
    body: copied(buffer, bodyStart, keptEnd),
    bodyBytes: bodyEnd - bodyStart,
    ...origin,
  };
}

/** Not in a pool, of which it would keep all. */
function copied(buffer: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  buffer.copy(copy, 0, start, end);
  return copy;
}
