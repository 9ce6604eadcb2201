import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { KafkaBatch } from "../../../src/message/kafka/batch.ts";
import { KafkaBatchBuilder } from "../../../src/message/kafka/batch-builder.ts";
import { publishToExchange } from "../../../src/protocols/kafka/produce/exchange.ts";
import { Rig } from "../../../fuzz/rig.ts";
import type { Queue } from "../../../src/broker/queue/queue.ts";
import fc from "fast-check";
import { limits } from "../../../src/base/limits.ts";
import { HeadersRouter } from "../../../src/broker/exchange/routing/headers.ts";
import { murmur2, partitionOf } from "../../../src/broker/exchange/routing/murmur2.ts";
import { PartitionRouter } from "../../../src/broker/exchange/routing/partition.ts";
import { type HeaderValue, noFacts, type Router } from "../../../src/broker/exchange/routing/router.ts";
import { TopicRouter } from "../../../src/broker/exchange/routing/topic.ts";

function routed(
  router: Router<string>,
  key: string,
  headers: () => ReadonlyMap<string, HeaderValue> = () => new Map(),
): string[] {
  const found = new Set<string>();
  router.route(key, { ...noFacts, headers }, found);
  return [...found].toSorted();
}

/** The definition, word by word. */
function matchesTopic(pattern: string[], words: string[]): boolean {
  if (pattern.length === 0) return words.length === 0;
  const [first, ...rest] = pattern;
  if (first === "#") {
    for (let skip = 0; skip <= words.length; skip++) if (matchesTopic(rest, words.slice(skip))) return true;
    return false;
  }
  if (words.length === 0 || (first !== "*" && first !== words[0])) return false;
  return matchesTopic(rest, words.slice(1));
}

/** The empty text has no word; RabbitMQ's split_topic_key. */
function wordsOf(text: string): string[] {
  return text === "" ? [] : text.split(".");
}

/** A key's own `*` and `#` are words like any other that no pattern names. */
const word = fc.constantFrom("a", "b", "c", "", "*", "#");
const patternWord = fc.constantFrom("a", "b", "c", "", "*", "#", "#");
const key = fc.array(word, { maxLength: 5 }).map((words) => words.join("."));
const pattern = fc.array(patternWord, { maxLength: 5 }).map((words) => words.join("."));

test("topic: the trie agrees with the definition, also after unbinding", () => {
  fc.assert(
    fc.property(
      fc.array(pattern, { maxLength: 12 }),
      fc.array(key, { maxLength: 10 }),
      fc.nat(),
      (texts, keys, cut) => {
        const router = new TopicRouter<string>();
        texts.forEach((text, i) => router.bind(`q${i}`, text, {}));
        const gone = texts.length === 0 ? -1 : cut % texts.length;
        if (gone >= 0) router.unbind(`q${gone}`, texts[gone]!, {});
        for (const text of keys) {
          const expected = texts
            .map((wanted, i) => (i !== gone && matchesTopic(wordsOf(wanted), wordsOf(text)) ? `q${i}` : ""))
            .filter((name) => name !== "");
          assert.deepEqual(routed(router, text), expected.toSorted());
        }
      },
    ),
  );
});

test("topic: the empty key has no word", () => {
  const router = new TopicRouter<string>();
  for (const text of ["", "*", "#", "#.*", "#.#", "."]) router.bind(text, text, {});
  assert.deepEqual(routed(router, ""), ["", "#", "#.#"]);
  assert.deepEqual(routed(router, "."), ["#", "#.#", "#.*", "."]);
  assert.deepEqual(routed(router, "a"), ["#", "#.#", "#.*", "*"]);
});

test("topic: a node is visited once for each word, however many # there are", () => {
  for (const binding of [
    "#.#.#.#.#.#.#.x",
    Array.from({ length: 60 }, () => "#.a").join("."),
    `${Array.from({ length: 60 }, () => "#.*").join(".")}.x`,
  ]) {
    const router = new TopicRouter<string>();
    router.bind("q", binding, {});
    const words = 60;
    router.route(Array.from({ length: words }, () => "a").join("."), noFacts, new Set());
    const nodes = binding.split(".").length + 1;
    assert.ok(router.visits <= (words + 1) * nodes, `${binding}: ${router.visits} visits`);
  }
});

test("topic: a plain key visits its own words only, whatever else is bound", () => {
  const router = new TopicRouter<string>();
  for (let i = 0; i < 1000; i++) router.bind("q", `a.${i}.*.#`, {});
  assert.deepEqual(routed(router, "a.7.b"), ["q"]);
  assert.equal(router.visits, 5, "the root, a, 7, * and #");
});

