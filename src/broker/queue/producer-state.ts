/**
 * The last batches of idempotent producers on one log, so that a repeated batch is recognised and a gap is refused.
 *
 * For each producer it keeps the epoch and the last five batches, as Kafka does (a client has at most five requests in flight). A
 * change is written with the tick that writes the batch, so that both survive or neither does. Invariant: a producer's batches are
 * in sequence order, the newest last, and all of its current epoch.
 */
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import type { Random } from "../../base/random.ts";
import type { DurableState, StateHandle, Storage } from "../../storage/index.ts";
import { definitionKey } from "../names.ts";
import type { Queue } from "./queue.ts";

export type SequenceVerdict = "append" | "duplicate" | "outOfOrder" | "oldEpoch";

const batchesKept = 5;
/** Kafka: producer.id.expiration.ms. */
const expirationMs = 86_400_000;
const producersMax = 100_000;
/** By one batch. As each batch adds one producer at most, that is enough to keep the bound. */
const forgottenAtOnceMax = 64;
const sequenceMax = 0x7fff_ffff;

interface SentBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
}

interface Producer {
  epoch: number;
  /** Wall time of its last batch, ms. */
  at: number;
  batches: SentBatch[];
}

export class ProducerState implements DurableState {
  handle: StateHandle | null = null;
  readonly #storage: Storage;
  /** The one that was silent longest comes first. */
  readonly #producers = new Map<number, Producer>();
  /** What `encodeChange` has to write: six numbers for each batch. */
  readonly #changes: number[] = [];
  /** The producer whose batch came last. */
  #newest = -1;
  /** After the verdict `duplicate`: where the batch was stored the first time. */
  duplicateOffset = -1;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** How many producers are remembered. */
  get size(): number {
    return this.#producers.size;
  }

  /**
   * What to do with a batch. An unknown producer may begin with any sequence, as in Kafka since 2.5: its records may have been
   * deleted, or it was silent for so long that it was forgotten.
   */
  check(producerId: number, epoch: number, firstSequence: number, lastSequence: number): SequenceVerdict {
    const producer = this.#producers.get(producerId);
    if (producer === undefined) return "append";
    if (epoch < producer.epoch) return "oldEpoch";
    if (epoch > producer.epoch) return firstSequence === 0 ? "append" : "outOfOrder";
    for (const batch of producer.batches) {
      if (batch.firstSequence === firstSequence && batch.lastSequence === lastSequence) {
        this.duplicateOffset = batch.baseOffset;
        return "duplicate";
      }
    }
    const last = producer.batches.at(-1)!.lastSequence;
    return firstSequence === nextSequence(last) ? "append" : "outOfOrder";
  }

  /** The batch was appended at `baseOffset`. */
  appended(
    producerId: number,
    epoch: number,
    firstSequence: number,
    lastSequence: number,
    baseOffset: number,
    at: number,
  ): void {
    this.#note(producerId, epoch, firstSequence, lastSequence, baseOffset, at);
    this.#forgetOld(at);
    if (this.handle === null) return;
    this.#changes.push(producerId, epoch, firstSequence, lastSequence, baseOffset, at);
    this.#storage.changed(this.handle);
  }

