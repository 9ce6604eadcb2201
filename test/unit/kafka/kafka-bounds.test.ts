/** Kafka's requests exactly at their bounds, and in the middle of what is partly gone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeBatch, recordsOf } from "../../../sim/clients/kafka-batch.ts";
import { limits } from "../../../src/base/limits.ts";
import { errorCodes } from "../../../src/protocols/kafka/wire/error-codes.ts";
import { SessionUnderTest } from "../../support/kafka-session.ts";
import { detailsOf } from "./kafka-group-support.ts";

const topic = "t";
const noError = 0;
const offsetOutOfRange = 1;

async function ready(): Promise<SessionUnderTest> {
  const session = await SessionUnderTest.open();
  const made = { name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  session.ask("CreateTopics", 5, { topics: [made], timeoutMs: 1000 });
  return session;
}

/** Records of one batch each, with their times. */
function produce(
  session: SessionUnderTest,
  batches: readonly { values: readonly string[]; timestamp: number }[],
): void {
  for (const { values, timestamp } of batches) {
    const records = makeBatch({ values, timestamp, producerId: -1, producerEpoch: -1, baseSequence: -1 });
    const partition = { index: 0, records };
    const { answer } = session.ask("Produce", 8, {
      transactionalId: null,
      acks: 1,
      timeoutMs: 1000,
      topicData: [{ name: topic, partitionData: [partition] }],
    });
    assert.equal(answer.responses[0]!.partitionResponses[0]!.errorCode, noError);
  }
}

function deleteTo(session: SessionUnderTest, offset: number): [errorCode: number, lowWatermark: number] {
  const { answer } = session.ask("DeleteRecords", 2, {
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset }] }],
    timeoutMs: 1000,
  });
  const [partition] = answer.topics[0]!.partitions;
  return [partition!.errorCode, partition!.lowWatermark];
}

function offsetAt(session: SessionUnderTest, timestamp: number): [offset: number, timestamp: number] {
  const asked = { partitionIndex: 0, currentLeaderEpoch: -1, timestamp };
  const topics = [{ name: topic, partitions: [asked] }];
  const { answer } = session.ask("ListOffsets", 4, { replicaId: -1, isolationLevel: 0, topics });
  const [partition] = answer.topics[0]!.partitions;
  return [partition!.offset, partition!.timestamp];
}

function fetchFrom(
  session: SessionUnderTest,
  fetchOffset: number,
  partitionMaxBytes: number,
): [number, string][] {
  const partition = {
    partition: 0,
    currentLeaderEpoch: -1,
    fetchOffset,
    logStartOffset: -1,
    partitionMaxBytes,
  };
  const { answer } = session.ask("Fetch", 11, {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1 << 20,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic, partitions: [partition] }],
    forgottenTopicsData: [],
    rackId: "",
  });
  const { records, errorCode } = answer.responses[0]!.partitions[0]!;
  assert.equal(errorCode, noError);
  // A batch comes whole; its client passes over what it has not asked for.
  return records === null ? [] : recordsOf(records).filter(([offset]) => offset >= fetchOffset);
}

test("records are deleted up to any offset, the end among them, and not beyond", async () => {
  const session = await ready();
  produce(session, [{ values: ["a", "b", "c", "d", "e"], timestamp: 10 }]);
  assert.deepEqual(deleteTo(session, 2), [noError, 2]);
  assert.deepEqual(fetchFrom(session, 2, 1000), [
    [2, "c"],
    [3, "d"],
    [4, "e"],
  ]);
  assert.deepEqual(deleteTo(session, 4), [noError, 4]);
  assert.deepEqual(deleteTo(session, 6), [offsetOutOfRange, -1]);
  assert.deepEqual(deleteTo(session, 5), [noError, 5]);
  assert.deepEqual(fetchFrom(session, 5, 1000), []);
  produce(session, [{ values: ["f"], timestamp: 10 }]);
  assert.deepEqual(deleteTo(session, -1), [noError, 6]);
  assert.deepEqual(fetchFrom(session, 6, 1000), []);
});

