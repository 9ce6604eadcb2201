/** Dead letters are shown in groups, go home to where they died, and are taken back, wherever they lie and over kills. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ConfirmChannel, GetMessage } from "amqplib";
import { Redis } from "ioredis";
import { Kafka, logLevel } from "kafkajs";
import { AmqpTarget, quiet, until } from "../../support/amqp.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { KafkaWireClient } from "../../support/kafka-wire-client.ts";
import { api, basic, makeUser } from "../../support/users.ts";

let broker: TestBroker;
let target: AmqpTarget;
let channel: ConfirmChannel;

before(async () => {
  broker = await startTestBroker();
  target = new AmqpTarget(broker.amqpUrl, broker);
  channel = await open();
});

after(() => target.stop());

async function open(): Promise<ConfirmChannel> {
  return quiet(await (await target.connect()).createConfirmChannel());
}

async function killed(): Promise<void> {
  await broker.kill();
  await broker.restart();
  channel = await open();
}

interface Group {
  readonly queue: string;
  readonly reason: string | null;
  readonly origin: {
    readonly kind: string;
    readonly name: string;
    readonly group?: string;
    readonly exchange?: string;
  };
  readonly count: number;
  readonly first: number;
  readonly last: number;
  readonly hours: readonly { readonly at: number; readonly count: number }[];
}

async function asked<Answer>(method: string, path: string, body?: object): Promise<Answer> {
  const { status, body: answer } = await api(broker, method, `troika/${path}`, body);
  assert.equal(status, 200, JSON.stringify(answer));
  return answer as Answer;
}

async function groupsIn(queue: string): Promise<Group[]> {
  const { groups, is_complete: isComplete } = await asked<{ groups: Group[]; is_complete: boolean }>(
    "GET",
    "deadletters",
  );
  assert.equal(isComplete, true);
  return groups.filter((group) => group.queue === queue);
}

interface Retried {
  readonly matched: number;
  readonly moved: number;
  readonly unroutable: number;
  readonly full: number;
  readonly refused: number;
  readonly operation: string;
  readonly state: string;
}

const retry = (body: object): Promise<Retried> => asked("POST", "deadletters/retry", body);

interface Undone {
  readonly found: number;
  readonly taken_back: number;
  readonly consumed: number;
}

async function undo(operation: string): Promise<number[]> {
  const { found, taken_back: back, consumed } = await asked<Undone>("POST", `operations/${operation}/undo`);
  return [found, back, consumed];
}

/** How many lie in a queue or stream, and the bodies (of Redis: the field n). */
async function bodiesIn(name: string): Promise<string[]> {
  const { messages } = await asked<{
    messages: { payload: string; properties: { headers?: { n?: string } } }[];
  }>("GET", `messages/%2F/${name}`);
  return messages.map(({ payload }) =>
    payload.startsWith("{") ? (JSON.parse(payload) as { n: string }).n : payload,
  );
}

async function got(queue: string): Promise<GetMessage | null> {
  return (await channel.get(queue)) || null;
}

async function drained(queue: string): Promise<string[]> {
  const bodies: string[] = [];
  for (let message = await got(queue); message !== null; message = await got(queue)) {
    bodies.push(message.content.toString());
    channel.ack(message);
  }
  return bodies;
}

interface Place {
  /** Where the letters lie. */
  readonly place: string;
  readonly origin: Readonly<Record<string, unknown>>;
  readonly reason: string;
  /** Makes letters `m0`, `m1` ... */
  readonly fill: (count: number) => Promise<void>;
  /** Takes the next that is home, as its consumer does; null: none. */
  readonly take: () => Promise<string | null>;
}

