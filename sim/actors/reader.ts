/** Kafka: fetches a topic from its start, again and again, and commits how far it came. */
import { recordsOf } from "../clients/kafka-batch.ts";
import { KafkaClient } from "../clients/kafka-client.ts";
import { Fault, type HistoryModel } from "../model.ts";
import type { Actor, World } from "../world.ts";

const fetchVersion = 11;

export class ReaderActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #topic: HistoryModel;
  #client: KafkaClient | null = null;
  #next = 0;
  #isWaiting = false;

  constructor(world: World, name: string, topic: HistoryModel) {
    this.#world = world;
    this.name = name;
    this.#topic = topic;
  }

  get isIdle(): boolean {
    return !this.#isWaiting;
  }

  act(): void {
    const client = this.#client;
    if (client === null || client.isLost) return this.#connect();
    if (!this.#isWaiting && !this.#world.isDraining) this.#fetch(client);
  }

  #connect(): void {
    const link = this.#world.connect("kafka");
    if (link === null) return;
    this.#client = new KafkaClient(link);
    this.#isWaiting = false;
    if (this.#world.random.chance(0.5)) this.#next = 0;
  }

  #fetch(client: KafkaClient): void {
    const { random } = this.#world;
    const from = this.#next;
    const partitionMaxBytes = random.between(200, 20_000);
    const asked = this.#world.promises.number();
    this.#isWaiting = true;
    client.request(
      "Fetch",
      fetchVersion,
      {
        maxWaitMs: random.between(0, 30),
        minBytes: random.below(2),
        maxBytes: partitionMaxBytes * 2,
        topics: [
          { topic: this.#topic.name, partitions: [{ partition: 0, fetchOffset: from, partitionMaxBytes }] },
        ],
      },
      (body) => {
        this.#isWaiting = false;
        const partition = body?.responses[0]?.partitions[0];
        if (partition === undefined) return;
        // After a power failure the log may be shorter than what was read of it.
        if (partition.errorCode !== 0) this.#next = 0;
        else if (Buffer.isBuffer(partition.records)) this.#take(partition.records, from, asked);
      },
    );
  }

  #take(bytes: Buffer, from: number, asked: number): void {
    let before = -1;
    for (const [offset, body] of recordsOf(bytes)) {
      if (offset <= before) throw new Fault(`${this.name}: offset ${offset} came after ${before}`);
      before = offset;
      if (offset < from) continue;
      this.#topic.observe(offset, body, this.name, asked);
      this.#world.count("records fetched");
      this.#next = offset + 1;
    }
  }
}
