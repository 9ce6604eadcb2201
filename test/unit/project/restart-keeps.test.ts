/**
 * What one change leaves is there after the process was killed, when nothing else was changed: nothing that is written
 * beside it may be what brings it to the disk. And what is gone is gone.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import type { KafkaAcl } from "../../../src/broker/access/acls.ts";
import { newUser } from "../../../src/broker/access/users.ts";
import type { Broker } from "../../../src/broker/broker.ts";
import type { ExchangeOptions } from "../../../src/broker/exchange/definition.ts";
import type { QueueOptions } from "../../../src/broker/queue/definition.ts";
import { DurableRig } from "../../support/durable-rig.ts";
import { thorough } from "../../support/thorough.ts";

type Words = readonly (string | number)[];

interface Case {
  readonly what: string;
  /** Before the first restart: so long ago that all of it is durable, in whatever form. */
  readonly before: readonly Words[];
  /** The only thing that is done in the life that is killed. */
  readonly change: Words;
  readonly look: readonly Words[];
}

const stream: readonly Words[] = [
  ["XADD", "s", "1-1", "f", "a"],
  ["XADD", "s", "2-1", "f", "b"],
  ["XADD", "s", "3-1", "f", "c"],
  ["XGROUP", "CREATE", "s", "g", "1-1"],
];
const pending: readonly Words[] = [
  ...stream,
  ["XREADGROUP", "GROUP", "g", "one", "COUNT", 1, "STREAMS", "s", ">"],
];
const lookAtGroup: readonly Words[] = [
  ["XINFO", "GROUPS", "s"],
  ["XPENDING", "s", "g"],
  ["XRANGE", "s", "-", "+"],
];

const lookAtMoved: readonly Words[] = [
  ["EXISTS", "s"],
  ["PEXPIRETIME", "t"],
  ["XINFO", "STREAM", "t", "FULL"],
  ["XINFO", "CONSUMERS", "t", "g"],
  ["XRANGE", "t", "-", "+"],
];

