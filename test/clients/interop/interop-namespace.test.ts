/** One namespace: each way of taking a name against each thing that may have it already. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import amqplib from "amqplib";
import { Redis } from "ioredis";
import { startTestBroker } from "../../support/broker.ts";
import { Interop } from "../../support/interop.ts";

let all: Interop;
before(async () => {
  all = await Interop.start();
});
after(() => all.close());

/** `refused`: by the protocol's own error, and nothing has changed. */
type Outcome = "taken" | "refused";

/** Makes the thing of that name. */
const things = {
  string: (name: string) => all.redis.set(name, "old"),
  hash: (name: string) => all.redis.hset(name, "field", "old"),
  set: (name: string) => all.redis.sadd(name, "old"),
  sortedSet: (name: string) => all.redis.zadd(name, 1, "old"),
  redisStream: (name: string) => all.xadd(name, { body: "old" }),
  topic: (name: string) => all.createTopic(name),
  wideTopic: (name: string) => all.createTopic(name, 2),
  queue: (name: string) => all.channel.assertQueue(name, { durable: true }),
  streamQueue: (name: string) => all.channel.assertQueue(name, streamQueue),
  exchange: (name: string) => all.channel.assertExchange(name, "topic", { durable: true }),
} satisfies Record<string, (name: string) => Promise<unknown>>;
type Thing = keyof typeof things;

const streamQueue = { durable: true, arguments: { "x-queue-type": "stream" } };

interface Operation {
  readonly run: (name: string) => Promise<unknown>;
  readonly refusal: RegExp;
  readonly outcomes: Record<Thing, Outcome>;
  /** What TYPE says once the name is taken, whatever had it. */
  readonly becomes?: "string" | "set" | "zset" | "none";
}

const wrongType = /^ReplyError: WRONGTYPE/;
const preconditionFailed = /406.*PRECONDITION[_-]FAILED/s;
const asValue = {
  becomes: "string",
  refusal: wrongType,
  outcomes: {
    string: "taken",
    hash: "taken",
    set: "taken",
    sortedSet: "taken",
    redisStream: "taken",
    topic: "refused",
    wideTopic: "refused",
    queue: "refused",
    streamQueue: "refused",
    exchange: "refused",
  },
} as const;
const allRefused: Record<Thing, Outcome> = {
  string: "refused",
  hash: "refused",
  set: "refused",
  sortedSet: "refused",
  redisStream: "refused",
  topic: "refused",
  wideTopic: "refused",
  queue: "refused",
  streamQueue: "refused",
  exchange: "refused",
};
const besideAllButTopics = { queue: "taken", streamQueue: "taken", exchange: "taken" } as const;

/** A value under a name of its own, for what copies one. */
async function source(name: string): Promise<string> {
  await all.redis.set(`source-${name}`, "new");
  return `source-${name}`;
}

