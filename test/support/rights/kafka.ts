/** The matrix of rights: Kafka's requests, over the project's own codec. */
import type { ApiName, RequestInput } from "../../../src/protocols/kafka/wire/codec.ts";
import { type KafkaWireClient, makeBatch } from "../kafka-wire-client.ts";
import type { Operation, Outcome } from "./cell.ts";

type Before = "topic" | "noTopic" | "group" | "noGroup" | "shareGroup" | "nothing";

interface Row {
  readonly before: Before;
  readonly needs: string;
  readonly what?: string;
  readonly ask: (client: KafkaWireClient, name: string) => Promise<unknown>;
  /** In place of "no authorization failed": whether the answer shows what it would hide. */
  readonly shows?: (answer: string, name: string) => boolean;
}

function row<N extends ApiName>(
  before: Before,
  needs: string,
  api: N,
  version: number,
  body: (name: string) => RequestInput<N>,
  more: Pick<Row, "what" | "shows"> = {},
): Row & { readonly of: string } {
  return { of: api, before, needs, ask: (client, name) => client.request(api, version, body(name)), ...more };
}

const records = makeBatch({
  values: ["x"],
  timestamp: 1_700_000_000_000,
  producerId: -1,
  producerEpoch: -1,
  baseSequence: -1,
});
const isListed = (answer: string, name: string): boolean => answer.includes(`"${name}"`);
const noBytes = Buffer.alloc(0);
const anyAcl = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  patternTypeFilter: 1,
  principalFilter: "User:nobody",
  hostFilter: null,
  operation: 1,
  permissionType: 1,
};
const groupConfig = 32;
const groupSetting = { name: "share.auto.offset.reset", value: "earliest", configOperation: 0 };
/** Of topics that share groups read, which go by them. */
const topicIds = new Map<string, string>();

function shareFetch(name: string): RequestInput<"ShareFetch"> {
  const partitions = [{ partitionIndex: 1, acknowledgementBatches: [] }];
  return {
    groupId: name,
    memberId: "matrix",
    shareSessionEpoch: 0,
    maxWaitMs: 0,
    minBytes: 1,
    maxRecords: 1,
    batchSize: 1,
    topics: [{ topicId: topicIds.get(name)!, partitions }],
    forgottenTopicsData: [],
  };
}

async function acknowledge(client: KafkaWireClient, name: string): Promise<unknown> {
  const fetched = await client.request("ShareFetch", 1, shareFetch(name));
  if (fetched.errorCode !== 0) return fetched;
  const batches = [{ firstOffset: 0, lastOffset: 0, acknowledgeTypes: [1] }];
  const partitions = [{ partitionIndex: 1, acknowledgementBatches: batches }];
  const topics = [{ topicId: topicIds.get(name)!, partitions }];
  return client.request("ShareAcknowledge", 1, {
    groupId: name,
    memberId: "matrix",
    shareSessionEpoch: 1,
    topics,
  });
}

const setting = { name: "retention.ms", value: "1000000" };
const topicConfig = 2;
const brokerConfig = 4;

