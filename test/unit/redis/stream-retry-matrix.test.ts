/** MAXDELIVER holds for every command that delivers, whatever said so, and through all that may happen to the stream. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import { implicitStream } from "../../../src/broker/queue/lifecycle.ts";
import { DurableRig } from "../../support/durable-rig.ts";

function plain(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(plain);
  return Buffer.isBuffer(reply) ? reply.latin1Slice() : reply;
}

async function ask(rig: DurableRig, line: string): Promise<unknown> {
  return plain(await rig.redis(...line.split(" ")));
}

const retryLimit = 2;
const news = "XREADGROUP GROUP g alice COUNT 10 STREAMS s >";

/** How a group comes to have the policy. */
const policies: Record<string, (rig: DurableRig, key: string) => Promise<void>> = {
  "the group's own": async (rig, key) => {
    await ask(rig, `XGROUP CREATE ${key} g 0 MKSTREAM`);
    await ask(rig, `TROIKA.GROUP ${key} g MAXDELIVER ${retryLimit}`);
  },
  "its stream's": async (rig, key) => {
    const args = { "x-queue-type": "stream", "x-retry-limit": retryLimit };
    rig.broker.defaultVhost.declareQueue({ ...implicitStream, isImplicit: false, name: key, args });
    await ask(rig, `XGROUP CREATE ${key} g 0`);
  },
};

/** What delivers entry 1-1 once more, which alice holds. Each is a list, of which all but the last may only prepare. */
const ways: Record<string, readonly string[]> = {
  history: ["XREADGROUP GROUP g alice STREAMS s 0"],
  "history of one": ["XREADGROUP GROUP g alice COUNT 1 STREAMS s 0-0"],
  CLAIM: ["XREADGROUP GROUP g bob CLAIM 0 STREAMS s >"],
  "CLAIM with COUNT": ["XREADGROUP GROUP g bob COUNT 1 CLAIM 0 STREAMS s >"],
  XCLAIM: ["XCLAIM s g bob 0 1-1"],
  "XCLAIM with RETRYCOUNT": [`XCLAIM s g bob 0 1-1 RETRYCOUNT ${retryLimit + 1}`],
  "XCLAIM with FORCE": ["XCLAIM s g bob 0 1-1 FORCE"],
  "XCLAIM with JUSTID, then history": ["XCLAIM s g bob 0 1-1 JUSTID", "XREADGROUP GROUP g bob STREAMS s 0"],
  XAUTOCLAIM: ["XAUTOCLAIM s g bob 0 0"],
  "XAUTOCLAIM with JUSTID, then history": [
    "XAUTOCLAIM s g bob 0 0 JUSTID",
    "XREADGROUP GROUP g bob STREAMS s 0",
  ],
  NACK: ["TROIKA.NACK s g 1-1", news],
  "NACK with DELAY": ["TROIKA.NACK s g 1-1 DELAY 0", news],
};

const isOfEntry = (reply: unknown): boolean => JSON.stringify(reply).includes('"a"');

for (const [policy, prepare] of Object.entries(policies)) {
  test(`${policy} policy: by every way that delivers an entry becomes a dead letter, once`, async () => {
    const rig = await DurableRig.open(1);
    const keys = Object.keys(ways).map((way, i) => [way, `s${i}`] as const);
    for (const [way, key] of keys) {
      const on = (line: string): Promise<unknown> => ask(rig, line.replaceAll(/\bs\b/g, key));
      await prepare(rig, key);
      await on("XADD s 1-1 a 1");
      assert.ok(isOfEntry(await on(news)));
      // The second of two deliveries.
      assert.ok(isOfEntry(await on("XREADGROUP GROUP g alice STREAMS s 0")));
      assert.equal(await on("EXISTS s.dead"), 0);
      for (const step of ways[way]!) assert.ok(!isOfEntry(await on(step)), `${way}: ${step}`);
      for (const look of [news, "XREADGROUP GROUP g alice STREAMS s 0", "XREADGROUP GROUP g bob STREAMS s 0"])
        assert.ok(!isOfEntry(await on(look)), `${way}: ${look}`);
      assert.deepEqual(((await on("XPENDING s g")) as unknown[])[0], 0, way);
      assert.equal(await on("XLEN s.dead"), 1, way);
    }
    await rig.kill();
    for (const [way, key] of keys) {
      assert.deepEqual(((await ask(rig, `XPENDING ${key} g`)) as unknown[])[0], 0, way);
      const [[, fields]] = (await ask(rig, `XRANGE ${key}.dead - +`)) as [[string, string[]]];
      const reason = way.startsWith("NACK") ? "rejected" : "maxdeliver";
      assert.deepEqual(fields.slice(0, 4), ["a", "1", "troika.reason", reason], way);
      assert.equal(fields[5], String(retryLimit), way);
    }
  });
}

