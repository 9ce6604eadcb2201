/** Long Redis commands: what changes between two of their turns, and those that have one turn only. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Peer, Rig } from "../../../fuzz/rig.ts";
import { passwordDigest } from "../../../src/broker/access/password-hash.ts";
import { newUser } from "../../../src/broker/access/users.ts";
import { exec } from "../../../src/protocols/redis/transaction/exec.ts";
import type { RedisSession } from "../../../src/protocols/redis/session.ts";

function words(...parts: (string | number)[]): Buffer {
  const bulks = parts.map((part) => `$${Buffer.byteLength(String(part))}\r\n${part}\r\n`);
  return Buffer.from(`*${parts.length}\r\n${bulks.join("")}`);
}

function setListener(rig: Rig, channels: string[]): void {
  const { access } = rig.broker;
  const passwords = [access.storedPassword(passwordDigest("secret"))];
  access.users.set(
    newUser("listener", { passwords, redis: { commands: ["+@all"], keys: ["~*"], channels } }),
  );
}

function logIn(rig: Rig): Peer {
  const peer = rig.connect("redis");
  peer.send(words("AUTH", "listener", "secret"));
  rig.settle();
  assert.equal(peer.take().toString(), "+OK\r\n");
  return peer;
}

const channels = Array.from({ length: 5000 }, (_, i) => (i < 4000 ? `early${i}` : `late${i}`));

for (const command of ["SUBSCRIBE", "SSUBSCRIBE"]) {
  for (const left of ["&early*", "&*a*"]) {
    test(`${command} is at work when its user is left with ${left}`, async () => {
      const rig = await Rig.open();
      setListener(rig, ["&*"]);
      const peer = logIn(rig);
      peer.send(words(command, ...channels));
      assert.equal(rig.broker.work.waitingCount, 1);
      setListener(rig, [left]);
      rig.settle();
      assert.equal(peer.isClosed, left === "&early*");
      assert.equal(rig.broker.work.waitingCount, 0);
    });
  }
}

test("all replies of EXEC are bounded together, and what changes something is done all the same", async () => {
  const rig = await Rig.open();
  const peer = rig.connect("redis");
  peer.send(words("SET", "large", "x".repeat(40_000)));
  peer.send(words("MULTI"));
  for (let i = 0; i < 5; i++) peer.send(words("GET", "large"));
  peer.send(words("SET", "large", "y", "GET"));
  peer.send(words("INCR", "count"));
  rig.settle();
  peer.take();
  const { context } = peer.connection.session as RedisSession;
  exec(context, 100_000);
  peer.connection.touch();
  rig.settle();
  const replies = peer.take().toString();
  assert.deepEqual(
    replies
      .replaceAll(/x+/g, "x")
      .split("\r\n")
      .map((line) => line.slice(0, 10)),
    ["*7", "$40000", "x", "$40000", "x", "-ERR the r", "-ERR the r", "-ERR the r", "-ERR the r", ":1", ""],
  );
  peer.send(words("GET", "large"));
  rig.settle();
  assert.equal(peer.take().toString(), "$1\r\ny\r\n");
});

/** Adds entries to stream `s` in one turn. */
function addInOneTurn(writer: Peer, count: number, value = "v"): void {
  const adds = Array.from({ length: count }, () => words("XADD", "s", "*", "f", value));
  writer.send(Buffer.concat([words("MULTI"), ...adds, words("EXEC")]));
}

function entriesOf(replies: Buffer): number {
  return replies.toString("latin1").split("$1\r\nf\r\n").length - 1;
}

