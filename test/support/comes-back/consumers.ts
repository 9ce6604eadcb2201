/**
 * Who reads and settles: a consumer of each protocol that does what its users' programs do, over what any protocol has written.
 *
 * A consumer asks `judge` about each message and does as it says. Invariant: `stop` comes back when the broker has taken every answer, and
 * nothing is delivered to this consumer any more.
 */
import type { ConsumeMessage } from "amqplib";
import type { KafkaMessage } from "kafkajs";
import { KafkaBatch } from "../../../src/message/kafka/batch.ts";
import { RecordCursor } from "../../../src/message/kafka/batch-records.ts";
import { headerText } from "../../../src/message/kafka/single-record.ts";
import type { ResponseBody } from "../../../src/protocols/kafka/wire/codec.ts";
import { quiet } from "../amqp.ts";
import { KafkaWireClient } from "../kafka-wire-client.ts";
import { outcomes, setGroup, ShareMember } from "../share-member.ts";
import type { World } from "./world.ts";

/** `hold` never answers: the message is left behind when the consumer goes. */
export type Verdict = "take" | "reject" | "hold";

export interface Delivered {
  readonly body: string;
  readonly madeBy: string | undefined;
  /** How often it was delivered before, where the protocol says so. */
  readonly before: number | undefined;
}

/** Called when a message comes; its answer is given at once. */
export type Judge = (delivered: Delivered) => Verdict;

export interface Running {
  stop(): Promise<void>;
}

export interface ConsumerKind {
  readonly name: "AMQP queue" | "AMQP group" | "Redis group" | "Kafka group" | "Kafka share group";
  readonly reads: "queue" | "stream";
  /** Makes what it reads, and its group. */
  make(world: World, from: string): Promise<void>;
  start(world: World, from: string, judge: Judge): Promise<Running>;
  /** Messages that it has not settled. */
  left(world: World, from: string): Promise<number>;
}

const groupName = "g";
const prefetch = 20;

function amqpDelivered({ content, properties }: ConsumeMessage): Delivered {
  const headers = properties.headers ?? {};
  return {
    body: content.toString(),
    madeBy: headers["made-by"] as string | undefined,
    before: (headers["x-delivery-count"] as number | undefined) ?? 0,
  };
}

async function startAmqp(world: World, from: string, judge: Judge, args: object): Promise<Running> {
  const channel = quiet(await world.clients.connection.createChannel());
  await channel.prefetch(prefetch);
  const take = (message: ConsumeMessage | null): void => {
    if (message === null) return;
    const verdict = judge(amqpDelivered(message));
    if (verdict === "take") channel.ack(message);
    if (verdict === "reject") channel.reject(message, false);
  };
  const { consumerTag } = await channel.consume(from, take, { arguments: args });
  return {
    async stop() {
      await channel.cancel(consumerTag);
      // An answer to what comes after the last settlement.
      await channel.checkQueue(from);
      await channel.close();
    },
  };
}

const amqpQueue: ConsumerKind = {
  name: "AMQP queue",
  reads: "queue",
  make: async ({ clients }, from) => void (await clients.publisher.assertQueue(from, { durable: true })),
  start: (world, from, judge) => startAmqp(world, from, judge, {}),
  left: async (world, from) => (await world.look(`queues/%2F/${from}`)).messages as number,
};

const amqpGroup: ConsumerKind = {
  name: "AMQP group",
  reads: "stream",
  make: async ({ clients }, from) =>
    void (await clients.publisher.assertQueue(from, {
      durable: true,
      arguments: { "x-queue-type": "stream" },
    })),
  start: (world, from, judge) =>
    startAmqp(world, from, judge, { "x-group": groupName, "x-stream-offset": "first" }),
  left: leftInGroup,
};

type RawEntry = [id: string, fields: string[]];

export function fieldsOf([, parts]: RawEntry): Record<string, string> {
  return Object.fromEntries(parts.flatMap((name, i) => (i % 2 === 0 ? [[name, parts[i + 1]!]] : [])));
}

/** Of one group, whoever its consumers are. */
async function leftInGroup({ clients }: World, from: string): Promise<number> {
  const [group] = (await clients.redis.xinfo("GROUPS", from)) as unknown[][];
  const facts = Object.fromEntries(
    group!.flatMap((name, i) => (i % 2 === 0 ? [[name as string, group![i + 1]]] : [])),
  );
  return (facts["pending"] as number) + (facts["lag"] as number);
}

const redisGroup: ConsumerKind = {
  name: "Redis group",
  reads: "stream",
  make: async ({ clients }, from) =>
    void (await clients.redis.xgroup("CREATE", from, groupName, "0", "MKSTREAM")),
  async start(world, from, judge) {
    const redis = world.newRedis();
    let isOver = false;
    const read = async (id: string, ...more: (string | number)[]): Promise<readonly RawEntry[]> => {
      const words = ["GROUP", groupName, "alice", "COUNT", prefetch, ...more, "STREAMS", from, id];
      const reply = (await redis.call("XREADGROUP", ...words)) as [string, RawEntry[]][] | null;
      return reply?.[0]?.[1] ?? [];
    };
    const settle = async (entries: readonly RawEntry[]): Promise<void> => {
      for (const entry of entries) {
        const { body, "made-by": madeBy } = fieldsOf(entry);
        const verdict = judge({ body: body!, madeBy, before: undefined });
        if (verdict === "take") await redis.xack(from, groupName, entry[0]);
        if (verdict === "reject") await redis.call("TROIKA.NACK", from, groupName, entry[0]);
      }
    };
    const running = (async () => {
      // What it held when it went.
      await settle(await read("0"));
      while (!isOver) await settle(await read(">", "BLOCK", 50));
    })();
    // Told by stop.
    running.catch(() => {});
    return {
      async stop() {
        isOver = true;
        await running;
        redis.disconnect();
      },
    };
  },
  left: leftInGroup,
};

