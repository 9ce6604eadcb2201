/**
 * Every policy with every type of values, written by themselves, in MULTI and by scripts, above `maxmemory`; what went stays away after a
 * kill; streams stay; those who watch a key learn that it went.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { evictionPolicyNames } from "../../../src/base/config/eviction-policies.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis, type Word } from "../../support/raw-redis.ts";

const bytesMax = 300_000;
/** What one command may add before the next one makes room. */
const slackBytes = 20_000;
const keysOfRound = 40;
const long = "x".repeat(300);

let broker: TestBroker;
let client: RawRedis;

before(async () => {
  broker = await startTestBroker({
    args: ["--redis-maxmemory", String(bytesMax), "--redis-maxmemory-policy", "volatile-ttl"],
  });
  client = await RawRedis.open(broker.ports.redis);
});

after(async () => {
  await client.close();
  await broker.stop();
});

async function field(section: string, name: string): Promise<number> {
  const text = await client.call("info", section);
  return Number(new RegExp(`${name}:(\\d+)`).exec(text)![1]);
}

async function set(...settings: string[]): Promise<void> {
  for (const setting of settings)
    assert.equal(await client.call("config", "set", ...setting.split(" ")), "+OK\r\n");
}

/** What makes a value under a key, of about a kilobyte packed, and one that is large now and then. */
const types: Readonly<Record<string, (key: string, round: number) => Word[]>> = {
  string: (key, round) => ["set", key, long.repeat(round % 5 === 0 ? 10 : 3)],
  hash: (key, round) => ["hset", key, ...elements(round).flatMap((name) => [name, long.slice(0, 40)])],
  list: (key, round) => ["rpush", key, ...elements(round)],
  set: (key, round) => ["sadd", key, ...elements(round)],
  zset: (key, round) => ["zadd", key, ...elements(round).flatMap((name, score) => [score, name])],
};

function elements(round: number): string[] {
  return Array.from({ length: round % 5 === 0 ? 200 : 20 }, (_, i) => `element ${i} ${long.slice(0, 20)}`);
}

const ways: Readonly<Record<string, (command: Word[]) => Word[][]>> = {
  plain: (command) => [command],
  multi: (command) => [["multi"], command, ["exec"]],
  script: (command) => [["eval", "return redis.call(unpack(ARGV))", 0, ...command]],
};

const outOfMemory = "OOM command not allowed when used memory > 'maxmemory'.";

test("the options of the command line are in force", async () => {
  assert.match(await client.call("config", "get", "maxmemory"), new RegExp(String(bytesMax)));
  assert.match(await client.call("config", "get", "maxmemory-policy"), /volatile-ttl/);
});

for (const policy of evictionPolicyNames) {
  test(`${policy}: every type, plain, in MULTI and by scripts`, async () => {
    await client.call("flushall");
    await set(`maxmemory-policy ${policy}`);
    assert.equal(await client.call("set", "stays", "here"), "+OK\r\n");
    const stream = await client.call("xadd", "stream", "*", "a", long);
    assert.match(stream, /^\$/);
    const isVolatile = policy.startsWith("volatile-");
    for (const [type, make] of Object.entries(types)) {
      for (const [way, wrap] of Object.entries(ways)) {
        const goneBefore = await field("stats", "evicted_keys");
        const requests: Word[][] = [];
        for (let round = 0; round < keysOfRound; round++) {
          const key = `${type}:${way}:${round}`;
          requests.push(...wrap(make(key, round)), ["expire", key, 1000 + round]);
        }
        const replies = await Promise.all(client.pipeline(requests));
        const refused = replies.filter((reply) => reply.includes(outOfMemory)).length;
        const used = await field("memory", "used_memory");
        const gone = (await field("stats", "evicted_keys")) - goneBefore;
        const what = `${type} ${way}: ${refused} refused, ${gone} gone, ${used} bytes`;
        if (policy === "noeviction") assert.ok(gone === 0, what);
        else {
          assert.equal(refused, 0, what);
          assert.ok(gone > 0 || type === "string", what);
        }
        assert.ok(used <= bytesMax + slackBytes, what);
      }
    }
    if (policy === "noeviction") assert.match(await client.call("set", "another", "key"), /^-OOM/);
    // What is not to expire stays, and a stream is no value: it does not count.
    if (isVolatile) assert.equal(await client.call("get", "stays"), "$4\r\nhere\r\n");
    assert.equal(await client.call("xlen", "stream"), ":1\r\n");
  });
}

test("volatile policies without keys to expire refuse as noeviction does, and go on once there are some", async () => {
  await client.call("flushall");
  await set("maxmemory-policy volatile-lru");
  let refused = 0;
  for (let i = 0; i < 400 && refused === 0; i++) {
    if ((await client.call("set", `k${i}`, long.repeat(4))).startsWith("-OOM")) refused++;
  }
  assert.equal(refused, 1);
  assert.equal(await client.call("expire", "k0", 1000), ":1\r\n");
  assert.equal(await client.call("set", "one", "more"), "+OK\r\n");
  assert.equal(await client.call("exists", "k0"), ":0\r\n");
});

