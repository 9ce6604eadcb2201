/** What a Kafka group gives up, on a clock that the test moves: when it comes again, and what becomes of it over kills and changes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../../src/base/limits.ts";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { KafkaBatchBuilder } from "../../../src/message/kafka/batch-builder.ts";
import { DurableRig } from "../../support/durable-rig.ts";

type Headers = Readonly<Record<string, string>>;

interface Producer {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

async function produce(
  rig: DurableRig,
  topic: string,
  records: readonly (readonly [value: string, headers: Headers])[],
  producer?: Producer,
): Promise<number> {
  const writer = new ByteWriter();
  const builder = new KafkaBatchBuilder();
  const start = { baseOffset: 0, baseTimestamp: rig.time.now(), partitionLeaderEpoch: 0 };
  builder.begin(writer, { ...start, ...producer });
  for (const [i, [value, headers]] of records.entries()) {
    for (const [name, text] of Object.entries(headers)) builder.header(name, Buffer.from(text));
    builder.value(Buffer.from(value)).record(i, rig.time.now());
  }
  builder.finish();
  const partitionData = [{ index: 0, records: Buffer.from(writer.buffer.subarray(0, writer.length)) }];
  const { responses } = await rig.kafka("Produce", 8, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 5000,
    topicData: [{ name: topic, partitionData }],
  });
  return responses[0]!.partitionResponses[0]!.errorCode;
}

async function configure(rig: DurableRig, topic: string, settings: Headers): Promise<void> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value }));
  const resources = [{ resourceType: 2, resourceName: topic, configs }];
  const { responses } = await rig.kafka("AlterConfigs", 1, { resources, validateOnly: false });
  assert.equal(responses[0]!.errorCode, 0, String(responses[0]!.errorMessage));
}

async function rigWith(seed: number, settings: Headers): Promise<DurableRig> {
  const rig = await DurableRig.open(seed);
  await produce(rig, "t", [["first", {}]]);
  await produce(rig, "g.retry", [["made", {}]]);
  await configure(rig, "t", settings);
  return rig;
}

interface Shown {
  readonly value: string;
  readonly deliveries: string | undefined;
}

/** What can be read, without the record that made the topic. */
async function read(rig: DurableRig, stream: string): Promise<Shown[]> {
  const entries = (await rig.redis("XRANGE", stream, "-", "+")) as unknown as [string, string[]][];
  return entries.flatMap(([, fields]) => {
    const valueOf = (name: string): string | undefined => {
      const at = fields.findIndex((field, i) => i % 2 === 0 && field === name);
      return at < 0 ? undefined : fields[at + 1];
    };
    const value = valueOf("value") ?? valueOf("body") ?? "";
    return value === "made" ? [] : [{ value, deliveries: valueOf("x-troika-deliveries") }];
  });
}

const origin = { "x-troika-topic": "t" };

test("a record comes again at its time and not before, whatever the deliveries, over a kill", async () => {
  const rig = await rigWith(1, { "troika.retry.limit": "5", "troika.retry.backoff.ms": "1000" });
  for (const [i, wait] of [1000, 2000, 4000].entries()) {
    const headers = i === 0 ? origin : { ...origin, "x-troika-deliveries": String(i) };
    assert.equal(await produce(rig, "g.retry", [[`v${i}`, headers]]), 0);
    const given = rig.time.now();
    await rig.kill();
    const isThere = async (): Promise<boolean> =>
      (await read(rig, "g.retry")).some(({ value }) => value === `v${i}`);
    await rig.pass(given + wait - 50 - rig.time.now());
    assert.equal(await isThere(), false, `delivery ${i + 2} is not early`);
    await rig.pass(100);
    assert.equal(await isThere(), true, `delivery ${i + 2} has come`);
  }
  assert.deepEqual(
    (await read(rig, "g.retry")).map(({ deliveries }) => deliveries),
    ["1", "2", "3"],
  );
});

test("a large batch without records that were given up is stored as it came, though the topic's name ends like a retry topic's", async () => {
  const rig = await rigWith(4, {});
  const records = Array.from({ length: limits.kafkaExchangeRecordsMax + 1 }, () => ["v", {}] as const);
  assert.equal(await produce(rig, "g.retry", records), 0);
  const messageTooLarge = 10;
  assert.equal(await produce(rig, "g.retry", [...records, ["v", origin]]), messageTooLarge);
});

test("an idempotent producer's batch that is sent again is given up once; records beside it are stored at once", async () => {
  const rig = await rigWith(2, { "troika.retry.limit": "5", "troika.retry.backoff.ms": "500" });
  const { producerId, producerEpoch } = await rig.kafka("InitProducerId", 1, {
    transactionalId: null,
    transactionTimeoutMs: 1000,
  });
  const producer = { producerId, producerEpoch, baseSequence: 0 };
  const batch = [
    ["plain", {}],
    ["again", origin],
  ] as const;
  assert.equal(await produce(rig, "g.retry", batch, producer), 0);
  await rig.kill();
  assert.equal(await produce(rig, "g.retry", batch, producer), 0);
  assert.deepEqual(
    (await read(rig, "g.retry")).map(({ value }) => value),
    ["plain"],
  );
  await rig.pass(1000);
  assert.deepEqual(
    (await read(rig, "g.retry")).map(({ value }) => value),
    ["plain", "again"],
  );
});

test("while the topic of dead letters cannot take a record, it waits, and is not to be read any more", async () => {
  const rig = await rigWith(3, { "troika.retry.limit": "1" });
  await rig.redis("SET", "t.dead", "taken");
  assert.equal(await produce(rig, "g.retry", [["late", origin]]), 0);
  await rig.pass(20_000);
  await rig.kill();
  await rig.pass(20_000);
  assert.deepEqual(await read(rig, "g.retry"), []);
  await rig.redis("DEL", "t.dead");
  await rig.pass(20_000);
  assert.deepEqual(await read(rig, "t.dead"), [{ value: "late", deliveries: "1" }]);
  assert.deepEqual(await read(rig, "g.retry"), []);
});

test("a record that waits becomes a dead letter when it is due, if the limit was lowered; none where it is gone", async () => {
  const rig = await rigWith(4, { "troika.retry.limit": "3", "troika.retry.backoff.ms": "1000" });
  await produce(rig, "g.retry", [["a", origin]]);
  await configure(rig, "t", { "troika.retry.limit": "1", "troika.retry.backoff.ms": "1000" });
  await rig.pass(2000);
  assert.deepEqual(await read(rig, "t.dead"), [{ value: "a", deliveries: "1" }]);
  await configure(rig, "t", { "troika.retry.limit": "3", "troika.retry.backoff.ms": "1000" });
  await produce(rig, "g.retry", [["b", { ...origin, "x-troika-deliveries": "1" }]]);
  await configure(rig, "t", {});
  await rig.pass(4000);
  assert.deepEqual(await read(rig, "g.retry"), [{ value: "b", deliveries: "2" }]);
});