const cases: readonly Case[] = [
  {
    what: "a stream's expiry",
    before: stream,
    change: ["PEXPIREAT", "s", 4e12],
    look: [["PEXPIRETIME", "s"], ...lookAtGroup],
  },
  {
    what: "that a stream does not expire any more",
    before: [...stream, ["PEXPIREAT", "s", 4e12]],
    change: ["PERSIST", "s"],
    look: [["PEXPIRETIME", "s"]],
  },
  {
    what: "that a stream has expired",
    before: stream,
    change: ["EXPIRE", "s", -1],
    look: [["EXISTS", "s"], ["DBSIZE"]],
  },
  {
    what: "a renamed stream, its groups, what they have pending, its expiry",
    before: [...pending, ["PEXPIREAT", "s", 4e12], ["XADD", "t", "1-1", "f", "other"]],
    change: ["RENAME", "s", "t"],
    look: [["EXISTS", "s"], ["DBSIZE"], ["XRANGE", "t", "-", "+"], ["PEXPIRETIME", "t"]],
  },
  {
    what: "a renamed stream's groups",
    before: [...pending, ["XADD", "u", "1-1", "f", "other"], ["XGROUP", "CREATE", "u", "g", 0]],
    change: ["RENAME", "s", "u"],
    look: [
      ["XINFO", "GROUPS", "u"],
      ["XPENDING", "u", "g"],
      ["EXISTS", "s"],
    ],
  },
  {
    what: "a stream in another database",
    before: pending,
    change: ["MOVE", "s", 1],
    look: [["EXISTS", "s"], ["DBSIZE"], ["INFO", "keyspace"]],
  },
  {
    what: "a stream's copy, with groups and what was deleted and is pending",
    before: [...pending, ["XDEL", "s", "2-1"], ["PEXPIREAT", "s", 4e12], ["SET", "t", "v"]],
    change: ["COPY", "s", "t", "REPLACE"],
    look: [["TYPE", "t"], ["DBSIZE"]],
  },
  {
    what: "a group's position that is set",
    before: stream,
    change: ["XGROUP", "SETID", "s", "g", "2-1"],
    look: lookAtGroup,
  },
  {
    what: "a group's position that moves no offset",
    before: stream,
    change: ["XGROUP", "SETID", "s", "g", "1-5"],
    look: lookAtGroup,
  },
  {
    what: "what a group has read, as it is told by ENTRIESREAD",
    before: stream,
    change: ["XGROUP", "SETID", "s", "g", "1-1", "ENTRIESREAD", 1],
    look: lookAtGroup,
  },
  {
    what: "what was read without being held",
    before: stream,
    change: ["XREADGROUP", "GROUP", "g", "one", "COUNT", 1, "NOACK", "STREAMS", "s", ">"],
    look: lookAtGroup,
  },
  {
    what: "a consumer that has nothing",
    before: stream,
    change: ["XGROUP", "CREATECONSUMER", "s", "g", "c"],
    look: lookAtGroup,
  },
  {
    what: "a consumer that is gone",
    before: pending,
    change: ["XGROUP", "DELCONSUMER", "s", "g", "one"],
    look: lookAtGroup,
  },
  {
    what: "a group that is gone",
    before: pending,
    change: ["XGROUP", "DESTROY", "s", "g"],
    look: [["XINFO", "GROUPS", "s"]],
  },
  {
    what: "who claimed an entry, and how often it was given",
    before: pending,
    change: ["XCLAIM", "s", "g", "two", 0, "2-1", "RETRYCOUNT", 7],
    look: [["XPENDING", "s", "g", "-", "+", 10], ...lookAtGroup],
  },
  { what: "an acknowledgement", before: pending, change: ["XACK", "s", "g", "2-1"], look: lookAtGroup },
  {
    what: "a stream's last id",
    before: stream,
    change: ["XSETID", "s", "9-9"],
    look: [["XINFO", "STREAM", "s"]],
  },
  {
    what: "what was ever added and deleted, as XSETID tells",
    before: stream,
    change: ["XSETID", "s", "3-1", "ENTRIESADDED", 77, "MAXDELETEDID", "2-5"],
    look: [["XINFO", "STREAM", "s"]],
  },
  {
    what: "a deleted entry",
    before: stream,
    change: ["XDEL", "s", "2-1"],
    look: [["XINFO", "STREAM", "s"], ...lookAtGroup],
  },
  {
    what: "the last entries deleted to the end",
    before: stream,
    change: ["XTRIM", "s", "MAXLEN", 0],
    look: [["XINFO", "STREAM", "s"]],
  },
  {
    what: "an expiry",
    before: [["SET", "k", "v"]],
    change: ["PEXPIREAT", "k", 4e12],
    look: [["PEXPIRETIME", "k"]],
  },
  {
    what: "no expiry any more",
    before: [["SET", "k", "v", "PXAT", 4e12]],
    change: ["PERSIST", "k"],
    look: [["PEXPIRETIME", "k"]],
  },
  {
    what: "a part of a value",
    before: [["SET", "k", "hello"]],
    change: ["SETRANGE", "k", 1, "a"],
    look: [["GET", "k"]],
  },
  {
    what: "databases that changed places",
    before: [["SET", "k", "v"]],
    change: ["SWAPDB", 0, 1],
    look: [["EXISTS", "k"]],
  },
  {
    what: "an empty database and one that is not",
    before: [["SET", "k", "v"]],
    change: ["MOVE", "k", 1],
    look: [["EXISTS", "k"]],
  },
  {
    what: "a renamed key",
    before: [["SET", "k", "v"]],
    change: ["RENAME", "k", "n"],
    look: [
      ["GET", "n"],
      ["EXISTS", "k"],
    ],
  },
  { what: "a flushed database", before: [["SET", "k", "v"]], change: ["FLUSHALL"], look: [["DBSIZE"]] },
  {
    what: "a user's rights",
    before: [["ACL", "SETUSER", "u", "on", ">p", "~a", "+get"]],
    change: ["ACL", "SETUSER", "u", "~b"],
    look: [["ACL", "GETUSER", "u"]],
  },
  {
    what: "a user that is gone",
    before: [["ACL", "SETUSER", "u"]],
    change: ["ACL", "DELUSER", "u"],
    look: [["ACL", "USERS"]],
  },
];

/** Without times that pass. */
function steady(reply: RedisReply): RedisReply {
  if (!Array.isArray(reply)) return reply;
  // An entry of XPENDING: id, consumer, idle time, count.
  if (reply.length === 4 && typeof reply[2] === "number" && String(reply[0]).includes("-"))
    return [reply[0]!, reply[1]!, 0, reply[3]!];
  const isTime = (at: number): boolean => ["idle", "inactive", "seen-time"].includes(String(reply[at - 1]));
  return reply.map((each, at) => (isTime(at) ? 0 : steady(each)));
}

async function answersOf(rig: DurableRig, look: readonly Words[]): Promise<RedisReply[]> {
  const answers: RedisReply[] = [];
  for (const words of look) answers.push(steady(await rig.redis(...words)));
  return answers;
}

