/** What the tests with Kafka clients share: both client libraries against one broker, and bounded waits. */
import net from "node:net";
import { after, before } from "node:test";
import * as platformatic from "@platformatic/kafka";
import { Redis } from "ioredis";
import kafkajs from "kafkajs";
import { uncompressSync, compressSync } from "snappy";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { KafkaWireClient } from "../../support/kafka-wire-client.ts";
import { until, waitMsMax } from "../../support/wait.ts";

export { until } from "../../support/wait.ts";

/** kafkajs leaves this codec to its user. */
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.Snappy] = () => ({
  compress: async (encoder: { buffer: Buffer }) => compressSync(encoder.buffer),
  decompress: async (buffer: Buffer) => uncompressSync(buffer) as Buffer,
});

export type StringMessage = platformatic.Message<string, string, string, string>;

/** Clients of one test; `close` ends them all. */
export class KafkaClients {
  readonly broker: TestBroker;
  readonly kafkajs: kafkajs.Kafka;
  readonly #open: (() => Promise<unknown>)[] = [];

  constructor(broker: TestBroker) {
    this.broker = broker;
    this.kafkajs = new kafkajs.Kafka({
      brokers: [this.address],
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { initialRetryTime: 50, retries: 8 },
    });
  }

  get address(): string {
    return `127.0.0.1:${this.broker.ports.kafka}`;
  }

  async jsProducer(config: kafkajs.ProducerConfig = {}): Promise<kafkajs.Producer> {
    const createPartitioner = kafkajs.Partitioners.DefaultPartitioner;
    const producer = this.kafkajs.producer({ createPartitioner, ...config });
    await producer.connect();
    this.#open.push(() => producer.disconnect());
    return producer;
  }

  async jsConsumer(config: kafkajs.ConsumerConfig): Promise<kafkajs.Consumer> {
    const consumer = this.kafkajs.consumer({ heartbeatInterval: 100, maxWaitTimeInMs: 300, ...config });
    await consumer.connect();
    this.#open.push(() => consumer.disconnect());
    return consumer;
  }

  async jsAdmin(): Promise<kafkajs.Admin> {
    const admin = this.kafkajs.admin();
    await admin.connect();
    this.#open.push(() => admin.disconnect());
    return admin;
  }

  producer(options: Record<string, unknown> = {}): platformatic.Producer<string, string, string, string> {
    const producer = new platformatic.Producer({
      clientId: "test",
      bootstrapBrokers: [this.address],
      serializers: platformatic.stringSerializers,
      autocreateTopics: true,
      ...options,
    });
    this.#open.push(() => producer.close(true));
    return producer;
  }

  consumer(
    groupId: string,
    options: Record<string, unknown> = {},
  ): platformatic.Consumer<string, string, string, string> {
    const consumer = new platformatic.Consumer({
      groupId,
      clientId: "test",
      bootstrapBrokers: [this.address],
      deserializers: platformatic.stringDeserializers,
      maxWaitTime: 300,
      ...options,
    });
    this.#open.push(() => consumer.close(true));
    return consumer;
  }

  admin(): platformatic.Admin {
    const admin = new platformatic.Admin({ clientId: "test", bootstrapBrokers: [this.address] });
    this.#open.push(() => admin.close());
    return admin;
  }

  async wire(): Promise<KafkaWireClient> {
    const client = await KafkaWireClient.connect(this.broker.ports.kafka);
    this.#open.push(async () => client.close());
    return client;
  }

  /** The first `count` messages of a topic, by a new kafkajs group. */
  async readByJs(topic: string, count: number, groupId = `reader-${topic}`): Promise<kafkajs.KafkaMessage[]> {
    const consumer = await this.jsConsumer({ groupId });
    await consumer.subscribe({ topic, fromBeginning: true });
    const messages: kafkajs.KafkaMessage[] = [];
    await consumer.run({ eachMessage: async ({ message }) => void messages.push(message) });
    await until(() => messages.length >= count, `${count} messages of ${topic} by kafkajs`);
    await consumer.disconnect();
    return messages;
  }

  /** The first `count` messages of a topic, by a new @platformatic/kafka group. */
  async read(topic: string, count: number, groupId = `platformatic-${topic}`): Promise<StringMessage[]> {
    const consumer = this.consumer(groupId);
    const stream = await consumer.consume({ topics: [topic], mode: "earliest", autocommit: true });
    const messages: StringMessage[] = [];
    stream.on("data", (message: StringMessage) => messages.push(message));
    await until(() => messages.length >= count, `${count} messages of ${topic} by @platformatic/kafka`);
    await consumer.close(true);
    return messages;
  }

  async close(): Promise<void> {
    for (const close of this.#open.toReversed()) await close().catch(() => {});
  }
}

/** A broker with Kafka clients and a Redis client, from before the first test of a file until after its last. */
export class KafkaBesideRedis {
  broker!: TestBroker;
  clients!: KafkaClients;
  redis!: Redis;

  constructor() {
    before(async () => {
      this.broker = await startTestBroker();
      this.clients = new KafkaClients(this.broker);
      this.redis = new Redis(this.broker.ports.redis, { lazyConnect: true });
      await this.redis.connect();
    });
    after(async () => {
      this.redis.disconnect();
      await this.clients.close();
      await this.broker.stop();
    });
  }
}

export function textOf(message: { value: Buffer | string | null }): string {
  return message.value === null ? "(null)" : message.value.toString();
}

/** Sends bytes by a connection of their own, and resolves with what came back once the broker has closed it. */
export function closedAfter(port: number, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    const socket = net.connect({ port, host: "127.0.0.1" }, () => socket.write(bytes));
    socket.setTimeout(waitMsMax, () => socket.destroy(new Error("the broker did not close the connection")));
    socket.on("data", (piece: Buffer) => received.push(piece));
    socket.on("error", reject);
    socket.on("close", () => resolve(Buffer.concat(received)));
  });
}
