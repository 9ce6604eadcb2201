/** IncrementalAlterConfigs changes lists: what is set, or else the default, with words more or fewer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DurableRig } from "../../support/durable-rig.ts";

const topicResource = 2;
const [append, subtract] = [2, 3];

test("APPEND and SUBTRACT begin with the default where the topic has no setting of its own", async () => {
  const rig = await DurableRig.open(1);
  await rig.kafka("CreateTopics", 2, {
    topics: [{ name: "t", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 5000,
    validateOnly: false,
  });
  const change = async (configOperation: number, value: string): Promise<number> => {
    const configs = [{ name: "cleanup.policy", configOperation, value }];
    const resources = [{ resourceType: topicResource, resourceName: "t", configs }];
    const { responses } = await rig.kafka("IncrementalAlterConfigs", 0, { resources, validateOnly: false });
    return responses[0]!.errorCode;
  };
  const shown = async (): Promise<string | null> => {
    const resources = [
      { resourceType: topicResource, resourceName: "t", configurationKeys: ["cleanup.policy"] },
    ];
    const { results } = await rig.kafka("DescribeConfigs", 1, { resources, includeSynonyms: false });
    return results[0]!.configs[0]!.value;
  };
  assert.equal(await shown(), "delete");
  assert.equal(await change(subtract, "delete"), 0);
  assert.equal(await shown(), "");
  assert.equal(await change(append, "compact"), 0);
  assert.equal(await shown(), "compact");
  assert.equal(await change(append, "delete"), 0);
  assert.equal(await shown(), "compact,delete");
  await rig.kill();
  assert.equal(await shown(), "compact,delete");
  assert.equal(await change(subtract, "compact"), 0);
  assert.equal(await shown(), "delete");
});
