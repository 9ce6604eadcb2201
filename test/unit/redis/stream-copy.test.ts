/** COPY of a stream that takes many turns: others are served meanwhile, and what they change does not tear the copy. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import { DurableRig } from "../../support/durable-rig.ts";
import { thorough } from "../../support/thorough.ts";

type Words = readonly (string | number)[];

const entries = 400;
const turnBounds = { turnWorkUnits: 100, turnWorkSliceUnits: 100 };

/** A stream whose every third entry is acknowledged by `g`, and every fifth deleted. */
async function prepared(seed: number): Promise<DurableRig> {
  const rig = await DurableRig.open(seed, { turnBounds });
  const client = new RedisClient(rig.connect("redis"));
  let answered = 0;
  const ask = (...words: Words): void => client.call(words, () => answered++);
  let asked = 0;
  for (let i = 1; i <= entries; i++, asked++) ask("XADD", "s", `${i}-1`, "field", `value ${i}`);
  ask("XGROUP", "CREATE", "s", "g", 0);
  ask("XGROUP", "CREATE", "s", "h", `${entries / 2}-1`);
  ask("XREADGROUP", "GROUP", "g", "one", "COUNT", 300, "STREAMS", "s", ">");
  ask("XREADGROUP", "GROUP", "g", "two", "COUNT", 50, "STREAMS", "s", ">");
  ask("XACK", "s", "g", ...Array.from({ length: 100 }, (_, i) => `${3 * i + 1}-1`));
  ask("XDEL", "s", ...Array.from({ length: 80 }, (_, i) => `${5 * i + 1}-1`));
  asked += 6;
  await rig.until(() => answered === asked, "answers");
  client.cut();
  return rig;
}

const steady = (reply: RedisReply): string => JSON.stringify(reply);

async function lookAt(rig: DurableRig, key: string): Promise<string[]> {
  const replies: string[] = [];
  for (const words of [
    ["XRANGE", key, "-", "+"],
    ["XINFO", "STREAM", key, "FULL", "COUNT", 0],
    ["XINFO", "GROUPS", key],
    ["PEXPIRETIME", key],
  ])
    replies.push(steady(await rig.redis(...words)));
  return replies;
}

interface Copying {
  readonly client: RedisClient;
  reply: RedisReply | undefined;
}

function copying(rig: DurableRig, ...words: Words): Copying {
  const client = new RedisClient(rig.connect("redis"));
  const found: Copying = { client, reply: undefined };
  client.call(words, (reply) => (found.reply = reply));
  return found;
}

test("a copy takes many turns and is like its source, also after a kill", async () => {
  const rig = await prepared(1);
  const { turnsContinued } = rig.broker.work;
  const wanted = await lookAt(rig, "s");
  const copy = copying(rig, "COPY", "s", "t");
  await rig.until(() => copy.reply !== undefined, "a copy");
  assert.equal(copy.reply, 1);
  assert.ok(rig.broker.work.turnsContinued - turnsContinued > 5, "it took few turns");
  assert.deepEqual(await lookAt(rig, "t"), wanted);
  await rig.kill();
  assert.deepEqual(await lookAt(rig, "t"), wanted);
});

test("nobody sees a copy before it is whole; in MULTI it is made at once", async () => {
  const rig = await prepared(2);
  const copy = copying(rig, "COPY", "s", "t");
  let looks = 0;
  for (; copy.reply === undefined; looks++) {
    const isThere = await rig.redis("EXISTS", "t");
    if (copy.reply === undefined) assert.equal(isThere, 0);
  }
  assert.ok(looks > 2, "nobody was served meanwhile");
  const client = new RedisClient(rig.connect("redis"));
  const replies: RedisReply[] = [];
  for (const words of [["MULTI"], ["COPY", "s", "u"], ["XLEN", "u"], ["EXEC"]])
    client.call(words, (reply) => replies.push(reply));
  await rig.until(() => replies.length === 4, "EXEC");
  assert.deepEqual(replies[3], [1, await rig.redis("XLEN", "s")]);
  assert.deepEqual((await lookAt(rig, "u")).slice(0, 3), (await lookAt(rig, "t")).slice(0, 3));
});

/** What is left in the storage of streams other than those with names, their groups and bindings. */
function assertNothingLeft(rig: DurableRig): void {
  const { storage, defaultVhost } = rig.broker;
  const queues = [...defaultVhost.queues.values()];
  assert.equal(storage.logs.size, queues.length, "logs");
  const groups = queues.reduce((sum, queue) => sum + queue.groups.size, 0);
  assert.equal([...storage.definitions.entries("group/")].length, groups, "definitions of groups");
  assert.equal(storage.states.size, queues.length + groups, "states");
}

const stream = {
  kind: "stream",
  name: "t",
  durable: true,
  exclusiveOwner: 0,
  autoDelete: false,
  args: { "x-queue-type": "stream" },
} as const;

/** What is not held up: commands on streams, and other protocols. */
const meanwhile: Record<string, { change: (rig: DurableRig) => unknown; reply: RedisReply }> = {
  "an AMQP client deletes the source": {
    change: ({ broker: { defaultVhost } }) => defaultVhost.deleteQueue(defaultVhost.queue("s")),
    reply: 0,
  },
  "an AMQP client makes the other one": {
    change: ({ broker: { defaultVhost } }) => defaultVhost.declareQueue(stream),
    reply: 0,
  },
  "the other key is made as a stream": { change: (rig) => rig.redis("XADD", "t", "9-9", "a", "b"), reply: 0 },
  "a group is deleted": { change: (rig) => rig.redis("XGROUP", "DESTROY", "s", "h"), reply: 1 },
  "the source is emptied": { change: (rig) => rig.redis("XTRIM", "s", "MAXLEN", 0), reply: 1 },
};

