/** What a member of a share group is told of its acknowledgement is on the disk: a power failure right after the answer does not undo it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KafkaClient } from "../../../sim/clients/kafka-client.ts";
import { makeBatch } from "../../../sim/clients/kafka-batch.ts";
import type { ApiName, RequestInput, ResponseBody } from "../../../src/protocols/kafka/wire/codec.ts";
import { DurableRig } from "../../support/durable-rig.ts";

const group = "g";
const seeds = 8;

/** Over one connection, since a session ends with it. */
async function ask<N extends ApiName>(
  rig: DurableRig,
  client: KafkaClient,
  [name, version]: readonly [N, number],
  body: RequestInput<N>,
): Promise<ResponseBody<N>> {
  let answer: ResponseBody<N> | null | undefined;
  client.request(name, version, body, (response) => (answer = response));
  await rig.until(() => answer !== undefined, `an answer to ${name}`);
  return answer!;
}

async function leftAfterPowerFailure(seed: number): Promise<number> {
  const rig = await DurableRig.open(seed);
  const link = rig.connect("kafka");
  const client = new KafkaClient(link);
  const topic = { name: group, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  await ask(rig, client, ["CreateTopics", 5], { topics: [topic], timeoutMs: 0, validateOnly: false });
  const config = { name: "share.auto.offset.reset", configOperation: 0, value: "earliest" };
  const resources = [{ resourceType: 32, resourceName: group, configs: [config] }];
  await ask(rig, client, ["IncrementalAlterConfigs", 1], { resources, validateOnly: false });
  const values = ["a", "b", "c"];
  const records = makeBatch({ values, timestamp: 0, producerId: -1, producerEpoch: -1, baseSequence: -1 });
  const topicData = [{ name: group, partitionData: [{ index: 0, records }] }];
  await ask(rig, client, ["Produce", 9], { transactionalId: null, acks: -1, timeoutMs: 0, topicData });
  const member = { groupId: group, memberId: "m" };
  const joining = { ...member, memberEpoch: 0, subscribedTopicNames: [group] };
  const joined = await ask(rig, client, ["ShareGroupHeartbeat", 1], joining);
  const { topicId } = joined.assignment!.topicPartitions[0]!;
  const limits = { maxWaitMs: 0, minBytes: 1, maxBytes: 10_000, maxRecords: 10, batchSize: 10 };
  await ask(rig, client, ["ShareFetch", 1], {
    ...member,
    ...limits,
    shareSessionEpoch: 0,
    topics: [{ topicId, partitions: [{ partitionIndex: 0, acknowledgementBatches: [] }] }],
    forgottenTopicsData: [],
  });
  // All that was before is on the disk, so that only the acknowledgement is not.
  await rig.pass(500);
  const batches = [{ firstOffset: 0, lastOffset: 2, acknowledgeTypes: [1] }];
  let answer: ResponseBody<"ShareAcknowledge"> | null = null;
  client.request(
    "ShareAcknowledge",
    1,
    {
      ...member,
      shareSessionEpoch: 1,
      topics: [{ topicId, partitions: [{ partitionIndex: 0, acknowledgementBatches: batches }] }],
    },
    (body) => (answer = body),
  );
  // Turns in which the disk does nothing.
  for (let turn = 0; turn < 5; turn++) {
    while (link.isBusy) link.step();
    if (rig.time.hasTickEnd) rig.time.endTick();
  }
  assert.equal(answer, null, "no answer before the disk has it");
  await rig.until(() => answer !== null, "an answer to ShareAcknowledge");
  assert.equal(answer!.responses[0]!.partitions[0]!.errorCode, 0);
  rig.process.kill("power");
  await rig.start();
  const { groups } = await rig.kafka("DescribeShareGroupOffsets", 1, {
    groups: [{ groupId: group, topics: null }],
  });
  return groups[0]!.topics[0]!.partitions[0]!.lag;
}

test("an acknowledgement that was answered outlives a power failure", async () => {
  for (let seed = 1; seed <= seeds; seed++)
    assert.equal(await leftAfterPowerFailure(seed), 0, `seed ${seed}`);
});
