/** What the protocols see of each other is there again after the broker was killed and started anew. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, it } from "node:test";
import { CompressionTypes } from "kafkajs";
import { Interop } from "../../support/interop.ts";

const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-interop-"));
const batchSize = 500;
let all: Interop;

before(async () => {
  all = await Interop.start({ dataDir });
  await all.createTopic("single");
  await all.createTopic("wide", 3);
  await all.xadd("stream", { body: "0", h: "v" });
  await all.channel.assertQueue("queue", { durable: true });
  await all.channel.assertExchange("exchange", "topic", { durable: true });
  for (const name of ["single", "stream", "queue"]) await all.channel.bindQueue(name, "exchange", "a.#");
  await all.channel.bindExchange("wide", "exchange", "a.#");
  await all.publish("exchange", "a.1", "1", { persistent: true, headers: { h: "v" } });
  await all.produce("exchange", { key: "a.2", value: "2", headers: { h: "v" } });
  await all.xadd("exchange", { body: "3", routing_key: "a.3", h: "v" });
  await all.producer.send({
    topic: "single",
    compression: CompressionTypes.GZIP,
    messages: Array.from({ length: batchSize }, (_, i) => ({ key: `k${i}`, value: `compressed ${i}` })),
  });
  await all.redis.xgroup("CREATE", "queue", "group", "0");
  await all.redis.xreadgroup("GROUP", "group", "me", "COUNT", 2, "STREAMS", "queue", ">");
  await all.crash();
  all = await Interop.start({ dataDir });
});

after(async () => {
  await all.close();
  fs.rmSync(dataDir, { recursive: true, force: true });
});

const expected = ["1", "2", "3"];

it("messages of all protocols, in their order, with headers and keys", async () => {
  const entries = await all.entries("stream");
  assert.deepEqual(
    entries.map(({ text }) => text["body"]),
    ["0", ...expected],
  );
  for (const { text } of entries) assert.equal(text["h"], "v");
  const records = await all.fetch("stream", 4);
  assert.deepEqual(
    records.map(({ key, offset }) => [key?.toString(), offset]),
    [
      [undefined, "0"],
      ["a.1", "1"],
      ["a.2", "2"],
      ["a.3", "3"],
    ],
  );
  const wide = await all.fetch("wide", 3);
  assert.deepEqual(new Set(wide.map(({ value }) => value!.toString())), new Set(expected));
});

it("a compressed batch is read record by record by Redis and AMQP", async () => {
  const total = batchSize + expected.length;
  const bodies = [...expected, ...Array.from({ length: batchSize }, (_, i) => `compressed ${i}`)];
  assert.deepEqual(
    (await all.entries("single")).map(({ text }) => text["body"]),
    bodies,
  );
  const backwards = (await all.redis.xrevrange("single", "+", "-", "COUNT", total)) as [string, string[]][];
  assert.deepEqual(
    backwards.map(([, fields]) => fields[1]),
    bodies.toReversed(),
  );
  assert.deepEqual(
    (await all.consume("single", total, "first")).map(({ content }) => content.toString()),
    bodies,
  );
  const [late] = await all.consume("single", 1, total - 1);
  assert.equal(late!.fields.routingKey, `k${batchSize - 1}`);
});

it("a Redis group's pending entries on an AMQP queue, and the queue's own messages", async () => {
  const [pending] = (await all.redis.xpending("queue", "group")) as [number];
  assert.equal(pending, 2);
  const seen = await all.consume("queue", 3);
  assert.deepEqual(
    seen.map(({ content }) => content.toString()),
    expected,
  );
});

it("bindings across protocols", async () => {
  await all.redis.xadd("exchange", "*", "body", "again", "routing_key", "a.4");
  const entries = await all.entries("stream");
  assert.equal(entries.at(-1)!.text["body"], "again");
  assert.equal((await all.fetch("wide", 4)).length, 4);
});
