/** A Kafka group, a Redis group and an AMQP consumer on one log with a retry policy see the same schedule, over a kill. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConsumeMessage } from "amqplib";
import type { Redis } from "ioredis";
import { delayOf, retryDefaults } from "../../../src/broker/retry/retry-policy.ts";
import { AmqpTarget } from "../../support/amqp.ts";
import { startTestBroker } from "../../support/broker.ts";
import { openIoredis, until } from "../../support/redis-clients.ts";
import { api } from "../../support/users.ts";
import { KafkaClients } from "../kafka/kafka-support.ts";

const log = "log";
const policy = { ...retryDefaults, limit: 4, backoffMs: 100, factor: 20, maxMs: 1000 };
const noChance = { below: () => 0 } as unknown as Parameters<typeof delayOf>[2];
/** Before the second, third and fourth delivery. */
const schedule = [1, 2, 3].map((deliveries) => delayOf(policy, deliveries, noChance));

interface Delivery {
  /** How often it was delivered before, as the protocol says it. */
  readonly before: number;
  readonly at: number;
  /** When it was given up: between these. */
  asked: number;
  answered: number;
}

/** One protocol's group: it gives up whatever it gets, once `next` says so. */
interface GroupSide {
  readonly deliveries: readonly Delivery[];
  giveUp(): Promise<void>;
  connect(): Promise<void>;
  /** Before a kill: as a client does that would otherwise do something again, or wait long. */
  disconnect(): Promise<void>;
}

class RedisSide implements GroupSide {
  readonly deliveries: Delivery[] = [];
  readonly #redis: Redis;
  readonly #reader: Redis;
  #id = "";

  constructor(redis: Redis, reader: Redis) {
    this.#redis = redis;
    this.#reader = reader;
  }

  async connect(): Promise<void> {
    await this.#redis.xgroup("CREATE", log, "redis", "0").catch(() => {});
    void this.#read().catch(() => {});
  }

  async #read(): Promise<void> {
    const group = ["GROUP", "redis", "c"] as const;
    const read = (await this.#reader.xreadgroup(...group, "COUNT", 1, "BLOCK", 0, "STREAMS", log, ">")) as [
      string,
      [string, string[]][],
    ][];
    const at = Date.now();
    this.#id = read[0]![1][0]![0];
    const [row] = (await this.#redis.xpending(log, "redis", "-", "+", 1)) as [
      [string, string, number, number],
    ];
    this.deliveries.push({ before: row[3] - 1, at, asked: 0, answered: 0 });
  }

  async giveUp(): Promise<void> {
    const delivery = this.deliveries.at(-1)!;
    delivery.asked = Date.now();
    await this.#redis.call("TROIKA.NACK", log, "redis", this.#id);
    delivery.answered = Date.now();
    if (this.deliveries.length < policy.limit) void this.#read().catch(() => {});
  }

  disconnect(): Promise<void> {
    return Promise.resolve();
  }
}

class AmqpSide implements GroupSide {
  readonly deliveries: Delivery[] = [];
  readonly #target: AmqpTarget;
  readonly #redis: Redis;
  #reject: () => void = () => {};

  constructor(target: AmqpTarget, redis: Redis) {
    this.#target = target;
    this.#redis = redis;
  }

  async connect(): Promise<void> {
    const channel = await this.#target.channel();
    await channel.prefetch(1);
    const got = (message: ConsumeMessage | null): void => {
      if (message === null) return;
      const before = (message.properties.headers!["x-delivery-count"] as number | undefined) ?? 0;
      this.deliveries.push({ before, at: Date.now(), asked: 0, answered: 0 });
      this.#reject = () => channel.reject(message, false);
    };
    const args = { "x-group": "amqp", "x-stream-offset": "first" };
    await channel.consume(log, got, { arguments: args });
  }

  async giveUp(): Promise<void> {
    const delivery = this.deliveries.at(-1)!;
    delivery.asked = Date.now();
    this.#reject();
    await until(async () => {
      const rows = (await this.#redis.xpending(log, "amqp", "-", "+", 1)) as unknown[][];
      return rows.length === 0 || rows[0]![1] === "troika.retry" || this.deliveries.at(-1) !== delivery;
    }, "the rejection");
    delivery.answered = Date.now();
  }

  async disconnect(): Promise<void> {
    await this.#target.closeConnections();
  }
}

class KafkaSide implements GroupSide {
  readonly deliveries: Delivery[] = [];
  readonly #clients: KafkaClients;
  #giveUp: () => Promise<void> = () => Promise.resolve();

