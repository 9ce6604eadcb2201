/**
 * Records requests.json: what two client libraries send for arguments given here, beside the body that it means.
 * The bodies are written by hand; fields at their default are left out. Run it when a client's version is raised:
 *
 *     node test/vectors/kafka/record-requests.ts
 */
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as platformatic from "@platformatic/kafka";

const require = createRequire(import.meta.url);
const time = 1_700_000_000_000;
const topicId = "0f0e0d0c-0b0a-0908-0706-050403020100";
const topicIdHex = topicId.replaceAll("-", "");
type Json = unknown;

interface Vector {
  readonly source: string;
  readonly name: string;
  readonly version: number;
  readonly hex: string;
  readonly body: Json;
}
const vectors: Vector[] = [];

async function kafkajs(name: string, version: number, args: Json, body: Json): Promise<void> {
  const folder = name[0]!.toLowerCase() + name.slice(1);
  const request = require(`kafkajs/src/protocol/requests/${folder}/v${version}/request.js`) as (args: Json) => Json;
  const frame = require("kafkajs/src/protocol/request.js") as (args: Json) => Promise<{ buffer: Buffer }>;
  const { buffer } = await frame({ correlationId: 7, clientId: "kafkajs", request: request(args) });
  vectors.push({ source: "kafkajs 2.2.4", name, version, hex: buffer.toString("hex"), body });
}

function viaPlatformatic(call: string, name: string, key: number, version: number, args: Json[], body: Json): void {
  const { createRequest } = (platformatic as unknown as Record<string, { createRequest: (...a: Json[]) => Json }>)[
    `${call}V${version}`
  ]!;
  const payload = (createRequest(...args) as { buffer: Buffer }).buffer;
  // Header v2, as its connection writes it.
  const head = Buffer.from("0000000000000007000c706c6174666f726d6174696300", "hex");
  head.writeInt16BE(key, 0);
  head.writeInt16BE(version, 2);
  const size = Buffer.alloc(4);
  size.writeInt32BE(head.length + payload.length);
  const hex = Buffer.concat([size, head, payload]).toString("hex");
  vectors.push({ source: "@platformatic/kafka 2.12.1", name, version, hex, body });
}