/** A queue whose rejected messages go to `place`. */
function queuePlace(name: string, place: string, args: Readonly<Record<string, unknown>>): Place {
  return {
    place,
    origin: { kind: "queue", name, exchange: "amq.topic" },
    reason: "rejected",
    async fill(count) {
      await channel.assertQueue(name, { durable: true, arguments: args });
      await channel.bindQueue(name, "amq.topic", `${name}.#`);
      // Another queue that gets what is published, and must not get it again.
      await channel.assertQueue(`${name}.twin`, { durable: true });
      await channel.bindQueue(`${name}.twin`, "amq.topic", `${name}.#`);
      for (let at = 0; at < count; at++)
        channel.publish("amq.topic", `${name}.k${at}`, Buffer.from(`m${at}`), {
          persistent: true,
          messageId: `id${at}`,
          headers: { at },
        });
      await channel.waitForConfirms();
      for (let at = 0; at < count; at++) channel.nack((await got(name))!, false, false);
      await until(async () => (await bodiesIn(place)).length === count);
    },
    async take() {
      const message = await got(name);
      if (message === null) return null;
      const { exchange, routingKey, redelivered } = message.fields;
      const { headers, messageId } = message.properties;
      const body = message.content.toString();
      const at = body.slice(1);
      assert.deepEqual(
        [exchange, routingKey, redelivered, messageId],
        ["amq.topic", `${name}.k${at}`, false, `id${at}`],
      );
      const [death] = headers!["x-death"] as unknown as { count: number; queue: string }[];
      assert.deepEqual([death!.queue, headers!["x-delivery-count"] ?? 0], [name, 0]);
      channel.ack(message);
      // Its answer comes when the broker has had the acknowledgement.
      await channel.checkQueue(name);
      return body;
    },
  };
}

function withRedis<Result>(use: (redis: Redis) => Promise<Result>): Promise<Result> {
  const redis = new Redis({ port: broker.ports.redis, lazyConnect: true, retryStrategy: null });
  return use(redis).finally(() => redis.disconnect());
}

type Entries = [stream: string, entries: [id: string, fields: string[]][]][] | null;

const groupPlace: Place = {
  place: "jobs.dead",
  origin: { kind: "group", name: "jobs", group: "g" },
  reason: "no luck",
  fill: (count) =>
    withRedis(async (redis) => {
      await redis.xgroup("CREATE", "jobs", "g", "$", "MKSTREAM");
      await redis.xgroup("CREATE", "jobs", "other", "$");
      await redis.call("TROIKA.GROUP", "jobs", "g", "MAXDELIVER", "1");
      const ids: string[] = [];
      for (let at = 0; at < count; at++) ids.push((await redis.xadd("jobs", "*", "n", `m${at}`))!);
      await redis.xreadgroup("GROUP", "g", "c", "STREAMS", "jobs", ">");
      await redis.call("TROIKA.NACK", "jobs", "g", ...ids, "REASON", "no luck");
      assert.equal(await redis.xlen("jobs.dead"), count);
    }),
  take: () =>
    withRedis(async (redis) => {
      const found = (await redis.xreadgroup(
        "GROUP",
        "g",
        "c",
        "COUNT",
        1,
        "STREAMS",
        "jobs",
        ">",
      )) as Entries;
      if (found === null) return null;
      const [id, fields] = found[0]![1][0]!;
      assert.equal(fields.length, 2);
      const [[, , , deliveries]] = (await redis.xpending("jobs", "g", id, id, 1)) as [
        [string, string, number, number],
      ];
      assert.equal(deliveries, 1);
      assert.equal(await redis.xack("jobs", "g", id), 1);
      return fields[1]!;
    }),
};

const places: Readonly<Record<string, () => Promise<Place>>> = {
  "the queue NAME.dead": async () => queuePlace("again", "again.dead", { "x-retry-limit": 1 }),
  "the queue of a dead-letter exchange": async () => {
    await channel.assertExchange("letters", "fanout", { durable: true });
    await channel.assertQueue("lettered.box", { durable: true, arguments: { "x-queue-type": "quorum" } });
    await channel.bindQueue("lettered.box", "letters", "");
    return queuePlace("lettered", "lettered.box", { "x-dead-letter-exchange": "letters" });
  },
  "a partition of a Kafka topic": async () => {
    const kafka = new Kafka({ brokers: [`127.0.0.1:${broker.ports.kafka}`], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: "graves", numPartitions: 1 }] });
    await admin.disconnect();
    const args = {
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": "graves",
      "x-max-priority": 3,
    };
    return queuePlace("mourned", "graves", args);
  },
  "the stream of a group's dead letters": async () => groupPlace,
};

