/**
 * MIGRATE beside the real redis-server, and to it: keys of all types go there and back, and what may go wrong is said in its words.
 * Skipped, and said so, without a redis-server 7.0.
 */
import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis, type Word } from "../../support/raw-redis.ts";
import { until } from "../../support/wait.ts";
import { noRealRedis, RealRedis } from "../../support/real-redis.ts";

let ours: TestBroker;
let real: RealRedis;
let target: RealRedis;
let us: RawRedis;
let them: RawRedis;
let there: RawRedis;
/** Takes what comes and says nothing. */
let silent: Server;
const sockets = new Set<Socket>();

before(async () => {
  if (noRealRedis !== false) return;
  silent = createServer((socket) => sockets.add(socket.on("error", () => {})));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  [ours, real, target] = await Promise.all([startTestBroker(), RealRedis.start(), RealRedis.start()]);
  us = await RawRedis.open(ours.ports.redis);
  them = await RawRedis.open(real.port);
  there = await RawRedis.open(target.port);
});

after(async () => {
  if (noRealRedis !== false) return;
  for (const client of [us, them, there]) await client.close();
  for (const socket of sockets) socket.destroy();
  silent.close();
  await Promise.all([ours.stop(), real.stop(), target.stop()]);
});

const options = { skip: noRealRedis };

const silentPort = (): number => (silent.address() as { port: number }).port;

/** The same words to both, one after the other, each to a target that is empty. */
async function same(...words: Word[]): Promise<string> {
  const replies: string[] = [];
  for (const client of [us, them]) {
    await there.call("flushall");
    await there.call("set", "taken", "1");
    replies.push(await client.call(...words));
  }
  assert.equal(replies[0], replies[1], words.map(String).join(" "));
  return replies[0]!;
}

async function both(...words: Word[]): Promise<void> {
  await us.call(...words);
  await them.call(...words);
}

test("what it answers is what redis answers, whatever is wrong", options, async () => {
  const to = (...words: Word[]): Word[] => ["migrate", "127.0.0.1", target.port, ...words];
  await both("mset", "a", "1", "b", "2", "taken", "mine");
  assert.equal(await same(...to("none", 0, 1000)), "+NOKEY\r\n");
  assert.equal(await same(...to("", 0, 1000, "KEYS", "none", "neither")), "+NOKEY\r\n");
  await same(...to("a", 0, 1000, "KEYS", "b"));
  await same(...to("a", 0, 1000, "BOGUS"));
  await same(...to("a", 0, 1000, "AUTH"));
  await same(...to("a", 0, 1000, "AUTH2", "x"));
  await same(...to("a", "x", 1000));
  await same(...to("a", 0, "x"));
  await same("migrate", "127.0.0.1");
  await same(...to("a", 99, 1000));
  await same(...to("a", 0, 1000, "AUTH", "secret"));
  await same(...to("a", 0, 1000, "AUTH2", "someone", "secret"));
  await same(...to("taken", 0, 1000));
  await same("migrate", "127.0.0.1", 1, "a", 0, 1000);
  await same("migrate", "127.0.0.1", 99_999, "a", 0, 1000);
  await same("migrate", "no such host", target.port, "a", 0, 1000);
  await same("migrate", "127.0.0.1", silentPort(), "a", 0, 100);
  // All of this left the keys where they were.
  assert.equal(await us.call("mget", "a", "b", "taken"), await them.call("mget", "a", "b", "taken"));
  assert.equal(await same(...to("a", 0, 1000, "COPY")), "+OK\r\n");
  assert.equal(await same(...to("taken", 0, 0, "COPY", "REPLACE")), "+OK\r\n");
  assert.equal(await same("exists", "a", "taken"), ":2\r\n");
  // One of them is refused; the others have moved.
  await same(...to("", 0, 1000, "KEYS", "a", "taken", "none", "b"));
  assert.equal(await same("exists", "a", "b"), ":0\r\n");
  assert.equal(await same("exists", "taken"), ":1\r\n");
  assert.equal(await same(...to("taken", 0, 1000, "replace")), "+OK\r\n");
  assert.equal(await same("exists", "taken"), ":0\r\n");
});

const values: readonly Word[][] = [
  ["set", "string", "x".repeat(2 << 20)],
  ["rpush", "list", ...Array.from({ length: 500 }, (_, i) => `e${i}`)],
  ["hset", "hash", "f", "v", "g", "w"],
  ["sadd", "set", "1", "2", "three"],
  ["zadd", "zset", "1", "a", "2.5", "b"],
  ["xadd", "stream", "1-1", "f", "v"],
  ["xgroup", "create", "stream", "g", "0"],
  ["xreadgroup", "group", "g", "alice", "streams", "stream", ">"],
];
const keys = ["string", "list", "hash", "set", "zset", "stream"];

