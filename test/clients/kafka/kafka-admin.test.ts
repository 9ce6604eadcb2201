import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import kafkajs from "kafkajs";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { errorCodes } from "../../../src/protocols/kafka/wire/error-codes.ts";
import { closedAfter, KafkaClients, until } from "./kafka-support.ts";

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

test("kafkajs makes, describes, grows and deletes topics; they survive a restart", async () => {
  let admin = await clients.jsAdmin();
  const created = await admin.createTopics({
    topics: [
      { topic: "one" },
      {
        topic: "four",
        numPartitions: 4,
        replicationFactor: 3,
        configEntries: [{ name: "retention.ms", value: "5000" }],
      },
    ],
  });
  assert.equal(created, true);
  assert.equal(await admin.createTopics({ topics: [{ topic: "one" }] }), false);
  await admin.createPartitions({ topicPartitions: [{ topic: "four", count: 6 }] });
  await broker.restart();
  admin = await clients.jsAdmin();
  assert.deepEqual((await admin.listTopics()).toSorted(), ["four", "one"]);
  const { topics } = await admin.fetchTopicMetadata({ topics: ["four"] });
  assert.deepEqual(
    topics[0]!.partitions.map(({ partitionId, leader }) => [partitionId, leader]),
    [0, 1, 2, 3, 4, 5].map((partition) => [partition, 0]),
  );
  await admin.deleteTopics({ topics: ["four"] });
  assert.deepEqual(await admin.listTopics(), ["one"]);
});

test("requests that cannot be done get Kafka's errors and texts", async () => {
  const client = await clients.wire();
  const create = async (name: string, options: Record<string, unknown> = {}) => {
    const wanted = { name, numPartitions: 1, replicationFactor: 1, ...options };
    const { topics } = await client.request("CreateTopics", 7, { topics: [wanted] });
    return [topics[0]!.errorCode, topics[0]!.errorMessage];
  };
  assert.deepEqual(await create("fine"), [0, null]);
  assert.deepEqual(await create("fine"), [36, "Topic 'fine' already exists."]);
  assert.deepEqual(await create("no/slash"), [
    17,
    "Topic name is invalid: 'no/slash' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
  ]);
  assert.deepEqual(await create("none", { numPartitions: 0 }), [
    37,
    "Number of partitions was set to an invalid non-positive value.",
  ]);
  assert.deepEqual(await create("none", { replicationFactor: 0 }), [
    38,
    "Replication factor must be larger than 0, or -1 to use the default value.",
  ]);
  assert.deepEqual(await create("none", { configs: [{ name: "retention.ms", value: "soon" }] }), [
    40,
    "Invalid value soon for configuration retention.ms: Not a number of type LONG",
  ]);
  assert.deepEqual(await create("none", { configs: [{ name: "nonsense", value: "1" }] }), [
    40,
    "Unknown topic config name: nonsense",
  ]);
  const checked = await client.request("CreateTopics", 7, {
    topics: [{ name: "checked", numPartitions: -1, replicationFactor: -1 }],
    validateOnly: true,
  });
  assert.deepEqual([checked.topics[0]!.errorCode, checked.topics[0]!.numPartitions], [0, 1]);
  const { topics } = await client.request("Metadata", 9, {
    topics: [{ name: "checked" }],
    allowAutoTopicCreation: false,
  });
  assert.equal(topics[0]!.errorCode, 3);
  const deleted = await client.request("DeleteTopics", 5, { topicNames: ["checked"], timeoutMs: 1000 });
  assert.equal(deleted.responses[0]!.errorCode, 3);
});

