/**
 * Share groups, as their members see them: what is acquired, acknowledged, released, rejected, given back, and what a restart keeps. That
 * Kafka's Java consumer works with it is shown by clients/java/kafka.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Redis } from "ioredis";
import {
  type Acquired,
  fetchedUntil,
  makeTopic,
  outcomes,
  produce,
  setGroup,
  ShareMember,
} from "../../support/share-member.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { KafkaWireClient } from "../../support/kafka-wire-client.ts";
import { makeUser, permit } from "../../support/users.ts";
import { until } from "../../support/wait.ts";

const { accept, release, reject, renew } = outcomes;
const errors = {
  invalidRequest: 42,
  invalidRecordState: 121,
  sessionNotFound: 122,
  invalidSessionEpoch: 123,
} as const;

let broker: TestBroker;
let client: KafkaWireClient;
let redis: Redis;
let names = 0;

before(async () => {
  broker = await startTestBroker();
  client = await KafkaWireClient.connect(broker.ports.kafka);
  redis = new Redis(broker.ports.redis, { lazyConnect: true });
  redis.on("error", () => {});
  await redis.connect();
});
after(async () => {
  client.close();
  redis.disconnect();
  await broker.stop();
});

/** A topic with these records, and a group that begins with the first. */
async function begin(
  values: readonly string[],
  settings: Record<string, string> = {},
): Promise<[topic: string, group: string]> {
  const name = `share${++names}`;
  await makeTopic(client, name);
  await setGroup(client, name, { "share.auto.offset.reset": "earliest", ...settings });
  if (values.length > 0) await produce(client, name, values);
  return [name, name];
}

function join(group: string, id: string, topic = group): Promise<ShareMember> {
  return ShareMember.join(broker.ports.kafka, group, id, topic);
}