test("in MULTI too", async () => {
  const rig = await DurableRig.open(1);
  await policies["the group's own"]!(rig, "s");
  await ask(rig, "XADD s 1-1 a 1");
  await ask(rig, news);
  await ask(rig, "XREADGROUP GROUP g alice STREAMS s 0");
  const client = new RedisClient(rig.connect("redis"));
  const replies: RedisReply[] = [];
  for (const line of ["MULTI", "XREADGROUP GROUP g bob CLAIM 0 STREAMS s >", "XLEN s.dead", "EXEC"])
    client.call(line.split(" "), (reply) => replies.push(reply));
  await rig.until(() => replies.length === 4, "EXEC");
  client.cut();
  assert.deepEqual(plain(replies[3]), [null, 1]);
});

test("a policy that is made stricter counts for what is due already, some at a time", async () => {
  const rig = await DurableRig.open(1);
  await ask(rig, "XGROUP CREATE s g 0 MKSTREAM");
  const count = 200;
  for (let i = 1; i <= count; i++) await ask(rig, `XADD s ${i}-1 a 1`);
  await ask(rig, "XREADGROUP GROUP g alice STREAMS s >");
  const ids = Array.from({ length: count }, (_, i) => `${i + 1}-1`);
  assert.equal(await ask(rig, `TROIKA.NACK s g ${ids.join(" ")} DELAY 0`), count);
  await rig.pass(100);
  await ask(rig, "TROIKA.GROUP s g MAXDELIVER 1");
  await ask(rig, `XADD s 900-1 last 1`);
  // Each look passes over some, and none is delivered.
  for (let i = 0; i < 5; i++)
    assert.ok(!isOfEntry(await ask(rig, "XREADGROUP GROUP g alice COUNT 1 STREAMS s >")));
  assert.equal(await ask(rig, "XLEN s.dead"), count);
  assert.equal(((await ask(rig, "XPENDING s g")) as unknown[])[0], 1);
});

test("a reader that waits with CLAIM gets no empty reply for what became a dead letter", async () => {
  const rig = await DurableRig.open(1);
  await policies["the group's own"]!(rig, "s");
  await ask(rig, "XADD s 1-1 a 1");
  await ask(rig, news);
  await ask(rig, "XREADGROUP GROUP g alice STREAMS s 0");
  const client = new RedisClient(rig.connect("redis"));
  let answer: RedisReply | undefined;
  client.call("XREADGROUP GROUP g bob BLOCK 0 CLAIM 50 STREAMS s >".split(" "), (reply) => (answer = reply));
  await rig.pass(300);
  assert.equal(answer, undefined);
  assert.equal(await ask(rig, "XLEN s.dead"), 1);
  await ask(rig, "XADD s 2-1 b 2");
  await rig.until(() => answer !== undefined, "the new entry");
  assert.deepEqual(plain(answer), [["s", [["2-1", ["b", "2"], 0, 0]]]]);
  client.cut();
});

test("while the stream of dead letters cannot take an entry it waits, and is not delivered", async () => {
  const rig = await DurableRig.open(1);
  await policies["the group's own"]!(rig, "s");
  await ask(rig, "XADD s 1-1 a 1");
  await ask(rig, news);
  await ask(rig, "XREADGROUP GROUP g alice STREAMS s 0");
  await ask(rig, "SET s.dead text");
  assert.ok(!isOfEntry(await ask(rig, "XREADGROUP GROUP g alice STREAMS s 0")));
  for (let i = 0; i < 3; i++) {
    rig.time.advance(5000);
    await rig.pass(100);
    assert.ok(!isOfEntry(await ask(rig, news)));
    assert.deepEqual(((await ask(rig, "XPENDING s g")) as unknown[])[0], 1);
  }
  await ask(rig, "DEL s.dead");
  rig.time.advance(5000);
  await rig.pass(100);
  assert.equal(await ask(rig, "XLEN s.dead"), 1);
  assert.deepEqual(((await ask(rig, "XPENDING s g")) as unknown[])[0], 0);
});

/** What may happen to a stream whose group has a policy: where the group is then, and whether it has it. */
const happenings: Record<
  string,
  { readonly lines: readonly string[]; readonly key: string; readonly isKept: boolean }
