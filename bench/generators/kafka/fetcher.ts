/**
 * A consumer as the Java client is by default: one fetch in flight for all partitions, at least 1 byte, at most
 * 500 ms of waiting, 50 MB for an answer and 1 MB for a partition, within a fetch session where the server has them.
 *
 * The next fetch leaves before the records of the last answer are walked, so that the server never waits for the
 * reader. Not here: groups and commits; what the records say (record-check.ts).
 */
import { offsetAfter, type RecordVisitor, walkBatches } from "./batch-walk.ts";
import type { KafkaConnection } from "./connection.ts";
import { apis, RequestWriter, type ResponseReader } from "./wire.ts";

const waitMsMax = 500;
const bytesMin = 1;
const bytesMax = 50 << 20;
const partitionBytesMax = 1 << 20;
const headRoomBytes = 512;
const partitionBytes = 4 + 4 + 8 + 8 + 4;

/** Also told when the records that it is about to see arrived. */
export interface FetchVisitor extends RecordVisitor {
  arrived(nowMs: number): void;
}

export interface FetcherOptions {
  readonly topic: string;
  readonly partitions: number;
  readonly visitor: FetchVisitor;
}

export class Fetcher {
  readonly #connection: KafkaConnection;
  readonly #options: FetcherOptions;
  readonly #writer: RequestWriter;
  readonly #onResponse = (reader: ResponseReader) => this.#answered(reader);
  /** Where each partition is read from next. */
  readonly #offsets: Float64Array;
  /** Partitions of which the session has to be told that they are read from elsewhere now. */
  #moved: number[] = [];
  #sessionId = 0;
  #sessionEpoch = 0;
  /**
   * Records of the answer in hand: partition, begin and end; and the offset that was asked for. Typed arrays, since
   * a place that is a float by its origin makes the whole walk from there one of floats.
   */
  readonly #regions: Int32Array;
  readonly #regionOffsets: Float64Array;
  #regionCount = 0;
  #total: () => number = () => 0;
  #done: (() => void) | undefined;
  /** Records that were in the answers so far. */
  read = 0;
  startedMs = 0;
  lastRecordMs = 0;

  constructor(connection: KafkaConnection, options: FetcherOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#writer = new RequestWriter(headRoomBytes + options.partitions * partitionBytes);
    this.#offsets = new Float64Array(options.partitions);
    this.#regions = new Int32Array(3 * options.partitions);
    this.#regionOffsets = new Float64Array(options.partitions);
  }

  /**
   * Reads on until there were so many records in all.
   * @param total is asked after each answer; Infinity while it is not known
   */
  async run(total: () => number): Promise<void> {
    this.#total = total;
    this.startedMs = performance.now();
    const done = new Promise<void>((resolve) => (this.#done = resolve));
    this.#fetch();
    await done;
  }

  /** From the start again, by `run`. */
  rewind(): void {
    this.#offsets.fill(0);
    this.#sessionEpoch = 0;
    this.read = 0;
  }

  #fetch(): void {
    const isWhole = this.#sessionEpoch === 0;
    const { topic, partitions } = this.#options;
    const count = isWhole ? partitions : this.#moved.length;
    const writer = this.#writer.begin(apis.fetch);
    writer.int32(-1).int32(waitMsMax).int32(bytesMin).int32(bytesMax).int8(0);
    writer.int32(this.#sessionId).int32(this.#sessionEpoch);
    writer.int32(count > 0 ? 1 : 0);
    if (count > 0) writer.string(topic).int32(count);
    for (let i = 0; i < count; i++) {
      const partition = isWhole ? i : this.#moved[i]!;
      writer.int32(partition).int32(-1).int64(this.#offsets[partition]!).int64(-1).int32(partitionBytesMax);
    }
    // Nothing is forgotten; no rack.
    writer.int32(0).string("");
    this.#moved.length = 0;
    this.#connection.send(writer.end(), this.#onResponse);
  }

  #answered(reader: ResponseReader): void {
    const nowMs = performance.now();
    this.#readRegions(reader);
    const isLast = this.read >= this.#total();
    if (!isLast) this.#fetch();
    if (this.#regionCount > 0) this.lastRecordMs = nowMs;
    this.#walk(reader.view, nowMs);
    if (isLast) this.#done?.();
  }

  #walk(view: DataView, nowMs: number): void {
    const { visitor } = this.#options;
    const regions = this.#regions;
    visitor.arrived(nowMs);
    for (let i = 0; i < this.#regionCount; i++) {
      const from = { partition: regions[3 * i]!, offset: this.#regionOffsets[i]! };
      walkBatches(view, regions[3 * i + 1]!, regions[3 * i + 2]!, from, visitor);
    }
  }

  /** Notes where records are and moves the offsets behind them, by the batches' headers alone. */
  #readRegions(reader: ResponseReader): void {
    this.#regionCount = 0;
    reader.skip(4);
    const errorCode = reader.int16();
    if (errorCode !== 0) throw new Error(`fetch of ${this.#options.topic}: error ${errorCode}`);
    this.#sessionId = reader.int32();
    this.#sessionEpoch = this.#sessionId === 0 ? 0 : this.#sessionEpoch + 1;
    for (let topics = reader.int32(); topics > 0; topics--) {
      reader.string();
      for (let partitions = reader.int32(); partitions > 0; partitions--) this.#readPartition(reader);
    }
  }

  #readPartition(reader: ResponseReader): void {
    const partition = reader.int32();
    const errorCode = reader.int16();
    if (errorCode !== 0) throw new Error(`fetch of partition ${partition}: error ${errorCode}`);
    // High watermark, last stable offset and start of the log.
    reader.skip(8 + 8 + 8);
    reader.skip(16 * Math.max(reader.int32(), 0));
    reader.skip(4);
    const bytes = Math.max(reader.int32(), 0);
    const at = reader.at;
    reader.skip(bytes);
    const offset = this.#offsets[partition]!;
    const next = offsetAfter(reader.view, at, at + bytes, offset);
    if (next <= offset) return;
    const index = this.#regionCount++;
    this.#regions[3 * index] = partition;
    this.#regions[3 * index + 1] = at;
    this.#regions[3 * index + 2] = at + bytes;
    this.#regionOffsets[index] = offset;
    this.#offsets[partition] = next;
    this.#moved.push(partition);
    this.read += next - offset;
  }
}