for (const read of [
  ["XREAD", "BLOCK", 0, "COUNT", 5000, "STREAMS", "s", "$"],
  ["XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "COUNT", 5000, "STREAMS", "s", ">"],
]) {
  test(`${read[0]} that has waited is served in slices, in its place among the replies`, async () => {
    const rig = await Rig.open();
    const [reader, writer] = [rig.connect("redis"), rig.connect("redis")];
    writer.send(words("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"));
    reader.send(Buffer.concat([words(...read), words("ECHO", "after")]));
    rig.settle();
    assert.equal(reader.connection.isAtWork, false);
    addInOneTurn(writer, 6000);
    const { turnsContinued } = rig.broker.work;
    rig.time.endTick();
    assert.equal(reader.connection.isAtWork, true);
    rig.settle();
    assert.ok(rig.broker.work.turnsContinued > turnsContinued, "all in one turn");
    const replies = reader.take();
    assert.equal(entriesOf(replies), 5000);
    assert.match(replies.toString("latin1"), /^\*1\r\n\*2\r\n\$1\r\ns\r\n\*5000\r\n.*\r\n\$5\r\nafter\r\n$/s);
    assert.equal((reader.connection.session as RedisSession).blocked, null);
  });

  test(`${read[0]} that has waited without COUNT gets a thousand entries, as in Redis`, async () => {
    const rig = await Rig.open();
    const [reader, writer] = [rig.connect("redis"), rig.connect("redis")];
    writer.send(words("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"));
    const at = read.indexOf("COUNT");
    reader.send(words(...read.toSpliced(at, 2)));
    rig.settle();
    addInOneTurn(writer, 1500);
    rig.settle();
    assert.equal(entriesOf(reader.take()), 1000);
  });

  test(`${read[0]} that has waited for entries of 100 MB holds nobody up, and nothing is said after CLIENT REPLY SKIP`, async () => {
    const rig = await Rig.open();
    const [reader, mute, writer] = [rig.connect("redis"), rig.connect("redis"), rig.connect("redis")];
    writer.send(words("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM"));
    const readOther = read.map((word) => (word === "g" ? "h" : word));
    writer.send(words("XGROUP", "CREATE", "s", "h", "$"));
    reader.send(words(...read));
    mute.send(Buffer.concat([words("CLIENT", "REPLY", "SKIP"), words(...readOther), words("ECHO", "after")]));
    rig.settle();
    addInOneTurn(writer, 100, "x".repeat(1 << 20));
    rig.time.endTick();
    assert.ok(reader.sizeReceived < 4 << 20, `${reader.sizeReceived} bytes in one turn`);
    for (let i = 0; i < 10; i++) rig.settle();
    assert.equal(entriesOf(reader.take()), 100);
    assert.equal(mute.take().toString("latin1"), "$5\r\nafter\r\n");
  });
}

test("2,000 readers that wait for one entry get it over several turns", async () => {
  const rig = await Rig.open();
  const readers = Array.from({ length: 2000 }, () => rig.connect("redis"));
  for (const reader of readers) reader.send(words("XREAD", "BLOCK", 0, "STREAMS", "s", "$"));
  rig.settle();
  const writer = rig.connect("redis");
  writer.send(words("XADD", "s", "*", "f", "x".repeat(20_000)));
  rig.time.endTick();
  const atOnce = readers.filter(({ sizeReceived }) => sizeReceived > 0).length;
  assert.ok(atOnce > 0 && atOnce < 1800, `${atOnce} in one turn`);
  rig.settle();
  for (const reader of readers) assert.equal(entriesOf(reader.take()), 1);
});

test("readers who wait for their turn and are gone, or time out, are not served", async () => {
  const rig = await Rig.open();
  const readers = Array.from({ length: 1500 }, () => rig.connect("redis"));
  for (const reader of readers) reader.send(words("XREAD", "BLOCK", 10, "STREAMS", "s", "$"));
  rig.settle();
  const writer = rig.connect("redis");
  writer.send(words("XADD", "s", "*", "f", "x".repeat(20_000)));
  rig.time.endTick();
  const waiting = readers.filter(({ sizeReceived }) => sizeReceived === 0);
  const [gone, late] = waiting.slice(-2);
  gone!.end();
  rig.time.advance(20);
  rig.settle();
  assert.equal(rig.broker.work.waitingCount, 0);
  assert.equal(gone!.take().length, 0);
  assert.equal(late!.take().subarray(0, 10).toString(), "*-1\r\n");
});

test("what a user may not see is looked at over several turns: DBSIZE, KEYS, SCAN, RANDOMKEY", async () => {
  const rig = await Rig.open();
  const peer = rig.connect("redis");
  const ask = (...parts: (string | number)[]): { reply: string; turns: number } => {
    const before = rig.broker.work.turnsContinued;
    peer.send(words(...parts));
    rig.settle();
    return { reply: peer.take().toString(), turns: rig.broker.work.turnsContinued - before };
  };
  for (let i = 0; i < 20_000; i += 500) {
    peer.send(
      Buffer.concat(Array.from({ length: 500 }, (_, at) => words("XADD", `s${i + at}`, "*", "f", "v"))),
    );
    rig.settle();
  }
  ask("ACL", "SETUSER", "u", "on", ">secret", "~s7", "+@all");
  assert.equal(ask("AUTH", "u", "secret").reply, "+OK\r\n");
  const size = ask("DBSIZE");
  assert.deepEqual([size.reply, size.turns > 0], [":1\r\n", true]);
  assert.deepEqual(ask("DBSIZE"), { reply: ":1\r\n", turns: 0 });
  const keys = ask("KEYS", "*");
  assert.deepEqual([keys.reply, keys.turns > 0], ["*1\r\n$2\r\ns7\r\n", true]);
  assert.equal(ask("RANDOMKEY").reply, "$2\r\ns7\r\n");
  assert.equal(ask("XADD", "s7", "*", "f", "v").reply.slice(0, 1), "$");
  assert.equal(ask("DEL", "s7").reply, ":1\r\n");
  assert.equal(ask("DBSIZE").reply, ":0\r\n");
});

test("a command that goes on though its client has gone keeps none of its reply, and writes none", async () => {
  const rig = await Rig.open();
  const [peer, other] = [rig.connect("redis"), rig.connect("redis")];
  const size = 9000;
  for (let i = 0; i < size; i += 500) {
    const members = Array.from({ length: 500 }, (_, j) => `${"y".repeat(300)}${i + j}`);
    other.send(words("SADD", "s", ...members));
    rig.settle();
  }
  other.take();
  peer.send(words("SPOP", "s", size - 1));
  assert.equal(rig.broker.work.waitingCount, 1);
  const { output } = peer.connection;
  const { context } = peer.connection.session as RedisSession;
  const gathered = context.reply.out;
  assert.notEqual(gathered, output);
  peer.destroy();
  let most = 0;
  for (let i = 0; i < 1000 && rig.time.hasTickEnd; i++) {
    rig.time.endTick();
    most = Math.max(most, output.length);
  }
  assert.equal(most, 0);
  assert.equal(gathered.length, 0);
  assert.equal(rig.broker.inFlight.total, 0);
  other.send(words("SCARD", "s"));
  rig.settle();
  assert.equal(other.take().toString(), ":1\r\n");
  assert.deepEqual(rig.errors, []);
});
