/** What Redis 7.4 added to older commands, where no later redis-server is at hand (redis-later-real compares with one). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "../../../fuzz/rig.ts";
import { keySlot, patternSlot } from "../../../src/protocols/redis/cluster/key-slot.ts";

async function open(): Promise<{ rig: Rig; asker: () => (line: string) => string }> {
  const rig = await Rig.open();
  const asker = (): ((line: string) => string) => {
    const peer = rig.connect("redis");
    return (line) => {
      if (peer.isClosed) return "closed";
      peer.take();
      peer.send(Buffer.from(`${line}\r\n`));
      rig.settle();
      return peer.take().toString();
    };
  };
  return { rig, asker };
}

test("CLIENT KILL MAXAGE closes connections of that age and older, but its own", async () => {
  const { rig, asker } = await open();
  const old = asker();
  const ask = asker();
  rig.time.advance(10_000);
  const young = asker();
  assert.equal(ask("CLIENT KILL MAXAGE 11"), ":0\r\n");
  assert.equal(ask("CLIENT KILL MAXAGE 10 TYPE pubsub"), ":0\r\n");
  // Of a filter that comes again the last counts.
  assert.equal(ask("CLIENT KILL MAXAGE 1 MAXAGE 11"), ":0\r\n");
  assert.equal(ask("CLIENT KILL MAXAGE 10"), ":1\r\n");
  assert.equal(old("PING"), "closed");
  assert.equal(young("PING"), "+PONG\r\n");
  rig.time.advance(1_000);
  assert.equal(ask("CLIENT KILL MAXAGE 1 SKIPME no"), ":2\r\n");
  assert.equal(young("PING"), "closed");
  assert.equal(ask("PING"), "closed");
});

test("HSCAN NOVALUES replies with fields, of packed and of large hashes", async () => {
  const { asker } = await open();
  const ask = asker();
  ask("HSET small a 1 b 2");
  assert.equal(ask("HSCAN small 0 NOVALUES"), "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n");
  const fields = Array.from({ length: 1000 }, (_, n) => `f${n}`);
  ask(`HSET large ${fields.map((field) => `${field} v`).join(" ")}`);
  const seen: string[] = [];
  let cursor = "0";
  do {
    const lines = ask(`HSCAN large ${cursor} COUNT 100 NOVALUES`).split("\r\n");
    cursor = lines[2]!;
    const found = lines.slice(4, -1).filter((line) => !line.startsWith("$"));
    assert.equal(lines[3], `*${found.length}`);
    seen.push(...found);
  } while (cursor !== "0");
  assert.deepEqual(seen.toSorted(), fields.toSorted());
  ask("SADD s a");
  assert.equal(ask("SSCAN s 0 NOVALUES"), "-ERR NOVALUES option can only be used in HSCAN\r\n");
});

test("the slot of a pattern: that of a tag before the first wildcard, else of a name without wildcards", () => {
  const slot = (text: string): number => keySlot(Buffer.from(text), 0, text.length);
  for (const [pattern, wanted] of [
    ["{a}*", slot("a")],
    ["b{a}*->f", slot("a")],
    ["{{a}*", slot("{a")],
    ["{}{a}*", slot("}{a")],
    ["{a", slot("{a")],
    ["a", slot("a")],
    ["", slot("")],
    ["a*", -1],
    ["*{a}", -1],
    ["{a?}*", -1],
    ["[{a}", -1],
    ["\\{a}", -1],
  ] as const)
    assert.equal(patternSlot(Buffer.from(pattern)), wanted, pattern);
});