/** What is done with a place, with a yield where the broker is killed. */
async function* doneWith({ place: queue, origin, reason, fill, take }: Place): AsyncGenerator<void, void> {
  const all = ["m0", "m1", "m2", "m3", "m4", "m5"];
  const taken = (): Promise<string> => until(async () => (await take()) ?? undefined);
  await fill(all.length);
  const [group, ...others] = await groupsIn(queue);
  assert.deepEqual([others, group!.count, group!.reason, group!.origin], [[], all.length, reason, origin]);
  assert.equal(
    group!.hours.reduce((sum, { count }) => sum + count, 0),
    all.length,
  );
  assert.ok(group!.first <= group!.last && group!.first > Date.now() - 600_000);

  const dry = await retry({ queue, dry_run: true });
  assert.deepEqual([dry.matched, dry.moved, dry.unroutable], [6, 0, 0]);
  assert.deepEqual(await bodiesIn(queue), all);
  assert.equal(await take(), null);

  const word = origin["kind"] === "group" ? "header.n" : "body";
  const one = await retry({ queue, filter: `${word} = m4` });
  assert.deepEqual([one.matched, one.moved, one.state], [1, 1, "finished"]);
  assert.deepEqual(await bodiesIn(queue), ["m0", "m1", "m2", "m3", "m5"]);
  assert.equal(await taken(), "m4");

  const three = await retry({ queue, limit: 3 });
  assert.deepEqual([three.matched, three.moved], [3, 3]);
  yield;
  assert.deepEqual(await bodiesIn(queue), ["m3", "m5"]);
  assert.equal(await taken(), "m0");
  assert.deepEqual(await undo(three.operation), [2, 2, 1]);
  assert.equal(await take(), null);
  yield;
  assert.deepEqual(await bodiesIn(queue), ["m3", "m5", "m1", "m2"]);
  const [again] = await groupsIn(queue);
  assert.deepEqual([again!.count, again!.reason, again!.origin], [4, reason, origin]);
  assert.deepEqual(await undo(three.operation), [0, 0, 1]);

  assert.equal((await retry({ queue })).moved, 4);
  const home: string[] = [];
  while (home.length < 4) home.push(await taken());
  assert.deepEqual(home.toSorted(), ["m1", "m2", "m3", "m5"]);
  assert.deepEqual([await take(), await bodiesIn(queue), await groupsIn(queue)], [null, [], []]);
  if (origin["kind"] === "queue")
    assert.equal((await drained(`${origin["name"] as string}.twin`)).length, all.length);
}

test("letters in every place are shown, counted, moved home and taken back, over kills", async () => {
  const running: { what: string; steps: AsyncGenerator<void, void> }[] = [];
  for (const [what, make] of Object.entries(places)) running.push({ what, steps: doneWith(await make()) });
  for (let isAny = true; isAny;) {
    isAny = false;
    for (const { what, steps } of running) {
      const { done } = await steps.next().catch((error: unknown) => {
        throw new Error(what, { cause: error });
      });
      if (done !== true) isAny = true;
    }
    if (isAny) await killed();
  }
});

/** A queue with so many letters in `NAME.dead`; what it is published with is its own name. */
async function lettersOf(name: string, bodies: readonly string[], args: object = {}): Promise<string> {
  await channel.assertQueue(name, { durable: true, arguments: { "x-retry-limit": 1, ...args } });
  for (const [at, body] of bodies.entries()) {
    channel.sendToQueue(name, Buffer.from(body), { persistent: true, headers: { at, old: "x" } });
    channel.nack(await until(async () => (await got(name)) ?? undefined), false, false);
  }
  await channel.checkQueue(name);
  return `${name}.dead`;
}

async function refusal(
  method: string,
  path: string,
  body: object,
  user = "guest",
): Promise<[number, string]> {
  const answer = await api(broker, method, `troika/${path}`, body, basic(user, user));
  return [answer.status, (answer.body as { reason: string }).reason];
}