for (const { what, before, change, look } of cases) {
  test(`a restart keeps ${what}`, async () => {
    const rig = await DurableRig.open(1);
    for (const words of before) await rig.redis(...words);
    await rig.restart();
    const first = await answersOf(rig, look);
    await rig.redis(...change);
    const wanted = await answersOf(rig, look);
    assert.notDeepEqual(wanted, first, "the change does not show: this case would show nothing");
    await rig.kill();
    assert.deepEqual(await answersOf(rig, look), wanted);
    // And after a life in which nothing was changed, whose state was written again.
    await rig.restart();
    assert.deepEqual(await answersOf(rig, look), wanted);
  });
}

const acl: KafkaAcl = {
  kind: "name",
  name: "orders",
  patternType: "literal",
  principal: "User:ann",
  host: "*",
  operation: "read",
  permission: "allow",
};

const queueOptions: QueueOptions = {
  name: "q",
  kind: "queue",
  durable: true,
  exclusiveOwner: 0,
  autoDelete: false,
  args: {},
};

const exchangeOptions: ExchangeOptions = {
  name: "x",
  type: "direct",
  durable: true,
  autoDelete: false,
  internal: false,
  args: {},
};

/** What clients and operators make and delete, by the kind of its definition. */
const definitions: Readonly<Record<string, Record<"make" | "remove", (broker: Broker) => void>>> = {
  acl: {
    make: ({ access }) => access.acls.add([acl]),
    remove: ({ access }) => access.acls.delete([acl]),
  },
  user: {
    make: ({ access }) => access.users.set(newUser("ann")),
    remove: ({ access }) => access.users.delete("ann"),
  },
  queue: {
    make: (broker) => void broker.defaultVhost.declareQueue(queueOptions),
    remove: (broker) => broker.defaultVhost.deleteQueue(broker.defaultVhost.queue("q")),
  },
  exchange: {
    make: (broker) => void broker.defaultVhost.declareExchange(exchangeOptions),
    remove: (broker) => broker.defaultVhost.deleteExchange(broker.defaultVhost.exchange("x")),
  },
  binding: {
    make: ({ defaultVhost: vhost }) => {
      vhost.declareQueue(queueOptions);
      vhost.declareExchange(exchangeOptions);
      vhost.bindings.bind(vhost.exchange("x"), vhost.queue("q"), "key", {});
      vhost.bindings.bind(vhost.exchange("x"), vhost.queue("q"), "other", {});
    },
    remove: ({ defaultVhost: vhost }) => {
      vhost.bindings.unbind(vhost.exchange("x"), vhost.queue("q"), "key", {});
      // With its queue goes the other one.
      vhost.deleteQueue(vhost.queue("q"));
      vhost.deleteExchange(vhost.exchange("x"));
    },
  },
  topic: {
    make: ({ defaultVhost }) => void defaultVhost.topics.create("t", 3, {}),
    remove: ({ defaultVhost: { topics } }) => topics.delete(topics.find("t")!),
  },
};

for (const [kind, { make, remove }] of Object.entries(definitions)) {
  test(`what was made and deleted leaves no definition behind: ${kind}`, async () => {
    const rig = await DurableRig.open(1);
    const keys = (): string[] =>
      [...rig.broker.storage.definitions.entries("")]
        .map(([key]) => key)
        // A counter, which no client made.
        .filter((key) => key !== "storage/next-id")
        .toSorted();
    await rig.restart();
    const first = keys();
    make(rig.broker);
    const made = keys();
    assert.ok(made.some((key) => key.startsWith(`${kind}/`) && !first.includes(key)));
    await rig.redis("PING");
    await rig.kill();
    assert.deepEqual(keys(), made);
    remove(rig.broker);
    assert.deepEqual(keys(), first);
    await rig.redis("PING");
    await rig.kill();
    assert.deepEqual(keys(), first);
    // It may be made again.
    make(rig.broker);
    assert.deepEqual(keys(), made);
  });
}

