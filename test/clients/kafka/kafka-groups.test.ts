import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Consumer } from "kafkajs";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { KafkaClients, until } from "./kafka-support.ts";

let broker: TestBroker;
let clients: KafkaClients;

before(async () => {
  broker = await startTestBroker();
  clients = new KafkaClients(broker);
});
after(async () => {
  await clients.close();
  await broker.stop();
});

/** A kafkajs member that records what it got, and from which partitions. */
class Member {
  readonly values: string[] = [];
  partitions: number[] = [];
  readonly consumer: Consumer;

  private constructor(consumer: Consumer) {
    this.consumer = consumer;
  }

  static async join(groupId: string, topic: string): Promise<Member> {
    const member = new Member(
      await clients.jsConsumer({ groupId, sessionTimeout: 6000, rebalanceTimeout: 6000 }),
    );
    member.consumer.on("consumer.group_join", ({ payload }) => {
      member.partitions = (payload.memberAssignment[topic] ?? []).toSorted((a, b) => a - b);
    });
    await member.consumer.subscribe({ topic, fromBeginning: true });
    await member.consumer.run({
      eachMessage: async ({ message }) => void member.values.push(message.value!.toString()),
    });
    return member;
  }
}

async function makeTopic(topic: string, numPartitions: number): Promise<void> {
  const admin = await clients.jsAdmin();
  await admin.createTopics({ topics: [{ topic, numPartitions }] });
}

async function produce(topic: string, from: number, to: number): Promise<void> {
  const producer = await clients.jsProducer();
  const messages = Array.from({ length: to - from }, (_, i) => ({
    key: `k${from + i}`,
    value: String(from + i),
  }));
  await producer.send({ topic, messages });
}

test("two, then three members share the partitions; one that leaves gives its share back", async () => {
  const topic = "shared";
  await makeTopic(topic, 6);
  const first = await Member.join("share", topic);
  await until(() => first.partitions.length === 6, "all partitions for the only member");
  const second = await Member.join("share", topic);
  const shares = (...members: Member[]): string => members.map(({ partitions }) => partitions.length).join();
  await until(() => shares(first, second) === "3,3", "three partitions each");
  const third = await Member.join("share", topic);
  await until(() => shares(first, second, third) === "2,2,2", "two partitions each");
  const all = [first, second, third].flatMap(({ partitions }) => partitions).toSorted((a, b) => a - b);
  assert.deepEqual(all, [0, 1, 2, 3, 4, 5]);
  await produce(topic, 0, 300);
  const total = (): number => first.values.length + second.values.length + third.values.length;
  await until(() => total() === 300, "300 messages among three members");
  await third.consumer.disconnect();
  await until(() => shares(first, second) === "3,3", "the share of the one that left");
  await produce(topic, 300, 600);
  const values = new Set<string>();
  await until(() => {
    for (const { values: got } of [first, second, third]) for (const value of got) values.add(value);
    return values.size === 600;
  }, "600 messages");
});