const rows = [
  row("topic", "write", "Produce", 9, (name) => ({
    transactionalId: null,
    acks: 1,
    timeoutMs: 1000,
    topicData: [{ name, partitionData: [{ index: 1, records }] }],
  })),
  row(
    "noTopic",
    "write create|cluster:create",
    "Produce",
    9,
    (name) => ({
      transactionalId: null,
      acks: 1,
      timeoutMs: 1000,
      topicData: [{ name, partitionData: [{ index: 0, records }] }],
    }),
    { what: "to a new topic", shows: (answer) => answer.includes('"errorCode":0') },
  ),
  row("topic", "read", "Fetch", 11, (name) => ({
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic: name, partitions: [{ partition: 1, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
  })),
  row("topic", "describe", "ListOffsets", 5, (name) => ({
    replicaId: -1,
    topics: [{ name, partitions: [{ partitionIndex: 1, timestamp: -1 }] }],
  })),
  row("topic", "describe", "Metadata", 9, (name) => ({ topics: [{ name }], allowAutoTopicCreation: false })),
  row("topic", "describe", "Metadata", 9, () => ({ topics: null, allowAutoTopicCreation: false }), {
    what: "of all",
    shows: isListed,
  }),
  row(
    "noTopic",
    "describe create|cluster:create",
    "Metadata",
    9,
    (name) => ({ topics: [{ name }], allowAutoTopicCreation: true }),
    { what: "that makes the topic" },
  ),
  row("group", "group:read read", "OffsetCommit", 7, (name) => ({
    groupId: name,
    topics: [{ name, partitions: [{ partitionIndex: 0, committedOffset: 0 }] }],
  })),
  row("group", "group:describe describe", "OffsetFetch", 7, (name) => ({
    groupId: name,
    topics: [{ name, partitionIndexes: [0] }],
  })),
  row("group", "group:describe describe", "OffsetFetch", 7, (name) => ({ groupId: name, topics: null }), {
    what: "of all",
    shows: isListed,
  }),
  row("nothing", "group:describe", "FindCoordinator", 3, (name) => ({ key: name, keyType: 0 })),
  row("noGroup", "group:read", "JoinGroup", 3, (name) => ({
    groupId: name,
    sessionTimeoutMs: 6000,
    memberId: "stranger",
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: noBytes }],
  })),
  row("nothing", "group:read", "Heartbeat", 3, (name) => ({
    groupId: name,
    generationId: 1,
    memberId: "stranger",
  })),
  row("nothing", "group:read", "LeaveGroup", 2, (name) => ({ groupId: name, memberId: "stranger" })),
  row("nothing", "group:read", "SyncGroup", 2, (name) => ({
    groupId: name,
    generationId: 1,
    memberId: "stranger",
    assignments: [],
  })),
  row("group", "group:describe", "DescribeGroups", 4, (name) => ({ groups: [name] })),
  row("group", "group:describe|cluster:describe", "ListGroups", 4, () => ({ statesFilter: [] }), {
    shows: isListed,
  }),
  row("noTopic", "create|cluster:create", "CreateTopics", 4, (name) => ({
    topics: [{ name, numPartitions: 2, replicationFactor: 1 }],
  })),
  row("topic", "delete", "DeleteTopics", 4, (name) => ({ topicNames: [name], timeoutMs: 1000 })),
  row("topic", "delete", "DeleteRecords", 1, (name) => ({
    topics: [{ name, partitions: [{ partitionIndex: 0, offset: 0 }] }],
    timeoutMs: 1000,
  })),
  row("nothing", "anyWrite|cluster:idempotentWrite", "InitProducerId", 4, () => ({
    transactionalId: null,
    transactionTimeoutMs: 1000,
  })),
  row("topic", "describe", "OffsetForLeaderEpoch", 3, (name) => ({
    replicaId: -2,
    topics: [{ topic: name, partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }] }],
  })),
  row("topic", "describeConfigs", "DescribeConfigs", 3, (name) => ({
    resources: [{ resourceType: topicConfig, resourceName: name, configurationKeys: null }],
  })),
  row(
    "nothing",
    "cluster:describeConfigs|administrator",
    "DescribeConfigs",
    3,
    () => ({ resources: [{ resourceType: brokerConfig, resourceName: "0", configurationKeys: null }] }),
    { what: "of the broker" },
  ),
  row("topic", "alterConfigs", "AlterConfigs", 1, (name) => ({
    resources: [{ resourceType: topicConfig, resourceName: name, configs: [setting] }],
    validateOnly: false,
  })),
  row("topic", "alterConfigs", "IncrementalAlterConfigs", 1, (name) => ({
    resources: [
      { resourceType: topicConfig, resourceName: name, configs: [{ ...setting, configOperation: 0 }] },
    ],
    validateOnly: false,
  })),
  // The new partition is a stream that may be denied by its own name.
  row("topic", "alter !create", "CreatePartitions", 1, (name) => ({
    topics: [{ name, count: 3, assignments: null }],
    timeoutMs: 1000,
    validateOnly: true,
  })),
  row("group", "group:delete", "DeleteGroups", 2, (name) => ({ groupsNames: [name] })),
  row("group", "group:delete read", "OffsetDelete", 0, (name) => ({
    groupId: name,
    topics: [{ name, partitions: [{ partitionIndex: 0 }] }],
  })),
  row("nothing", "cluster:describe|administrator", "DescribeAcls", 2, () => anyAcl),
  row("nothing", "cluster:alter|administrator", "CreateAcls", 2, () => ({ creations: [creation] })),
  row("nothing", "cluster:alter|administrator", "DeleteAcls", 2, () => ({ filters: [anyAcl] })),
  row("topic", "describe", "DescribeTopicPartitions", 0, (name) => ({
    topics: [{ name }],
    responsePartitionLimit: 10,
    cursor: null,
  })),
  row("topic", "group:read describe", "ShareGroupHeartbeat", 1, (name) => ({
    groupId: name,
    memberId: "matrix",
    memberEpoch: 0,
    subscribedTopicNames: [name],
  })),
  row("nothing", "group:describe", "ShareGroupDescribe", 1, (name) => ({ groupIds: [name] })),
  row("shareGroup", "group:read read settle", "ShareFetch", 1, shareFetch),
  {
    of: "ShareAcknowledge",
    before: "shareGroup",
    needs: "group:read read settle",
    ask: acknowledge,
  } as const,
  row("shareGroup", "group:describe describe", "DescribeShareGroupOffsets", 0, (name) => ({
    groups: [{ groupId: name, topics: [{ topicName: name, partitions: [1] }] }],
  })),
  row(
    "nothing",
    "group:describeConfigs",
    "DescribeConfigs",
    3,
    (name) => ({ resources: [{ resourceType: groupConfig, resourceName: name, configurationKeys: null }] }),
    { what: "of a group" },
  ),
  row(
    "nothing",
    "group:alterConfigs",
    "IncrementalAlterConfigs",
    1,
    (name) => ({
      resources: [{ resourceType: groupConfig, resourceName: name, configs: [groupSetting] }],
      validateOnly: false,
    }),
    { what: "of a group" },
  ),
];

