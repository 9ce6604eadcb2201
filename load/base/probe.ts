/**
 * A client of each protocol that asks for something small again and again, while others misbehave: how long answers
 * take, and that they come.
 */
import type { Redis } from "ioredis";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestPorts } from "../../test/support/broker.ts";
import { AmqpClient } from "../clients/amqp.ts";
import { KafkaClient } from "../clients/kafka.ts";
import { openRedis } from "../clients/redis.ts";

const everyMs = 20;
const queue = "load.probe.queue";
const topic = "load.probe.topic";

export class Probe {
  readonly #redis: Redis;
  readonly #amqp: AmqpClient;
  readonly #kafka: KafkaClient;
  #isEnding = false;
  #running: Promise<unknown> = Promise.resolve();
  answers = 0;
  /** The longest, of each protocol. */
  readonly msMax = { redis: 0, amqp: 0, kafka: 0 };

  private constructor(redis: Redis, amqp: AmqpClient, kafka: KafkaClient) {
    this.#redis = redis;
    this.#amqp = amqp;
    this.#kafka = kafka;
  }

  static async start(ports: TestPorts): Promise<Probe> {
    const probe = new Probe(
      openRedis(ports.redis),
      await AmqpClient.open(ports.amqp),
      await KafkaClient.open(ports.kafka),
    );
    await probe.#amqp.declare(queue);
    await probe.#kafka.createTopic(topic);
    probe.#running = Promise.all([
      probe.#repeat("redis", () => probe.#redis.set("load:probe", "1")),
      probe.#repeat("amqp", () => probe.#amqp.declare(queue, { isPassive: true })),
      probe.#repeat("kafka", () => probe.#kafka.produce(topic, [Buffer.from("probe")])),
    ]);
    return probe;
  }

  async #repeat(protocol: keyof Probe["msMax"], ask: () => Promise<unknown>): Promise<void> {
    while (!this.#isEnding) {
      const askedMs = performance.now();
      await ask();
      this.msMax[protocol] = Math.max(this.msMax[protocol], performance.now() - askedMs);
      this.answers++;
      await sleep(everyMs);
    }
  }

  /** @throws when one of them was not answered */
  async stop(): Promise<void> {
    this.#isEnding = true;
    await this.#running;
    this.#redis.disconnect();
    this.#amqp.close();
    this.#kafka.close();
  }

  get worstMs(): number {
    return Math.max(this.msMax.redis, this.msMax.amqp, this.msMax.kafka);
  }
}