test("topic: what can be visited again for each word is bounded, and counted down again", () => {
  const router = new TopicRouter<string>();
  const keyOf = (i: number) => `#.${i}.${Array.from({ length: 99 }, () => "a").join(".")}`;
  const bound = limits.topicWordsBehindHashMax / 100;
  for (let i = 0; i < bound; i++) {
    router.assertRoomFor(keyOf(i));
    router.bind("q", keyOf(i), {});
  }
  assert.throws(() => router.assertRoomFor(keyOf(bound)), { code: "PRECONDITION_FAILED" });
  router.assertRoomFor("a.b.#");
  router.unbind("q", keyOf(0), {});
  router.assertRoomFor(keyOf(bound));
});

test("topic: the same words in another order of * and # are the same", () => {
  const router = new TopicRouter<string>();
  router.bind("q", "a.#.*.#.#.b", {});
  router.bind("q", "a.*.#.b", {});
  router.unbind("q", "a.#.*.b", {});
  assert.deepEqual(routed(router, "a.x.b"), ["q"], "bound twice, unbound once");
  router.unbind("q", "a.*.#.b", {});
  assert.deepEqual(routed(router, "a.x.b"), []);
});

const headerName = fc.constantFrom("x", "y", "z", "x-w");
const headerValue = fc.constantFrom<HeaderValue>("1", 1, true, "b");
const headerPairs = fc.dictionary(headerName, headerValue);

test("headers: the index agrees with the definition", () => {
  const binding = fc.record({
    match: fc.constantFrom("all", "any", "all-with-x", "any-with-x"),
    pairs: headerPairs,
  });
  fc.assert(
    fc.property(fc.array(binding, { maxLength: 10 }), headerPairs, (bindings, message) => {
      const router = new HeadersRouter<string>();
      bindings.forEach(({ match, pairs }, i) => router.bind(`q${i}`, "", { "x-match": match, ...pairs }));
      const present = new Map(Object.entries(message));
      const expected = bindings.flatMap(({ match, pairs }, i) => {
        const counted = Object.entries(pairs).filter(
          ([name]) => match.endsWith("-with-x") || !name.startsWith("x-"),
        );
        const hits = counted.filter(([name, value]) => present.get(name) === value).length;
        const isMatch = match.startsWith("any") ? hits > 0 : hits === counted.length;
        return isMatch ? [`q${i}`] : [];
      });
      assert.deepEqual(
        routed(router, "", () => present),
        expected.toSorted(),
      );
      bindings.forEach(({ match, pairs }, i) => router.unbind(`q${i}`, "", { "x-match": match, ...pairs }));
      assert.deepEqual(
        routed(router, "", () => present),
        [],
      );
    }),
  );
});

test("headers: bindings that share a pair are filed under what tells them apart", () => {
  const router = new HeadersRouter<string>();
  for (let i = 0; i < 1000; i++) router.bind(`q${i}`, "", { "x-match": "all", kind: "order", id: i });
  const present = new Map<string, HeaderValue>([
    ["kind", "order"],
    ["id", 7],
  ]);
  assert.deepEqual(
    routed(router, "", () => present),
    ["q7"],
  );
  assert.ok(router.comparisons <= 2, `${router.comparisons} comparisons`);
});

test("headers: names and values that hold any character are told apart", () => {
  const router = new HeadersRouter<string>();
  const one = { "x-match": "all", "a\0string\0b": "c" };
  const other = { "x-match": "all", a: "b\0string\0c" };
  router.bind("q", "", one);
  router.bind("q", "", other);
  router.unbind("q", "", one);
  assert.deepEqual(
    routed(router, "", () => new Map<string, HeaderValue>([["a", "b\0string\0c"]])),
    ["q"],
  );
});

test("headers: bindings of one queue that differ in their keys alone are held against a message once", () => {
  const router = new HeadersRouter<string>();
  const args = { "x-match": "all", a: 1, b: 2 };
  for (let i = 0; i < 1000; i++) router.bind("q", `k${i}`, args);
  const one = () => new Map<string, HeaderValue>([["a", 1]]);
  const both = () => one().set("b", 2);
  assert.deepEqual(routed(router, "", one), []);
  assert.equal(router.comparisons, 1);
  for (let i = 1; i < 1000; i++) router.unbind("q", `k${i}`, args);
  assert.deepEqual(routed(router, "", both), ["q"]);
  router.unbind("q", "k0", args);
  assert.deepEqual(routed(router, "", both), []);
});

