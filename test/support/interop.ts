/**
 * One broker and a client library of each protocol, for the tests of how the protocols see each other; with the few
 * things that such tests do all the time: publish, look, collect.
 *
 * Invariant: `close` ends every client that was made here, then the broker, whose directory must be sound.
 */
import amqplib, { type ChannelModel, type ConfirmChannel, type ConsumeMessage } from "amqplib";
import { Redis } from "ioredis";
import {
  type Admin,
  Kafka,
  type KafkaMessage,
  logLevel,
  type Message,
  Partitioners,
  type Producer,
} from "kafkajs";
import { startTestBroker, type TestBroker, type TestBrokerOptions } from "./broker.ts";
import { waitMsMax } from "./wait.ts";

export { until } from "./wait.ts";

/** A stream entry with its fields' values as bytes; of a repeated field the first. */
export interface Entry {
  readonly id: string;
  readonly fields: ReadonlyMap<string, Buffer>;
  /** The same as text. */
  readonly text: Readonly<Record<string, string>>;
}

type RawEntry = [id: Buffer, fields: Buffer[]];

function entryOf([id, parts]: RawEntry): Entry {
  const fields = new Map<string, Buffer>();
  for (let i = 0; i < parts.length; i += 2) {
    const name = parts[i]!.toString();
    if (!fields.has(name)) fields.set(name, parts[i + 1]!);
  }
  const text = Object.fromEntries([...fields].map(([name, value]) => [name, value.toString()]));
  return { id: id.toString(), fields, text };
}

export type Fetched = KafkaMessage & { readonly partition: number };

export class Interop {
  readonly broker: TestBroker;
  readonly redis: Redis;
  readonly connection: ChannelModel;
  readonly channel: ConfirmChannel;
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly producer: Producer;
  readonly #closers: (() => Promise<unknown>)[] = [];
  #groups = 0;

  private constructor(
    broker: TestBroker,
    redis: Redis,
    connection: ChannelModel,
    channel: ConfirmChannel,
    kafka: Kafka,
  ) {
    this.broker = broker;
    this.redis = redis;
    this.connection = connection;
    this.channel = channel;
    this.kafka = kafka;
    this.admin = kafka.admin();
    this.producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  }

  static async start(options: TestBrokerOptions = {}): Promise<Interop> {
    const broker = await startTestBroker(options);
    const redis = new Redis(broker.ports.redis, "127.0.0.1", { maxRetriesPerRequest: 1 });
    const connection = await amqplib.connect(broker.amqpUrl);
    connection.on("error", () => {});
    const channel = await connection.createConfirmChannel();
    channel.on("error", () => {});
    const kafka = new Kafka({
      clientId: "interop",
      brokers: [`127.0.0.1:${broker.ports.kafka}`],
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 50, retries: 5 },
    });
    const interop = new Interop(broker, redis, connection, channel, kafka);
    await Promise.all([interop.admin.connect(), interop.producer.connect()]);
    return interop;
  }

  async close(): Promise<void> {
    await Promise.all(this.#closers.map((close) => close().catch(() => {})));
    await Promise.all([this.admin.disconnect(), this.producer.disconnect()]);
    await this.connection.close();
    this.redis.disconnect();
    await this.broker.stop();
  }

  /** Kills the broker; the clients are of no use any more. */
  async crash(): Promise<void> {
    await this.broker.kill();
    this.redis.disconnect();
    await Promise.all(
      [this.admin.disconnect(), this.producer.disconnect()].map((done) => done.catch(() => {})),
    );
    await this.broker.check();
  }

  // Redis

  async entries(stream: string): Promise<Entry[]> {
    const reply = (await this.redis.xrangeBuffer(stream, "-", "+")) as RawEntry[];
    return reply.map(entryOf);
  }

  xadd(stream: string, fields: Readonly<Record<string, string | Buffer>>): Promise<string | null> {
    return this.redis.xadd(stream, "*", ...Object.entries(fields).flat());
  }

  /** Another connection, for what blocks or subscribes. */
  newRedis(): Redis {
    const client = new Redis(this.broker.ports.redis, "127.0.0.1", { maxRetriesPerRequest: 1 });
    this.#closers.push(async () => client.disconnect());
    return client;
  }

  // AMQP

  /** Publishes with a confirm. */
  async publish(
    exchange: string,
    routingKey: string,
    body: string | Buffer,
    options: amqplib.Options.Publish = {},
  ): Promise<void> {
    this.channel.publish(exchange, routingKey, Buffer.from(body), options);
    await this.channel.waitForConfirms();
  }

  /** A channel that the broker may close. */
  async newChannel(): Promise<ConfirmChannel> {
    const channel = await this.connection.createConfirmChannel();
    channel.on("error", () => {});
    this.#closers.push(() => channel.close());
    return channel;
  }

  /** The first `count` messages of a queue or, from `offset` on, of a stream; acknowledged. */
  /** `onStarted` is called once the broker has taken the consumer. */
  async consume(
    queue: string,
    count: number,
    offset?: unknown,
    onStarted: () => void = () => {},
  ): Promise<ConsumeMessage[]> {
    const channel = await this.newChannel();
    await channel.prefetch(100);
    const seen: ConsumeMessage[] = [];
    await within(`${count} messages of ${queue} by AMQP`, (done) => {
      const take = (message: ConsumeMessage | null): void => {
        if (message === null || seen.length >= count) return;
        seen.push(message);
        channel.ack(message);
        if (seen.length === count) done();
      };
      const args = offset === undefined ? {} : { "x-stream-offset": offset };
      return channel.consume(queue, take, { arguments: args }).then(onStarted);
    });
    await channel.close();
    return seen;
  }

  // Kafka

  async createTopic(topic: string, numPartitions = 1): Promise<void> {
    await this.admin.createTopics({ topics: [{ topic, numPartitions }] });
  }

  /** Gives the record's offset. */
  async produce(topic: string, message: Message): Promise<number> {
    const [result] = await this.producer.send({ topic, messages: [message] });
    return Number(result!.baseOffset);
  }

  /** The first `count` records of a topic, by partition and offset. */
  async fetch(topic: string, count: number): Promise<Fetched[]> {
    const consumer = this.kafka.consumer({
      groupId: `interop-${topic}-${++this.#groups}`,
      maxWaitTimeInMs: 50,
    });
    const seen: Fetched[] = [];
    try {
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await within(`${count} records of ${topic} by Kafka`, (done) =>
        consumer.run({
          autoCommit: false,
          eachMessage: async ({ partition, message }) => {
            seen.push({ ...message, partition });
            if (seen.length === count) done();
          },
        }),
      );
    } finally {
      await consumer.disconnect();
    }
    return seen.toSorted((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset));
  }
}

/** Starts something that calls `done`, or fails in time. */
export function within(what: string, start: (done: () => void) => Promise<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what}: not within ${waitMsMax} ms`)), waitMsMax);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    start(done).catch((error: unknown) => {
      clearTimeout(timer);
      reject(error instanceof Error ? error : new Error(String(error)));
    });
  });
}

export function headerText(message: Fetched, name: string): string | undefined {
  const value = message.headers?.[name];
  return value === undefined ? undefined : String(value);
}