const creation = {
  resourceType: 2,
  resourceName: "elsewhere",
  principal: "User:nobody",
  host: "*",
  operation: 3,
  permissionType: 3,
};

/** Who the broker is, and who asks. */
export const touchesNothing: readonly ApiName[] = [
  "ApiVersions",
  "DescribeCluster",
  "SaslAuthenticate",
  "SaslHandshake",
];

/** TOPIC_, GROUP_ and CLUSTER_AUTHORIZATION_FAILED. */
const isRefused = /"errorCode":(?:29|30|31)\b/;

export function kafkaOperations(admin: KafkaWireClient, user: KafkaWireClient): Operation[] {
  return rows.map(({ of, before, needs, what = "", ask, shows }, number) => {
    const name = `m-kafka-${number}`;
    return {
      of,
      what: `${of} ${what}`,
      needs: needs.split(" "),
      prepare: () => prepare(admin, name, before),
      async run(): Promise<Outcome> {
        const answer = JSON.stringify(await ask(user, name), (_key, value: unknown) =>
          typeof value === "bigint" ? Number(value) : value,
        );
        const isAllowed = shows === undefined ? !isRefused.test(answer) : shows(answer, name);
        return isAllowed ? "allowed" : "refused";
      },
    };
  });
}

async function prepare(admin: KafkaWireClient, name: string, before: Before): Promise<void> {
  if (before === "nothing" || before === "noGroup") return;
  await admin.request("DeleteTopics", 4, { topicNames: [name], timeoutMs: 1000 });
  if (before === "noTopic") return;
  await admin.request("CreateTopics", 4, { topics: [{ name, numPartitions: 2, replicationFactor: 1 }] });
  if (before === "topic") return;
  if (before === "shareGroup") return prepareShareGroup(admin, name);
  const partitions = [{ partitionIndex: 0, committedOffset: 0 }];
  await admin.request("OffsetCommit", 7, { groupId: name, topics: [{ name, partitions }] });
}

async function prepareShareGroup(admin: KafkaWireClient, name: string): Promise<void> {
  const joined = await admin.request("ShareGroupHeartbeat", 1, {
    groupId: name,
    memberId: "admin",
    memberEpoch: 0,
    subscribedTopicNames: [name],
  });
  topicIds.set(name, joined.assignment!.topicPartitions[0]!.topicId);
}
