/**
 * One message through two client libraries: the second table of docs/interop.md, row by row. All bytes and edge cases
 * are in test/unit/message-*.test.ts; here is what the libraries make of it.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { headerText, Interop } from "../../support/interop.ts";

let all: Interop;
let names = 0;
before(async () => {
  all = await Interop.start();
});
after(() => all.close());

/** A new topic, which is a stream and a stream queue too. */
async function newLog(): Promise<string> {
  const name = `log-${++names}`;
  await all.createTopic(name);
  return name;
}

const binary = Buffer.from([0xff, 0x00, 0xfe, 0x0d, 0x0a]);

describe("the body", () => {
  it("is the same bytes in all, whoever wrote it", async () => {
    const log = await newLog();
    await all.publish("", log, binary);
    await all.xadd(log, { body: binary });
    await all.produce(log, { value: binary });
    for (const entry of await all.entries(log)) assert.deepEqual(entry.fields.get("body"), binary);
    for (const { content } of await all.consume(log, 3, "first")) assert.deepEqual(content, binary);
    for (const { value } of await all.fetch(log, 3)) assert.deepEqual(value, binary);
  });

  it("may be large: many frames in AMQP, one record in Kafka, one field in Redis", async () => {
    const log = await newLog();
    const large = Buffer.alloc(5 << 20, "0123456789");
    await all.publish("", log, large);
    await all.xadd(log, { body: large });
    await all.produce(log, { value: large.subarray(0, 900_000) });
    const bodies = [large, large, large.subarray(0, 900_000)];
    for (const [i, { content }] of (await all.consume(log, 3, "first")).entries()) {
      assert.ok(content.equals(bodies[i]!));
    }
    for (const [i, { value }] of (await all.fetch(log, 3)).entries()) assert.ok(value!.equals(bodies[i]!));
    for (const [i, { fields }] of (await all.entries(log)).entries()) {
      assert.ok(fields.get("body")!.equals(bodies[i]!));
    }
  });

  it("of a Redis entry may be in field data, payload, value or message", async () => {
    const log = await newLog();
    const fields = ["data", "payload", "value", "message"];
    for (const field of fields) await all.xadd(log, { [field]: `in ${field}`, h: "v" });
    const expected = fields.map((field) => `in ${field}`);
    const seen = await all.consume(log, 4, "first");
    assert.deepEqual(
      seen.map(({ content }) => content.toString()),
      expected,
    );
    assert.equal(seen[0]!.properties.headers!["h"], "v");
    assert.deepEqual(
      (await all.fetch(log, 4)).map(({ value }) => value!.toString()),
      expected,
    );
  });

  it("of any other Redis entry is a JSON object", async () => {
    const log = await newLog();
    await all.xadd(log, { name: "alice", age: "30" });
    const [amqp] = await all.consume(log, 1, "first");
    assert.deepEqual(JSON.parse(amqp!.content.toString()), { name: "alice", age: "30" });
    assert.equal(amqp!.properties.contentType, "application/json");
    const [kafka] = await all.fetch(log, 1);
    assert.deepEqual(JSON.parse(kafka!.value!.toString()), { name: "alice", age: "30" });
    assert.equal(headerText(kafka!, "amqp.content-type"), "application/json");
  });

  it("that is null (a tombstone) is empty with x-tombstone elsewhere, and null again in Kafka", async () => {
    const log = await newLog();
    await all.produce(log, { key: "k", value: null });
    const [amqp] = await all.consume(log, 1, "first");
    assert.equal(amqp!.content.length, 0);
    assert.equal(amqp!.properties.headers!["x-tombstone"], true);
    const [entry] = await all.entries(log);
    assert.deepEqual(entry!.text, { body: "", "x-tombstone": "true", key: "k" });
    await all.publish("", log, amqp!.content, { headers: amqp!.properties.headers! });
    await all.xadd(log, entry!.text);
    for (const { key, value } of await all.fetch(log, 3)) {
      assert.equal(key!.toString(), "k");
      assert.equal(value, null);
    }
  });
});

