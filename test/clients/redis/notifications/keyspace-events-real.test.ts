/**
 * Keyspace notifications of every class beside the real redis-server: the same random commands to both, and after each of them the
 * same messages in the same order to a subscriber. Skipped, and said so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { seededRandom } from "../../../../differential/random.ts";
import { startTestBroker, type TestBroker } from "../../../support/broker.ts";
import { KeyCommands } from "../../../support/key-commands.ts";
import { PushingRedis } from "../../../support/pushing-redis.ts";
import type { Word } from "../../../support/raw-redis.ts";
import { noRealRedis, RealRedis } from "../../../support/real-redis.ts";
import { until } from "../../../support/wait.ts";

/** A server, with a client that changes keys, one that waits, and two that listen. */
class Side {
  readonly client: PushingRedis;
  readonly waiter: PushingRedis;
  readonly #listeners: readonly PushingRedis[];

  private constructor(client: PushingRedis, waiter: PushingRedis, listeners: readonly PushingRedis[]) {
    this.client = client;
    this.waiter = waiter;
    this.#listeners = listeners;
  }

  static async open(port: number): Promise<Side> {
    const listeners = [await PushingRedis.open(port, 3), await PushingRedis.open(port, 3)];
    listeners[0]!.send("psubscribe", "__key*__:*");
    listeners[1]!.send("subscribe", "__keyspace@0__:list1", "__keyevent@0__:del", "__keyevent@0__:expired");
    for (const listener of listeners) await listener.settled();
    return new Side(await PushingRedis.open(port), await PushingRedis.open(port), listeners);
  }