const operations: Record<string, Operation> = {
  SET: { run: (name) => all.redis.set(name, "new"), ...asValue },
  MSET: { run: (name) => all.redis.mset(`beside-${name}`, "new", name, "new"), ...asValue },
  SETEX: { run: (name) => all.redis.setex(name, 100, "new"), ...asValue },
  RENAME: { run: async (name) => all.redis.rename(await source(name), name), ...asValue },
  "COPY REPLACE": { run: async (name) => all.redis.copy(await source(name), name, "REPLACE"), ...asValue },
  HSET: {
    run: (name) => all.redis.hset(name, "field", "new"),
    refusal: wrongType,
    outcomes: { ...allRefused, hash: "taken" },
  },
  SADD: {
    run: (name) => all.redis.sadd(name, "new"),
    refusal: wrongType,
    outcomes: { ...allRefused, set: "taken" },
  },
  SUNIONSTORE: {
    run: async (name) => {
      await all.redis.sadd(`source-${name}`, "new");
      return all.redis.sunionstore(name, `source-${name}`);
    },
    ...asValue,
    becomes: "set",
  },
  "SUNIONSTORE of nothing": {
    run: (name) => all.redis.sunionstore(name, `nothing-${name}`),
    ...asValue,
    becomes: "none",
  },
  ZADD: {
    run: (name) => all.redis.zadd(name, 2, "new"),
    refusal: wrongType,
    outcomes: { ...allRefused, sortedSet: "taken" },
  },
  GEOSEARCHSTORE: {
    run: async (name) => {
      await all.redis.geoadd(`source-${name}`, 1, 1, "new");
      return all.redis.call(
        "GEOSEARCHSTORE",
        name,
        `source-${name}`,
        ..."FROMLONLAT 1 1 BYRADIUS 1 km".split(" "),
      );
    },
    ...asValue,
    becomes: "zset",
  },
  XADD: {
    run: (name) => all.xadd(name, { body: "new" }),
    refusal: wrongType,
    outcomes: {
      string: "refused",
      hash: "refused",
      set: "refused",
      sortedSet: "refused",
      redisStream: "taken",
      topic: "taken",
      wideTopic: "taken",
      ...besideAllButTopics,
    },
  },
  "XGROUP CREATE MKSTREAM": {
    run: (name) => all.redis.xgroup("CREATE", name, "group", "$", "MKSTREAM"),
    refusal: wrongType,
    outcomes: {
      string: "refused",
      hash: "refused",
      set: "refused",
      sortedSet: "refused",
      redisStream: "taken",
      topic: "taken",
      wideTopic: "refused",
      queue: "taken",
      streamQueue: "taken",
      exchange: "refused",
    },
  },
  createTopics: {
    // kafkajs turns TOPIC_ALREADY_EXISTS into false, and throws any other.
    run: async (name) =>
      assert.ok(await all.admin.createTopics({ topics: [{ topic: name }] }), "already exists"),
    refusal: /already exists/,
    outcomes: allRefused,
  },
  "createTopics of its first partition's name": {
    run: async (name) => {
      const topic = name.replace(/-0$/, "");
      assert.ok(await all.admin.createTopics({ topics: [{ topic, numPartitions: 2 }] }), "already exists");
    },
    refusal: /already exists/,
    outcomes: allRefused,
  },
  createPartitions: {
    run: (name) => {
      const topicPartitions = [{ topic: name.slice(0, -"-2".length), count: 3 }];
      return all.admin.createPartitions({ topicPartitions });
    },
    refusal: /already exists/,
    outcomes: allRefused,
  },
  "queue.declare": {
    run: async (name) => (await all.newChannel()).assertQueue(name, streamQueue),
    refusal: preconditionFailed,
    outcomes: {
      string: "refused",
      hash: "refused",
      set: "refused",
      sortedSet: "refused",
      redisStream: "taken",
      topic: "taken",
      wideTopic: "refused",
      queue: "refused",
      streamQueue: "taken",
      exchange: "taken",
    },
  },
  "exchange.declare": {
    run: async (name) => (await all.newChannel()).assertExchange(name, "topic", { durable: true }),
    refusal: preconditionFailed,
    outcomes: {
      string: "refused",
      hash: "refused",
      set: "refused",
      sortedSet: "refused",
      redisStream: "taken",
      topic: "taken",
      wideTopic: "refused",
      ...besideAllButTopics,
    },
  },
};

/** What the protocols say of a name. */
async function lookAt(name: string) {
  const type = await all.redis.type(name);
  const value = type === "string" ? await all.redis.get(name) : "";
  const fields = type === "hash" ? await all.redis.hgetall(name) : {};
  const members =
    type === "set"
      ? await all.redis.smembers(name)
      : type === "zset"
        ? await all.redis.zrange(name, "0", "-1")
        : [];
  const length = type === "stream" ? await all.redis.xlen(name) : 0;
  const topics = (await all.admin.listTopics()).filter((topic) => topic === name || topic === `${name}-0`);
  return { type, value, fields, members, length, topics };
}

let names = 0;

for (const [title, { run, refusal, outcomes, becomes }] of Object.entries(operations)) {
  describe(title, () => {
    for (const [thing, make] of Object.entries(things)) {
      const outcome = outcomes[thing as Thing];
      it(`of the name of a ${thing} is ${outcome}`, async () => {
        const base = `name${++names}`;
        const name = title === "createPartitions" ? `${base}-2` : `${base}-0`;
        if (title === "createPartitions") await all.createTopic(base, 2);
        await make(name);
        const was = await lookAt(name);
        if (outcome === "taken") await run(name);
        else {
          await assert.rejects(run(name), refusal);
          assert.deepEqual(await lookAt(name), was);
        }
        const listed = await all.redis.keys(name);
        assert.ok(listed.length <= 1, `KEYS lists it ${listed.length} times`);
        if (outcome === "taken" && becomes !== undefined) {
          const { type, value, members } = await lookAt(name);
          assert.deepEqual(
            [type, value, members],
            [becomes, becomes === "string" ? "new" : "", becomes.endsWith("set") ? ["new"] : []],
          );
          assert.ok(!(await all.admin.listTopics()).includes(name));
        }
      });
    }
  });
}

