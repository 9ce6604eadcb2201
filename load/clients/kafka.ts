/**
 * A Kafka client for loads: requests may be pipelined, answers of any size are gathered without copying them twice, and
 * reading can be stopped.
 *
 * Invariant: answers come in the order of the requests, which is what Kafka promises for a connection.
 */
import { connect, type Socket } from "node:net";
import { ByteWriter } from "../../src/base/bytes.ts";
import { KafkaBatchBuilder } from "../../src/message/kafka/batch-builder.ts";
import { RecordCursor } from "../../src/message/kafka/batch-records.ts";
import { KafkaBatch } from "../../src/message/kafka/batch.ts";
import {
  type ApiName,
  decodeResponse,
  encodeRequest,
  type RequestInput,
  type ResponseBody,
} from "../../src/protocols/kafka/wire/codec.ts";
import { errorCodes } from "../../src/protocols/kafka/wire/error-codes.ts";

const sizeBytes = 4;
const produceVersion = 9;
const fetchVersion = 11;
const timeoutMs = 60_000;
const recordBytesMax = 512 << 20;

interface Waiting {
  readonly resolve: (frame: Buffer) => void;
  readonly reject: (error: Error) => void;
}

export interface FetchLimits {
  readonly bytes: number;
  readonly partitions?: number;
  readonly maxWaitMs?: number;
}

export class KafkaClient {
  readonly socket: Socket;
  #head: Buffer = Buffer.alloc(0);
  #frame: Buffer | null = null;
  #filled = 0;
  #waiting: Waiting[] = [];
  #failure: Error | null = null;
  isClosed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => this.#data(bytes));
    socket.on("error", (error) => {
      this.isClosed = true;
      this.#fail(error);
    });
    socket.on("close", () => {
      this.isClosed = true;
      this.#fail(new Error("the connection was closed"));
    });
  }

  static async open(port: number): Promise<KafkaClient> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const client = new KafkaClient(socket);
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return client;
  }

  async request<N extends ApiName>(
    name: N,
    version: number,
    body: RequestInput<N>,
  ): Promise<ResponseBody<N>> {
    const answer = new Promise<Buffer>((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      this.#waiting.push({ resolve, reject });
      this.socket.write(requestBytes(name, version, body));
    });
    const bytes = await answer;
    return decodeResponse(bytes, 0, bytes.length, name, version).body;
  }

  /** Or leaves it as it is, when it is there. */
  async createTopic(name: string, partitions = 1): Promise<void> {
    const topics = [{ name, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }];
    const reply = await this.request("CreateTopics", 4, { topics, timeoutMs });
    const { errorCode } = reply.topics[0]!;
    if (errorCode !== 0 && errorCode !== errorCodes.TOPIC_ALREADY_EXISTS)
      throw new Error(`CreateTopics ${name} answered ${errorCode}`);
  }

  /** @returns where the first one is; error code and offset */
  async produce(
    topic: string,
    values: readonly Buffer[],
    partition = 0,
  ): Promise<{ errorCode: number; offset: number }> {
    const partitionData = [{ index: partition, records: batchOf(values) }];
    const topicData = [{ name: topic, partitionData }];
    const reply = await this.request("Produce", produceVersion, { acks: -1, timeoutMs, topicData });
    const { errorCode, baseOffset } = reply.responses[0]!.partitionResponses[0]!;
    return { errorCode, offset: baseOffset };
  }

  /** From one partition, without a fetch session. */
  async fetch(topic: string, offset: number, limits: FetchLimits): Promise<Buffer> {
    const reply = await this.request("Fetch", fetchVersion, fetchBody(topic, offset, limits));
    const { errorCode, records } = reply.responses[0]!.partitions[0]!;
    if (errorCode !== 0) throw new Error(`Fetch of ${topic} at ${offset} answered ${errorCode}`);
    return Buffer.isBuffer(records) ? records : Buffer.alloc(0);
  }

  close(): void {
    this.socket.destroy();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }

  #data(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#frame === null) {
        const taken = Math.min(sizeBytes - this.#head.length, chunk.length - at);
        this.#head = Buffer.concat([this.#head, chunk.subarray(at, at + taken)]);
        at += taken;
        if (this.#head.length < sizeBytes) return;
        this.#frame = Buffer.allocUnsafeSlow(this.#head.readUInt32BE(0));
        this.#filled = 0;
      }
      const frame = this.#frame;
      const copied = chunk.copy(frame, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled < frame.length) return;
      this.#frame = null;
      this.#head = Buffer.alloc(0);
      this.#waiting.shift()?.resolve(frame);
    }
  }
}

export function requestBytes<N extends ApiName>(name: N, version: number, body: RequestInput<N>): Buffer {
  const writer = new ByteWriter();
  encodeRequest(writer, name, { version, correlationId: 1, clientId: "load" }, body);
  return writer.copy();
}

export function fetchBody(topic: string, offset: number, limits: FetchLimits): RequestInput<"Fetch"> {
  const partitions = Array.from({ length: limits.partitions ?? 1 }, (_, partition) => ({
    partition,
    fetchOffset: offset,
    partitionMaxBytes: limits.bytes,
  }));
  return {
    maxWaitMs: limits.maxWaitMs ?? 0,
    minBytes: 0,
    maxBytes: limits.bytes * partitions.length,
    topics: [{ topic, partitions }],
  };
}

/** A fetch as bytes, for a client that only sends. */
export function fetchBytes(topic: string, offset: number, limits: FetchLimits): Buffer {
  return requestBytes("Fetch", fetchVersion, fetchBody(topic, offset, limits));
}

export function batchOf(values: readonly Buffer[]): Buffer {
  const writer = new ByteWriter();
  const builder = new KafkaBatchBuilder();
  builder.begin(writer, { baseOffset: 0, baseTimestamp: 1_700_000_000_000, partitionLeaderEpoch: -1 });
  values.forEach((value, i) => builder.value(value).record(i, 1_700_000_000_000));
  builder.finish();
  return writer.copy();
}

/** Calls with each whole record of the batches; the value is a view. @returns the next offset, or -1 */
export function walkRecords(records: Buffer, onRecord: (offset: number, value: Buffer) => void): number {
  const batch = new KafkaBatch();
  const cursor = new RecordCursor();
  let next = -1;
  batch.reset(records);
  while (batch.next()) {
    cursor.open(batch, recordBytesMax);
    while (cursor.next()) {
      onRecord(cursor.offset, cursor.buffer.subarray(cursor.valueStart, cursor.valueEnd));
      next = cursor.offset + 1;
    }
    cursor.close();
  }
  return next;
}