async function policy(topic: string, definition: object): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${broker.ports.http}/api/policies/%2F/${topic}`, {
    method: "PUT",
    headers: { authorization: `Basic ${Buffer.from("guest:guest").toString("base64")}` },
    body: JSON.stringify({ pattern: `^${topic}$`, "apply-to": "streams", definition }),
  });
  assert.ok(answer.ok, await answer.text());
}

test("each record is acquired by one member at a time, and what is accepted does not come again", async () => {
  const [topic] = await begin(["a", "b", "c", "d"]);
  const one = await join(topic, "one");
  const two = await join(topic, "two");
  const first = await one.fetch({ maxRecords: 2, shareAcquireMode: 1 });
  assert.deepEqual(first, [
    [0, "a", 1],
    [1, "b", 1],
  ]);
  const second = await two.fetch();
  assert.deepEqual(second, [
    [2, "c", 1],
    [3, "d", 1],
  ]);
  assert.equal(await one.say(accept, first), 0);
  assert.equal(await two.say(accept, first), errors.invalidRecordState);
  assert.equal(await two.say(accept, second), 0);
  assert.deepEqual(await one.fetch(), []);
  // Whoever waits gets what comes.
  const waiting = one.fetch({ maxWaitMs: 60_000 });
  await produce(client, topic, ["e"]);
  assert.deepEqual(await waiting, [[4, "e", 1]]);
  one.close();
  two.close();
});

test("a stored batch is acquired whole where the member takes whole batches", async () => {
  const [topic] = await begin(["a", "b", "c"]);
  await produce(client, topic, ["d"]);
  const member = await join(topic, "m");
  assert.deepEqual(
    (await member.fetch({ maxRecords: 1 })).map(([, body]) => body),
    ["a", "b", "c"],
  );
  assert.deepEqual(
    (await member.fetch({ maxRecords: 1 })).map(([, body]) => body),
    ["d"],
  );
  member.close();
});

test("what is released comes again at once, before new records, and no oftener than the group's limit", async () => {
  const [topic] = await begin(["a", "b"], { "share.delivery.count.limit": "3" });
  const member = await join(topic, "m");
  let held = await member.fetch({ maxRecords: 1, shareAcquireMode: 1 });
  for (let deliveries = 2; deliveries <= 3; deliveries++) {
    assert.equal(await member.say(release, held), 0);
    held = await member.fetch({ maxRecords: 1, shareAcquireMode: 1 });
    assert.deepEqual(held, [[0, "a", deliveries]]);
  }
  assert.equal(await member.say(release, held), 0);
  // Its deliveries are used up: it is archived, as in Kafka.
  assert.deepEqual(await member.fetch(), [[1, "b", 1]]);
  assert.equal(await redis.exists(`${topic}.dead`), 0);
  member.close();
});

test("without a retry policy what is rejected is settled", async () => {
  const [topic] = await begin(["a", "b"]);
  const member = await join(topic, "m");
  assert.equal(await member.say(reject, await member.fetch()), 0);
  assert.deepEqual(await member.fetch(), []);
  assert.equal((await redis.xpending(topic, topic))[0], 0);
  member.close();
});

test("with a retry policy what is released or rejected comes again after the back-off, then is a dead letter", async () => {
  const [topic] = await begin([]);
  await policy(topic, { "retry-limit": 2, "retry-backoff-ms": 150 });
  await produce(client, topic, ["released", "rejected"]);
  const member = await join(topic, "m");
  const [released, rejected] = (await member.fetch()) as [Acquired, Acquired];
  const saidAt = performance.now();
  assert.equal(await member.say(release, [released]), 0);
  assert.equal(await member.say(reject, [rejected]), 0);
  const again = await fetchedUntil(member, 2);
  assert.ok(performance.now() - saidAt >= 149, "not before the back-off");
  assert.deepEqual(
    again.toSorted(([a], [b]) => a - b),
    [
      [0, "released", 2],
      [1, "rejected", 2],
    ],
  );
  assert.equal(await member.say(release, [released]), 0);
  assert.equal(await member.say(reject, [rejected]), 0);
  const letters = (await redis.xrange(`${topic}.dead`, "-", "+")).map(([, fields]) => fields);
  const field = (fields: string[], name: string): string | undefined => fields[fields.indexOf(name) + 1];
  assert.deepEqual(
    letters.map((fields) => [
      field(fields, "troika.reason"),
      field(fields, "troika.deliveries"),
      field(fields, "troika.consumer"),
    ]),
    [
      ["maxdeliver", "2", "troika.share.m"],
      ["rejected", "2", "troika.share.m"],
    ],
  );
  assert.deepEqual(await member.fetch(), []);
  member.close();
});

test("a lock that ends, and a connection that closes, give the records to others", async () => {
  const [topic] = await begin(["a"], { "share.record.lock.duration.ms": "300" });
  const one = await join(topic, "one");
  const two = await join(topic, "two");
  const held = await one.fetch();
  assert.deepEqual(await fetchedUntil(two, 1), [[0, "a", 2]]);
  assert.equal(await one.say(accept, held), errors.invalidRecordState);
  two.close();
  await setGroup(client, topic, { "share.record.lock.duration.ms": "30000" });
  assert.deepEqual(await fetchedUntil(one, 1), [[0, "a", 3]]);
  assert.equal(await one.say(accept, held), 0);
  one.close();
});

test("a lock that is renewed holds on", async () => {
  const lockMs = 400;
  const [topic] = await begin(["a"], { "share.record.lock.duration.ms": String(lockMs) });
  const one = await join(topic, "one");
  const two = await join(topic, "two");
  const held = await one.fetch();
  const since = performance.now();
  const other = two.fetch({ maxWaitMs: 60_000 });
  await until(() => performance.now() - since > lockMs / 2, "half of a lock");
  const renewedAt = performance.now();
  const wasInTime = (await one.say(renew, held)) === 0;
  assert.deepEqual(await other, [[0, "a", 2]]);
  if (wasInTime) assert.ok(performance.now() - renewedAt >= lockMs - 1, "the lock began anew");
  one.close();
  two.close();
});

test("a session's epochs, its last request, and what acknowledges nothing that is held", async () => {
  const [topic] = await begin(["a", "b"]);
  const member = await join(topic, "m");
  const held = await member.fetch();
  assert.equal(await member.say(accept, held, 7), errors.invalidSessionEpoch);
  assert.equal(await member.say(9, held), errors.invalidRequest);
  // All or nothing.
  assert.equal(await member.say(accept, [...held, [2, "c", 1]]), errors.invalidRecordState);
  assert.equal(await member.say(accept, held.slice(0, 1), -1), 0);
  assert.equal(await member.say(accept, held), errors.sessionNotFound);
  const other = await join(topic, "other");
  assert.deepEqual(await fetchedUntil(other, 1), [[1, "b", 2]]);
  // Acknowledged by the next fetch.
  const accepted = [{ firstOffset: 1, lastOffset: 1, acknowledgeTypes: [accept] }];
  const answer = await other.fetchAnswer({ maxWaitMs: 60_000 }, accepted);
  assert.equal(answer.responses[0]!.partitions[0]!.acknowledgeErrorCode, 0);
  assert.equal((await redis.xpending(topic, topic))[0], 0);
  member.close();
  other.close();
});

test("members hold no more records of a partition than the group may, and get more when they have settled some", async () => {
  const [topic] = await begin(["a", "b", "c"], { "share.partition.max.record.locks": "2" });
  const one = await join(topic, "one");
  const two = await join(topic, "two");
  const held = await one.fetch();
  assert.deepEqual(
    held.map(([, body]) => body),
    ["a", "b"],
  );
  assert.deepEqual(await two.fetch(), []);
  const waiting = two.fetch({ maxWaitMs: 60_000 });
  assert.equal(await one.say(accept, held.slice(0, 1)), 0);
  assert.deepEqual(await waiting, [[2, "c", 1]]);
  one.close();
  two.close();
});

test("a Redis consumer of the stream's group of that name shares the work", async () => {
  const [topic] = await begin(["a", "b", "c"]);
  const member = await join(topic, "m");
  assert.deepEqual(await member.fetch({ maxRecords: 1, shareAcquireMode: 1 }), [[0, "a", 1]]);
  const read = (await redis.xreadgroup("GROUP", topic, "r", "COUNT", 1, "STREAMS", topic, ">")) as [
    string,
    [string, string[]][],
  ][];
  const [id] = read[0]![1][0]!;
  const holders = (await redis.xpending(topic, topic, "-", "+", 10)) as [string, string][];
  assert.deepEqual(
    holders.map(([, holder]) => holder),
    ["troika.share.m", "r"],
  );
  assert.deepEqual(await member.fetch(), [[2, "c", 1]]);
  // What a Redis client wrote is a record like others.
  await redis.xadd(topic, "*", "body", "d");
  assert.equal((await member.fetch()).length, 1);
  assert.equal(await redis.xack(topic, topic, id), 1);
  await assert.rejects(redis.xgroup("DELCONSUMER", topic, topic, "troika.share.m"), /share group/);
  await assert.rejects(
    redis.xreadgroup("GROUP", topic, "troika.share.x", "STREAMS", topic, ">"),
    /share group/,
  );
  member.close();
});

test("partitions are spread over the members, and a member that leaves leaves them to the others", async () => {
  const topic = `share${++names}`;
  await makeTopic(client, topic, 4);
  const one = await join(topic, "one");
  assert.deepEqual(one.partitions, [0, 1, 2, 3]);
  const two = await join(topic, "two");
  await one.beat();
  assert.deepEqual(
    [...one.partitions, ...two.partitions].toSorted((a, b) => a - b),
    [0, 1, 2, 3],
  );
  assert.equal(one.partitions.length, 2);
  await two.leave();
  await one.beat();
  assert.deepEqual(one.partitions, [0, 1, 2, 3]);
  one.close();
  two.close();
});

test("what was accepted, delivery counts, settings and the group itself outlive kill -9; what was held is given back", async () => {
  const [topic] = await begin(["a", "b", "c"], { "share.delivery.count.limit": "2" });
  let member = await join(topic, "m");
  const held = await member.fetch();
  assert.equal(await member.say(accept, held.slice(0, 1)), 0);
  assert.equal(await member.say(release, held.slice(1, 2)), 0);
  assert.deepEqual(await member.fetch(), [[1, "b", 2]]);
  await broker.kill();
  await broker.restart();
  client = await KafkaWireClient.connect(broker.ports.kafka);
  const { groups } = await client.request("ListGroups", 5, { statesFilter: [], typesFilter: ["share"] });
  assert.ok(groups.some(({ groupId, groupState }) => groupId === topic && groupState === "Empty"));
  member = await join(topic, "m");
  // "b" had its two deliveries.
  assert.deepEqual(await fetchedUntil(member, 1), [[2, "c", 2]]);
  assert.equal(await member.say(accept, [[2, "c", 2]]), 0);
  await produce(client, topic, ["d"]);
  assert.deepEqual(await fetchedUntil(member, 1), [[3, "d", 1]]);
  member.close();
});

test("a share group is described and deleted, and its name is no other group's", async () => {
  const [topic] = await begin(["a", "b"]);
  const member = await join(topic, "m");
  const held = await member.fetch();
  await member.say(accept, held.slice(0, 1));
  const [described] = (await client.request("ShareGroupDescribe", 1, { groupIds: [topic] })).groups;
  assert.deepEqual(
    [described!.groupState, described!.members.map((each) => each.assignment.topicPartitions[0]!.topicName)],
    ["Stable", [topic]],
  );
  const offsets = await client.request("DescribeShareGroupOffsets", 1, {
    groups: [{ groupId: topic, topics: null }],
  });
  const [partition] = offsets.groups[0]!.topics[0]!.partitions;
  assert.deepEqual([partition!.startOffset, partition!.lag], [1, 1]);
  const remove = async (): Promise<number> =>
    (await client.request("DeleteGroups", 2, { groupsNames: [topic] })).results[0]!.errorCode;
  const nonEmpty = 68;
  assert.equal(await remove(), nonEmpty);
  await member.leave();
  assert.equal(await remove(), 0);
  assert.deepEqual(await redis.xinfo("GROUPS", topic), []);
  member.close();
});

test("a trace tells what members acquire, release, reject and accept", async () => {
  const [topic] = await begin([]);
  await policy(topic, { "trace-sample": 1 });
  await produce(client, topic, ["a"]);
  const member = await join(topic, "m");
  assert.equal(await member.say(release, await fetchedUntil(member, 1)), 0);
  assert.equal(await member.say(accept, await fetchedUntil(member, 1)), 0);
  await produce(client, topic, ["b"]);
  assert.equal(await member.say(reject, await fetchedUntil(member, 1)), 0);
  const answer = await fetch(`http://127.0.0.1:${broker.ports.http}/api/troika/trace`, {
    headers: { authorization: `Basic ${Buffer.from("guest:guest").toString("base64")}` },
  });
  type Told = { event: string; to?: object; by?: object };
  const { traces } = (await answer.json()) as { traces: { events: Told[] }[] };
  const [second, first] = traces.map(({ events }) => events);
  const kinds = first!.map(({ event }) => event);
  const twice = ["delivered", "rejected", "delivered", "acknowledged"];
  assert.deepEqual(
    kinds.filter((kind) => kind !== "retried"),
    ["published", "written", ...twice],
  );
  assert.deepEqual(
    second!.map(({ event }) => event),
    ["published", "written", "delivered", "rejected"],
  );
  const who = { protocol: "kafka", group: topic, consumer: "m" };
  assert.deepEqual([first![2]!.to, first!.at(-1)!.by, second!.at(-1)!.by], [who, who, who]);
  member.close();
});

