/**
 * A producer as the Java client is by default: batches of 16 KiB, one of each partition in a request, five requests
 * in flight on one connection; idempotence off. Batches go round over the partitions.
 *
 * Each of the five has a buffer of its own, which is filled again when its answer has come: that the server has read
 * it all. Not here: reading back (fetcher.ts).
 * Invariant: every record sent is acknowledged without error before `run` is done; an error throws.
 */
import { Histogram } from "../../base/histogram.ts";
import { type BatchContent, BatchTemplate, recordsFitting } from "./batch.ts";
import type { KafkaConnection } from "./connection.ts";
import { FullSpeed, type Schedule } from "../base/schedule.ts";
import { apis, RequestWriter, type ResponseReader } from "./wire.ts";

const batchBytesDefault = 16 << 10;
const requestBytesWanted = 256 << 10;
const requestsInFlightMax = 5;
const timeoutMs = 30_000;
const headRoomBytes = 512;
const partitionHeadBytes = 8;
const tickMs = 1;
const touchSecondsMax = 60;

export type Acks = "1" | "all";

export interface ProducerOptions {
  readonly topic: string;
  readonly partitions: number;
  readonly acks: Acks;
  readonly valueBytes: number;
  /** Default: what 16 KiB take. */
  readonly recordsPerBatch?: number;
}

/** One of the requests that may be in flight. */
interface Slot {
  readonly writer: RequestWriter;
  firstRecord: number;
  records: number;
  sentMs: number;
  onResponse: (reader: ResponseReader) => void;
}

