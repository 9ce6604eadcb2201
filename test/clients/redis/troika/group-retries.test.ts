/** Retry with back-off and dead letters of stream groups, with ioredis, and over a killed broker. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Redis } from "ioredis";
import { startTestBroker, type TestBroker } from "../../../support/broker.ts";
import { openIoredis, until } from "../../../support/redis-clients.ts";

let broker: TestBroker;
let client: Redis;

before(async () => {
  broker = await startTestBroker();
  client = openIoredis(broker.ports.redis, { protocol: 2 });
});

after(async () => {
  client.disconnect();
  await broker.stop();
});

type Entry = [id: string, fields: string[]];

async function take(key: string, ...more: (string | number)[]): Promise<Entry[]> {
  const words = ["GROUP", "g", "alice", ...more, "STREAMS", key, ">"];
  const reply = (await client.call("XREADGROUP", ...words)) as [string, Entry[]][] | null;
  return reply?.[0]?.[1] ?? [];
}

const nack = (key: string, ...words: (string | number)[]): Promise<unknown> =>
  client.call("TROIKA.NACK", key, "g", ...words);

async function deadOf(key: string): Promise<Record<string, string>[]> {
  const entries = await client.xrange(key, "-", "+");
  return entries.map(([, fields]) =>
    Object.fromEntries(fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1]!]] : []))),
  );
}

test("an entry that is given up comes again after its back-off, then is a dead letter", async () => {
  await client.xgroup("CREATE", "s", "g", "0", "MKSTREAM");
  const policy = ["MAXDELIVER", 3, "BACKOFF", 40, "FACTOR", 2, "MAX", 60, "DEADLETTER", "s-dead"];
  assert.equal(await client.call("TROIKA.GROUP", "s", "g", ...policy), "OK");
  const shown = [
    "maxdeliver",
    3,
    "backoff",
    40,
    "factor",
    "2",
    "max",
    60,
    "jitter",
    "0",
    "deadletter",
    "s-dead",
  ];
  assert.deepEqual(await client.call("TROIKA.GROUP", "s", "g"), shown);
  const held = (await client.xadd("s", "*", "h", "1"))!;
  assert.equal((await take("s")).length, 1);
  assert.equal(await nack("s", held, "DELAY", 600_000), 1);
  const id = (await client.xadd("s", "*", "a", "1", "a", "2"))!;
  // The one that waits does not hold up those behind it.
  assert.deepEqual(await take("s"), [[id, ["a", "1", "a", "2"]]]);
  for (const delay of [40, 60]) {
    const startedAt = Date.now();
    assert.equal(await nack("s", id, id, "REASON", "no luck"), 1);
    assert.deepEqual(await take("s", "BLOCK", 0), [[id, ["a", "1", "a", "2"]]]);
    assert.ok(Date.now() - startedAt >= delay - 1);
  }
  assert.equal(await nack("s", id, "REASON", "no luck"), 1);
  await client.xack("s", "g", held);
  assert.deepEqual((await client.xpending("s", "g"))[0], 0);
  const [dead] = await deadOf("s-dead");
  const { "troika.added": added, "troika.last": last, ...rest } = dead!;
  assert.deepEqual(rest, {
    a: "2",
    "troika.reason": "no luck",
    "troika.deliveries": "3",
    "troika.group": "g",
    "troika.consumer": "alice",
    "troika.key": "s",
    "troika.id": id,
  });
  assert.ok(Number(added) > 0 && Number(last) >= Number(added));
  assert.deepEqual((await client.xrange("s-dead", "-", "+"))[0]![1].slice(0, 4), ["a", "1", "a", "2"]);
  assert.equal(await client.call("TROIKA.GROUP", "s", "g", "OFF"), "OK");
  assert.deepEqual(await client.call("TROIKA.GROUP", "s", "g"), []);
});

test("claims count: an entry whose consumer is gone is a dead letter too", async () => {
  await client.xgroup("CREATE", "c", "g", "0", "MKSTREAM");
  await client.call("TROIKA.GROUP", "c", "g", "MAXDELIVER", 2);
  const id = (await client.xadd("c", "*", "a", "1"))!;
  await take("c");
  const claim = (): Promise<unknown> => client.xautoclaim("c", "g", "bob", 0, "0");
  assert.deepEqual(await claim(), ["0-0", [[id, ["a", "1"]]], []]);
  assert.deepEqual(await claim(), ["0-0", [], []]);
  const [dead] = await deadOf("c.dead");
  assert.deepEqual([dead!["troika.reason"], dead!["troika.consumer"]], ["maxdeliver", "bob"]);
  assert.deepEqual((await client.xpending("c", "g"))[0], 0);
});

test("without a policy it comes again at once; what was acknowledged or deleted meanwhile does not", async () => {
  await client.xgroup("CREATE", "n", "g", "0", "MKSTREAM");
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push((await client.xadd("n", "*", "i", i))!);
  await take("n");
  assert.equal(await nack("n", ...ids, "DELAY", 30), 4);
  await client.xack("n", "g", ids[0]!);
  await client.xdel("n", ids[1]!);
  await client.xclaim("n", "g", "bob", 0, ids[2]!);
  assert.deepEqual(await take("n", "BLOCK", 0), [[ids[3], ["i", "3"]]]);
  assert.equal(await nack("n", ids[3]!, ids[0]!), 1);
  assert.deepEqual(await take("n", "BLOCK", 0, "NOACK"), [[ids[3], ["i", "3"]]]);
  const pending = (await client.xpending("n", "g")) as [number, string, string, unknown];
  assert.equal(pending[0], 1);
});

test("errors say what is wrong", async () => {
  await client.set("text", "x");
  const group = (...words: (string | number)[]): Promise<unknown> =>
    client.call("TROIKA.GROUP", "s", "g", ...words);
  await assert.rejects(
    group("MAXDELIVER", 0),
    /^ReplyError: ERR MAXDELIVER is '0', not an integer .*: give a whole number, 1 at least$/,
  );
  await assert.rejects(
    group("MAXDELIVER", 2, "LIMIT", 3),
    /^ReplyError: ERR syntax error: 'LIMIT' is none of its words here; write TROIKA\.GROUP key group \[MAXDELIVER n /,
  );
  await assert.rejects(group("MAXDELIVER", 2, "MAX"), /'MAX' is no option, or has no value; write TROIKA/);
  await assert.rejects(
    nack("s", "1-1", "too", "late"),
    /'too' is none of its words here; write TROIKA\.NACK /,
  );
  await assert.rejects(group("BACKOFF", 1), /MAXDELIVER is missing/);
  await assert.rejects(group("MAXDELIVER", 1, "JITTER", 2), /JITTER is a number from 0 to 1/);
  await assert.rejects(group("MAXDELIVER", 1, "DEADLETTER", "s"), /its own dead letters/);
  await assert.rejects(group("MAXDELIVER", 1, "DEADLETTER", "text"), /WRONGTYPE/);
  await client.xgroup("CREATE", "w", "g", "0", "MKSTREAM");
  await client.set("w.dead", "x");
  await assert.rejects(client.call("TROIKA.GROUP", "w", "g", "MAXDELIVER", 1), /WRONGTYPE/);
  await assert.rejects(client.call("TROIKA.GROUP", "s", "none"), /NOGROUP/);
  assert.equal(await client.call("TROIKA.NACK", "s", "none", "1-1"), 0);
  await assert.rejects(nack("s", "x"), /Invalid stream ID/);
});

test("what waits outlives kill -9, and so does the policy", async () => {
  await client.xgroup("CREATE", "k", "g", "0", "MKSTREAM");
  await client.call("TROIKA.GROUP", "k", "g", "MAXDELIVER", 2, "BACKOFF", 100);
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push((await client.xadd("k", "*", "i", i))!);
  await take("k");
  await nack("k", ids[0]!, ids[1]!);
  await client.xack("k", "g", ids[2]!);
  client.disconnect();
  await broker.kill();
  await broker.restart();
  client = openIoredis(broker.ports.redis, { protocol: 2 });
  const got: Entry[] = [];
  await until(async () => got.push(...(await take("k"))) === 2, "both entries again");
  assert.deepEqual(
    got.map(([id]) => id),
    ids.slice(0, 2),
  );
  await nack("k", ...ids);
  assert.equal((await deadOf("k.dead")).length, 2);
  assert.deepEqual((await client.xpending("k", "g"))[0], 0);
});