test("settings of topics are described, changed, reset and refused", async () => {
  const admin = clients.admin();
  await admin.createTopics({ topics: ["settings"], partitions: 1, replicas: 1 });
  const resourceType = 2;
  const resourceName = "settings";
  const values = async (...configurationKeys: string[]) => {
    const [described] = await admin.describeConfigs({
      resources: [{ resourceType, resourceName, configurationKeys }],
    });
    return Object.fromEntries(described!.configs.map(({ name, value }) => [name, value]));
  };
  const defaults = await values("retention.ms", "cleanup.policy");
  assert.deepEqual(defaults, { "cleanup.policy": "delete", "retention.ms": "604800000" });
  await admin.incrementalAlterConfigs({
    resources: [
      {
        resourceType,
        resourceName,
        configs: [
          { name: "retention.ms", configOperation: 0, value: "60000" },
          { name: "cleanup.policy", configOperation: 2, value: "compact" },
        ],
      },
    ],
    validateOnly: false,
  });
  assert.deepEqual(await values("retention.ms", "cleanup.policy"), {
    "cleanup.policy": "delete,compact",
    "retention.ms": "60000",
  });
  await broker.restart();
  assert.deepEqual(await values("retention.ms"), { "retention.ms": "60000" });
  const js = await clients.jsAdmin();
  await js.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name: "settings",
        configEntries: [{ name: "retention.bytes", value: "9" }],
      },
    ],
  });
  assert.deepEqual(await values("retention.ms", "retention.bytes"), {
    "retention.bytes": "9",
    "retention.ms": "604800000",
  });
  const broken = {
    type: kafkajs.ConfigResourceTypes.TOPIC,
    name: "settings",
    configEntries: [{ name: "x", value: "9" }],
  };
  await assert.rejects(js.alterConfigs({ validateOnly: false, resources: [broken] }), {
    type: "INVALID_CONFIG",
  });
});

// The broker looks at the bounds of streams every five seconds.
test("retention.bytes takes old records away, and DeleteRecords at once", async () => {
  const admin = await clients.jsAdmin();
  const configEntries = [{ name: "retention.bytes", value: "20000" }];
  // What a compacted topic must keep, no bound takes.
  const compacted = [...configEntries, { name: "cleanup.policy", value: "compact" }];
  await admin.createTopics({
    topics: [
      { topic: "bounded", configEntries },
      { topic: "cleared" },
      { topic: "compacted", configEntries: compacted },
    ],
  });
  const producer = await clients.jsProducer();
  for (let i = 0; i < 10; i++) {
    await producer.send({ topic: "bounded", messages: [{ value: "x".repeat(10_000) }] });
    await producer.send({ topic: "compacted", messages: [{ key: String(i), value: "x".repeat(10_000) }] });
    // By its own time a record is older than any retention; it goes by its arrival.
    await producer.send({ topic: "cleared", messages: [{ value: String(i), timestamp: "1000" }] });
  }
  await until(
    async () => Number((await admin.fetchTopicOffsets("bounded"))[0]!.low) > 5,
    "the bound of bytes",
  );
  assert.equal((await admin.fetchTopicOffsets("compacted"))[0]!.low, "0");
  // kafkajs knows the leaders of topics that it has been asked about.
  await admin.fetchTopicOffsets("cleared");
  await admin.deleteTopicRecords({ topic: "cleared", partitions: [{ partition: 0, offset: "4" }] });
  assert.equal((await admin.fetchTopicOffsets("cleared"))[0]!.low, "4");
  const messages = await clients.readByJs("cleared", 6);
  assert.deepEqual(
    messages.map(({ offset }) => offset),
    ["4", "5", "6", "7", "8", "9"],
  );
});