  /** The messages of what was done until now. */
  async heard(): Promise<string[][]> {
    return Promise.all(this.#listeners.map(async (listener) => (await listener.settled()).map(shown)));
  }

  /** The messages of the first listener in the order of their text, once there are so many. */
  async heardUntil(count: number): Promise<string[]> {
    const [listener] = this.#listeners as [PushingRedis];
    const heard: string[] = [];
    await until(async () => {
      heard.push(...(await listener.settled()).map(shown));
      return heard.length >= 2 * count;
    }, "messages");
    await this.heard();
    return heard.toSorted();
  }

  async hasBlocked(): Promise<boolean> {
    return (await this.client.call("info", "clients")).includes("blocked_clients:1");
  }

  async close(): Promise<void> {
    for (const each of [this.client, this.waiter, ...this.#listeners]) await each.close();
  }
}

/** 7.2, whose way ours is, makes the consumer of XREADGROUP also where there is nothing to read. */
function ofBoth(text: string, messages: string[][]): string[][] {
  if (text.includes("xreadgroup"))
    return messages.map((each) => each.filter((message) => !message.includes("xgroup-createconsumer")));
  // The members of a set have no order.
  return text.includes("sort ") ? messages.map((each) => each.toSorted()) : messages;
}

/** A message in one line: channel and text. */
function shown(push: string): string {
  return push.split("\r\n").slice(-5, -1).filter((line) => !line.startsWith("$")).join(" "); // prettier-ignore
}

let broker: TestBroker;
let real: RealRedis;
let ours: Side;
let theirs: Side;

before(async () => {
  if (noRealRedis !== false) return;
  broker = await startTestBroker();
  real = await RealRedis.start();
  ours = await Side.open(broker.ports.redis);
  theirs = await Side.open(real.port);
});

after(async () => {
  if (noRealRedis !== false) return;
  await ours.close();
  await theirs.close();
  await real.stop();
  await broker.stop();
});

const options = { skip: noRealRedis };
const done: string[] = [];
let messages = 0;

/** Runs the same requests, in one piece, and compares what was heard of them. */
async function same(...requests: Word[][]): Promise<void> {
  const text = requests.map((words) => words.map(String).join(" ")).join(" ; ");
  done.push(text);
  const [got, wanted] = await Promise.all([ours.client.pipeline(requests), theirs.client.pipeline(requests)]);
  const [heard, expected] = await Promise.all([ours.heard(), theirs.heard()]);
  messages += heard.flat().length;
  const [mine, wantedHeard] = [JSON.stringify(ofBoth(text, heard)), JSON.stringify(ofBoth(text, expected))];
  assert.equal(
    mine,
    wantedHeard,
    `${mine}\n${wantedHeard}\n${text}\n${got.join("").slice(0, 300)}${wanted.join("").slice(0, 300)}${done.slice(-12).join("\n")}`,
  );
}

async function configure(classes: string): Promise<void> {
  await same(["flushall"], ["config", "set", "notify-keyspace-events", classes]);
}

const seed = Number(process.env["TROIKAMQ_TEST_SEED"] ?? 1);
const steps = Number(process.env["TROIKAMQ_TEST_STEPS"] ?? 250);
const commandsAtOnce = 4;

for (const [classes, readShare] of [
  ["AKE", 0],
  ["AKEnm", 0.3],
] as const) {
  test(`random commands, classes ${classes}`, options, async () => {
    await configure(classes);
    messages = 0;
    const commands = new KeyCommands(seededRandom(seed));
    for (let step = 0; step < steps; step++)
      await same(...Array.from({ length: commandsAtOnce }, () => commands.next(readShare)));
    assert.ok(messages > steps, `${messages} messages`);
  });
}

test("each class by itself, each kind of channel by itself", options, async () => {
  const commands = new KeyCommands(seededRandom(seed + 1));
  for (const classes of ["Kg", "E$", "Kl", "Es", "Kh", "Ez", "Kx", "Et", "Kn", "Em", "Ed", "A", "K", ""]) {
    await configure(classes);
    for (let step = 0; step < 8; step++) await same(...Array.from({ length: 8 }, () => commands.next(0.2)));
  }
});

test("in MULTI and in scripts", options, async () => {
  await configure("AKEnm");
  const commands = new KeyCommands(seededRandom(seed + 2));
  const call = "return redis.call(unpack(ARGV))";
  for (let step = 0; step < 60; step++) {
    const inMulti = Array.from({ length: 3 }, () => commands.next(0.2));
    await same(["multi"], ...inMulti, ["exec"]);
    await same(["eval", call, 0, ...commands.next(0.2)]);
  }
});

test("keys whose time has come, found by a command", options, async () => {
  await configure("AKEnm");
  const commands = new KeyCommands(seededRandom(seed + 3));
  // In one MULTI no sweep comes in between.
  for (let step = 0; step < 100; step++) {
    const key = commands.key("string");
    const next = commands.next(0.4).map((word) => (word === "string2" ? key : word));
    await same(["multi"], ["set", key, "v", "exat", 1], next, ["get", key], ["exec"]);
  }
});

test("keys whose time has come, found by nobody", options, async () => {
  await configure("KEx");
  const making: Word[][] = [
    ["set", "gone", "v", "px", 1],
    ["xadd", "gone2", "1-1", "a", "b"],
    ["pexpire", "gone2", 1],
  ];
  await Promise.all([ours, theirs].map(async (side) => side.client.pipeline(making)));
  const [got, wanted] = await Promise.all([ours.heardUntil(2), theirs.heardUntil(2)]);
  assert.deepEqual(got, wanted);
});

test("keys that go for want of memory, by a command and by CONFIG SET alone", options, async () => {
  for (const classes of ["KEe", "AKE"]) {
    await configure("");
    const making: Word[][] = [
      ["set", "stays", "v"],
      ["set", "gone", "v", "ex", 100],
      ["hset", "gone2", "f", "v"],
      ["expire", "gone2", 200],
      ["rpush", "gone3", ...Array.from({ length: 300 }, (_, i) => `element ${i}`)],
      ["expire", "gone3", 300],
      ["config", "set", "maxmemory-policy", "volatile-ttl"],
      ["config", "set", "notify-keyspace-events", classes],
      ["config", "set", "maxmemory", 1],
      ["ping"],
    ];
    await Promise.all([ours, theirs].map(async (side) => side.client.pipeline(making)));
    const [got, wanted] = await Promise.all([ours.heardUntil(3), theirs.heardUntil(3)]);
    assert.deepEqual(got, wanted);
    assert.equal(got.filter((message) => message.endsWith("evicted")).length, 3);
    await same(["config", "set", "maxmemory", 0], ["dbsize"]);
  }
});

test("clients that wait", options, async () => {
  await configure("AKEnm");
  const pops: [Word[], Word[][]][] = [
    [["blpop", "list1", "list2", 0], [["rpush", "list2", "a"]]],
    [["brpop", "list1", 0], [["rpush", "list1", "a", "b"]]],
    [["blmove", "list1", "list2", "left", "right", 0], [["rpush", "list1", "c"]]],
    [["brpoplpush", "list3", "list3", 0], [["rpush", "list3", "c"]]],
    [["blmpop", 0, 2, "list1", "list4", "left", "count", 2], [["rpush", "list4", "a", "b", "c"]]],
    [["bzpopmin", "zset1", 0], [["zadd", "zset1", 1, "a"]]],
    [["bzpopmax", "zset1", 0], [["zadd", "zset1", 1, "a", 2, "b"]]],
    [
      ["bzmpop", 0, 1, "zset2", "min"],
      [
        ["zadd", "zset5", 1, "a"],
        ["zunionstore", "zset2", 1, "zset5"],
      ],
    ],
    [
      ["blpop", "list5", 0],
      [["multi"], ["rpush", "list5", "a"], ["rpush", "list5", "b"], ["exec"]],
    ],
    [
      ["blpop", "list6", 0],
      [["eval", "redis.call('lpush', 'x', 'a') redis.call('rename', 'x', 'list6')", 0]],
    ],
    [["xread", "block", 0, "streams", "stream1", "$"], [["xadd", "stream1", "5-1", "a", "b"]]],
  ];
  for (const [pop, making] of pops) {
    const sides = [ours, theirs];
    const waiting = sides.map((side) => side.waiter.call(...pop));
    for (const side of sides) await until(() => side.hasBlocked(), pop.join(" "));
    await same(...making);
    const [got, wanted] = await Promise.all(waiting);
    assert.equal(got, wanted);
    await same(["del", "list1", "list2", "list3", "list4", "zset1"]);
  }
});

test("large values, whose commands take several turns", options, async () => {
  await configure("AKEn");
  const many = (count: number, make: (i: number) => Word[]): Word[] =>
    Array.from({ length: count }, (_, i) => make(i)).flat();
  const members = many(3000, (i) => [`member ${i}`]);
  const scored = many(3000, (i) => [i, `member ${i}`]);
  await same(["rpush", "list1", ...members]);
  await same(["lrem", "list1", 0, "member 7"]);
  await same(["linsert", "list1", "before", "member 2900", "x"]);
  await same(["lpop", "list1", 1500]);
  await same(["rename", "list1", "list2"]);
  await same(["copy", "list2", "list1"], ["copy", "list2", "list1", "replace"]);
  await same(["rpop", "list1", 5000]);
  await same(["rpush", "list4", ...many(1500, () => ["same"])]);
  await same(["lrem", "list4", 0, "same"]);
  await same(["sadd", "set1", ...members]);
  await same(["sunionstore", "set2", "set1", "set3"]);
  await same(["spop", "set1", 2990]);
  await same(["spop", "set2", 5000]);
  await same(["zadd", "zset1", ...scored]);
  await same(["zunionstore", "zset2", 1, "zset1"], ["zunionstore", "zset2", 1, "zset1"]);
  await same(["zrangestore", "zset3", "zset2", 0, -1]);
  await same(["zpopmin", "zset1", 2000]);
  await same(["zpopmin", "zset1", 2000]);
  await same(["zremrangebyrank", "zset2", 0, 2000]);
  await same(["zremrangebyscore", "zset2", "-inf", "inf"]);
  await same(["sort", "list2", "alpha", "store", "list3"]);
  await same(["del", "list2", "zset3", "list3"]);
});

test("a missing key is told though the command is refused for another reason", options, async () => {
  await configure("KEAm");
  await same(["sadd", "set1", "a"]);
  await same(["lcs", "set1", "nothing"], ["lcs", "nothing", "set1"], ["lcs", "nothing", "none", "x"]);
  await same(["xautoclaim", "nothing", "g", "c", "x", "0"], ["xautoclaim", "nothing", "g", "c", 0, "x"]);
  await same(["xautoclaim", "nothing", "g", "c", 0, 0, "count", 0], ["xautoclaim", "set1", "g", "c", 0, "x"]);
});

test("CONFIG SET and GET of notify-keyspace-events", options, async () => {
  for (const classes of ["A", "AKE", "gKn", "AnmKE", "g$lshzxetdKE", "Kq", "", "Kmn", "KEm", "mnK$"]) {
    const set = ["config", "set", "notify-keyspace-events", classes];
    const requests = [set, ["config", "get", "notify-keyspace-events"]];
    const [got, wanted] = await Promise.all([ours, theirs].map(({ client }) => client.pipeline(requests)));
    assert.deepEqual(got, wanted, classes);
  }
});
