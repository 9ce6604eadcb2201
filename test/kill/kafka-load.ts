/**
 * Kafka under kills: one idempotent producer whose unanswered batch is sent again after each restart, and a group's
 * commits. The log must hold each record exactly once and in order, whatever was killed when.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { RecordCursor } from "../../src/message/kafka/batch-records.ts";
import { KafkaBatch } from "../../src/message/kafka/batch.ts";
import { errorCodes } from "../../src/protocols/kafka/wire/error-codes.ts";
import { KafkaWireClient, makeBatch } from "../support/kafka-wire-client.ts";
import { asFastAsItGoes, type Load, type Pace } from "./load.ts";

const topic = "kill.topic";
const group = "kill.group";
const recordsPerBatch = 7;
const produceVersion = 9;
const retryMs = 50;

export class KafkaLoad implements Load {
  readonly name = "kafka";
  readonly #faults: string[] = [];
  /** Records answered with success, and where. */
  readonly #offsets = new Map<number, number>();
  #producer: { id: number; epoch: number } | null = null;
  #nextSequence = 0;
  #committedTold = -1;
  #committedTried = -1;
  #isStopping = false;
  readonly #pace: Pace;

  constructor(pace: Pace = asFastAsItGoes) {
    this.#pace = pace;
  }

  get told(): Record<string, number> {
    return { produced: this.#offsets.size, committed: this.#committedTold };
  }

  stop(): void {
    this.#isStopping = true;
  }

  async run({ kafka: port }: { kafka: number }): Promise<void> {
    this.#isStopping = false;
    const client = await KafkaWireClient.connect(port).catch(() => null);
    if (client === null) return;
    try {
      const topics = [{ name: topic }];
      await client.request("Metadata", 9, { topics, allowAutoTopicCreation: true });
      this.#producer ??= await this.#initProducer(client);
      while (!this.#isStopping) {
        await this.#pace(recordsPerBatch);
        await this.#produce(client);
        await this.#commit(client);
      }
    } catch (error) {
      if (!/closed|ECONN|EPIPE/.test(String(error))) this.#faults.push(`kafka: ${String(error)}`);
    }
    client.close();
  }

  async #initProducer(client: KafkaWireClient): Promise<{ id: number; epoch: number }> {
    const reply = await client.request("InitProducerId", 4, {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
    });
    if (reply.errorCode !== 0) throw new Error(`InitProducerId answered ${reply.errorCode}`);
    return { id: reply.producerId, epoch: reply.producerEpoch };
  }

  /** Sends the batch that starts at `#nextSequence`: a new one, or the one that a kill left unanswered. */
  async #produce(client: KafkaWireClient): Promise<void> {
    const first = this.#nextSequence;
    const values = Array.from({ length: recordsPerBatch }, (_, i) => `k:${first + i}`);
    const { id, epoch } = this.#producer!;
    const records = makeBatch({
      values,
      timestamp: 1_700_000_000_000 + first,
      producerId: id,
      producerEpoch: epoch,
      baseSequence: first,
    });
    const reply = await client.request("Produce", produceVersion, {
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
    });
    const { errorCode, baseOffset } = reply.responses[0]!.partitionResponses[0]!;
    if (errorCode === errorCodes.KAFKA_STORAGE_ERROR) {
      // The disk takes nothing now: a client sends the same batch again.
      await sleep(retryMs);
      return;
    }
    if (errorCode !== 0 && errorCode !== errorCodes.DUPLICATE_SEQUENCE_NUMBER) {
      this.#isStopping = true;
      this.#faults.push(`kafka: producing from sequence ${first} answered ${errorCode}`);
      return;
    }
    for (let i = 0; i < recordsPerBatch; i++) this.#offsets.set(first + i, baseOffset + i);
    this.#nextSequence = first + recordsPerBatch;
  }

  async #commit(client: KafkaWireClient): Promise<void> {
    this.#committedTried = this.#nextSequence;
    const partitions = [{ partitionIndex: 0, committedOffset: this.#committedTried }];
    const reply = await client.request("OffsetCommit", 7, {
      groupId: group,
      topics: [{ name: topic, partitions }],
    });
    const code = reply.topics[0]!.partitions[0]!.errorCode;
    if (code === 0) this.#committedTold = this.#committedTried;
    else if (code !== errorCodes.KAFKA_STORAGE_ERROR && code !== errorCodes.COORDINATOR_NOT_AVAILABLE)
      this.#faults.push(`kafka: OffsetCommit answered ${code}`);
  }

  async verify({ kafka: port }: { kafka: number }): Promise<string[]> {
    const client = await KafkaWireClient.connect(port);
    try {
      return await this.#verifyBy(client);
    } finally {
      client.close();
    }
  }

  async #verifyBy(client: KafkaWireClient): Promise<string[]> {
    const faults = [...this.#faults];
    const values = await readAll(client);
    for (const [sequence, offset] of this.#offsets) {
      if (values[offset] !== `k:${sequence}`) {
        faults.push(
          `kafka: record ${sequence} was answered at ${offset}, where there is ${values[offset] ?? "nothing"}`,
        );
      }
    }
    values.forEach((value, offset) => {
      if (value !== `k:${offset}`)
        faults.push(`kafka: offset ${offset} holds ${value}: lost, doubled or out of order`);
    });
    const reply = await client.request("OffsetFetch", 5, {
      groupId: group,
      topics: [{ name: topic, partitionIndexes: [0] }],
    });
    const committed = reply.topics[0]?.partitions[0]?.committedOffset ?? -1;
    if (committed < this.#committedTold || committed > this.#committedTried) {
      faults.push(`kafka: the group stands at ${committed}, ${this.#committedTold} was answered`);
    }
    return faults.slice(0, 20);
  }
}

async function readAll(client: KafkaWireClient): Promise<string[]> {
  const values: string[] = [];
  const batch = new KafkaBatch();
  const cursor = new RecordCursor();
  for (;;) {
    const reply = await client.request("Fetch", 11, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 10 << 20,
      topics: [
        { topic, partitions: [{ partition: 0, fetchOffset: values.length, partitionMaxBytes: 10 << 20 }] },
      ],
    });
    const records = reply.responses[0]?.partitions[0]?.records;
    if (!Buffer.isBuffer(records) || records.length === 0) return values;
    batch.reset(records);
    const before = values.length;
    while (batch.next()) {
      cursor.open(batch, 1 << 20);
      while (cursor.next()) {
        if (cursor.offset < values.length) continue;
        values[cursor.offset] = cursor.buffer.utf8Slice(cursor.valueStart, cursor.valueEnd);
      }
    }
    if (values.length === before) return values;
  }
}