  #note(
    producerId: number,
    epoch: number,
    firstSequence: number,
    lastSequence: number,
    baseOffset: number,
    at: number,
  ): void {
    let producer = this.#producers.get(producerId);
    if (producer === undefined) producer = { epoch, at, batches: [] };
    else if (this.#newest !== producerId) this.#producers.delete(producerId);
    if (this.#newest !== producerId) this.#producers.set(producerId, producer);
    this.#newest = producerId;
    if (producer.epoch !== epoch) {
      producer.epoch = epoch;
      producer.batches = [];
    }
    producer.at = at;
    if (producer.batches.length === batchesKept) producer.batches.shift();
    producer.batches.push({ firstSequence, lastSequence, baseOffset });
  }

  #forgetOld(now: number): void {
    let left = forgottenAtOnceMax;
    for (const [id, { at }] of this.#producers) {
      const isOld = at < now - expirationMs;
      if (left-- === 0 || (!isOld && this.#producers.size <= producersMax)) return;
      this.#producers.delete(id);
    }
  }

  /** `full = u32 producers, { u64 id, u16 epoch, u64 at, u8 batches, { u32 first, u32 last, u64 base offset } }` */
  encodeFull(writer: ByteWriter): void {
    this.#changes.length = 0;
    writer.uint32(this.#producers.size);
    for (const [id, { epoch, at, batches }] of this.#producers) {
      writer.int64(id).uint16(epoch).int64(at).uint8(batches.length);
      for (const { firstSequence, lastSequence, baseOffset } of batches) {
        writer.uint32(firstSequence).uint32(lastSequence).int64(baseOffset);
      }
    }
  }

  restoreFull(reader: ByteReader): void {
    this.#producers.clear();
    this.#newest = -1;
    for (let left = reader.uint32(); left > 0; left--) {
      const id = reader.int64();
      const producer: Producer = { epoch: reader.uint16(), at: reader.int64(), batches: [] };
      for (let count = reader.uint8(); count > 0; count--) {
        producer.batches.push({
          firstSequence: reader.uint32(),
          lastSequence: reader.uint32(),
          baseOffset: reader.int64(),
        });
      }
      this.#producers.set(id, producer);
    }
  }

  /** `change = { u64 id, u16 epoch, u32 first, u32 last, u64 base offset, u64 at }` until the end of the frame. */
  encodeChange(writer: ByteWriter): void {
    const changes = this.#changes;
    for (let i = 0; i < changes.length; i += 6) {
      writer
        .int64(changes[i]!)
        .uint16(changes[i + 1]!)
        .uint32(changes[i + 2]!)
        .uint32(changes[i + 3]!);
      writer.int64(changes[i + 4]!).int64(changes[i + 5]!);
    }
    changes.length = 0;
  }

  applyChange(reader: ByteReader): void {
    while (reader.remaining > 0) {
      const id = reader.int64();
      const epoch = reader.uint16();
      const first = reader.uint32();
      const last = reader.uint32();
      const baseOffset = reader.int64();
      this.#note(id, epoch, first, last, baseOffset, reader.int64());
    }
  }
}

/** Sequences wrap around: after the largest int32 comes 0. */
function nextSequence(sequence: number): number {
  return sequence === sequenceMax ? 0 : sequence + 1;
}

/** The producers of a queue's log. Made for the first producer; for a durable log, a definition is stored. */
export function producersOf(queue: Queue): ProducerState {
  if (queue.producers !== null) return queue.producers;
  const { storage } = queue.vhost.broker;
  const state = new ProducerState(storage);
  queue.producers = state;
  if (queue.log.isDurable) {
    state.handle = storage.createState(state);
    const key = definitionKey("producers", queue.vhost.name, queue.name);
    storage.definitions.put(key, JSON.stringify({ state: state.handle.id }));
  }
  return state;
}

/** The queue is being deleted. */
export function deleteProducersOf(queue: Queue): void {
  const handle = queue.producers?.handle ?? null;
  queue.producers = null;
  if (handle === null) return;
  const { storage } = queue.vhost.broker;
  storage.deleteState(handle);
  storage.definitions.delete(definitionKey("producers", queue.vhost.name, queue.name));
}

const nextIdKey = "kafka/next-producer-id";
const idsReservedAtOnce = 1000;

/** Assigns producer ids, each once in the life of the data directory. */
export class ProducerIds {
  readonly #storage: Storage;
  #next = 0;
  #reserved = 0;

  constructor(storage: Storage, random: Random) {
    this.#storage = storage;
    const known = storage.definitions.get(nextIdKey);
    // A broker without a disk begins at a random id, so that producers of its last life are not taken for new ones.
    this.#next = known === undefined ? random.below(0x7fff_ffff) * 1000 : Number(known.toString());
    this.#reserved = this.#next;
  }

  take(): number {
    if (this.#next === this.#reserved) {
      this.#reserved += idsReservedAtOnce;
      this.#storage.definitions.put(nextIdKey, String(this.#reserved));
    }
    return this.#next++;
  }
}
