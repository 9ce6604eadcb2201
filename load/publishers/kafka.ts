/** Batches with acks=all into a topic of its own, many requests in flight. */
import { Arrivals, body } from "../base/sequences.ts";
import { KafkaClient, walkRecords } from "../clients/kafka.ts";
import type { Publisher } from "./publisher.ts";

const valueBytes = 4000;
const recordsPerBatch = 50;
const requestsInFlight = 16;
const fetchBytes = 8 << 20;

export class KafkaPublisher implements Publisher {
  readonly protocol = "kafka";
  readonly acknowledged = new Arrivals();
  sentBytes = 0;
  readonly #id: number;
  readonly #topic: string;
  #client!: KafkaClient;
  #isStopping = false;
  #next = 0;

  constructor(id: number) {
    this.#id = id;
    this.#topic = `load.kafka.${id}`;
  }

  async open(ports: { kafka: number }): Promise<void> {
    this.#client = await KafkaClient.open(ports.kafka);
    await this.#client.createTopic(this.#topic);
  }

  async send(): Promise<void> {
    await Promise.all(Array.from({ length: requestsInFlight }, () => this.#sendOneByOne()));
    this.#client.close();
  }

  async #sendOneByOne(): Promise<void> {
    try {
      while (!this.#isStopping) {
        const first = this.#next;
        this.#next += recordsPerBatch;
        const values = Array.from({ length: recordsPerBatch }, (_, i) =>
          body(this.#id, first + i, valueBytes),
        );
        this.sentBytes += recordsPerBatch * valueBytes;
        const { errorCode } = await this.#client.produce(this.#topic, values);
        if (errorCode !== 0) throw new Error(`produce answered ${errorCode}`);
        for (let i = 0; i < recordsPerBatch; i++) this.acknowledged.add(first + i);
      }
    } catch (error) {
      if (!this.#client.isClosed) throw error;
    }
  }

  stop(): void {
    this.#isStopping = true;
  }

  async readAll(ports: { kafka: number }): Promise<Arrivals> {
    const came = new Arrivals();
    const client = await KafkaClient.open(ports.kafka);
    for (let offset = 0; offset >= 0;) {
      const records = await client.fetch(this.#topic, offset, { bytes: fetchBytes });
      offset = walkRecords(records, (_offset, value) => came.take(value));
    }
    client.close();
    return came;
  }
}