test("members get no partition of a queue of AMQP's or an exchange, whatever else they subscribe to", async () => {
  const [topic, group] = await begin(["a"]);
  const headers = { authorization: `Basic ${Buffer.from("guest:guest").toString("base64")}` };
  const put = (path: string, body: object) =>
    fetch(`http://127.0.0.1:${broker.ports.http}/api/${path}`, {
      method: "PUT",
      headers,
      body: JSON.stringify(body),
    });
  assert.ok((await put("queues/%2F/share-queue", { durable: true })).ok);
  const member = await join(group, "m", topic);
  const answer = await member.beat(["share-queue", "amq.topic", topic]);
  assert.equal(answer.errorCode, 0);
  assert.deepEqual(answer.assignment?.topicPartitions, [{ topicId: member.topicId, partitions: [0] }]);
  assert.deepEqual(
    (await member.fetch()).map(([, body]) => body),
    ["a"],
  );
  member.close();
});

test("a group is in topics to which a member has subscribed and that it may read, and who deletes it must have the right to settle there", async () => {
  const [topic, group] = await begin(["a"]);
  const [other] = await begin(["b"]);
  const topicId = async (name: string): Promise<string> =>
    (await client.request("Metadata", 12, { topics: [{ name }] })).topics[0]!.topicId;
  const member = await join(group, "m", topic);
  const { topicId: own } = member;
  member.topicId = await topicId(other);
  const unknownTopic = 3;
  assert.equal((await member.fetchAnswer()).responses[0]!.partitions[0]!.errorCode, unknownTopic);
  assert.deepEqual(await redis.xinfo("GROUPS", other), []);
  member.topicId = own;
  member.sessionEpoch = 0;
  assert.equal((await member.fetch()).length, 1);
  await member.leave();
  member.close();

  // The stream's group may be that of Redis clients.
  const remove = async (by: KafkaWireClient): Promise<number> =>
    (await by.request("DeleteGroups", 2, { groupsNames: ["sharers"] })).results[0]!.errorCode;
  const shared = await join("sharers", "m", topic);
  await shared.leave();
  shared.close();
  await makeUser(broker, "sharer", "pw", { configure: "^sharers$", write: "^$", read: "^sharers$" });
  const sharer = await KafkaWireClient.connect(broker.ports.kafka);
  await sharer.request("SaslHandshake", 1, { mechanism: "PLAIN" });
  await sharer.request("SaslAuthenticate", 2, { authBytes: Buffer.from("\0sharer\0pw") });
  const notAuthorized = 30;
  assert.equal(await remove(sharer), notAuthorized);
  await permit(broker, "sharer", { configure: "^sharers$", write: "^$", read: `^(sharers|${topic})$` });
  assert.equal(await remove(sharer), 0);
  sharer.close();
});