async function shown(): Promise<string> {
  const looks: Word[][] = [
    ["strlen", "string"],
    ["lrange", "list", 0, -1],
    ["hmget", "hash", "f", "g"],
    ["sort", "set", "alpha"],
    ["zrange", "zset", 0, -1, "withscores"],
    ["xrange", "stream", "-", "+"],
    ["xpending", "stream", "g"],
  ];
  const replies: string[] = [];
  for (const words of looks) replies.push(await us.call(...words));
  return replies.join("");
}

test("keys of all types go to redis and come back, with their expiry", options, async () => {
  for (const words of values) await us.call(...words);
  await us.call("pexpire", "hash", 1_000_000);
  const shownFirst = await shown();
  await there.call("flushall");
  const count = await us.call("dbsize");
  const go = await us.call("migrate", "127.0.0.1", target.port, "", 3, 5000, "KEYS", ...keys);
  assert.equal(go, "+OK\r\n");
  assert.equal(await us.call("dbsize"), `:${Number(count.slice(1)) - keys.length}\r\n`);
  await there.call("select", 3);
  assert.equal(await there.call("exists", ...keys), `:${keys.length}\r\n`);
  assert.match(await there.call("pttl", "hash"), /^:9\d{5}\r\n$/);
  const back = await there.call("migrate", "127.0.0.1", ours.ports.redis, "", 0, 5000, "KEYS", ...keys);
  await there.call("select", 0);
  assert.equal(back, "+OK\r\n");
  assert.equal(await shown(), shownFirst);
  assert.match(await us.call("pttl", "hash"), /^:9\d{5}\r\n$/);
  // To itself, which redis cannot.
  const home = await us.call("migrate", "127.0.0.1", ours.ports.redis, "", 5, 5000, "KEYS", ...keys);
  assert.equal(home, "+OK\r\n");
  await us.call("select", 5);
  assert.equal(await shown(), shownFirst);
  await us.call("flushdb");
  await us.call("select", 0);
});

test("who changes a key waits, who reads it does not, and the others are served", options, async () => {
  await us.call("mset", "held", "1", "free", "1");
  await us.call("xadd", "log", "1-1", "f", "v");
  const other = await RawRedis.open(ours.ports.redis);
  const reader = await RawRedis.open(ours.ports.redis);
  const socketsBefore = sockets.size;
  const slow = us.call("migrate", "127.0.0.1", silentPort(), "", 0, 60_000, "KEYS", "held", "log");
  await until(() => sockets.size > socketsBefore, "the connection of MIGRATE");
  let isOver = false;
  void slow.then(() => (isOver = true));
  const change = other.call("append", "held", "2");
  assert.equal(await reader.call("get", "held"), "$1\r\n1\r\n");
  assert.equal(await reader.call("set", "free", "2"), "+OK\r\n");
  assert.equal(isOver, false);
  for (const socket of sockets) socket.destroy();
  assert.equal(await slow, "-IOERR error or timeout reading to target instance\r\n");
  assert.equal(await change, ":2\r\n");
  // A script cannot wait: the migration ends.
  const again = us.call("migrate", "127.0.0.1", silentPort(), "held", 0, 60_000);
  await reader.call("ping");
  assert.equal(await reader.call("eval", "return redis.call('append', 'held', '3')", 0), ":3\r\n");
  assert.match(await again, /^-IOERR a script/);
  // Of a client that goes it ends when its time is up, at the latest.
  const leaving = await RawRedis.open(ours.ports.redis);
  void leaving.call("migrate", "127.0.0.1", silentPort(), "held", 0, 200).catch(() => {});
  await reader.call("ping");
  await leaving.close();
  assert.equal(await reader.call("append", "held", "4"), ":4\r\n");
  await other.close();
  await reader.close();
});

test("a stream that has grown meanwhile stays", options, async () => {
  await us.call("xadd", "grows", "1-1", "f", "v");
  /** Answers once the stream has grown. */
  const late = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      void them
        .call("ping")
        .then(async () => other.call("xadd", "grows", "2-1", "f", "v"))
        .then(() => socket.write("+OK\r\n+OK\r\n"));
    });
  });
  await new Promise<void>((resolve) => late.listen(0, "127.0.0.1", resolve));
  const other = await RawRedis.open(ours.ports.redis);
  const { port } = late.address() as { port: number };
  const reply = await us.call("migrate", "127.0.0.1", port, "grows", 0, 5000);
  assert.match(reply, /^-IOERR 1 of the keys are streams that changed meanwhile/);
  assert.equal(await us.call("xlen", "grows"), ":2\r\n");
  await other.close();
  late.close();
});

test("not in MULTI or a script; the password is not shown", options, async () => {
  await us.call("set", "a", "1");
  await us.call("multi");
  await us.call("migrate", "127.0.0.1", target.port, "a", 0, 1000);
  assert.match(await us.call("exec"), /-ERR MIGRATE waits for another server/);
  await us.call("config", "set", "slowlog-log-slower-than", "0");
  await us.call("migrate", "127.0.0.1", 1, "a", 0, 1000, "AUTH2", "user", "secret");
  const log = await us.call("slowlog", "get", 10);
  assert.ok(log.includes("AUTH2") && !log.includes("secret"), log);
});