/** Redis and AMQP have a group for each stream, Kafka has them for all topics. */
const kafkaGroupOf = (from: string): string => `${groupName}-${from}`;

export function groupOf({ name }: ConsumerKind, from: string): string {
  return name.startsWith("Kafka") ? kafkaGroupOf(from) : groupName;
}
const retryTopicOf = (from: string): string => `${kafkaGroupOf(from)}.retry`;

const kafkaGroup: ConsumerKind = {
  name: "Kafka group",
  reads: "stream",
  make: async ({ clients }, from) => {
    const topics = [from, retryTopicOf(from)].map((topic) => ({ topic, numPartitions: 1 }));
    await clients.admin.createTopics({ topics });
  },
  async start(world, from, judge) {
    const consumer = world.clients.kafka.consumer({ groupId: kafkaGroupOf(from), maxWaitTimeInMs: 50 });
    await consumer.connect();
    await consumer.subscribe({ topics: [from, retryTopicOf(from)], fromBeginning: true });
    let isHeld = false;
    const give = async (message: KafkaMessage, partition: number): Promise<void> => {
      // A record that comes again has them already.
      const headers = {
        "x-troika-topic": from,
        "x-troika-partition": String(partition),
        "x-troika-offset": message.offset,
        ...message.headers,
      };
      const { key, value } = message;
      await world.clients.producer.send({ topic: retryTopicOf(from), messages: [{ key, value, headers }] });
    };
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ topic, partition, message }) => {
        if (isHeld) return;
        const verdict = judge({
          body: message.value!.toString(),
          madeBy: message.headers?.["made-by"]?.toString(),
          before: Number(message.headers?.["x-troika-deliveries"]?.toString() ?? 0),
        });
        isHeld = verdict === "hold";
        if (isHeld) return;
        if (verdict === "reject") await give(message, partition);
        await consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }]);
      },
    });
    return {
      async stop() {
        await consumer.disconnect();
      },
    };
  },
  left: async (world, from) => {
    const topics = [from, retryTopicOf(from)];
    const offsets = await world.clients.admin.fetchOffsets({ groupId: kafkaGroupOf(from), topics });
    let left = 0;
    for (const { topic, partitions } of offsets) {
      // Not by the end of the log: the last records may be gone.
      const first = Math.max(0, Number(partitions[0]!.offset));
      left += (await world.look(`troika/messages/%2F/${topic}?from=${first}`)).messages.length;
    }
    return left;
  },
};

const batch = new KafkaBatch();
const cursor = new RecordCursor();
const recordBytesMax = 1 << 20;

interface Acquired extends Delivered {
  readonly offset: number;
}

function acquiredIn({ responses }: ResponseBody<"ShareFetch">): Acquired[] {
  const found: Acquired[] = [];
  for (const { partitions } of responses)
    for (const { records, acquiredRecords } of partitions) {
      batch.reset(records ?? Buffer.alloc(0));
      while (batch.next()) {
        cursor.open(batch, recordBytesMax);
        while (cursor.next()) {
          const { buffer, offset, valueStart, valueEnd } = cursor;
          const range = acquiredRecords.find(
            ({ firstOffset, lastOffset }) => firstOffset <= offset && offset <= lastOffset,
          );
          if (range === undefined) continue;
          const body = buffer.utf8Slice(valueStart, valueEnd);
          const madeBy = headerText(cursor, madeByHeader) ?? undefined;
          found.push({ offset, body, madeBy, before: range.deliveryCount - 1 });
        }
      }
    }
  return found;
}

const madeByHeader = Buffer.from("made-by");

const shareGroup: ConsumerKind = {
  name: "Kafka share group",
  reads: "stream",
  async make(world, from) {
    await world.clients.admin.createTopics({ topics: [{ topic: from, numPartitions: 1 }] });
    const client = await KafkaWireClient.connect(world.broker.ports.kafka);
    await setGroup(client, kafkaGroupOf(from), { "share.auto.offset.reset": "earliest" });
    client.close();
    // The group begins when its first member comes.
    await (await ShareMember.join(world.broker.ports.kafka, kafkaGroupOf(from), "first", from)).leave();
  },
  async start(world, from, judge) {
    const member = await ShareMember.join(world.broker.ports.kafka, kafkaGroupOf(from), "alice", from);
    let isOver = false;
    const running = (async () => {
      while (!isOver) {
        const answer = await member.fetchAnswer({ maxWaitMs: 50 });
        if (answer.errorCode !== 0) throw new Error(`ShareFetch: ${answer.errorMessage}`);
        for (const acquired of acquiredIn(answer)) {
          const verdict = judge(acquired);
          if (verdict === "hold") continue;
          const outcome = verdict === "take" ? outcomes.accept : outcomes.reject;
          const error = await member.say(outcome, [[acquired.offset, "", 0]]);
          if (error !== 0) throw new Error(`ShareAcknowledge: ${error}`);
        }
      }
    })();
    running.catch(() => {});
    return {
      async stop() {
        isOver = true;
        await running;
        await member.leave();
        member.close();
      },
    };
  },
  left: leftInGroup,
};

export const consumers: readonly ConsumerKind[] = [amqpQueue, amqpGroup, redisGroup, kafkaGroup, shareGroup];