test("groups are listed, described and deleted; their positions are read, set and deleted", async () => {
  const producer = await clients.jsProducer();
  await producer.send({ topic: "grouped", messages: [{ value: "a" }, { value: "b" }] });
  await clients.readByJs("grouped", 2, "readers");
  const admin = await clients.jsAdmin();
  const other = clients.admin();
  const { groups } = await admin.listGroups();
  assert.deepEqual(
    groups.filter(({ groupId }) => groupId === "readers"),
    [{ groupId: "readers", protocolType: "consumer" }],
  );
  const positions = async (): Promise<string> => {
    const [topic] = await admin.fetchOffsets({ groupId: "readers", topics: ["grouped"] });
    return topic!.partitions[0]!.offset;
  };
  const setPosition = (offset: bigint): Promise<void> =>
    other.alterConsumerGroupOffsets({
      groupId: "readers",
      topics: [{ name: "grouped", partitionOffsets: [{ partition: 0, offset }] }],
    });
  assert.equal(await positions(), "2");
  await setPosition(1n);
  assert.equal(await positions(), "1");
  const consumer = await clients.jsConsumer({ groupId: "readers" });
  await consumer.subscribe({ topic: "grouped" });
  await consumer.run({ eachMessage: async () => {} });
  const state = async (): Promise<string> => (await admin.describeGroups(["readers"])).groups[0]!.state;
  await until(async () => (await state()) === "Stable", "a stable group");
  const { groups: described } = await admin.describeGroups(["readers"]);
  assert.equal(described[0]!.members.length, 1);
  assert.equal(described[0]!.members[0]!.clientHost, "/127.0.0.1");
  await assert.rejects(admin.deleteGroups(["readers"]), { name: "KafkaJSDeleteGroupsError" });
  const wire = await clients.wire();
  const topics = [{ name: "grouped", partitions: [{ partitionIndex: 0 }] }];
  const subscribed = await wire.request("OffsetDelete", 0, { groupId: "readers", topics });
  assert.equal(subscribed.topics[0]!.partitions[0]!.errorCode, 86);
  await consumer.disconnect();
  const deleted = await wire.request("OffsetDelete", 0, { groupId: "readers", topics });
  assert.equal(deleted.topics[0]!.partitions[0]!.errorCode, 0);
  assert.equal(await positions(), "-1");
  await setPosition(1n);
  await admin.deleteGroups(["readers"]);
  assert.equal((await wire.request("DescribeGroups", 6, { groups: ["readers"] })).groups[0]!.errorCode, 69);
});

test("the cluster is one broker at the address by which the client came, or the advertised one", async () => {
  const admin = await clients.jsAdmin();
  const { brokers, controller, clusterId } = await admin.describeCluster();
  assert.deepEqual(brokers, [{ nodeId: 0, host: "127.0.0.1", port: broker.ports.kafka }]);
  assert.equal(controller, 0);
  const other = await startTestBroker({
    dataDir: "memory",
    env: { TROIKAMQ_ADVERTISED_HOST: "broker.example", TROIKAMQ_ADVERTISED_PORT: "9999" },
  });
  try {
    const behindProxy = new KafkaClients(other);
    const wire = await behindProxy.wire();
    const metadata = await wire.request("Metadata", 9, { topics: [] });
    assert.deepEqual([metadata.brokers[0]!.host, metadata.brokers[0]!.port], ["broker.example", 9999]);
    assert.notEqual(metadata.clusterId, clusterId);
    await behindProxy.close();
  } finally {
    await other.stop();
  }
});

test("DescribeTopicPartitions goes by pages", async () => {
  const admin = await clients.jsAdmin();
  await admin.createTopics({ topics: [{ topic: "paged", numPartitions: 5 }] });
  const wire = await clients.wire();
  const topics = [{ name: "paged" }, { name: "absent" }];
  const first = await wire.request("DescribeTopicPartitions", 0, { topics, responsePartitionLimit: 3 });
  assert.deepEqual(
    first.topics.map(({ name, errorCode, partitions }) => [name, errorCode, partitions.length]),
    [
      ["absent", 3, 0],
      ["paged", 0, 3],
    ],
  );
  assert.deepEqual(first.nextCursor, { topicName: "paged", partitionIndex: 3 });
  const second = await wire.request("DescribeTopicPartitions", 0, {
    topics,
    responsePartitionLimit: 3,
    cursor: first.nextCursor,
  });
  assert.deepEqual(
    second.topics.map(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex)),
    [[3, 4]],
  );
  assert.equal(second.nextCursor, null);
});