test("bindings whose arguments differ in their last characters only are two, over restarts", async () => {
  const rig = await DurableRig.open(1);
  const long = "a".repeat(5000);
  const args = (end: string) => ({ "x-match": "all", long: long + end });
  const count = (): number => rig.broker.defaultVhost.exchange("x").bindings.size;
  rig.broker.defaultVhost.declareQueue(queueOptions);
  rig.broker.defaultVhost.declareExchange({ ...exchangeOptions, type: "headers" });
  for (const end of ["1", "2"]) {
    const { defaultVhost: vhost } = rig.broker;
    vhost.bindings.bind(vhost.exchange("x"), vhost.queue("q"), "", args(end));
  }
  await rig.redis("PING");
  await rig.kill();
  assert.equal(count(), 2);
  const { defaultVhost: vhost } = rig.broker;
  vhost.bindings.unbind(vhost.exchange("x"), vhost.queue("q"), "", args("1"));
  await rig.redis("PING");
  await rig.kill();
  assert.equal(count(), 1);
  const [binding] = rig.broker.defaultVhost.exchange("x").bindings.values();
  assert.deepEqual({ ...binding!.args }, args("2"));
});

// Positions of Kafka's groups

const groups = ["g", "h", "i", "j"];
const topics = ["t", "u"];
const partitions = [0, 1];

const deed = fc.record({
  what: fc.constantFrom(
    "commitAll",
    "commit",
    "commit",
    "deletePosition",
    "deleteGroup",
    "deleteTopic",
    "kill",
    "restart",
  ),
  group: fc.constantFrom(...groups),
  topic: fc.constantFrom(...topics),
  partition: fc.constantFrom(...partitions),
  offset: fc.nat({ max: 100 }),
});

async function makeTopic(rig: DurableRig, name: string): Promise<void> {
  const topic = {
    name,
    numPartitions: partitions.length,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  };
  await rig.kafka("CreateTopics", 5, { topics: [topic], timeoutMs: 1000 });
}

async function positionsOf(rig: DurableRig): Promise<[string, number][]> {
  const found = new Map<string, number>();
  for (const groupId of groups) {
    const { topics: answers } = await rig.kafka("OffsetFetch", 5, { groupId, topics: null });
    for (const { name, partitions: all } of answers)
      for (const { partitionIndex, committedOffset } of all)
        if (committedOffset >= 0) found.set(`${groupId} ${name} ${partitionIndex}`, committedOffset);
  }
  return sorted(found);
}

function sorted(positions: ReadonlyMap<string, number>): [string, number][] {
  return [...positions].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

test("positions of groups are those of a map, through deleted topics and groups and over restarts", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 25 }), fc.nat(), async (deeds, seed) => {
      const rig = await DurableRig.open(seed);
      const model = new Map<string, number>();
      for (const name of topics) await makeTopic(rig, name);
      for (const { what, group, topic, partition, offset } of deeds) {
        const key = `${group} ${topic} ${partition}`;
        if (what === "commit" || what === "commitAll") {
          // All groups have a position in the topic then, and lose it together.
          for (const groupId of what === "commit" ? [group] : groups) {
            const position = { partitionIndex: partition, committedOffset: offset, committedMetadata: "" };
            await rig.kafka("OffsetCommit", 5, {
              groupId,
              generationIdOrMemberEpoch: -1,
              memberId: "",
              topics: [{ name: topic, partitions: [position] }],
            });
            model.set(`${groupId} ${topic} ${partition}`, offset);
          }
        } else if (what === "deletePosition") {
          const named = [{ name: topic, partitions: [{ partitionIndex: partition }] }];
          await rig.kafka("OffsetDelete", 0, { groupId: group, topics: named });
          model.delete(key);
        } else if (what === "deleteGroup") {
          await rig.kafka("DeleteGroups", 2, { groupsNames: [group] });
          for (const each of model.keys()) if (each.startsWith(`${group} `)) model.delete(each);
        } else if (what === "deleteTopic") {
          await rig.kafka("DeleteTopics", 5, { topicNames: [topic], timeoutMs: 1000 });
          for (const each of model.keys()) if (each.includes(` ${topic} `)) model.delete(each);
          await makeTopic(rig, topic);
        } else if (what === "kill") await rig.kill();
        else await rig.restart();
        assert.deepEqual(await positionsOf(rig), sorted(model));
        for (const name of topics) {
          const isKnown = rig.broker.defaultVhost.groupOffsets.hasTopic(name);
          assert.equal(
            isKnown,
            [...model.keys()].some((each) => each.includes(` ${name} `)),
          );
        }
      }
      await rig.kill();
      assert.deepEqual(await positionsOf(rig), sorted(model));
    }),
    { numRuns: 25 * thorough },
  );
});