test("a search by time finds the first record as new that is there", async () => {
  const session = await ready();
  produce(session, [
    { values: ["a", "b", "c"], timestamp: 10 },
    { values: ["d", "e"], timestamp: 20 },
    { values: ["f"], timestamp: 15 },
  ]);
  assert.deepEqual(offsetAt(session, 10), [0, 10]);
  assert.deepEqual(offsetAt(session, 11), [3, 20]);
  const queue = session.broker.defaultVhost.queue(topic);
  queue.removeAt(3);
  assert.deepEqual(offsetAt(session, 11), [4, 20]);
  queue.removeAt(4);
  assert.deepEqual(offsetAt(session, 11), [5, 15]);
  queue.removeAt(1);
  queue.removeAt(0);
  assert.deepEqual(offsetAt(session, 10), [2, 10]);
  assert.deepEqual(offsetAt(session, 21), [-1, -1]);
});

test("a fetch of exactly as many bytes as a batch has is given that batch, and no other", async () => {
  const session = await ready();
  const values = ["a", "b"];
  const size = makeBatch({
    values,
    timestamp: 1,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
  }).length;
  produce(session, [
    { values, timestamp: 1 },
    { values, timestamp: 1 },
    { values, timestamp: 1 },
  ]);
  const countOf = (bytes: number): number => fetchFrom(session, 0, bytes).length;
  assert.equal(countOf(size), 2);
  assert.equal(countOf(2 * size), 4);
  assert.equal(countOf(2 * size - 1), 2);
  assert.equal(countOf(3 * size), 6);
});

test("sequences of a producer go on at 0 after the largest, wherever a batch ends", async () => {
  const largest = 0x7fff_ffff;
  for (const [base, count] of [
    [largest - 1, 2],
    [largest, 1],
    [largest - 1, 3],
    [largest, 4],
  ] as const) {
    const session = await ready();
    const send = (baseSequence: number, values: readonly string[]): number => {
      const records = makeBatch({ values, timestamp: 1, producerId: 7, producerEpoch: 0, baseSequence });
      const { answer } = session.ask("Produce", 8, {
        transactionalId: null,
        acks: 1,
        timeoutMs: 1000,
        topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
      });
      return answer.responses[0]!.partitionResponses[0]!.errorCode;
    };
    const next = base + count > largest ? base + count - largest - 1 : base + count;
    assert.equal(send(base, Array.from({ length: count }, String)), noError);
    assert.equal(send(next + 1, ["gap"]), errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER);
    assert.equal(send(next, ["next"]), noError);
    assert.equal(send(next + 1, ["then"]), noError);
  }
});

test("groups are described until what they hold together is too much for one answer", async () => {
  const session = await SessionUnderTest.open();
  // Three of them are more than the bound, two are not.
  const membersOfGroup = 6;
  const metadata = Buffer.alloc(limits.kafkaMemberBytesMax - 1000);
  assert.ok(3 * membersOfGroup * metadata.length > limits.kafkaGroupBytesMax);
  const names = ["a", "b", "c", "d", "e"];
  for (const name of names) {
    const group = session.server.coordinator.findOrCreate(name);
    for (let i = 0; i < membersOfGroup; i++) {
      const details = { ...detailsOf(`m${i}`), protocols: [{ name: "range", metadata }] };
      group.join("", details, false, () => {});
    }
  }
  const ask = (groups: readonly string[]) =>
    session
      .ask("DescribeGroups", 4, { groups })
      .answer.groups.map((group) => [group.groupId, group.errorCode, group.members.length]);
  const shown = (name: string) => [name, noError, membersOfGroup];
  const refused = (name: string) => [name, errorCodes.POLICY_VIOLATION, 0];
  assert.deepEqual(ask(names), [shown("a"), shown("b"), shown("c"), refused("d"), refused("e")]);
  assert.deepEqual(ask(["d", "d", "none", "e", "d"]), [shown("d"), ["none", noError, 0], shown("e")]);
});
