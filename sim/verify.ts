/**
 * The end of a run: when the faults are over, everything drains, and every protocol must tell the same of every log, which
 * must be what clients were promised.
 */
import { checkDataDirectory } from "../src/storage/index.ts";
import type { GroupActor } from "./actors/group.ts";
import { boundedTopic } from "./actors/retention.ts";
import type { Cast } from "./cast.ts";
import { AmqpClient, type Delivery } from "./clients/amqp-client.ts";
import { recordsOf } from "./clients/kafka-batch.ts";
import { KafkaClient } from "./clients/kafka-client.ts";
import { RedisClient, type RedisReply } from "./clients/redis-client.ts";
import { Fault, type HistoryModel } from "./model.ts";
import { byTopic, type ConsumerGroupModel } from "./models/consumer-group.ts";
import type { World } from "./world.ts";

const fetchVersion = 11;
const offsetFetchVersion = 7;
const looksMax = 200;
/** A look at all records of a log is not for each step. */
const looksEach = 64;
const offsetOutOfRange = 1;
const allBytes = 64 << 20;

export class Verifier {
  readonly #world: World;
  readonly #cast: Cast;
  readonly #redis: RedisClient;
  readonly #kafka: KafkaClient;

  constructor(world: World, cast: Cast) {
    this.#world = world;
    this.#cast = cast;
    this.#redis = new RedisClient(world.connect("redis")!);
    this.#kafka = new KafkaClient(world.connect("kafka")!);
  }

