/** The topic settings `troika.*`: made, changed, shown and refused, and what they do to a Redis group of the topic's stream. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Redis } from "ioredis";
import kafkajs from "kafkajs";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { KafkaClients, until } from "./kafka-support.ts";

const topicResource = 2;
const sources = { topic: 1, policy: 3, default: 5 };

let broker: TestBroker;
let clients: KafkaClients;
let redis: Redis;

before(async () => {
  broker = await startTestBroker();
  clients = new KafkaClients(broker);
  redis = new Redis(broker.ports.redis);
  redis.on("error", () => {});
});
after(async () => {
  redis.disconnect();
  await clients.close();
  await broker.stop();
});

async function shown(topic: string): Promise<Record<string, [value: string, source: number]>> {
  const admin = await clients.jsAdmin();
  const { resources } = await admin.describeConfigs({
    includeSynonyms: true,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
  });
  const entries = resources[0]!.configEntries.filter(({ configName }) => configName.startsWith("troika."));
  return Object.fromEntries(
    entries.map(({ configName, configValue, configSource }) => [configName, [configValue, configSource]]),
  );
}

async function alter(topic: string, settings: Readonly<Record<string, string>>): Promise<void> {
  const admin = await clients.jsAdmin();
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }],
  });
}

/** What TROIKA.GROUP says of a group of the stream. */
async function policyOf(stream: string): Promise<Record<string, unknown>> {
  const flat = (await redis.call("TROIKA.GROUP", stream, "g")) as unknown[];
  return Object.fromEntries(
    Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]),
  );
}

test("retries are configured by CreateTopics and AlterConfigs, shown, and kept over a restart", async () => {
  const admin = await clients.jsAdmin();
  await admin.createTopics({
    topics: [
      {
        topic: "jobs",
        numPartitions: 2,
        configEntries: [
          { name: "troika.retry.limit", value: "3" },
          { name: "troika.retry.backoff.ms", value: "250" },
          { name: "troika.retry.jitter", value: "0.5" },
        ],
      },
    ],
  });
  for (const stream of ["jobs-0", "jobs-1"]) await redis.xgroup("CREATE", stream, "g", "0");
  const first = {
    maxdeliver: 3,
    backoff: 250,
    factor: "2",
    max: 3_600_000,
    jitter: "0.5",
    deadletter: "jobs.dead",
  };
  assert.deepEqual(await policyOf("jobs-0"), first);
  assert.deepEqual(await policyOf("jobs-1"), first);
  const all = await shown("jobs");
  assert.deepEqual(all["troika.retry.limit"], ["3", sources.topic]);
  assert.deepEqual(all["troika.retry.factor"], ["2", sources.default]);
  assert.deepEqual(all["troika.deadletter.topic"], ["", sources.default]);
  await alter("jobs", { "troika.retry.limit": "7", "troika.deadletter.topic": "graves" });
  const second = { ...first, maxdeliver: 7, backoff: 0, jitter: "0", deadletter: "graves" };
  assert.deepEqual(await policyOf("jobs-1"), second);
  await broker.kill();
  await broker.restart();
  await until(
    async () => redis.status === "ready" && (await redis.ping()) === "PONG",
    "Redis is there again",
  );
  assert.deepEqual(await policyOf("jobs-0"), second);
  assert.deepEqual((await shown("jobs"))["troika.deadletter.topic"], ["graves", sources.topic]);
  await alter("jobs", {});
  assert.deepEqual(await policyOf("jobs-0"), {});
});

test("a policy goes before the topic's settings, and is shown as what counts", async () => {
  const admin = await clients.jsAdmin();
  await admin.createTopics({
    topics: [{ topic: "ruled", configEntries: [{ name: "troika.retry.limit", value: "3" }] }],
  });
  await redis.xgroup("CREATE", "ruled", "g", "0");
  const response = await fetch(`http://127.0.0.1:${broker.ports.http}/api/policies/%2F/rule`, {
    method: "PUT",
    headers: { authorization: `Basic ${btoa("guest:guest")}`, "content-type": "application/json" },
    body: JSON.stringify({
      pattern: "^ruled$",
      "apply-to": "streams",
      priority: 1,
      definition: { "retry-limit": 9, "retry-backoff-ms": 40 },
    }),
  });
  assert.equal(response.status, 201);
  const all = await shown("ruled");
  assert.deepEqual(all["troika.retry.limit"], ["9", sources.policy]);
  assert.deepEqual(all["troika.retry.backoff.ms"], ["40", sources.policy]);
  assert.equal((await policyOf("ruled"))["maxdeliver"], 9);
});

test("what cannot be is refused, with what to do", async () => {
  const client = await clients.wire();
  const create = async (name: string, config: string, value: string) => {
    const wanted = { name, numPartitions: 1, replicationFactor: 1, configs: [{ name: config, value }] };
    const { topics } = await client.request("CreateTopics", 7, { topics: [wanted] });
    return [topics[0]!.errorCode, topics[0]!.errorMessage];
  };
  const cases: [config: string, value: string, problem: string][] = [
    ["troika.retry.limit", "0", "Value must be -1 (no retries) or at least 1"],
    ["troika.retry.limit", "-2", "Value must be at least -1"],
    ["troika.retry.limit", "many", "Not a number of type INT"],
    ["troika.retry.factor", "0.5", "Value must be at least 1"],
    ["troika.retry.factor", "1001", "Value must be no more than 1000"],
    ["troika.retry.jitter", "1.5", "Value must be no more than 1"],
    ["troika.retry.backoff.ms", "-1", "Value must be at least 0"],
    ["troika.dedup.by", "luck", "String must be one of: message-id, key, header:NAME"],
    ["troika.trace.sample", "2", "Value must be no more than 1"],
  ];
  for (const [config, value, problem] of cases) {
    const text = `Invalid value ${value} for configuration ${config}: ${problem}`;
    assert.deepEqual(await create("no", config, value), [40, text]);
  }
  assert.equal((await create("no", "troika.deadletter.topic", "a b"))[0], 40);
  assert.deepEqual(await create("no", "troika.deadletter.topic", "no"), [
    40,
    "Invalid value for configuration troika.deadletter.topic: a topic cannot have its own dead letters",
  ]);
  await create("some", "troika.retry.limit", "5");
  const resources = [
    {
      resourceType: topicResource,
      resourceName: "some",
      configs: [{ name: "troika.retry.limit", configOperation: 1, value: null }],
    },
  ];
  const { responses } = await client.request("IncrementalAlterConfigs", 1, {
    resources,
    validateOnly: false,
  });
  assert.equal(responses[0]!.errorCode, 0);
  assert.deepEqual((await shown("some"))["troika.retry.limit"], ["-1", sources.default]);
});

test("a group's dead letters go to a topic of several partitions by the number of their own", async () => {
  const admin = await clients.jsAdmin();
  await admin.createTopics({
    topics: [
      { topic: "graveyard", numPartitions: 2 },
      {
        topic: "mortal",
        numPartitions: 4,
        configEntries: [
          { name: "troika.retry.limit", value: "1" },
          { name: "troika.deadletter.topic", value: "graveyard" },
        ],
      },
    ],
  });
  await redis.xgroup("CREATE", "mortal-3", "g", "0");
  const id = (await redis.xadd("mortal-3", "*", "f", "v"))!;
  await redis.xreadgroup("GROUP", "g", "c", "STREAMS", "mortal-3", ">");
  assert.equal(await redis.call("TROIKA.NACK", "mortal-3", "g", id), 1);
  assert.equal(await redis.xlen("graveyard-1"), 1);
  assert.equal(await redis.xlen("graveyard-0"), 0);
});
