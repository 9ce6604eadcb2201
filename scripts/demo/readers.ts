/** The three sides that read at the same time, each with an unmodified client library; all survive a killed broker. */
import amqplib from "amqplib";
import { Redis } from "ioredis";
import { Kafka, logLevel } from "kafkajs";
import { untilConnected } from "./reconnect.ts";
import type { Tally } from "./tally.ts";

export interface ReaderOptions {
  port: () => number;
  /** Queue, topic or stream. */
  name: string;
  tally: Tally;
}

export interface Reader {
  stop(): Promise<void>;
}

/** amqplib: one consumer with a prefetch, acknowledging each message. */
export async function readQueue({ port, name, tally }: ReaderOptions): Promise<Reader> {
  let isStopped = false;
  let close = async (): Promise<void> => {};
  const connect = async (): Promise<void> => {
    const connection = await untilConnected(() => amqplib.connect({ port: port(), hostname: "127.0.0.1" }));
    close = () => connection.close();
    connection.once("close", () => {
      if (!isStopped) connect().catch(() => {});
    });
    const channel = await connection.createChannel();
    channel.on("error", () => {});
    await channel.prefetch(500);
    await channel.consume(name, (message) => {
      if (message === null) return;
      tally.add(message.content.toString());
      channel.ack(message);
    });
  };
  await connect();
  return {
    async stop() {
      isStopped = true;
      await close().catch(() => {});
    },
  };
}

/** kafkajs: a consumer group of `members`. */
export async function readTopic(options: ReaderOptions & { members: number }): Promise<Reader> {
  const { port, name, tally, members } = options;
  const kafka = new Kafka({
    clientId: "demo",
    brokers: () => [`127.0.0.1:${port()}`],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 100 },
  });
  const consumers = Array.from({ length: members }, () =>
    kafka.consumer({ groupId: "demo", sessionTimeout: 6000, heartbeatInterval: 500, maxWaitTimeInMs: 200 }),
  );
  for (const consumer of consumers) {
    await consumer.connect();
    await consumer.subscribe({ topic: name, fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => tally.add(message.value!.toString()) });
  }
  return {
    async stop() {
      await Promise.all(consumers.map((consumer) => consumer.disconnect().catch(() => {})));
    },
  };
}

/** ioredis: a consumer group of `members`; after a reconnect each first takes what it holds already. */
export async function readStream(options: ReaderOptions & { members: number }): Promise<Reader> {
  const { port, name, tally, members } = options;
  const clients: Redis[] = [];
  let isStopped = false;
  const loops = Array.from({ length: members }, async (_, member) => {
    const client = new Redis(port(), "127.0.0.1", { maxRetriesPerRequest: null, retryStrategy: () => 50 });
    client.on("error", () => {});
    clients.push(client);
    let from = "0";
    // A reply may be lost with the connection, of entries that are held by now, and ioredis does not tell: it asks again for new ones.
    client.on("close", () => (from = "0"));
    while (!isStopped) {
      try {
        const asked = from;
        const consumer = `consumer-${member}`;
        const place = ["STREAMS", name, asked] as const;
        const reply = await client.xreadgroup(
          "GROUP",
          "demo",
          consumer,
          "COUNT",
          500,
          "BLOCK",
          500,
          ...place,
        );
        const entries = reply?.[0]?.[1] ?? [];
        if (entries.length === 0 && asked === "0") from = ">";
        for (const [, fields] of entries) if (fields !== null) tally.add(bodyOf(fields));
        if (entries.length > 0) await client.xack(name, "demo", ...entries.map(([id]) => id));
      } catch {
        from = "0";
      }
    }
  });
  return {
    async stop() {
      isStopped = true;
      for (const client of clients) client.disconnect();
      await Promise.all(loops);
    },
  };
}

function bodyOf(fields: string[]): string {
  return fields[fields.indexOf("body") + 1]!;
}
