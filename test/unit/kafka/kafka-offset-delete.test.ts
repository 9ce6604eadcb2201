/** OffsetDelete is answered when the positions are gone from the disk. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DurableRig } from "../../support/durable-rig.ts";

const topics = [{ name: "t", partitions: [{ partitionIndex: 0 }] }];

test("what OffsetDelete has confirmed stays deleted after the loss of power", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const rig = await DurableRig.open(seed);
    await rig.kafka("CreateTopics", 2, {
      topics: [{ name: "t", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 5000,
      validateOnly: false,
    });
    const committed = await rig.kafka("OffsetCommit", 2, {
      groupId: "g",
      generationIdOrMemberEpoch: -1,
      memberId: "",
      retentionTimeMs: -1,
      topics: [
        { name: "t", partitions: [{ partitionIndex: 0, committedOffset: 7, committedMetadata: null }] },
      ],
    });
    assert.equal(committed.topics[0]!.partitions[0]!.errorCode, 0);
    const { errorCode } = await rig.kafka("OffsetDelete", 0, { groupId: "g", topics });
    assert.equal(errorCode, 0);
    rig.process.kill("power");
    await rig.start();
    const fetched = await rig.kafka("OffsetFetch", 1, {
      groupId: "g",
      topics: [{ name: "t", partitionIndexes: [0] }],
    });
    assert.equal(fetched.topics[0]!.partitions[0]!.committedOffset, -1, `seed ${seed}`);
  }
});
