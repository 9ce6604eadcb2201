/** Redis commands exactly at a bound, and what only time changes: on a clock that the test moves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Peer, Rig } from "../../../fuzz/rig.ts";
import { limits } from "../../../src/base/limits.ts";
import { exec } from "../../../src/protocols/redis/transaction/exec.ts";
import type { RedisSession } from "../../../src/protocols/redis/session.ts";

async function ready(): Promise<{ rig: Rig; peer: Peer; ask: (...parts: (string | number)[]) => string }> {
  const rig = await Rig.open();
  const peer = rig.connect("redis");
  const ask = (...parts: (string | number)[]): string => {
    const bulks = parts.map((part) => `$${Buffer.byteLength(String(part))}\r\n${part}\r\n`);
    peer.send(Buffer.from(`*${parts.length}\r\n${bulks.join("")}`));
    rig.settle();
    return peer.take().toString();
  };
  return { rig, peer, ask };
}

test("XTRIM takes exactly what its bounds say", async () => {
  const { ask } = await ready();
  const fill = (count: number): void => {
    ask("DEL", "s");
    for (let i = 1; i <= count; i++) ask("XADD", "s", `${i}-1`, "f", "v");
  };
  ask("CONFIG", "SET", "stream-node-max-entries", 10);
  fill(30);
  for (const [limit, gone] of [
    [9, 0],
    [10, 10],
    [11, 10],
    [20, 20],
    [21, 20],
    [0, 30],
  ]) {
    fill(30);
    assert.equal(ask("XTRIM", "s", "MAXLEN", "~", 0, "LIMIT", limit!), `:${gone}\r\n`, `LIMIT ${limit}`);
  }
  for (const [length, gone] of [
    [31, 0],
    [30, 0],
    [29, 1],
    [1, 29],
    [0, 30],
  ]) {
    fill(30);
    assert.equal(ask("XTRIM", "s", "MAXLEN", length!), `:${gone}\r\n`, `MAXLEN ${length}`);
  }
  fill(30);
  assert.equal(ask("XTRIM", "s", "MINID", "1-1"), ":0\r\n");
  assert.equal(ask("XTRIM", "s", "MINID", "2-1"), ":1\r\n");
  assert.equal(ask("XTRIM", "s", "MINID", "30-1"), ":28\r\n");
  assert.equal(ask("XTRIM", "s", "MINID", "30-2"), ":1\r\n");
});

test("WATCH notices that a key's time has come, before any sweep has", async () => {
  const { rig, ask } = await ready();
  const play = (lifeMs: number, passedMs: number): string => {
    ask("SET", "k", "v", "PX", lifeMs);
    ask("WATCH", "k");
    ask("MULTI");
    ask("PING");
    rig.time.advance(passedMs);
    return ask("EXEC");
  };
  const { expired } = (rig.connect("redis").connection.session as RedisSession).context.server.keyspace;
  assert.equal(play(30, 30), "*-1\r\n");
  assert.equal(play(30, 29), "*1\r\n+PONG\r\n");
  // The first of the sweeps comes after 100 ms: what was noticed was noticed by EXEC.
  assert.equal(expired, 0);
});

test("WATCH does not notice a key that had expired before", async () => {
  const { rig, ask } = await ready();
  ask("SET", "k", "v", "PX", 30);
  rig.time.advance(40);
  ask("WATCH", "k");
  ask("MULTI");
  ask("PING");
  assert.equal(ask("EXEC"), "*1\r\n+PONG\r\n");
});

test("an answer of EXEC of exactly the most is given, of a byte more it is not", async () => {
  for (const [more, isGiven] of [
    [0, true],
    [-1, false],
  ] as const) {
    const { peer, rig, ask } = await ready();
    const value = "x".repeat(5000);
    ask("SET", "k", value);
    ask("MULTI");
    ask("GET", "k");
    const { context } = peer.connection.session as RedisSession;
    const size = "*1\r\n".length + `$${value.length}\r\n${value}\r\n`.length;
    exec(context, size + more);
    peer.connection.touch();
    rig.settle();
    const answer = peer.take().toString();
    assert.equal(answer.includes(value), isGiven, answer.slice(0, 60));
  }
});

test("patterns count for a connection while it listens to them, and no longer", async () => {
  const { ask } = await ready();
  const long = "p".repeat(60_000);
  const most = Math.floor(limits.connectionPatternBytesMax / long.length);
  const listen = (from: number, count: number): string[] =>
    Array.from({ length: count }, (_, i) =>
      ask("PSUBSCRIBE", `${String(from + i).padStart(3, "0")}${long.slice(3)}`),
    );
  for (let round = 0; round < 3; round++) {
    const answers = listen(round * most, most);
    assert.ok(answers.every((answer) => !answer.startsWith("-")));
    assert.ok(listen(900, 1)[0]!.startsWith("-"), "one more than the bound is taken");
    ask("PUNSUBSCRIBE");
  }
});

test("a group's lag is not known while an entry from its last one on is deleted, its last one included", async () => {
  const { ask } = await ready();
  const lagOf = (read: number, deleted: number): string => {
    ask("DEL", "s");
    ask("XGROUP", "CREATE", "s", "g", 0, "MKSTREAM");
    for (let id = 1; id <= 5; id++) ask("XADD", "s", `${id}-1`, "f", "v");
    ask("XREADGROUP", "GROUP", "g", "c", "COUNT", read, "STREAMS", "s", ">");
    ask("XDEL", "s", `${deleted}-1`);
    const lines = ask("XINFO", "GROUPS", "s").split("\r\n");
    return lines[lines.indexOf("lag") + 1]!;
  };
  // As redis-server 7.0 says it (redis-streams-real.test.ts compares with it).
  assert.equal(lagOf(3, 2), ":2");
  assert.equal(lagOf(3, 3), "$-1");
  assert.equal(lagOf(3, 4), "$-1");
  assert.equal(lagOf(5, 5), ":0");
  assert.equal(lagOf(3, 1), ":2", "the first one");
});