test("a letter that dies again is counted up, and goes home again; an edit changes it", async () => {
  const dead = await lettersOf("edited", ["one"]);
  const first = await retry({
    queue: dead,
    edit: {
      headers: { set: { fixed: true, at: 7 }, remove: ["old"] },
      body: "zwei",
      routing_key: "other",
    },
  });
  assert.equal(first.moved, 1);
  const message = (await got("edited"))!;
  const { headers } = message.properties;
  assert.equal(message.content.toString(), "zwei");
  assert.equal(message.fields.routingKey, "other");
  assert.deepEqual([headers!["fixed"], headers!["at"], headers!["old"]], [true, 7, undefined]);
  assert.equal(headers!["x-troika-operation"], first.operation);
  channel.nack(message, false, false);
  await channel.checkQueue("edited");
  const second = await retry({ queue: dead });
  assert.deepEqual([second.moved, await undo(first.operation)], [1, [0, 0, 1]]);
  const again = (await got("edited"))!;
  const [death, ...others] = again.properties.headers!["x-death"] as unknown as { count: number }[];
  assert.deepEqual(
    [death!.count, others, again.properties.headers!["x-troika-operation"]],
    [2, [], second.operation],
  );
  // It is held: nobody takes it from its consumer.
  assert.deepEqual(await undo(second.operation), [1, 0, 0]);
  channel.nack(again, false, false);
  await channel.checkQueue("edited");
  const third = await retry({ queue: dead });
  assert.deepEqual(await undo(third.operation), [1, 1, 0]);
  const [letter] = await asked<{ messages: { properties: { headers: object }; routing_key: string }[] }>(
    "GET",
    `messages/%2F/${dead}`,
  ).then(({ messages }) => messages);
  assert.equal(letter!.routing_key, dead);
  assert.ok(!Object.keys(letter!.properties.headers).some((name) => /operation|from/.test(name)));
});

test("of a stream an undo takes what no group has come to, and no Kafka group has committed past", async () => {
  await channel.assertQueue("river", { durable: true, arguments: { "x-queue-type": "stream" } });
  await channel.assertQueue("river.box", { durable: true, arguments: { "x-dead-letters-of": "river" } });
  const death = { count: 1, reason: "rejected", queue: "river", exchange: "", "routing-keys": ["river"] };
  for (const body of ["a", "b", "c"])
    channel.sendToQueue("river.box", Buffer.from(body), {
      persistent: true,
      headers: { "x-death": [death] },
    });
  await channel.waitForConfirms();
  const first = await retry({ queue: "river.box" });
  assert.deepEqual([first.moved, await bodiesIn("river")], [3, ["a", "b", "c"]]);
  const kafka = await KafkaWireClient.connect(broker.ports.kafka);
  const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: "" }];
  const { topics } = await kafka.request("OffsetCommit", 2, {
    groupId: "readers",
    generationIdOrMemberEpoch: -1,
    memberId: "",
    retentionTimeMs: -1,
    topics: [{ name: "river", partitions }],
  });
  assert.equal(topics[0]!.partitions[0]!.errorCode, 0);
  kafka.close();
  assert.deepEqual(await undo(first.operation), [3, 2, 0]);
  assert.deepEqual([await bodiesIn("river"), await bodiesIn("river.box")], [["a"], ["b", "c"]]);
  const second = await retry({ queue: "river.box" });
  await withRedis(async (redis) => {
    await redis.xgroup("CREATE", "river", "g", "0");
    await redis.xreadgroup("GROUP", "g", "c", "COUNT", 2, "STREAMS", "river", ">");
  });
  assert.deepEqual(await undo(second.operation), [2, 1, 0]);
  assert.deepEqual(await bodiesIn("river"), ["a", "b"]);
});