test("a stream's copy and a renamed one are as the first was, over restarts", async () => {
  const rig = await DurableRig.open(4);
  for (const words of [...pending, ["XDEL", "s", "2-1"], ["PEXPIREAT", "s", 4e12]]) await rig.redis(...words);
  const lookAt = (key: string): Promise<RedisReply[]> =>
    answersOf(
      rig,
      lookAtMoved.slice(1).map((words) => words.map((word) => (word === "t" ? key : word))),
    );
  const wanted = await lookAt("s");
  await rig.redis("COPY", "s", "t");
  await rig.redis("COPY", "t", "u");
  await rig.redis("RENAME", "t", "v");
  await rig.kill();
  for (const key of ["s", "u", "v"]) assert.deepEqual(await lookAt(key), wanted, key);
  await rig.redis("DEL", "s");
  await rig.restart();
  await rig.kill();
  for (const key of ["u", "v"]) assert.deepEqual(await lookAt(key), wanted, key);
  for (const key of ["s", "t"]) assert.equal(await rig.redis("EXISTS", key), 0);
  // Nothing of those that are gone is left behind.
  const { storage, defaultVhost } = rig.broker;
  assert.equal([...storage.definitions.entries("group/")].length, 2);
  assert.equal(defaultVhost.queues.size, 2);
  assert.equal(storage.logs.size, 2);
});

// Expiry x restart x who waits

const waits: Record<string, readonly Words[]> = {
  nobody: [],
  "a reader of the group": [["XREADGROUP", "GROUP", "g", "one", "BLOCK", 0, "STREAMS", "s", ">"]],
  "XREAD and a reader of the group": [
    ["XREADGROUP", "GROUP", "g", "one", "BLOCK", 0, "STREAMS", "s", ">"],
    ["XREAD", "BLOCK", 0, "STREAMS", "s", "$"],
  ],
};

for (const start of ["no", "kill", "restart"] as const) {
  for (const [who, commands] of Object.entries(waits)) {
    for (const looker of ["a command", "nobody"] as const) {
      test(`a stream expires: ${start} in between, ${who} waits, ${looker} asks for it`, async () => {
        const rig = await DurableRig.open(5);
        for (const words of stream) await rig.redis(...words);
        await rig.redis("XGROUP", "SETID", "s", "g", "$");
        const at = rig.time.now() + 1000;
        assert.equal(await rig.redis("PEXPIREAT", "s", at), 1);
        if (start !== "no") await rig[start]();
        const heard: string[] = [];
        for (const [i, words] of commands.entries()) {
          const client = new RedisClient(rig.connect("redis"));
          client.call(words, (reply) => heard.push(`${i} ${String(reply)}`));
          await rig.pass(1);
        }
        assert.equal(await rig.redis("EXISTS", "s"), 1);
        assert.equal(await rig.redis("XLEN", "s"), 3);
        rig.time.advance(at - rig.time.now());
        if (looker === "a command") assert.equal(await rig.redis("XLEN", "s"), 0);
        else await rig.until(() => !rig.broker.defaultVhost.queues.has("s"), "the stream is gone");
        await rig.pass(100);
        assert.deepEqual(
          heard,
          commands.length === 0 ? [] : ["0 Error: UNBLOCKED the stream key no longer exists"],
        );
        assert.equal(await rig.redis("TTL", "s"), -2);
        // XREAD goes on with the next stream of that name, which has no expiry of the old one and none of its groups.
        await rig.redis("XADD", "s", "9-1", "f", "v");
        await rig.pass(100);
        if (commands.length === 2) assert.deepEqual(heard.slice(1), ["1 s,9-1,f,v"]);
        assert.equal(await rig.redis("TTL", "s"), -1);
        await rig.kill();
        assert.equal(await rig.redis("XLEN", "s"), 1);
        assert.deepEqual(await rig.redis("XINFO", "GROUPS", "s"), []);
        assert.equal([...rig.broker.storage.definitions.entries("group/")].length, 0);
        assert.equal(rig.broker.storage.logs.size, 1);
      });
    }
  }
}

test("producer ids are given once, whatever was restarted in between", async () => {
  const rig = await DurableRig.open(3);
  const given = new Set<number>();
  for (let i = 0; i < 6; i++) {
    for (let each = 0; each < 3; each++) {
      const { producerId } = await rig.kafka("InitProducerId", 4, {
        transactionalId: null,
        transactionTimeoutMs: 1000,
        producerId: -1,
        producerEpoch: -1,
      });
      assert.ok(!given.has(producerId), `${producerId} was given twice`);
      // The next ones, or those of the next reservation: not just any.
      const last = Math.max(0, ...given);
      if (given.size > 0)
        assert.ok(producerId > last && producerId <= last + 1000, `${producerId} after ${last}`);
      given.add(producerId);
    }
    await (i % 2 === 0 ? rig.kill() : rig.restart());
  }
});