describe("the key", () => {
  it("of AMQP is header x-key, else the routing key", async () => {
    const log = await newLog();
    await all.channel.bindQueue(log, "amq.direct", log);
    await all.publish("amq.direct", log, "routing key");
    await all.publish("amq.direct", log, "header", { headers: { "x-key": "k" } });
    const seen = await all.fetch(log, 2);
    assert.deepEqual(
      seen.map(({ key }) => key!.toString()),
      [log, "k"],
    );
    assert.deepEqual(
      (await all.entries(log)).map(({ text }) => text["key"]),
      [log, "k"],
    );
  });

  it("of Kafka is field key and the routing key; of Redis' field key, Kafka's key", async () => {
    const log = await newLog();
    await all.produce(log, { key: "from kafka", value: "v" });
    await all.xadd(log, { key: "from redis", body: "v" });
    const expected = ["from kafka", "from redis"];
    const amqp = await all.consume(log, 2, "first");
    assert.deepEqual(
      amqp.map(({ fields }) => fields.routingKey),
      expected,
    );
    assert.deepEqual(
      amqp.map(({ properties }) => properties.headers!["x-key"] as unknown),
      expected,
    );
    assert.deepEqual(
      (await all.fetch(log, 2)).map(({ key }) => key!.toString()),
      expected,
    );
    assert.equal((await all.entries(log))[0]!.text["key"], "from kafka");
  });

  it("keeps its bytes, and null, from Kafka through AMQP and Redis and back", async () => {
    const log = await newLog();
    const back = await newLog();
    await all.produce(log, { key: binary, value: "v" });
    const [amqp] = await all.consume(log, 1, "first");
    await all.publish("", back, amqp!.content, { headers: amqp!.properties.headers! });
    const [entry] = await all.entries(log);
    await all.xadd(back, Object.fromEntries(entry!.fields));
    const seen = await all.fetch(back, 2);
    for (const { key, value } of seen) {
      assert.deepEqual(key, binary);
      assert.equal(value!.toString(), "v");
    }
    const unkeyed = await newLog();
    await all.produce(unkeyed, { key: null, value: "v" });
    assert.deepEqual((await all.entries(unkeyed))[0]!.text, { body: "v" });
    assert.equal((await all.consume(unkeyed, 1, "first"))[0]!.fields.routingKey, "");
  });
});

describe("headers", () => {
  const typed = { text: "grüße", number: 42, yes: true, nothing: null, table: { a: [1, "b"] } };

  it("of AMQP are Kafka headers: text, numbers and booleans as text, tables as JSON", async () => {
    const log = await newLog();
    await all.publish("", log, "v", { headers: typed });
    const [message] = await all.fetch(log, 1);
    assert.equal(headerText(message!, "text"), "grüße");
    assert.equal(headerText(message!, "number"), "42");
    assert.equal(headerText(message!, "yes"), "true");
    assert.equal(headerText(message!, "table"), '{"a":[1,"b"]}');
  });

  it("of AMQP are one Redis field each", async () => {
    const log = await newLog();
    await all.publish("", log, "v", { headers: { ...typed, key: "not the key" } });
    const [entry] = await all.entries(log);
    assert.deepEqual(entry!.text, {
      body: "v",
      key: log,
      text: "grüße",
      number: "42",
      yes: "true",
      nothing: "",
      table: '{"a":[1,"b"]}',
      "header.key": "not the key",
    });
  });

  it("of Kafka and fields of Redis are AMQP headers", async () => {
    const log = await newLog();
    await all.produce(log, { value: "v", headers: { text: "grüße", bytes: binary } });
    await all.xadd(log, { body: "v", text: "grüße", bytes: binary });
    for (const { properties } of await all.consume(log, 2, "first")) {
      assert.equal(properties.headers!["text"], "grüße");
      assert.deepEqual(properties.headers!["bytes"], binary);
    }
  });

  it("keep bytes from Kafka through AMQP and back", async () => {
    const log = await newLog();
    const back = await newLog();
    await all.produce(log, { value: "v", headers: { text: "grüße", bytes: binary, list: ["a", "b"] } });
    const [amqp] = await all.consume(log, 1, "first");
    const { "x-stream-offset": _position, ...headers } = amqp!.properties.headers!;
    await all.publish("", back, amqp!.content, { headers });
    const [message] = await all.fetch(back, 1);
    assert.equal(headerText(message!, "text"), "grüße");
    assert.deepEqual(message!.headers!["bytes"], binary);
  });

  it("that do not fit one AMQP frame are left out there, and the message arrives", async () => {
    const log = await newLog();
    await all.produce(log, { value: "v", headers: { before: "1", large: "x".repeat(200_000), after: "2" } });
    const [message] = await all.consume(log, 1, "first");
    const { before: first, large, after: last } = message!.properties.headers!;
    assert.deepEqual([first, large, last], ["1", undefined, "2"]);
    assert.equal((await all.entries(log))[0]!.text["large"]!.length, 200_000);
  });

  it("hold the trace context everywhere under the same name", async () => {
    const log = await newLog();
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await all.publish("", log, "v", { headers: { traceparent } });
    await all.xadd(log, { temperature: "20", traceparent });
    await all.produce(log, { value: "v", headers: { traceparent } });
    for (const { text } of await all.entries(log)) assert.equal(text["traceparent"], traceparent);
    for (const { properties } of await all.consume(log, 3, "first")) {
      assert.equal(properties.headers!["traceparent"], traceparent);
    }
    for (const message of await all.fetch(log, 3)) {
      assert.equal(headerText(message, "traceparent"), traceparent);
    }
  });
});