test("what has no place to go to, or no room, stays and is counted", async () => {
  const dead = await lettersOf("narrow", ["a", "b", "c"], { "x-max-length": 2 });
  const dry = await retry({ queue: dead, dry_run: true });
  assert.deepEqual([dry.matched, dry.moved, dry.full], [3, 0, 1]);
  const tight = await retry({ queue: dead });
  assert.deepEqual([tight.matched, tight.moved, tight.full], [3, 2, 1]);
  assert.deepEqual([await bodiesIn(dead), await bodiesIn("narrow")], [["c"], ["a", "b"]]);
  await channel.deleteQueue("narrow");
  channel.sendToQueue(dead, Buffer.from("no letter"));
  await channel.waitForConfirms();
  const gone = await retry({ queue: dead });
  assert.deepEqual([gone.matched, gone.moved, gone.unroutable], [2, 0, 2]);
  assert.deepEqual(await bodiesIn(dead), ["c", "no letter"]);
  const groups = await groupsIn(dead);
  assert.deepEqual(
    groups.map(({ reason, count }) => [reason, count]),
    [
      ["rejected", 1],
      [null, 1],
    ],
  );
});

test("whoever may not read the letters, or not write to their queue, moves none and sees none", async () => {
  const dead = await lettersOf("guarded", ["a"]);
  await makeUser(broker, "reader", "reader", { configure: "", write: "", read: ".*" }, "management");
  await makeUser(broker, "stranger", "stranger", { configure: "", write: ".*", read: "" }, "management");
  const seen = await api(broker, "GET", "troika/deadletters", undefined, basic("stranger", "stranger"));
  const { groups, places_refused: refused } = seen.body as { groups: Group[]; places_refused: number };
  assert.deepEqual([groups, refused > 0], [[], true]);
  const moving = await api(
    broker,
    "POST",
    "troika/deadletters/retry",
    { queue: dead },
    basic("reader", "reader"),
  );
  const { matched, moved, refused: kept, operation } = moving.body as Retried;
  assert.deepEqual([matched, moved, kept], [1, 0, 1]);
  const [status, reason] = await refusal("POST", "deadletters/retry", { queue: dead }, "stranger");
  assert.deepEqual([status, /refused for user 'stranger'/.test(reason)], [401, true]);
  const real = await retry({ queue: dead });
  assert.equal((await refusal("POST", `operations/${real.operation}/undo`, {}, "reader"))[0], 401);
  const byStranger = await api(
    broker,
    "POST",
    `troika/operations/${real.operation}/undo`,
    {},
    basic("stranger", "stranger"),
  );
  assert.deepEqual((byStranger.body as { found: number; refused: number }).refused, 1);
  assert.equal((await refusal("POST", `operations/${operation}/cancel`, {}, "stranger"))[0], 401);
  assert.equal((await api(broker, "PUT", "users/plain", { password: "plain", tags: "" })).status, 201);
  assert.equal((await refusal("GET", "operations", {}, "plain").catch(() => [401]))[0], 401);
});

