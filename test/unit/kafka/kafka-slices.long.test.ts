/** Kafka requests that name much: done over several turns, whole thing by whole thing, or refused at a stated bound. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../../src/base/limits.ts";
import { codecs } from "../../../src/message/kafka/compression.ts";
import { kafkaFrames } from "../../../src/message/convert/kafka-frame.ts";
import { errorCodes } from "../../../src/protocols/kafka/wire/error-codes.ts";
import type { RequestInput } from "../../../src/protocols/kafka/wire/codec.ts";
import { bomb, claimingTime, tinyRecords } from "../../support/kafka-bombs.ts";
import { topicRules } from "../../../src/protocols/kafka/topics/rules.ts";
import { SessionUnderTest } from "../../support/kafka-session.ts";

const mebibyte = 1 << 20;

const names = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, i) => prefix + i);

function copies<Item extends object>(count: number, item: Item): Item[] {
  return Array.from({ length: count }, () => item);
}

function creation(topics: readonly (readonly [name: string, partitions: number])[]) {
  return {
    topics: topics.map(([name, numPartitions]) => ({
      name,
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    })),
    timeoutMs: 1,
    validateOnly: false,
  };
}

function production(name: string, batches: readonly Buffer[]): RequestInput<"Produce"> {
  const partitionData = batches.map((records, index) => ({ index, records }));
  return { transactionalId: null, acks: 1, timeoutMs: 1, topicData: [{ name, partitionData }] };
}

function codesOf(results: readonly { errorCode: number }[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { errorCode } of results) counts.set(errorCode, (counts.get(errorCode) ?? 0) + 1);
  return counts;
}

test("CreateTopics makes one topic after the other, each whole, while others are served", async () => {
  const client = await SessionUnderTest.open();
  const other = client.another();
  const seen: number[] = [];
  const wanted = names(5, "t").map((name) => [name, 2000] as const);
  const { answer, turns } = client.ask("CreateTopics", 5, creation(wanted), () => {
    const topics = [...client.server.topics.all()];
    for (const topic of topics) assert.equal(topic.partitionCount, 2000);
    seen.push(topics.length);
    other.send("ApiVersions", 0, {});
    assert.ok(other.take("ApiVersions", 0), "another client waited");
  });
  assert.deepEqual([...codesOf(answer.topics)], [[0, 5]]);
  assert.ok(turns >= 5, `${turns} turns`);
  assert.ok(seen.includes(1) && seen.includes(4), `topics seen: ${seen.join(" ")}`);
});

test("CreateTopics and CreatePartitions refuse what is beyond their bounds, and make none of it", async () => {
  const client = await SessionUnderTest.open();
  const tooLarge = client.ask("CreateTopics", 5, creation([["t", limits.kafkaTopicPartitionsMax + 1]]));
  assert.equal(tooLarge.answer.topics[0]!.errorCode, errorCodes.INVALID_PARTITIONS);
  const many = names(7, "t").map((name) => [name, 2000] as const);
  const { answer } = client.ask("CreateTopics", 5, creation(many));
  assert.deepEqual(
    [...codesOf(answer.topics)],
    [
      [errorCodes.NONE, 5],
      [errorCodes.POLICY_VIOLATION, 2],
    ],
  );
  assert.equal(client.server.topics.find("t5"), undefined);
  const growth = (name: string, count: number) => ({ name, count, assignments: null });
  const grown = client.ask("CreatePartitions", 1, {
    topics: [growth("t0", 1_000_000), growth("t1", 2001), growth("t1", 2001)],
    timeoutMs: 1,
    validateOnly: false,
  });
  assert.deepEqual(
    grown.answer.results.map(({ errorCode }) => errorCode),
    [errorCodes.INVALID_PARTITIONS, errorCodes.INVALID_REQUEST, errorCodes.INVALID_REQUEST],
  );
  assert.equal(client.server.topics.find("t0")!.partitionCount, 2000);
});

test("Metadata makes a bounded number of topics, so many a turn, and describes what is named twice once", async () => {
  const client = await SessionUnderTest.open();
  const topics = names(limits.kafkaRequestPartitionsMax + 500, "t").map((name) => ({ name }));
  let before = 0;
  let most = 0;
  const { answer } = client.ask("Metadata", 9, { topics, allowAutoTopicCreation: true }, () => {
    const count = client.broker.defaultVhost.queues.size;
    most = Math.max(most, count - before);
    before = count;
  });
  assert.deepEqual(
    [...codesOf(answer.topics)],
    [
      [errorCodes.NONE, limits.kafkaRequestPartitionsMax],
      [errorCodes.UNKNOWN_TOPIC_OR_PARTITION, 500],
    ],
  );
  assert.ok(most <= limits.turnWorkUnits / 20, `${most} topics in one turn`);
  const twice = { topics: [{ name: "t0" }, { name: "t0" }], allowAutoTopicCreation: false };
  assert.equal(client.ask("Metadata", 9, twice).answer.topics.length, 1);
});

test("a client that goes ends its request, and what is behind a long one waits for it", async () => {
  const client = await SessionUnderTest.open();
  client.send("Metadata", 9, {
    topics: names(5000, "t").map((name) => ({ name })),
    allowAutoTopicCreation: true,
  });
  client.send("ApiVersions", 0, {});
  assert.equal(client.output.length, 0);
  client.timers.endTick();
  const made = client.broker.defaultVhost.queues.size;
  assert.ok(made > 0 && made < 5000, `${made} topics`);
  client.session.onClosed();
  for (let i = 0; i < 100; i++) client.timers.endTick();
  assert.equal(client.broker.defaultVhost.queues.size, made);
});

test("what would be the most elements is refused by the end of the connection", async () => {
  const client = await SessionUnderTest.open();
  const topics = copies(limits.kafkaElementsMax + 1, { name: "" });
  client.send("Metadata", 9, { topics, allowAutoTopicCreation: false });
  assert.ok(client.isEnded);
  const large = client.another();
  const metadata = Buffer.alloc(limits.kafkaNamingRequestBytesMax);
  large.send("JoinGroup", 3, {
    groupId: "g",
    sessionTimeoutMs: 1000,
    rebalanceTimeoutMs: 1000,
    memberId: "",
    protocolType: "consumer",
    protocols: [{ name: "range", metadata }],
  });
  assert.ok(large.isEnded);
});

test("Produce takes compressed batches over several turns, whatever becomes of the bytes that it came in", async () => {
  const client = await SessionUnderTest.open();
  client.ask("CreateTopics", 5, creation([["t", 8]]));
  const batches = Array.from({ length: 8 }, () => bomb(codecs.zstd, 2 * mebibyte));
  const { answer, turns } = client.ask("Produce", 9, production("t", batches));
  assert.deepEqual([...codesOf(answer.responses[0]!.partitionResponses)], [[0, 8]]);
  assert.ok(turns >= 3, `${turns} turns`);
  client.broker.storage.seal();
  for (let i = 0; i < 8; i++) {
    const queue = client.broker.defaultVhost.queues.get(`t-${i}`)!;
    const reader = queue.reader();
    assert.ok(reader.next());
    assert.deepEqual(
      reader.buffer.subarray(reader.recordsStart + 8, reader.recordsEnd),
      batches[i]!.subarray(8),
      `partition ${i}`,
    );
  }
});

for (const codec of [codecs.gzip, codecs.snappy, codecs.lz4, codecs.zstd]) {
  test(`a batch of codec ${codec} that becomes more than the bound is too large; of many together those beyond the request's part may come again`, async () => {
    const client = await SessionUnderTest.open();
    const most = limits.kafkaBatchInflatedBytesMax;
    client.ask("CreateTopics", 5, creation([["t", 20]]));
    const large = client.ask("Produce", 9, production("t", [bomb(codec, most + mebibyte)]));
    const result = large.answer.responses[0]!.partitionResponses[0]!;
    assert.equal(result.errorCode, errorCodes.MESSAGE_TOO_LARGE);
    const taken = bomb(codec, most - mebibyte);
    const { answer, turns } = client.ask("Produce", 9, production("t", Array<Buffer>(20).fill(taken)));
    const codes = codesOf(answer.responses[0]!.partitionResponses);
    assert.equal(
      codes.get(errorCodes.NONE),
      Math.floor(limits.kafkaRequestInflatedBytesMax / (most - mebibyte)),
    );
    // None of these is too large: alone it is taken, so its producer is to send it again.
    assert.equal(codes.get(errorCodes.REQUEST_TIMED_OUT), 20 - codes.get(errorCodes.NONE)!);
    assert.ok(turns >= codes.get(errorCodes.NONE)!, `${turns} turns`);
  });
}

for (const codec of [codecs.gzip, codecs.snappy, codecs.lz4, codecs.zstd]) {
  test(`a batch of codec ${codec} may become what max.message.bytes is set to, and is read`, async () => {
    const client = await SessionUnderTest.open();
    const most = 3 * limits.kafkaBatchInflatedBytesMax;
    const [topic] = creation([["t", 1]]).topics;
    const topics = [{ ...topic!, configs: [{ name: "max.message.bytes", value: String(most) }] }];
    client.ask("CreateTopics", 5, { ...creation([]), topics });
    const codeOf = (size: number): number => {
      const { answer } = client.ask("Produce", 9, production("t", [bomb(codec, size)]));
      return answer.responses[0]!.partitionResponses[0]!.errorCode;
    };
    assert.equal(codeOf(most + mebibyte), errorCodes.MESSAGE_TOO_LARGE);
    assert.equal(codeOf(most - mebibyte), errorCodes.NONE);
    client.broker.storage.seal();
    const reader = client.broker.defaultVhost.queues.get("t")!.reader();
    assert.ok(reader.next());
    const cursor = kafkaFrames.moveTo(reader);
    assert.equal(cursor.valueEnd - cursor.valueStart, most - mebibyte);
  });
}

test("no setting of a topic lets a compressed batch become more than its bound; one that is not compressed may be larger", () => {
  const settings = { "max.message.bytes": String(100 << 20) };
  assert.equal(topicRules(settings).inflatedBytesMax, limits.kafkaBatchInflatedBytesMost);
  assert.equal(topicRules(settings).messageBytesMax, 100 << 20);
});

test("a batch of many small records is looked at over several turns", async () => {
  const client = await SessionUnderTest.open();
  client.ask("CreateTopics", 5, creation([["t", 1]]));
  const { answer, turns } = client.ask("Produce", 9, production("t", [tinyRecords(codecs.none, 300_000)]));
  assert.equal(answer.responses[0]!.partitionResponses[0]!.errorCode, errorCodes.NONE);
  assert.ok(turns >= 2, `${turns} turns`);
  client.broker.storage.seal();
  assert.equal(client.broker.defaultVhost.queues.get("t")!.log.nextOffset, 300_000);
});

test("a topic that goes while its batch is looked at is unknown, and nothing is appended", async () => {
  const client = await SessionUnderTest.open();
  client.ask("CreateTopics", 5, creation([["t", 2]]));
  const batches = Array<Buffer>(2).fill(tinyRecords(codecs.none, 300_000));
  client.send("Produce", 9, production("t", batches));
  const { vhost } = client.server;
  vhost.topics.delete(vhost.topics.find("t")!);
  for (let i = 0; i < 100; i++) client.timers.endTick();
  const answer = client.take("Produce", 9)!;
  const { UNKNOWN_TOPIC_OR_PARTITION } = errorCodes;
  assert.deepEqual([...codesOf(answer.responses[0]!.partitionResponses)], [[UNKNOWN_TOPIC_OR_PARTITION, 2]]);
});

test("ListOffsets looks at one batch after the other, and at a partition once", async () => {
  const client = await SessionUnderTest.open();
  client.ask("CreateTopics", 5, creation([["t", 1]]));
  for (let i = 0; i < 10; i++) {
    client.ask("Produce", 9, production("t", [claimingTime(bomb(codecs.zstd, 4 * mebibyte, 100), 900)]));
  }
  const asked = (timestamp: number, count: number): RequestInput<"ListOffsets"> => ({
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: "t", partitions: copies(count, { partitionIndex: 0, timestamp }) }],
  });
  const { answer, turns } = client.ask("ListOffsets", 5, asked(500, 1));
  assert.equal(answer.topics[0]!.partitions[0]!.offset, -1);
  assert.ok(turns >= 8, `${turns} turns`);
  const twice = client.ask("ListOffsets", 5, asked(50, 50));
  assert.deepEqual([...codesOf(twice.answer.topics[0]!.partitions)], [[errorCodes.INVALID_REQUEST, 50]]);
});

test("answers that a request multiplies end at a bound", async () => {
  const client = await SessionUnderTest.open();
  client.ask("CreateTopics", 5, creation([["t", 2000]]));
  for (let i = 0; i < 2000; i++) {
    client.server.vhost.groupOffsets.commit("g", "t", i, { offset: 1, leaderEpoch: 0, metadata: "", at: 0 });
  }
  const groups = copies(1000, { groupId: "g", topics: null });
  const fetched = client.ask("OffsetFetch", 8, { groups, requireStable: false });
  const rows = fetched.answer.groups.flatMap(({ topics }) => topics.flatMap(({ partitions }) => partitions));
  assert.ok(rows.length <= limits.kafkaAnswerRowsMax + 2000 && rows.length >= limits.kafkaAnswerRowsMax);
  assert.equal(fetched.answer.groups.at(-1)!.errorCode, errorCodes.POLICY_VIOLATION);
  const resources = copies(20_000, { resourceType: 2, resourceName: "t", configurationKeys: null });
  const described = client.ask("DescribeConfigs", 4, {
    resources,
    includeSynonyms: false,
    includeDocumentation: false,
  });
  assert.ok(described.turns > 10);
  const { results } = described.answer;
  const settings = results.reduce((sum, { configs }) => sum + configs.length, 0);
  assert.ok(settings < limits.kafkaAnswerRowsMax + 100, `${settings} settings`);
  assert.equal(results.at(-1)!.errorCode, errorCodes.POLICY_VIOLATION);
  const named = { groups: Array<string>(5000).fill("g"), includeAuthorizedOperations: false };
  assert.equal(client.ask("DescribeGroups", 4, named).answer.groups.length, 1);
});

test("settings of one topic are altered once a request", async () => {
  const client = await SessionUnderTest.open();
  client.ask("CreateTopics", 5, creation([["t", 3]]));
  const configs = [{ name: "retention.ms", value: "1000" }];
  const resource = { resourceType: 2, resourceName: "t", configs };
  const twice = client.ask("AlterConfigs", 1, { resources: [resource, resource], validateOnly: false });
  assert.deepEqual([...codesOf(twice.answer.responses)], [[errorCodes.INVALID_REQUEST, 2]]);
  const once = client.ask("AlterConfigs", 1, { resources: [resource], validateOnly: false });
  assert.deepEqual([...codesOf(once.answer.responses)], [[errorCodes.NONE, 1]]);
});

test("ACLs are made and filtered in bounded numbers", async () => {
  const client = await SessionUnderTest.open();
  const creations = names(limits.kafkaRequestAclsMax + 1, "t").map((resourceName) => ({
    resourceType: 2,
    resourceName,
    resourcePatternType: 3,
    principal: "User:u",
    host: "*",
    operation: 3,
    permissionType: 3,
  }));
  const refused = client.ask("CreateAcls", 1, { creations });
  assert.deepEqual([...codesOf(refused.answer.results)], [[errorCodes.POLICY_VIOLATION, creations.length]]);
  client.ask("CreateAcls", 1, { creations: creations.slice(1) });
  const filter = (resourceNameFilter: string) => ({
    resourceTypeFilter: 2,
    resourceNameFilter,
    patternTypeFilter: 3,
    principalFilter: null,
    hostFilter: null,
    operation: 1,
    permissionType: 1,
  });
  const many = names(limits.kafkaRequestAclFiltersMax + 1, "none").map(filter);
  const tooMany = client.ask("DeleteAcls", 1, { filters: many });
  assert.equal(tooMany.answer.filterResults[0]!.errorCode, errorCodes.POLICY_VIOLATION);
  const { turns } = client.ask("DeleteAcls", 1, { filters: many.slice(1) });
  assert.ok(turns > 10, `${turns} turns`);
});

test("DescribeTopicPartitions pages through all topics in the order of their names", async () => {
  const client = await SessionUnderTest.open();
  client.ask("Metadata", 9, {
    topics: names(5000, "t").map((name) => ({ name })),
    allowAutoTopicCreation: true,
  });
  const seen: string[] = [];
  let cursor: { topicName: string; partitionIndex: number } | null = null;
  do {
    const asked: RequestInput<"DescribeTopicPartitions"> = {
      topics: [],
      responsePartitionLimit: 1900,
      cursor,
    };
    const { answer } = client.ask("DescribeTopicPartitions", 0, asked);
    seen.push(...answer.topics.map(({ name }) => name!));
    cursor = answer.nextCursor;
  } while (cursor !== null);
  assert.deepEqual(seen, names(5000, "t").toSorted());
});

test("OffsetCommit that takes several turns asks again after each: a member that is out commits no more", async () => {
  const client = await SessionUnderTest.open();
  client.ask("CreateTopics", 5, creation([["t", 2000]]));
  const partitions = Array.from({ length: 2000 }, (_, partitionIndex) => ({
    partitionIndex,
    committedOffset: 5,
    committedLeaderEpoch: -1,
    committedMetadata: "",
  }));
  const request = {
    groupId: "g",
    // As a consumer that assigns itself, until the group has members of its own.
    memberId: "",
    generationIdOrMemberEpoch: -1,
    groupInstanceId: null,
    topics: [{ name: "t", partitions }],
  };
  const other = client.another();
  let turns = 0;
  const { answer } = client.ask("OffsetCommit", 7, request, () => {
    if (++turns !== 1) return;
    other.send("JoinGroup", 3, {
      groupId: "g",
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: "",
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: Buffer.alloc(1) }],
    });
  });
  const codes = codesOf(answer.topics[0]!.partitions);
  assert.deepEqual([...codes.keys()], [0, errorCodes.UNKNOWN_MEMBER_ID]);
  assert.ok(codes.get(0)! < 2000 && codes.get(0)! >= 50, `${codes.get(0)} were committed`);
});