for (const [what, { change, reply }] of Object.entries(meanwhile)) {
  test(`${what} while it is copied`, async () => {
    const rig = await prepared(3);
    const copy = copying(rig, "COPY", "s", "t");
    assert.equal(await rig.redis("PING"), "PONG");
    await change(rig);
    assert.equal(copy.reply, undefined, "the copy was ready before");
    await rig.until(() => copy.reply !== undefined, "an answer");
    assert.equal(copy.reply, reply);
    await rig.pass(100);
    assertNothingLeft(rig);
    if (what.includes("emptied")) assert.equal(await rig.redis("XLEN", "t"), 0);
  });
}

/** Commands on keys in general wait for the copy, and find what it has made. */
const waiting: Record<string, { words: Words; source: RedisReply; other: string }> = {
  "the source is deleted": { words: ["DEL", "s"], source: 0, other: "stream" },
  "the source is renamed": { words: ["RENAME", "s", "u"], source: 0, other: "stream" },
  "the source expires": { words: ["PEXPIRE", "s", -1], source: 0, other: "stream" },
  "the other key is made": { words: ["SET", "t", "v"], source: 1, other: "string" },
};

for (const [what, { words, source, other }] of Object.entries(waiting)) {
  test(`${what} once it is copied`, async () => {
    const rig = await prepared(3);
    const copy = copying(rig, "COPY", "s", "t", ...(what.includes("other") ? ["REPLACE"] : []));
    assert.equal(await rig.redis("PING"), "PONG");
    assert.equal(copy.reply, undefined, "the copy was ready before");
    await rig.redis(...words);
    assert.equal(copy.reply, 1);
    assert.equal(await rig.redis("EXISTS", "s"), source);
    assert.equal(await rig.redis("TYPE", "t"), other);
    await rig.pass(100);
    assertNothingLeft(rig);
  });
}

test("REPLACE replaces what comes meanwhile", async () => {
  const rig = await prepared(4);
  const copy = copying(rig, "COPY", "s", "t", "REPLACE");
  await rig.redis("XADD", "t", "9-9", "a", "b");
  assert.equal(copy.reply, undefined);
  await rig.until(() => copy.reply !== undefined, "an answer");
  assert.equal(copy.reply, 1);
  assert.equal(await rig.redis("XLEN", "t"), await rig.redis("XLEN", "s"));
});

for (const end of ["a lost connection", "kill", "restart"] as const) {
  test(`${end} ends a copy, of which nothing is left`, async () => {
    const rig = await prepared(5);
    const copy = copying(rig, "COPY", "s", "t");
    await rig.redis("PING");
    assert.equal(copy.reply, undefined);
    if (end === "a lost connection") copy.client.cut();
    else await rig[end]();
    await rig.pass(200);
    assert.equal(await rig.redis("EXISTS", "t"), 0);
    assertNothingLeft(rig);
    await rig.kill();
    assertNothingLeft(rig);
  });
}

const change: fc.Arbitrary<Words> = fc.oneof(
  fc.tuple(fc.constant("XADD"), fc.constant("s"), fc.constant("*"), fc.constant("f"), fc.constant("new")),
  fc.tuple(fc.constant("XTRIM"), fc.constant("s"), fc.constant("MAXLEN"), fc.integer({ min: 100, max: 400 })),
  fc.integer({ min: 1, max: entries }).map((i) => ["XDEL", "s", `${i}-1`]),
  fc.integer({ min: 1, max: entries }).map((i) => ["XACK", "s", "g", `${i}-1`]),
  fc
    .tuple(fc.constantFrom("g", "h", "k"), fc.integer({ min: 1, max: 60 }))
    .map(([group, count]) => ["XREADGROUP", "GROUP", group, "one", "COUNT", count, "STREAMS", "s", ">"]),
  fc.constant(["XGROUP", "CREATE", "s", "k", 0]),
);

test("whatever is changed meanwhile, no entry of a copy is lost to its groups", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 25 }), async (changes) => {
      const rig = await prepared(6);
      const acknowledged = new Set(Array.from({ length: 100 }, (_, i) => `${3 * i + 1}-1`));
      const copy = copying(rig, "COPY", "s", "t");
      for (const words of changes) {
        if (words[0] === "XACK") acknowledged.add(String(words[3]));
        const client = new RedisClient(rig.connect("redis"));
        let isAnswered = false;
        client.call(words, () => (isAnswered = true));
        await rig.until(() => isAnswered, "an answer");
      }
      await rig.until(() => copy.reply !== undefined, "a copy");
      assert.equal(copy.reply, 1);
      const present = ((await rig.redis("XRANGE", "t", "-", "+")) as [string, unknown][]).map(([id]) => id);
      const ids = new Set(present);
      assert.equal(ids.size, present.length);
      for (const name of ["g", "h"]) {
        const rows = (await rig.redis("XPENDING", "t", name, "-", "+", 10_000)) as [string][];
        const seen = new Set(rows.map(([id]) => id));
        const news = (await rig.redis("XREADGROUP", "GROUP", name, "new", "STREAMS", "t", ">")) as
          | [string, [string, unknown][]][]
          | null;
        for (const [id] of news?.[0]?.[1] ?? []) seen.add(id);
        // The group had passed the first half when it was made.
        const isPassed = (id: string): boolean => name === "h" && Number(id.split("-")[0]) <= entries / 2;
        for (const id of present)
          assert.ok(
            seen.has(id) || (name === "g" && acknowledged.has(id)) || isPassed(id),
            `${name} lost ${id}`,
          );
      }
      assertNothingLeft(rig);
    }),
    { numRuns: 30 * thorough },
  );
});