test("what makes no sense is refused with what would", async () => {
  const dead = await lettersOf("odd", ["a"]);
  const faults: [object, RegExp][] = [
    [{ queue: "nowhere" }, /no queue or stream 'nowhere'/],
    [{ queue: dead, filter: "colour = red" }, /'colour' is no field/],
    [{ queue: dead, limit: 0 }, /limit is 0/],
    [{ queue: dead, rate: 1.5 }, /rate is 1.5/],
    [{ queue: dead, edit: { headers: { set: { "x-death": 1 } } } }, /'x-death'/],
    [{ queue: dead, limti: 1 }, /unknown field 'limti': there are vhost, queue, filter, limit, rate, /],
    [{ queue: dead, dryrun: true }, /unknown field 'dryrun'/],
    [{ source: dead }, /unknown field 'source'/],
    [{ queue: dead, edit: { header: {} } }, /unknown field 'edit.header': there are headers, body, /],
    [
      { queue: dead, edit: { headers: { add: {} } } },
      /unknown field 'edit.headers.add': there are set, remove/,
    ],
    [{ queue: dead, edit: { body: "?", body_encoding: "base64" } }, /not base64/],
  ];
  for (const [body, pattern] of faults)
    assert.match((await refusal("POST", "deadletters/retry", body))[1], pattern);
  const known = (await asked<unknown[]>("GET", "operations")).length;
  assert.match((await refusal("POST", "deadletters/retry?wait=9999999", { queue: dead }))[1], /wait is/);
  assert.equal((await asked<unknown[]>("GET", "operations")).length, known, "nothing was started");
  const inQuery = await refusal("POST", "deadletters/retry?dry_run=true", { queue: dead });
  assert.deepEqual(inQuery, [400, "unknown query parameter 'dry_run': there are wait"]);
  const dry = await retry({ queue: dead, dry_run: true });
  assert.equal(dry.matched, 1);
  assert.match((await refusal("POST", `operations/${dry.operation}/undo`, {}))[1], /dry run/);
  const real = await retry({ queue: dead });
  const [status, reason] = await refusal("POST", `operations/${real.operation}/undo`, { limit: 1 });
  assert.deepEqual([status, reason], [400, "unknown field 'limit': there are none"]);
  const taken = await asked<{ operation: string }>("POST", `operations/${real.operation}/undo`);
  assert.match((await refusal("POST", `operations/${taken.operation}/undo`, {}))[1], /only a retry/);
  assert.equal((await refusal("POST", "operations/1-ff/undo", {}))[0], 404);
});

test("one at a rate is shown while it runs, and is cancelled", async () => {
  const dead = await lettersOf("slow", ["a", "b", "c", "d"]);
  const { status, body } = await api(broker, "POST", "troika/deadletters/retry?wait=0", {
    queue: dead,
    rate: 1,
  });
  const { operation, state, moved } = body as Retried;
  assert.deepEqual([status, state, moved], [202, "running", 1]);
  const [listed] = await asked<{ id: string; state: string; rate: number; source: string }[]>(
    "GET",
    "operations",
  );
  assert.deepEqual([listed!.id, listed!.rate, listed!.source], [operation, 1, dead]);
  assert.match((await refusal("POST", `operations/${operation}/undo`, {}))[1], /still running/);
  const cancelled = await asked<Retried>("POST", `operations/${operation}/cancel`);
  assert.equal(cancelled.state, "cancelled");
  const known = await asked<Retried & { targets: string[] }>("GET", `operations/${operation}`);
  assert.deepEqual([known.state, known.moved, known.targets], ["cancelled", cancelled.moved, ["slow"]]);
  assert.deepEqual(await undo(operation), [cancelled.moved, cancelled.moved, 0]);
  assert.equal((await bodiesIn(dead)).length, 4);
});

test("what clients write into headers of the broker neither fills its memory nor stops an undo", async () => {
  const dead = await lettersOf("forged", ["a", "b", "c"]);
  const { operation } = await retry({ queue: dead });
  const message = (await got("forged"))!;
  channel.ack(message);
  const headers = message.properties.headers!;
  const route = { exchange: "e".repeat(300), "routing-key": "k".repeat(300) };
  channel.sendToQueue("forged", Buffer.from("forged"), { headers: { ...headers, "x-troika-from": route } });
  channel.sendToQueue("forged", message.content, { headers });
  await channel.waitForConfirms();
  assert.deepEqual(await undo(operation), [3, 3, 0]);
  assert.deepEqual(await bodiesIn("forged"), ["forged"]);
  const die = (death: object): boolean =>
    channel.sendToQueue(dead, Buffer.from("x"), { headers: { "x-death": [{ exchange: "", ...death }] } });
  die({ queue: "q".repeat(5000), reason: "rejected" });
  die({ queue: "q", reason: "r".repeat(5000) });
  await channel.waitForConfirms();
  const found = (await groupsIn(dead)) as readonly { origin: unknown; reason: string | null }[];
  const groups = found.map(({ origin, reason }) => {
    const name = (origin as { name: string } | null)?.name ?? "";
    return `${name} ${(reason ?? "").length}`;
  });
  assert.deepEqual(groups.toSorted(), [" 0", "forged 8", "q 255"]);
});