await kafkajs(
  "Produce",
  7,
  {
    acks: -1,
    timeout: 30000,
    topicData: [
      {
        topic: "orders",
        partitions: [
          { partition: 2, messages: [{ key: "k", value: "v1", timestamp: time, headers: { h: "x" } }] },
        ],
      },
    ],
  },
  {
    acks: -1,
    timeoutMs: 30000,
    topicData: [
      {
        name: "orders",
        partitionData: [
          {
            index: 2,
            records: {
              hex:
                "0000000000000000" + "0000003f" + "00000000" + "02" + "0f62d2be" + "0000" + "00000000" +
                "0000018bcfe56800" + "0000018bcfe56800" + "ffffffffffffffff" + "0000" + "00000000" + "00000001" +
                "1a" + "00" + "00" + "00" + "02" + "6b" + "04" + "7631" + "02" + "02" + "68" + "02" + "78",
            },
          },
        ],
      },
    ],
  },
);
await kafkajs(
  "Fetch",
  11,
  {
    replicaId: -1,
    maxWaitTime: 500,
    minBytes: 1,
    maxBytes: 1048576,
    isolationLevel: 1,
    topics: [{ topic: "orders", partitions: [{ partition: 0, fetchOffset: 42, maxBytes: 65536 }] }],
  },
  {
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 1048576,
    isolationLevel: 1,
    topics: [{ topic: "orders", partitions: [{ partition: 0, fetchOffset: 42, partitionMaxBytes: 65536 }] }],
  },
);
await kafkajs("Metadata", 6, { topics: ["orders"] }, { topics: [{ name: "orders" }] });
await kafkajs(
  "ListOffsets",
  3,
  { replicaId: -1, isolationLevel: 1, topics: [{ topic: "t", partitions: [{ partition: 1, timestamp: -2 }] }] },
  { isolationLevel: 1, topics: [{ name: "t", partitions: [{ partitionIndex: 1, timestamp: -2 }] }] },
);
await kafkajs(
  "OffsetCommit",
  5,
  {
    groupId: "g",
    groupGenerationId: 3,
    memberId: "m",
    topics: [{ topic: "t", partitions: [{ partition: 1, offset: "9000000000" }] }],
  },
  {
    groupId: "g",
    generationIdOrMemberEpoch: 3,
    memberId: "m",
    topics: [
      { name: "t", partitions: [{ partitionIndex: 1, committedOffset: 9000000000, committedMetadata: null }] },
    ],
  },
);
await kafkajs(
  "OffsetFetch",
  4,
  { groupId: "g", topics: [{ topic: "t", partitions: [{ partition: 1 }, { partition: 2 }] }] },
  { groupId: "g", topics: [{ name: "t", partitionIndexes: [1, 2] }] },
);
await kafkajs(
  "JoinGroup",
  5,
  {
    groupId: "g",
    sessionTimeout: 30000,
    rebalanceTimeout: 60000,
    memberId: "",
    protocolType: "consumer",
    groupProtocols: [{ name: "RoundRobin", metadata: Buffer.from("abc") }],
  },
  {
    groupId: "g",
    sessionTimeoutMs: 30000,
    rebalanceTimeoutMs: 60000,
    memberId: "",
    protocolType: "consumer",
    protocols: [{ name: "RoundRobin", metadata: { hex: "616263" } }],
  },
);
await kafkajs(
  "SyncGroup",
  3,
  {
    groupId: "g",
    generationId: 1,
    memberId: "m",
    groupAssignment: [{ memberId: "m", memberAssignment: Buffer.from("xyz") }],
  },
  {
    groupId: "g",
    generationId: 1,
    memberId: "m",
    assignments: [{ memberId: "m", assignment: { hex: "78797a" } }],
  },
);
await kafkajs(
  "Heartbeat",
  3,
  { groupId: "g", groupGenerationId: 5, memberId: "m", groupInstanceId: "i" },
  { groupId: "g", generationId: 5, memberId: "m", groupInstanceId: "i" },
);
await kafkajs(
  "LeaveGroup",
  3,
  { groupId: "g", members: [{ memberId: "m" }] },
  { groupId: "g", members: [{ memberId: "m" }] },
);
await kafkajs("FindCoordinator", 2, { coordinatorKey: "g", coordinatorType: 0 }, { key: "g", keyType: 0 });
await kafkajs(
  "CreateTopics",
  3,
  { topics: [{ topic: "t", numPartitions: 3, configEntries: [{ name: "cleanup.policy", value: "compact" }] }] },
  {
    topics: [
      {
        name: "t",
        numPartitions: 3,
        replicationFactor: -1,
        configs: [{ name: "cleanup.policy", value: "compact" }],
      },
    ],
    timeoutMs: 5000,
  },
);
await kafkajs("ApiVersions", 2, undefined, {});
await kafkajs("InitProducerId", 1, { transactionalId: null, transactionTimeout: 60000 }, {
  transactionalId: null,
  transactionTimeoutMs: 60000,
});
await kafkajs(
  "DescribeConfigs",
  2,
  { resources: [{ type: 2, name: "t", configNames: ["retention.ms"] }] },
  { resources: [{ resourceType: 2, resourceName: "t", configurationKeys: ["retention.ms"] }] },
);
await kafkajs("SaslHandshake", 1, { mechanism: "PLAIN" }, { mechanism: "PLAIN" });