test("SASL PLAIN for those who ask: right and wrong passwords, other mechanisms", async () => {
  const connect = async (username: string, password: string): Promise<void> => {
    const kafka = new kafkajs.Kafka({
      brokers: [clients.address],
      logLevel: kafkajs.logLevel.NOTHING,
      sasl: { mechanism: "plain", username, password },
      retry: { retries: 0 },
    });
    const admin = kafka.admin();
    try {
      await admin.connect();
      await admin.listTopics();
    } finally {
      await admin.disconnect();
    }
  };
  await connect("guest", "guest");
  await assert.rejects(connect("guest", "wrong"), /SASL|Authentication/);
  const wire = await clients.wire();
  const answer = await wire.request("SaslHandshake", 1, { mechanism: "SCRAM-SHA-256" });
  assert.deepEqual(answer, { errorCode: 33, mechanisms: ["PLAIN"] });
});

test("an unknown version of ApiVersions is answered in version 0, of anything else by closing", async () => {
  const head = (apiKey: number, version: number): Buffer => {
    const frame = Buffer.from([0, 0, 0, 10, 0, apiKey, 0, version, 0, 0, 0, 7, 0xff, 0xff]);
    return frame;
  };
  const wire = await clients.wire();
  const { apiKeys } = await wire.request("ApiVersions", 0, {});
  assert.deepEqual(
    apiKeys.find(({ apiKey }) => apiKey === 0),
    { apiKey: 0, minVersion: 0, maxVersion: 13 },
  );
  const closing = Buffer.concat([head(18, 99), head(0, 99)]);
  const answer = await closedAfter(broker.ports.kafka, closing);
  assert.equal(answer.readInt32BE(4), 7);
  assert.equal(answer.readInt16BE(8), 35);
  assert.equal(answer.readInt32BE(0) + 4, answer.length);
});

test("metadata by topic id: Java's client leaves the name empty, others say null; Kafka goes by the id", async () => {
  const admin = await clients.jsAdmin();
  await admin.createTopics({ topics: [{ topic: "by-id", numPartitions: 2 }] });
  const client = await clients.wire();
  const named = await client.request("Metadata", 12, { topics: [{ name: "by-id" }] });
  const { topicId } = named.topics[0]!;
  for (const name of ["", null]) {
    const { topics } = await client.request("Metadata", 12, { topics: [{ topicId, name }] });
    assert.deepEqual(
      topics.map((topic) => [topic.errorCode, topic.name, topic.topicId, topic.partitions.length]),
      [[0, "by-id", topicId, 2]],
    );
    const unknown = "0123456789abcdef0123456789abcdef";
    const missed = await client.request("Metadata", 12, { topics: [{ topicId: unknown, name }] });
    assert.deepEqual(
      missed.topics.map((topic) => [topic.errorCode, topic.name, topic.topicId]),
      [[errorCodes.UNKNOWN_TOPIC_ID, null, unknown]],
    );
  }
  // By an id from before a restart.
  await broker.restart();
  const again = await clients.wire();
  const { topics } = await again.request("Metadata", 12, { topics: [{ topicId, name: "" }] });
  assert.deepEqual([topics[0]!.name, topics[0]!.partitions.length], ["by-id", 2]);
});

test("the settings that MirrorMaker 2 copies are taken and shown", async () => {
  const admin = await clients.jsAdmin();
  const configEntries = ["remote.log.copy.disable", "remote.log.delete.on.disable"].map((name) => ({
    name,
    value: "true",
  }));
  await admin.createTopics({ topics: [{ topic: "mirrored", configEntries }] });
  const described = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: "mirrored" }],
  });
  const shown = described.resources[0]!.configEntries.filter(({ configName }) =>
    configName.startsWith("remote.log"),
  ).map(({ configName, configValue }) => ({ name: configName, value: configValue }));
  assert.deepEqual(shown, configEntries);
});