describe("properties", () => {
  const properties = {
    contentType: "text/plain",
    contentEncoding: "identity",
    correlationId: "c-1",
    replyTo: "answers",
    expiration: "600000",
    messageId: "m-1",
    type: "order",
    appId: "shop",
    priority: 3,
    deliveryMode: 2,
  };
  const asFields = {
    "amqp.content-type": "text/plain",
    "amqp.content-encoding": "identity",
    "amqp.correlation-id": "c-1",
    "amqp.reply-to": "answers",
    "amqp.expiration": "600000",
    "amqp.message-id": "m-1",
    "amqp.type": "order",
    "amqp.app-id": "shop",
    "amqp.priority": "3",
    "amqp.delivery-mode": "2",
  };

  it("of AMQP are headers and fields amqp.<name>, and properties again", async () => {
    const log = await newLog();
    await all.publish("", log, "v", properties);
    const [kafka] = await all.fetch(log, 1);
    for (const [name, value] of Object.entries(asFields)) assert.equal(headerText(kafka!, name), value);
    const [entry] = await all.entries(log);
    assert.deepEqual(entry!.text, { body: "v", key: log, ...asFields });

    const back = await newLog();
    await all.produce(back, { value: kafka!.value, headers: kafka!.headers! });
    await all.xadd(back, entry!.text);
    for (const message of await all.consume(back, 2, "first")) {
      const seen = message.properties as unknown as Record<string, unknown>;
      for (const [name, value] of Object.entries(properties)) assert.equal(seen[name], value, name);
    }
  });

  it("has a message wait by its priority in an AMQP queue, whoever wrote it", async () => {
    const queue = `prioritized-${++names}`;
    await all.channel.assertQueue(queue, { maxPriority: 5 });
    await all.publish("", queue, "a1", { priority: 1 });
    await all.xadd(queue, { body: "b3", "amqp.priority": "3" });
    await all.produce(queue, { value: "c2", headers: { "amqp.priority": "2" } });
    await all.produce(queue, { value: "d0" });
    await all.publish("", queue, "e5", { priority: 200 });
    const bodies: string[] = [];
    for (let i = 0; i < 5; i++) {
      const message = await all.channel.get(queue, { noAck: true });
      if (message !== false) bodies.push(message.content.toString());
    }
    assert.deepEqual(bodies, ["e5", "b3", "c2", "a1", "d0"]);
  });
});

describe("the timestamp", () => {
  it("of AMQP is Kafka's; of Kafka is AMQP's, in seconds", async () => {
    const log = await newLog();
    await all.publish("", log, "v", { timestamp: 1_600_000_000 });
    await all.produce(log, { value: "v", timestamp: "1600000001999" });
    const [first, second] = await all.fetch(log, 2);
    assert.equal(first!.timestamp, "1600000000000");
    assert.equal(second!.timestamp, "1600000001999");
    const seen = await all.consume(log, 2, "first");
    assert.deepEqual(
      seen.map(({ properties }) => properties.timestamp as unknown),
      [1_600_000_000, 1_600_000_001],
    );
  });

  it("of AMQP without one is the arrival; of Redis the entry id's milliseconds", async () => {
    const log = await newLog();
    const started = Date.now();
    await all.publish("", log, "v");
    const id = (await all.xadd(log, { body: "v" }))!;
    const [first, second] = await all.fetch(log, 2);
    const arrival = Number(first!.timestamp);
    assert.ok(arrival >= started && arrival <= Date.now(), first!.timestamp);
    assert.equal(second!.timestamp, id.split("-")[0]);
    const seen = await all.consume(log, 2, "first");
    assert.equal(seen[1]!.properties.timestamp, Math.floor(Number(second!.timestamp) / 1000));
  });

  it("of Redis is the arrival where the id is no time, up to the last id of all", async () => {
    const log = await newLog();
    const started = Date.now();
    const ids = ["8640000000000001-0", "9007199254740993-5", "18446744073709551615-18446744073709551614"];
    for (const id of ids) assert.equal(await all.redis.xadd(log, id, "body", id), id);
    await all.publish("", log, "last");
    // No id is left: XADD is refused, the other protocols, which have offsets, go on.
    await assert.rejects(all.redis.xadd(log, "*", "body", "v"), /exhausted the last possible ID/);
    await all.publish("", log, "beyond");
    const fetched = await all.fetch(log, 5);
    assert.deepEqual(
      fetched.map(({ value }) => String(value)),
      [...ids, "last", "beyond"],
    );
    for (const { timestamp } of fetched) {
      assert.ok(Number(timestamp) >= started && Number(timestamp) <= Date.now(), timestamp);
    }
    const [found] = await all.admin.fetchTopicOffsetsByTimestamp(log, started);
    assert.equal(found!.offset, "0");
    for (const { content, properties } of await all.consume(log, 5, "first")) {
      const isFromRedis = ids.includes(content.toString());
      if (isFromRedis) assert.ok(properties.timestamp >= Math.floor(started / 1000));
    }
    const last = "18446744073709551615-18446744073709551615";
    const shown = await all.redis.xrange(log, "-", "+");
    assert.deepEqual(
      shown.map(([id]) => id),
      [...ids, last, last],
    );
  });
});