viaPlatformatic(
  "fetch",
  "Fetch",
  1,
  17,
  [
    500,
    1,
    1048576,
    0,
    9,
    4,
    [
      {
        topicId,
        partitions: [
          {
            partition: 5,
            currentLeaderEpoch: 2,
            fetchOffset: 42n,
            lastFetchedEpoch: 1,
            partitionMaxBytes: 65536,
            replicaDirectoryId: topicId,
          },
        ],
      },
    ],
    [],
    "rack",
  ],
  {
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 1048576,
    sessionId: 9,
    sessionEpoch: 4,
    topics: [
      {
        topicId: topicIdHex,
        partitions: [
          {
            partition: 5,
            currentLeaderEpoch: 2,
            fetchOffset: 42,
            lastFetchedEpoch: 1,
            partitionMaxBytes: 65536,
            replicaDirectoryId: topicIdHex,
          },
        ],
      },
    ],
    rackId: "rack",
  },
);
viaPlatformatic("metadata", "Metadata", 3, 12, [["orders", { topicId }], false, true], {
  topics: [{ name: "orders" }, { topicId: topicIdHex, name: null }],
  allowAutoTopicCreation: false,
  includeTopicAuthorizedOperations: true,
});
viaPlatformatic("metadata", "Metadata", 3, 12, [null, true, false], { topics: null });
viaPlatformatic(
  "listOffsets",
  "ListOffsets",
  2,
  9,
  [-1, 0, [{ name: "t", partitions: [{ partitionIndex: 1, currentLeaderEpoch: 0, timestamp: -1n }] }]],
  { topics: [{ name: "t", partitions: [{ partitionIndex: 1, currentLeaderEpoch: 0, timestamp: -1 }] }] },
);
viaPlatformatic(
  "offsetCommit",
  "OffsetCommit",
  8,
  9,
  [
    "g",
    3,
    "m",
    null,
    [
      {
        name: "t",
        partitions: [
          { partitionIndex: 1, committedOffset: 77n, committedLeaderEpoch: 0, committedMetadata: "note" },
        ],
      },
    ],
  ],
  {
    groupId: "g",
    generationIdOrMemberEpoch: 3,
    memberId: "m",
    topics: [
      {
        name: "t",
        partitions: [
          { partitionIndex: 1, committedOffset: 77, committedLeaderEpoch: 0, committedMetadata: "note" },
        ],
      },
    ],
  },
);
viaPlatformatic(
  "offsetFetch",
  "OffsetFetch",
  9,
  9,
  [
    [
      { groupId: "g", memberId: "m", memberEpoch: 3, topics: [{ name: "t", partitionIndexes: [0, 1] }] },
      { groupId: "all", memberId: null, memberEpoch: -1, topics: null },
    ],
    true,
  ],
  {
    groups: [
      { groupId: "g", memberId: "m", memberEpoch: 3, topics: [{ name: "t", partitionIndexes: [0, 1] }] },
      { groupId: "all", topics: null },
    ],
    requireStable: true,
  },
);
viaPlatformatic(
  "joinGroup",
  "JoinGroup",
  11,
  9,
  ["g", 30000, 60000, "m", "i", "consumer", [{ name: "range", metadata: Buffer.from("abc") }], "because"],
  {
    groupId: "g",
    sessionTimeoutMs: 30000,
    rebalanceTimeoutMs: 60000,
    memberId: "m",
    groupInstanceId: "i",
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: { hex: "616263" } }],
    reason: "because",
  },
);
viaPlatformatic(
  "syncGroup",
  "SyncGroup",
  14,
  5,
  ["g", 1, "m", null, "consumer", "range", [{ memberId: "m", assignment: Buffer.from("xyz") }]],
  {
    groupId: "g",
    generationId: 1,
    memberId: "m",
    protocolType: "consumer",
    protocolName: "range",
    assignments: [{ memberId: "m", assignment: { hex: "78797a" } }],
  },
);
viaPlatformatic("leaveGroup", "LeaveGroup", 13, 5, ["g", [{ memberId: "m", groupInstanceId: null, reason: "bye" }]], {
  groupId: "g",
  members: [{ memberId: "m", reason: "bye" }],
});
viaPlatformatic("findCoordinator", "FindCoordinator", 10, 6, [0, ["g", "h"]], { coordinatorKeys: ["g", "h"] });
viaPlatformatic(
  "createTopics",
  "CreateTopics",
  19,
  7,
  [
    [
      {
        name: "t",
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }],
        configs: [{ name: "retention.ms", value: null }],
      },
    ],
    1000,
    true,
  ],
  {
    topics: [
      {
        name: "t",
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 0, brokerIds: [1, 2] }],
        configs: [{ name: "retention.ms", value: null }],
      },
    ],
    timeoutMs: 1000,
    validateOnly: true,
  },
);
viaPlatformatic("apiVersions", "ApiVersions", 18, 4, ["client", "1.2.3"], {
  clientSoftwareName: "client",
  clientSoftwareVersion: "1.2.3",
});
viaPlatformatic("initProducerId", "InitProducerId", 22, 5, ["tx", 60000, 8n, 2], {
  transactionalId: "tx",
  transactionTimeoutMs: 60000,
  producerId: 8,
  producerEpoch: 2,
});
viaPlatformatic("describeCluster", "DescribeCluster", 60, 1, [true, 2], {
  includeClusterAuthorizedOperations: true,
  endpointType: 2,
});
viaPlatformatic(
  "describeTopicPartitions",
  "DescribeTopicPartitions",
  75,
  0,
  [[{ name: "t" }], 10, { topicName: "t", partitionIndex: 4 }],
  { topics: [{ name: "t" }], responsePartitionLimit: 10, cursor: { topicName: "t", partitionIndex: 4 } },
);
viaPlatformatic("describeTopicPartitions", "DescribeTopicPartitions", 75, 0, [[{ name: "t" }], 10, undefined], {
  topics: [{ name: "t" }],
  responsePartitionLimit: 10,
});
viaPlatformatic(
  "incrementalAlterConfigs",
  "IncrementalAlterConfigs",
  44,
  1,
  [[{ resourceType: 2, resourceName: "t", configs: [{ name: "a", configOperation: 1, value: null }] }], false],
  {
    resources: [{ resourceType: 2, resourceName: "t", configs: [{ name: "a", configOperation: 1, value: null }] }],
    validateOnly: false,
  },
);

const lines = vectors.map((vector) => `  ${JSON.stringify(vector)}`).join(",\n");
writeFileSync(new URL("requests.json", import.meta.url), `[\n${lines}\n]\n`);
console.log(`${vectors.length} vectors`);