test("volatile-ttl: the next to expire go first", async () => {
  await client.call("flushall");
  await set("maxmemory 0", "maxmemory-policy volatile-ttl", "maxmemory-samples 64");
  await Promise.all(
    client.pipeline(
      Array.from({ length: 60 }, (_, i) => ["set", `k${i}`, long, "ex", 1000 + ((i * 37) % 60)]),
    ),
  );
  await set(`maxmemory ${(await field("memory", "used_memory")) - 5000}`);
  assert.equal(await client.call("ping"), "+PONG\r\n");
  const left = await Promise.all(client.pipeline(Array.from({ length: 60 }, (_, i) => ["exists", `k${i}`])));
  const gone = left.flatMap((reply, i) => (reply === ":0\r\n" ? [(i * 37) % 60] : []));
  gone.sort((a, b) => a - b);
  assert.ok(gone.length > 5);
  assert.deepEqual(
    gone,
    gone.map((_, i) => i),
  );
  await set("maxmemory-samples 5");
});

/** As Redis 7.2 has it: 7.0, which others are compared with, has no such command. */
test("CLIENT NO-TOUCH: no command of that client counts as a use, but TOUCH", async () => {
  await client.call("flushall");
  await set("maxmemory 0", "maxmemory-policy allkeys-lfu", "lfu-log-factor 0", "lfu-decay-time 0");
  await Promise.all(client.pipeline([["set", "s", "1"], ["hset", "h", "f", "1"]])); // prettier-ignore
  const freq = async (key: string): Promise<number> =>
    Number((await client.call("object", "freq", key)).slice(1));
  const steps: [command: string, s: number, h: number][] = [
    ["client no-touch on", 5, 5],
    ["get s", 5, 5],
    ["set s 2", 5, 5],
    ["set s 3 keepttl", 5, 5],
    ["append s 4", 5, 5],
    ["hget h f", 5, 5],
    ["set fresh 1", 5, 5],
    ["eval return(redis.call('get','s')) 0", 5, 5],
    ["touch s h", 6, 6],
    ["client no-touch off", 6, 6],
    ["get s", 7, 6],
    ["set s 2", 8, 6],
    ["client no-touch on", 8, 6],
    ["reset", 8, 6],
    ["get s", 9, 6],
  ];
  for (const [command, s, h] of steps) {
    assert.doesNotMatch(await client.call(...command.split(" ")), /^-/, command);
    assert.deepEqual([await freq("s"), await freq("h")], [s, h], command);
  }
  assert.equal(await freq("fresh"), 5);
  await set("lfu-log-factor 10", "lfu-decay-time 1");
});

test("EXEC of who watches an evicted key fails", async () => {
  await client.call("flushall");
  await set("maxmemory 0", "maxmemory-policy allkeys-random");
  await client.call("set", "watched", long);
  await client.call("watch", "watched");
  const other = await RawRedis.open(broker.ports.redis);
  await other.call("config", "set", "maxmemory", 1);
  await other.call("ping");
  await other.call("config", "set", "maxmemory", 0);
  await other.close();
  await Promise.all(client.pipeline([["multi"], ["get", "watched"]]));
  assert.equal(await client.call("exec"), "*-1\r\n");
});

test("a bound that is lowered acts without any command, and what went stays away after a kill", async () => {
  await client.call("flushall");
  await set("maxmemory 0", "maxmemory-policy allkeys-lru");
  const requests: Word[][] = [];
  for (const [type, make] of Object.entries(types)) {
    for (let round = 0; round < 40; round++) {
      requests.push(make(`${type}:${round}`, round), ["expire", `${type}:${round}`, 5000 + round]);
    }
  }
  await Promise.all(client.pipeline(requests));
  await set(`maxmemory ${bytesMax}`);
  const names = async (): Promise<string[]> => (await client.call("keys", "*")).split("\r\n").toSorted();
  const left = await names();
  assert.ok(left.length < 350, `${left.length} lines`);
  assert.ok((await field("memory", "used_memory")) <= bytesMax);
  await client.close();
  await broker.kill();
  await broker.restart();
  client = await RawRedis.open(broker.ports.redis);
  assert.deepEqual(await names(), left);
  assert.ok((await field("memory", "used_memory")) <= bytesMax);
});

test("maxmemory-clients: who holds the most is closed; NO-EVICT keeps a connection", async () => {
  await set("maxmemory 0", "maxmemory-clients 3mb");
  const greedy = await RawRedis.open(broker.ports.redis);
  const kept = await RawRedis.open(broker.ports.redis);
  assert.equal(await kept.call("client", "no-evict", "on"), "+OK\r\n");
  await Promise.all([greedy, kept].map((each) => each.call("multi")));
  const queue = async (each: RawRedis): Promise<string> => {
    let last = "";
    for (let i = 0; i < 40 && last !== "closed"; i++)
      last = await each.call("set", `k${i}`, "y".repeat(64 << 10));
    return last;
  };
  assert.equal(await queue(kept), "+QUEUED\r\n");
  let last = "";
  for (let i = 0; i < 50 && last !== "closed"; i++) last = await queue(greedy);
  assert.equal(last, "closed");
  assert.equal(await field("stats", "evicted_clients"), 1);
  assert.match(await kept.call("discard"), /OK/);
  await kept.close();
  await greedy.close();
  await set("maxmemory-clients 0");
});