  async verify(): Promise<void> {
    await this.#letMembersFinish();
    for (const group of this.#world.consumerGroups) await this.#checkPositions(group);
    await this.#drain();
    for (const history of this.#world.histories) await this.#compare(history);
    for (const group of this.#cast.groups) await this.#checkGroup(group);
    for (const keys of [...this.#cast.keys, ...this.#cast.sets, ...this.#cast.sortedSets]) {
      keys.read();
      await this.#world.until(() => keys.isIdle, `${keys.name} has its answers`);
    }
    for (const hash of this.#cast.hashes) {
      await this.#world.until(() => hash.isLocated, `${hash.name} is found`);
      hash.read();
      await this.#world.until(() => hash.isIdle, `${hash.name} has its answers`);
    }
    for (const keys of this.#cast.expiringKeys) {
      keys.readAll();
      await this.#world.until(() => keys.isIdle, `${keys.name} has its answers`);
    }
    for (const keys of this.#cast.types) {
      keys.readAll();
      await this.#world.until(() => keys.isIdle, `${keys.name} has its answers`);
    }
    for (const jobs of this.#cast.jobLists) {
      let isServed = false;
      await this.#world.until(() => {
        if (jobs.isIdle) jobs.askIfServed((is) => (isServed = is));
        return isServed;
      }, `${jobs.name} serves those who wait`);
      await this.#world.until(() => jobs.isIdle, `${jobs.name} has its answers`);
      jobs.check();
      await this.#world.until(() => jobs.isIdle, `${jobs.name} has its answers`);
    }
    for (const log of this.#cast.passingLogs) {
      for (const way of ["redis", "kafka"] as const) {
        await this.#world.until(() => log.isIdle, `${log.name} is connected`);
        log.read(way);
        await this.#world.until(() => log.isIdle, `${log.name} is read`);
      }
    }
    this.#cast.retention.check((await this.#byKafka(boundedTopic)).map(([, body]) => body));
    for (const queue of this.#world.queues) queue.checkDrained();
    for (const actor of this.#cast.transactions)
      for (const together of actor.transactions) together[0]![0].checkTogether(together);
  }

  /** Everybody finishes what he began, and the consumers take what is there. */
  async #drain(): Promise<void> {
    const world = this.#world;
    const areIdle = () => world.actors.every((actor) => actor.isIdle);
    await world.until(areIdle, "all clients are answered");
    for (const { name, model } of this.#cast.fed) {
      let looks = 0;
      await world.until(
        () => looks++ % looksEach === 0 && model.hasDeliveredAll,
        `all that ${name} gave up is delivered from ${model.name}`,
      );
    }
    for (const queue of world.queues) {
      for (let left = -1, looks = 0; left !== 0; looks++) {
        if (looks > looksMax) throw new Fault(`${queue.name} keeps ${left} messages that nobody gets`);
        left = await this.#messagesIn(queue.name);
        await world.until(areIdle, `the consumers of ${queue.name} are done`);
        if (world.isDamaged) break;
      }
    }
  }

  /** The consumer group gets all that there is, and its position is what it committed. */
  async #letMembersFinish(): Promise<void> {
    const world = this.#world;
    const { members } = this.#cast;
    const model = members[0]?.model;
    if (model === undefined) return;
    let looks = 0;
    if (!world.isDamaged)
      await world.until(
        () => looks++ % looksEach === 0 && model.hasSeenAll,
        `${model.name} gets all records`,
      );
    for (const member of members) member.stop();
  }

  /** Each group's position is what was committed. */
  async #checkPositions(model: ConsumerGroupModel): Promise<void> {
    const world = this.#world;
    const topics = byTopic(model.topics).map(([name, logs]) => ({
      name,
      partitionIndexes: logs.map(({ partition }) => partition),
    }));
    const askedAt = world.promises.number();
    let isAnswered = false;
    this.#kafka.request("OffsetFetch", offsetFetchVersion, { groupId: model.name, topics }, (body) => {
      isAnswered = true;
      for (const { name, partitions } of body?.topics ?? [])
        for (const { partitionIndex, committedOffset } of partitions)
          model.found(model.logOf(name, partitionIndex).name, committedOffset, askedAt);
    });
    await world.until(() => isAnswered, `the positions of ${model.name}`);
  }

  async #messagesIn(queue: string): Promise<number> {
    const client = this.#amqp();
    let count = -1;
    client.declare(queue, Buffer.alloc(0), (payload) => {
      if (payload === null) throw new Fault(`${queue} cannot be declared again`);
      count = payload.readUInt32BE(5 + payload[4]!);
    });
    await this.#world.until(() => count >= 0, `the count of ${queue}`);
    client.cut();
    return count;
  }

  #amqp(delivered?: (body: string) => void): AmqpClient {
    const events = delivered === undefined ? {} : { delivered: ({ body }: Delivery) => delivered(body) };
    return new AmqpClient(this.#world.connect("amqp")!, events);
  }

  async #ask(...words: (string | number)[]): Promise<RedisReply> {
    let found: { reply: RedisReply } | null = null;
    this.#redis.call(words, (reply) => (found = { reply }));
    await this.#world.until(() => found !== null, `the answer to ${words.slice(0, 2).join(" ")}`);
    return found!["reply"];
  }

  /** Each protocol reads all of it. */
  async #compare(history: HistoryModel): Promise<void> {
    const byRedis = await this.#byRedis(history.name);
    if (byRedis === null) return;
    history.check(byRedis, "Redis");
    const records = await this.#byKafka(history.topic, history.partition);
    let before = -1;
    for (const [offset, body] of records) {
      if (offset <= before) throw new Fault(`Kafka: ${history.name} has offset ${offset} after ${before}`);
      before = offset;
      history.observe(offset, body, "Kafka", this.#world.promises.number());
    }
    const byKafka = records.map(([, body]) => body);
    const byAmqp = await this.#byAmqp(history.name, byRedis.length);
    if (this.#world.isDamaged) {
      for (const body of [...byKafka, ...byAmqp]) history.assertSent(body, "after damage");
      return;
    }
    assertSame(history.name, "Redis", byRedis, "Kafka", byKafka);
    assertSame(history.name, "Redis", byRedis, "AMQP", byAmqp);
  }

  /** Null: damage has made it unreadable, and the broker said so. */
  async #byRedis(stream: string): Promise<string[] | null> {
    const reply = await this.#ask("XRANGE", stream, "-", "+");
    if (reply instanceof Error) {
      if (this.#world.isDamaged) return null;
      throw new Fault(`XRANGE ${stream} answered ${reply.message}`);
    }
    return (reply as [string, string[]][]).map(([, fields]) => fields[fields.indexOf("body") + 1] ?? "");
  }

  async #byKafka(topic: string, index = 0): Promise<[number, string][]> {
    const all: [number, string][] = [];
    for (let from = 0; ;) {
      let bytes: Buffer | null = null;
      let isOutOfRange = false;
      const partitions = [{ partition: index, fetchOffset: from, partitionMaxBytes: allBytes }];
      this.#kafka.request(
        "Fetch",
        fetchVersion,
        { maxWaitMs: 0, minBytes: 0, maxBytes: allBytes, topics: [{ topic, partitions }] },
        (body) => {
          const partition = body?.responses[0]?.partitions[0];
          isOutOfRange = partition?.errorCode === offsetOutOfRange;
          bytes = Buffer.isBuffer(partition?.records) ? partition.records : Buffer.alloc(0);
        },
      );
      await this.#world.until(() => bytes !== null, `a fetch of ${topic}`);
      // Its first records were deleted.
      if (isOutOfRange) {
        from++;
        continue;
      }
      const found = recordsOf(bytes!).filter(([offset]) => offset >= from);
      if (found.length === 0) return all;
      all.push(...found);
      from = found.at(-1)![0] + 1;
    }
  }

  async #byAmqp(stream: string, count: number): Promise<string[]> {
    const bodies: string[] = [];
    const client = this.#amqp((body) => bodies.push(body));
    client.qos(60_000, () => {});
    client.consumeStream(stream, () => {});
    if (this.#world.isDamaged) for (let i = 0; i < 2000; i++) await this.#world.step();
    else
      await this.#world.until(
        () => bodies.length >= count,
        `AMQP reads ${count} records of ${stream}`,
        50_000,
      );
    client.cut();
    return bodies;
  }

  async #checkGroup(group: GroupActor): Promise<void> {
    const reply = await this.#ask("XPENDING", group.stream.name, group.name, "-", "+", 100_000);
    if (reply instanceof Error) {
      if (this.#world.isDamaged || reply.message.startsWith("NOGROUP")) return;
      throw new Fault(`XPENDING answered ${reply.message}`);
    }
    group.checkPending(reply);
  }

  /** What is on the disk after a clean stop must be whole, as `troikamq check` sees it. */
  async checkDirectory(): Promise<void> {
    const world = this.#world;
    await world.restart();
    if (world.isDamaged) return;
    const { ok, lines } = await checkDataDirectory("/data", world.disk);
    if (!ok) throw new Fault(`troikamq check finds ${lines.join("; ")}`);
  }
}

function assertSame(
  log: string,
  one: string,
  ones: readonly string[],
  other: string,
  others: readonly string[],
): void {
  const at = ones.findIndex((body, i) => body !== others[i]);
  if (at < 0 && ones.length === others.length) return;
  throw new Fault(
    `${log}: ${one} reads ${ones.length} records and ${other} ${others.length}; at ${at} ${ones[at]} and ${others[at]}`,
  );
}
