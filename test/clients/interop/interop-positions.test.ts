/** Positions and groups across protocols: offsets, entry ids, timestamps, and cursors on each other's logs. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Interop, until, within } from "../../support/interop.ts";

let all: Interop;
before(async () => {
  all = await Interop.start();
});
after(() => all.close());

const streamArguments = { durable: true, arguments: { "x-queue-type": "stream" } };

/** Twelve messages, one after the other from each protocol. */
async function mixedLog(name: string): Promise<void> {
  await all.channel.assertQueue(name, streamArguments);
  for (let i = 0; i < 12; i += 3) {
    await all.xadd(name, { body: `${i}` });
    await all.publish("", name, `${i + 1}`);
    assert.equal(await all.produce(name, { value: `${i + 2}` }), i + 2);
  }
}

describe("the offset", () => {
  it("is the same in AMQP and Kafka, and the place among the entries of Redis", async () => {
    await mixedLog("offsets");
    const kafka = await all.fetch("offsets", 12);
    for (const { offset, value } of kafka) assert.equal(value!.toString(), offset);
    const amqp = await all.consume("offsets", 12, "first");
    for (const { properties, content } of amqp) {
      assert.equal(String(properties.headers!["x-stream-offset"]), content.toString());
    }
    const entries = await all.entries("offsets");
    for (const [index, { text }] of entries.entries()) assert.equal(text["body"], String(index));
    const offsets = await all.admin.fetchTopicOffsets("offsets");
    assert.equal(offsets[0]!.high, "12");
  });

  it("is where an AMQP stream consumer starts", async () => {
    await mixedLog("starts");
    const first = async (offset: unknown): Promise<string> =>
      (await all.consume("starts", 1, offset))[0]!.content.toString();
    assert.equal(await first("first"), "0");
    assert.equal(await first(7), "7");
    assert.equal(await first({ "!": "timestamp", value: 1 }), "0");
    let next!: ReturnType<typeof all.consume>;
    await new Promise<void>((resolve) => (next = all.consume("starts", 1, "next", resolve)));
    await all.xadd("starts", { body: "new" });
    assert.equal((await next)[0]!.content.toString(), "new");
  });

  it("counts on over what is trimmed by Redis", async () => {
    await mixedLog("trimmed");
    await all.redis.xtrim("trimmed", "MAXLEN", 5);
    const [offsets] = await all.admin.fetchTopicOffsets("trimmed");
    assert.deepEqual([offsets!.low, offsets!.high], ["7", "12"]);
    assert.equal((await all.consume("trimmed", 1, "first"))[0]!.content.toString(), "7");
    assert.equal((await all.fetch("trimmed", 5))[0]!.offset, "7");
  });
});

describe("the entry id", () => {
  it("of what others wrote is their arrival, and strictly increases", async () => {
    const started = Date.now();
    await mixedLog("ids");
    let last = [0, 0];
    for (const { id } of await all.entries("ids")) {
      const [ms, sequence] = id.split("-").map(Number);
      assert.ok(ms! > last[0]! || (ms === last[0] && sequence! > last[1]!), id);
      assert.ok(ms! >= started && ms! <= Date.now(), id);
      last = [ms!, sequence!];
    }
  });

  it("can be read from, and entries of others be deleted by it", async () => {
    await mixedLog("from-id");
    const entries = await all.entries("from-id");
    const [[, rest]] = (await all.redis.xread("STREAMS", "from-id", entries[8]!.id))! as [
      [string, [string, string[]][]],
    ];
    assert.deepEqual(
      rest.map(([id]) => id),
      entries.slice(9).map(({ id }) => id),
    );
    await all.redis.xdel("from-id", entries[1]!.id, entries[2]!.id);
    const kept = (await all.fetch("from-id", 10)).map(({ offset }) => Number(offset));
    assert.deepEqual(kept, [0, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });
});

describe("a timestamp", () => {
  it("finds the same message in Kafka as in Redis' ids", async () => {
    await all.xadd("times", { body: "early" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await all.publish("", "times", "late");
    const [, late] = await all.entries("times");
    const ms = Number(late!.id.split("-")[0]);
    const [found] = await all.admin.fetchTopicOffsetsByTimestamp("times", ms);
    assert.equal(found!.offset, "1");
  });
});

describe("groups", () => {
  it("of Redis share out what Kafka and AMQP wrote, with pending and claim", async () => {
    await mixedLog("shared");
    await all.redis.xgroup("CREATE", "shared", "workers", "0");
    const take = (consumer: string): Promise<unknown> =>
      all.redis.xreadgroup("GROUP", "workers", consumer, "COUNT", 6, "STREAMS", "shared", ">");
    const bodies = (reply: unknown): string[] =>
      (reply as [[string, [string, string[]][]]])[0][1].map(([, fields]) => fields[1]!);
    const seen = [...bodies(await take("a")), ...bodies(await take("b"))];
    assert.deepEqual(
      seen,
      Array.from({ length: 12 }, (_, i) => String(i)),
    );
    const [count] = (await all.redis.xpending("shared", "workers")) as [number];
    assert.equal(count, 12);
    const ids = (await all.entries("shared")).map(({ id }) => id);
    assert.equal(await all.redis.xack("shared", "workers", ...ids), 12);
  });

  it("of Kafka keep their offset on a Redis stream", async () => {
    for (const body of ["a", "b", "c"]) await all.xadd("followed", { body });
    const read = async (count: number): Promise<string[]> => {
      const consumer = all.kafka.consumer({ groupId: "followers", maxWaitTimeInMs: 50 });
      const seen: string[] = [];
      try {
        await consumer.connect();
        await consumer.subscribe({ topic: "followed", fromBeginning: true });
        await within("records", (done) =>
          consumer.run({
            autoCommitThreshold: 1,
            eachMessage: async ({ message }) => {
              seen.push(message.value!.toString());
              if (seen.length === count) done();
            },
          }),
        );
      } finally {
        await consumer.disconnect();
      }
      return seen;
    };
    assert.deepEqual(await read(3), ["a", "b", "c"]);
    const committed = async (): Promise<string> => {
      const [topic] = await all.admin.fetchOffsets({ groupId: "followers", topics: ["followed"] });
      return topic!.partitions[0]!.offset;
    };
    await until(async () => (await committed()) === "3", "committed");
    await all.publish("", "followed", "d");
    assert.deepEqual(await read(1), ["d"]);
  });

  it("do not disturb each other, nor the consumers of a queue", async () => {
    await all.channel.assertQueue("undisturbed", { durable: true });
    for (const body of ["a", "b"]) await all.publish("", "undisturbed", body);
    await all.redis.xgroup("CREATE", "undisturbed", "lookers", "0");
    const reply = (await all.redis.xreadgroup("GROUP", "lookers", "me", "STREAMS", "undisturbed", ">")) as [
      [string, unknown[]],
    ];
    assert.equal(reply[0][1].length, 2);
    assert.equal((await all.fetch("undisturbed", 2)).length, 2);
    assert.deepEqual(
      (await all.consume("undisturbed", 2)).map(({ content }) => content.toString()),
      ["a", "b"],
    );
  });
});