test("murmur2 gives the values of Kafka's own tests", () => {
  const known: [text: string, hash: number][] = [
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ];
  for (const [text, hash] of known) assert.equal(murmur2(Buffer.from(text)) | 0, hash);
  assert.equal(partitionOf(Buffer.from("21"), 10), (-973932308 & 0x7fffffff) % 10);
});

test("a partition that is deleted and made again leaves the others their numbers", () => {
  const router = new PartitionRouter<string>();
  const keys = ["21", "foobar", "a-little-bit-long-string", "a-little-bit-longer-string", "a", "b", "c"];
  ["t-0", "t-1", "t-2"].forEach((name, i) => router.bind(name, String(i), {}));
  const before = keys.map((each) => routed(router, each));
  for (const gone of ["0", "2", "1"]) {
    router.unbind(`t-${gone}`, gone, {});
    router.bind(`t-${gone}`, gone, {});
  }
  assert.deepEqual(
    keys.map((each) => routed(router, each)),
    before,
  );
  router.unbind("t-1", "1", {});
  assert.deepEqual(
    keys.map((each) => routed(router, each)),
    before.map(([name]) => (name === "t-1" ? [] : [name])),
    "what is gone gets nothing, and nobody else does in its place",
  );
});

test("what routing costs one message, or one batch, is bounded whatever keys it has", async () => {
  const rig = await Rig.open();
  const { defaultVhost: vhost } = rig.broker;
  const topic = vhost.exchange("amq.topic");
  for (let i = 0; i < 40; i++) {
    const binding = ["#", ...Array.from({ length: 120 }, (_, at) => (at < i ? "a" : "*"))].join(".");
    vhost.bindings.bind(topic, vhost.exchange("amq.fanout"), binding, {});
  }
  const keys = Array.from({ length: 60 }, (_, i) => `${"a.".repeat(124)}${i}`);
  const visits = (work: () => void): number => {
    const before = vhost.routes.visits;
    work();
    return vhost.routes.visits - before;
  };
  const one = visits(() => vhost.routes.find(topic, keys[0]!));
  assert.ok(one > limits.publishVisitsMax / keys.length, `${one} visits: too few to test with`);
  const many = visits(() => assert.throws(() => vhost.routes.byKeys(topic, keys), /PRECONDITION|too long/));
  assert.ok(many <= limits.publishVisitsMax + one, `${many} visits`);
  assert.throws(() => vhost.routes.find(topic, "a.".repeat(128)), /routing key of 256 bytes/);

  vhost.exchange("amq.fanout").routes.clear();
  topic.routes.clear();
  const writer = new ByteWriter();
  const builder = new KafkaBatchBuilder();
  builder.begin(writer, { baseOffset: 0, baseTimestamp: 0, partitionLeaderEpoch: 0 });
  for (const [index, each] of keys.entries()) builder.key(Buffer.from(each)).record(index, 0);
  builder.finish();
  const batch = new KafkaBatch().reset(writer.copy());
  batch.next();
  const publisher = (): never => assert.fail("nothing was published");
  const by = { isAllowed: () => true, publisher };
  const inBatch = visits(() => assert.equal(publishToExchange(vhost, topic, batch, 1 << 20, by), "dear"));
  assert.ok(inBatch <= limits.publishVisitsMax + one, `${inBatch} visits`);
  assert.equal(topic.published, 0);

  const peer = rig.connect("redis");
  const words = ["XADD", "amq.topic", "*", "routing_key", "a.".repeat(128)];
  peer.send(Buffer.from(`*5\r\n${words.map((each) => `$${each.length}\r\n${each}\r\n`).join("")}`));
  rig.settle();
  assert.match(peer.take().toString(), /^-ERR routing key of 256 bytes/);
});

test("queues that come and go leave no groups of logs behind", async () => {
  const { defaultVhost: vhost } = (await Rig.open()).broker;
  const fanout = vhost.exchange("amq.fanout");
  const declare = (name: string): Queue =>
    vhost.declareQueue({
      name,
      kind: "queue",
      durable: false,
      exclusiveOwner: 0,
      autoDelete: false,
      args: {},
    });
  for (const name of ["a", "b"]) vhost.bindings.bind(fanout, declare(name), "", {});
  for (let i = 0; i < 100; i++) {
    const queue = declare(`reply${i}`);
    vhost.bindings.bind(fanout, queue, "", {});
    assert.equal(vhost.routes.find(fanout, "key").queues.length, 3);
    vhost.deleteQueue(queue);
  }
  assert.equal(vhost.routes.find(fanout, "key").queues.length, 2);
  assert.equal(vhost.routes.groupCount, 1);
});