describe("a string and a partition of a topic", () => {
  it("SET of a partition's name is refused, and the partition stays whole", async () => {
    await all.createTopic("parts", 2);
    await all.xadd("parts-0", { body: "kept" });
    await assert.rejects(all.redis.set("parts-0", "x"), wrongType);
    assert.equal(await all.redis.xlen("parts-0"), 1);
  });

  it("MSET refuses all where it refuses one", async () => {
    await all.createTopic("some-topic");
    await assert.rejects(all.redis.mset("before-it", "x", "some-topic", "x"), wrongType);
    assert.equal(await all.redis.exists("before-it"), 0);
  });

  it("INCR, INCRBYFLOAT, SETRANGE and APPEND do not make a string of an exchange's name", async () => {
    await all.channel.assertExchange("an-exchange", "topic", { durable: true });
    await assert.rejects(all.redis.incr("an-exchange"), wrongType);
    await assert.rejects(all.redis.incrbyfloat("an-exchange", 1), wrongType);
    await assert.rejects(all.redis.setrange("an-exchange", 1, "x"), wrongType);
    await assert.rejects(all.redis.append("an-exchange", "x"), wrongType);
    assert.equal(await all.redis.exists("an-exchange"), 0);
  });

  it("a string that has expired is in nobody's way", async () => {
    await all.redis.set("expired", "x", "PX", 1);
    while ((await all.redis.exists("expired")) === 1);
    await all.createTopic("expired");
    assert.equal(await all.redis.type("expired"), "stream");
  });

  it("strings of other databases are in no other protocol's way", async () => {
    const other = all.redis.duplicate({ db: 3 });
    await other.set("in-three", "x");
    await all.createTopic("in-three");
    await other.set("in-three", "y");
    assert.equal(await other.get("in-three"), "y");
    await all.redis.set("source-of-copy", "z");
    await assert.rejects(other.copy("in-three", "in-three", "DB", 0, "REPLACE"), wrongType);
    other.disconnect();
  });

  it("a passive queue.declare does not see a string", async () => {
    await all.redis.set("unseen", "x");
    const channel = await all.newChannel();
    await assert.rejects(channel.checkQueue("unseen"), /404/);
  });
});

describe("a stream that XADD made is Redis's alone until another protocol", () => {
  const claims: Record<string, (name: string) => Promise<unknown>> = {
    "declares it": async (name) => (await all.newChannel()).assertQueue(name, streamQueue),
    "binds it": async (name) => (await all.newChannel()).bindQueue(name, "amq.direct", "key"),
    "consumes it": async (name) => {
      const channel = await all.newChannel();
      await channel.prefetch(10);
      await channel.consume(name, () => {});
    },
    "commits an offset": (name) =>
      all.admin.setOffsets({
        groupId: `group-of-${name}`,
        topic: name,
        partitions: [{ partition: 0, offset: "0" }],
      }),
    "sets something for it": (name) =>
      all.admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: 2, name, configEntries: [{ name: "retention.ms", value: "1000000" }] }],
      }),
  };
  for (const [title, claim] of Object.entries(claims)) {
    it(title, async () => {
      const name = `claimed-${title.replaceAll(" ", "-")}`;
      await all.xadd(name, { body: "kept" });
      await claim(name);
      await assert.rejects(all.redis.set(name, "x"), wrongType);
      assert.equal(await all.redis.xlen(name), 1);
    });
  }

  it("and so it is after a restart", async () => {
    const broker = await startTestBroker();
    const redis = new Redis(broker.ports.redis, "127.0.0.1");
    await redis.xadd("mine", "*", "body", "v");
    await redis.xadd("shared", "*", "body", "v");
    const connection = await amqplib.connect(broker.amqpUrl);
    await (await connection.createChannel()).assertQueue("shared", streamQueue);
    await connection.close();
    redis.disconnect();
    await broker.restart();
    const again = new Redis(broker.ports.redis, "127.0.0.1");
    assert.equal(await again.set("mine", "x"), "OK");
    await assert.rejects(again.set("shared", "x"), wrongType);
    again.disconnect();
    await broker.stop();
  });
});

describe("FLUSHDB and FLUSHALL", () => {
  for (const command of ["flushdb", "flushall"] as const) {
    it(`${command} takes strings and Redis's own streams, and leaves what other protocols declared`, async () => {
      const own = await Interop.start();
      await own.createTopic("wide", 2);
      await own.createTopic("narrow");
      await own.channel.assertQueue("tasks", { durable: true });
      await own.channel.assertQueue("log", streamQueue);
      await own.xadd("wide-0", { body: "v" });
      await own.xadd("mine", { body: "v" });
      await own.redis.set("text", "v");
      assert.equal(await own.redis[command](), "OK");
      assert.deepEqual((await own.redis.keys("*")).toSorted(), [
        "log",
        "narrow",
        "tasks",
        "wide-0",
        "wide-1",
      ]);
      assert.equal(await own.redis.xlen("wide-0"), 1);
      assert.equal(await own.redis.dbsize(), 5);
      await own.close();
    });
  }
});