  constructor(clients: KafkaClients) {
    this.#clients = clients;
  }

  async connect(): Promise<void> {
    const producer = await this.#clients.jsProducer({ idempotent: true });
    const consumer = await this.#clients.jsConsumer({ groupId: "kafka" });
    await consumer.subscribe({ topics: [log, "kafka.retry"], fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ topic, message }) => {
        const before = Number(message.headers?.["x-troika-deliveries"] ?? 0);
        this.deliveries.push({ before, at: Date.now(), asked: 0, answered: 0 });
        await new Promise<void>((done) => {
          this.#giveUp = async () => {
            const headers = { "x-troika-topic": topic, ...message.headers };
            await producer.send({
              topic: "kafka.retry",
              messages: [{ key: message.key, value: message.value, headers }],
            });
            done();
          };
        });
      },
    });
  }

  async giveUp(): Promise<void> {
    const delivery = this.deliveries.at(-1)!;
    delivery.asked = Date.now();
    await this.#giveUp();
    delivery.answered = Date.now();
  }

  /** It commits what it has done. */
  async disconnect(): Promise<void> {
    await this.#clients.close();
  }
}

test("a Kafka group, a Redis group and an AMQP consumer see the same schedule", async (context) => {
  const broker = await startTestBroker();
  const clients = new KafkaClients(broker);
  const target = new AmqpTarget(broker.amqpUrl, broker);
  const [redis, reader] = [0, 1].map(() => {
    const client = openIoredis(broker.ports.redis, {
      maxRetriesPerRequest: null,
      autoResendUnfulfilledCommands: false,
    });
    client.on("error", () => {});
    return client;
  }) as [Redis, Redis];
  context.after(async () => {
    redis.disconnect();
    reader.disconnect();
    await clients.close();
    await target.stop();
  });
  await (await clients.jsAdmin()).createTopics({ topics: [{ topic: log }] });
  const definition = {
    "retry-limit": policy.limit,
    "retry-backoff-ms": policy.backoffMs,
    "retry-factor": policy.factor,
    "retry-max-ms": policy.maxMs,
  };
  const body = { pattern: "^log$", "apply-to": "streams", priority: 1, definition };
  assert.equal((await api(broker, "PUT", "policies/%2F/again", body)).status, 201);
  await (await clients.jsProducer()).send({ topic: log, messages: [{ key: "k", value: "job" }] });

  const sides: Record<string, GroupSide> = {
    redis: new RedisSide(redis, reader),
    amqp: new AmqpSide(target, redis),
    kafka: new KafkaSide(clients),
  };
  const all = Object.values(sides);
  await Promise.all(all.map((side) => side.connect()));
  for (let number = 1; number <= policy.limit; number++) {
    await until(() => all.every(({ deliveries }) => deliveries.length === number), `delivery ${number}`);
    const isKilled = number === 2;
    const act = async (side: GroupSide): Promise<void> => {
      await side.giveUp();
      // Long before it comes again.
      if (isKilled) await side.disconnect();
    };
    await Promise.all(all.map(act));
    if (!isKilled) continue;
    await broker.kill();
    await broker.restart();
    await Promise.all(all.map((side) => side.connect()));
  }
  for (const [name, { deliveries }] of Object.entries(sides)) {
    assert.deepEqual(
      deliveries.map(({ before }) => before),
      [0, 1, 2, 3],
      name,
    );
    for (const [i, wait] of schedule.entries()) {
      const waited = deliveries[i + 1]!.at - deliveries[i]!.asked;
      assert.ok(waited >= wait - 1, `${name}: delivery ${i + 2} after ${waited} ms of ${wait}`);
    }
  }
  // Each is dead once: two as the entry of Redis's groups, one as a Kafka record, in one stream.
  const dead = await until(async () => {
    const letters = await redis.xrange(`${log}.dead`, "-", "+");
    return letters.length >= 3 && letters;
  }, "three dead letters");
  const groups = dead.map(([, fields]) => {
    const at = fields.findIndex((field) => field === "troika.group" || field === "x-troika-group");
    return fields[at + 1];
  });
  assert.deepEqual(new Set(groups), new Set(["amqp", "kafka", "redis"]));
  assert.equal(groups.length, 3);
});