export class Producer {
  readonly #connection: KafkaConnection;
  readonly #options: ProducerOptions;
  readonly #template: BatchTemplate;
  readonly #batchesPerRequest: number;
  readonly #free: Slot[] = [];
  readonly #content: BatchContent = {
    count: 0,
    partition: 0,
    firstSequence: 0,
    firstSentMs: 0,
    stepMs: 0,
  };
  #schedule: Schedule | undefined;
  /** Sent before this run, which its schedule does not count. */
  #sentBefore = 0;
  #nextPartition = 0;
  #done: (() => void) | undefined;
  /** Records given to each partition: the next sequence there. */
  readonly sequences: Uint32Array;
  /** From when a record was due to its acknowledgement; at full speed one of each request, from when it was sent. */
  latency = new Histogram();
  sent = 0;
  acknowledged = 0;
  startedMs = 0;
  lastAnswerMs = 0;
  isFinished = false;

  constructor(connection: KafkaConnection, options: ProducerOptions) {
    this.#connection = connection;
    this.#options = options;
    const { valueBytes, partitions } = options;
    const recordsMax = options.recordsPerBatch ?? recordsFitting(valueBytes, batchBytesDefault);
    this.#template = new BatchTemplate({ valueBytes, recordsMax });
    const batchBytes = this.#template.bytesOf(recordsMax) + partitionHeadBytes;
    this.#batchesPerRequest = Math.max(1, Math.min(partitions, Math.floor(requestBytesWanted / batchBytes)));
    this.sequences = new Uint32Array(partitions);
    const requestBytesMax = headRoomBytes + this.#batchesPerRequest * batchBytes;
    for (let i = 0; i < requestsInFlightMax; i++) this.#free.push(this.#newSlot(requestBytesMax));
  }

  #newSlot(bytesMax: number): Slot {
    const slot: Slot = {
      writer: new RequestWriter(bytesMax),
      firstRecord: 0,
      records: 0,
      sentMs: 0,
      onResponse: (reader) => this.#answered(slot, reader),
    };
    return slot;
  }

  /**
   * A batch for each partition, before what is measured: at a partition's first record Kafka makes and flushes files,
   * which with a hundred partitions takes longer than a run. @returns how many records that were
   */
  async touchPartitions(): Promise<number> {
    const recordsMax = this.sequences.length * this.#template.recordsMax;
    await this.run(new FullSpeed({ secondsMax: touchSecondsMax, recordsMax }));
    return this.sent;
  }

  /** Sends what the schedule allows, to its end and the last acknowledgement; again and again, if wanted. */
  async run(schedule: Schedule): Promise<void> {
    this.#schedule = schedule;
    this.#sentBefore = this.sent;
    this.isFinished = false;
    this.latency = new Histogram();
    this.startedMs = performance.now();
    schedule.start(this.startedMs);
    const done = new Promise<void>((resolve) => (this.#done = resolve));
    const tick = setInterval(() => this.#pump(), tickMs);
    this.#pump();
    await done;
    clearInterval(tick);
  }

  #pump(): void {
    if (this.isFinished) return;
    const schedule = this.#schedule!;
    const nowMs = performance.now();
    const allowed = this.#sentBefore + schedule.allowed(nowMs);
    while (this.#free.length > 0 && this.sent < allowed)
      this.#send(this.#free.pop()!, allowed - this.sent, nowMs);
    if (schedule.isOver(this.sent - this.#sentBefore, nowMs) && this.acknowledged === this.sent) {
      this.isFinished = true;
      this.#done?.();
    }
  }

  #send(slot: Slot, recordsDue: number, nowMs: number): void {
    const { recordsMax } = this.#template;
    const batches = Math.min(this.#batchesPerRequest, Math.ceil(recordsDue / recordsMax));
    slot.firstRecord = this.sent;
    slot.sentMs = nowMs;
    const { writer } = slot;
    writer.begin(apis.produce).nothing();
    writer.int16(this.#options.acks === "all" ? -1 : 1).int32(timeoutMs);
    writer.int32(1).string(this.#options.topic).int32(batches);
    let left = recordsDue;
    for (let i = 0; i < batches; i++) {
      const count = Math.min(left, recordsMax);
      this.#writeBatch(writer, count, nowMs);
      left -= count;
    }
    slot.records = this.sent - slot.firstRecord;
    this.#connection.send(writer.end(), slot.onResponse);
  }

  #writeBatch(writer: RequestWriter, count: number, nowMs: number): void {
    const partition = this.#nextPartition;
    this.#nextPartition = (partition + 1) % this.sequences.length;
    const content = this.#content;
    content.count = count;
    content.partition = partition;
    content.firstSequence = this.sequences[partition]!;
    content.firstSentMs = this.#schedule!.sentMs(this.sent - this.#sentBefore, nowMs);
    content.stepMs = this.#schedule!.stepMs;
    writer.int32(partition).int32(this.#template.bytesOf(count));
    writer.at = this.#template.write(writer.bytes, writer.view, writer.at, content);
    this.sequences[partition]! += count;
    this.sent += count;
  }

  #answered(slot: Slot, reader: ResponseReader): void {
    readErrors(reader);
    const nowMs = performance.now();
    this.lastAnswerMs = nowMs;
    this.acknowledged += slot.records;
    this.#recordLatency(slot, nowMs);
    this.#free.push(slot);
    this.#pump();
  }

  #recordLatency(slot: Slot, nowMs: number): void {
    const { stepMs } = this.#schedule!;
    if (stepMs === 0) return this.latency.record((nowMs - slot.sentMs) * 1000);
    let sinceMs = nowMs - this.#schedule!.sentMs(slot.firstRecord - this.#sentBefore, nowMs);
    for (let left = slot.records; left > 0; left--, sinceMs -= stepMs) this.latency.record(sinceMs * 1000);
  }
}

function readErrors(reader: ResponseReader): void {
  for (let topics = reader.int32(); topics > 0; topics--) {
    reader.string();
    for (let partitions = reader.int32(); partitions > 0; partitions--) {
      const partition = reader.int32();
      const errorCode = reader.int16();
      // The base offset, and the times and offsets of the log.
      reader.skip(8 + 8 + 8);
      for (let errors = reader.int32(); errors > 0; errors--) {
        reader.skip(4);
        reader.string();
      }
      const message = reader.string();
      if (errorCode !== 0)
        throw new Error(`produce to partition ${partition}: error ${errorCode} ${message}`);
    }
  }
  reader.skip(4);
}