test("a group goes on where it committed, also after the broker was killed", async () => {
  const topic = "resumed";
  await makeTopic(topic, 2);
  await produce(topic, 0, 100);
  const first = await Member.join("resume", topic);
  await until(() => first.values.length === 100, "the first 100 messages");
  await first.consumer.disconnect();
  await broker.kill("SIGKILL");
  await broker.restart();
  await produce(topic, 100, 150);
  const second = await Member.join("resume", topic);
  await until(() => second.values.length === 50, "the messages after the commit");
  assert.deepEqual(
    second.values.map(Number).toSorted((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => 100 + i),
  );
  await second.consumer.disconnect();
});

test("a running consumer survives a restart of the broker", async () => {
  const topic = "surviving";
  await makeTopic(topic, 1);
  const member = await Member.join("survive", topic);
  await produce(topic, 0, 10);
  await until(() => member.values.length === 10, "messages before the restart");
  await broker.restart();
  await produce(topic, 10, 20);
  await until(() => new Set(member.values).size === 20, "messages after the restart");
});

test("@platformatic/kafka: two members, commits by hand, and what is left for the next", async () => {
  const topic = "platformatic-group";
  await makeTopic(topic, 4);
  const got: string[] = [];
  const errors: Error[] = [];
  const open = async () => {
    const consumer = clients.consumer("by-hand", { sessionTimeout: 6000, heartbeatInterval: 200 });
    const stream = await consumer.consume({
      topics: [topic],
      mode: "committed",
      fallbackMode: "earliest",
      autocommit: false,
    });
    let count = 0;
    let isClosing = false;
    const commits: Promise<void>[] = [];
    // What came twice is committed once more, and that may meet the end.
    const failed = (error: Error): void => {
      if (!isClosing) errors.push(error);
    };
    stream.on("error", failed);
    stream.on("data", (message) => {
      got.push(message.value);
      count++;
      commits.push(Promise.resolve(message.commit()).catch(failed));
    });
    const close = async (): Promise<void> => {
      await Promise.all(commits);
      isClosing = true;
      await stream.close();
      await consumer.close(true);
    };
    const partitions = (): number[] => consumer.assignments?.flatMap((each) => each.partitions) ?? [];
    return { close, partitions, count: () => count };
  };
  const [one, two] = await Promise.all([open(), open()]);
  // Before that the first could have all that there is.
  await until(() => one.partitions().length === 2 && two.partitions().length === 2, "two partitions each");
  await produce(topic, 0, 200);
  await until(() => new Set(got).size === 200, "all messages by two members");
  assert.ok(one.count() > 0 && two.count() > 0, `${one.count()} and ${two.count()}`);
  await one.close();
  // This library goes on with a rebalance that meets `close`: it joins again, and its timers never end.
  await until(() => two.partitions().length === 4, "all partitions for who is left");
  await two.close();
  await produce(topic, 200, 210);
  const countBefore = got.length;
  const three = await open();
  await until(() => got.length >= countBefore + 10, "what came after the commits");
  assert.deepEqual(
    got
      .slice(countBefore)
      .map(Number)
      .toSorted((a, b) => a - b),
    Array.from({ length: 10 }, (_, i) => 200 + i),
  );
  await three.close();
  assert.deepEqual(errors, []);
});

test("a member that stops without a word is out after its session timeout", async () => {
  const client = await clients.wire();
  const join = async (memberId: string, sessionTimeoutMs: number) =>
    client.request("JoinGroup", 5, {
      groupId: "silent",
      sessionTimeoutMs,
      rebalanceTimeoutMs: 1000,
      memberId,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: Buffer.alloc(0) }],
    });
  // Longer than the requests before the silence take, also where they have to wait for a processor.
  const sessionTimeoutMs = 2000;
  const asked = await join("", sessionTimeoutMs);
  assert.equal(asked.errorCode, 79);
  const joined = await join(asked.memberId, sessionTimeoutMs);
  assert.equal(joined.errorCode, 0);
  assert.equal(joined.leader, asked.memberId);
  const { memberId, generationId } = joined;
  const claim = { groupId: "silent", memberId, generationId };
  const synced = await client.request("SyncGroup", 3, {
    ...claim,
    assignments: [{ memberId, assignment: Buffer.from("mine") }],
  });
  assert.equal(synced.assignment.toString(), "mine");
  assert.equal((await client.request("Heartbeat", 3, claim)).errorCode, 0);
  assert.equal((await client.request("Heartbeat", 3, { ...claim, generationId: 9 })).errorCode, 22);
  await until(
    async () =>
      (await client.request("DescribeGroups", 4, { groups: ["silent"] })).groups[0]!.groupState === "Dead",
    "the silent member's end",
  );
  assert.equal((await client.request("Heartbeat", 3, claim)).errorCode, 25);
});

test("a static member that comes back takes its old place without a rebalance", async () => {
  const client = await clients.wire();
  const join = async (groupInstanceId: string, memberId = "") =>
    client.request("JoinGroup", 5, {
      groupId: "static",
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 1000,
      memberId,
      groupInstanceId,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: Buffer.from("topics") }],
    });
  const first = await join("a");
  assert.equal(first.errorCode, 0);
  const { memberId, generationId } = first;
  const claim = { groupId: "static", memberId, generationId, groupInstanceId: "a" };
  await client.request("SyncGroup", 3, {
    ...claim,
    assignments: [{ memberId, assignment: Buffer.from("share") }],
  });
  const second = await join("a");
  assert.equal(second.errorCode, 0);
  assert.equal(second.generationId, generationId);
  assert.notEqual(second.memberId, memberId);
  const fenced = await client.request("Heartbeat", 3, claim);
  assert.equal(fenced.errorCode, 82);
  const synced = await client.request("SyncGroup", 3, {
    ...claim,
    memberId: second.memberId,
    assignments: [],
  });
  assert.equal(synced.assignment.toString(), "share");
  const left = await client.request("LeaveGroup", 3, {
    groupId: "static",
    members: [{ memberId: "", groupInstanceId: "a" }],
  });
  assert.equal(left.members[0]!.errorCode, 0);
});