> = {
  FLUSHALL: { lines: ["FLUSHALL", "XGROUP CREATE s g 0 MKSTREAM"], key: "s", isKept: false },
  COPY: { lines: ["COPY s t"], key: "t", isKept: true },
  "COPY, of the source": { lines: ["COPY s t"], key: "s", isKept: true },
  "COPY REPLACE": { lines: ["XGROUP CREATE t g 0 MKSTREAM", "COPY s t REPLACE"], key: "t", isKept: true },
  RENAME: { lines: ["RENAME s t"], key: "t", isKept: true },
  RENAMENX: { lines: ["RENAMENX s t"], key: "t", isKept: true },
  "XGROUP SETID": { lines: ["XGROUP SETID s g 0"], key: "s", isKept: true },
  "XGROUP DESTROY and CREATE": {
    lines: ["XGROUP DESTROY s g", "XGROUP CREATE s g 0"],
    key: "s",
    isKept: false,
  },
  "DEL and made again": { lines: ["DEL s", "XGROUP CREATE s g 0 MKSTREAM"], key: "s", isKept: false },
};

test("a group's policy after what may happen to its stream, and after a kill", async () => {
  const rig = await DurableRig.open(1);
  const shown: [what: string, key: string, expected: unknown][] = [];
  let number = 0;
  for (const [what, { lines, key, isKept }] of Object.entries(happenings)) {
    number++;
    const on = (line: string): Promise<unknown> => ask(rig, line.replaceAll(/\b[st]\b/g, `$&${number}`));
    await on("XGROUP CREATE s g 0 MKSTREAM");
    await on("XADD s 1-1 a 1");
    await on("TROIKA.GROUP s g MAXDELIVER 2 BACKOFF 500 FACTOR 3 MAX 900 JITTER 0.5 DEADLETTER d");
    const policy = await on("TROIKA.GROUP s g");
    for (const line of lines) await on(line);
    const expected = isKept ? policy : [];
    assert.deepEqual(await on(`TROIKA.GROUP ${key} g`), expected, what);
    shown.push([what, `${key}${number}`, expected]);
  }
  await rig.kill();
  for (const [what, key, expected] of shown)
    assert.deepEqual(await ask(rig, `TROIKA.GROUP ${key} g`), expected, what);
});

test("DUMP has no place for a policy; what waits in a copy, or was restored, comes at its time", async () => {
  const rig = await DurableRig.open(1);
  await ask(rig, "XGROUP CREATE s g 0 MKSTREAM");
  await ask(rig, "TROIKA.GROUP s g MAXDELIVER 5");
  await ask(rig, "XADD s 1-1 a 1");
  await ask(rig, news);
  assert.equal(await ask(rig, "TROIKA.NACK s g 1-1 DELAY 1000"), 1);
  await ask(rig, "COPY s t");
  const client = new RedisClient(rig.connect("redis"));
  client.encoding = "latin1";
  let restored: RedisReply | undefined;
  client.call(["DUMP", "s"], (dump) =>
    client.call(["RESTORE", "u", 0, String(dump)], (reply) => (restored = reply)),
  );
  await rig.until(() => restored !== undefined, "RESTORE");
  client.cut();
  assert.equal(restored, "OK");
  assert.deepEqual(await ask(rig, "TROIKA.GROUP u g"), []);
  for (const key of ["s", "t", "u"])
    assert.equal(await ask(rig, `XREADGROUP GROUP g bob STREAMS ${key} >`), null);
  await rig.pass(1100);
  for (const key of ["s", "t", "u"])
    assert.ok(isOfEntry(await ask(rig, `XREADGROUP GROUP g bob STREAMS ${key} >`)), key);
});

test("no client can be the consumer that holds what waits", async () => {
  const rig = await DurableRig.open(1);
  await ask(rig, "XGROUP CREATE s g 0 MKSTREAM");
  await ask(rig, "XADD s 1-1 a 1");
  const name = "troika.retry";
  for (const line of [
    `XREADGROUP GROUP g ${name} STREAMS s >`,
    `XREADGROUP GROUP g ${name} STREAMS s 0`,
    `XREADGROUP GROUP g ${name} BLOCK 0 CLAIM 0 STREAMS s >`,
    `XCLAIM s g ${name} 0 1-1 FORCE`,
    `XAUTOCLAIM s g ${name} 0 0`,
    `XGROUP CREATECONSUMER s g ${name}`,
  ])
    await assert.rejects(ask(rig, line), /the consumer 'troika\.retry' holds what waits/, line);
  assert.equal(await ask(rig, `XGROUP DELCONSUMER s g ${name}`), 0);
  await ask(rig, news);
  await ask(rig, "TROIKA.NACK s g 1-1 DELAY 100000");
  await assert.rejects(ask(rig, `XGROUP DELCONSUMER s g ${name}`), /holds what waits/);
  await ask(rig, "XACK s g 1-1");
  assert.equal(await ask(rig, `XGROUP DELCONSUMER s g ${name}`), 0);
});
