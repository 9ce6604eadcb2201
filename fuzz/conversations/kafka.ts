/** What a Kafka client may say: every api in every version, what real clients said, and what does something. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { ByteWriter } from "../../src/base/bytes.ts";
import { codecs, compress } from "../../src/message/kafka/compression.ts";
import {
  allApis,
  encodeRequest,
  type ApiName,
  type RequestInput,
} from "../../src/protocols/kafka/wire/codec.ts";
import { bodyArbitrary } from "../../test/unit/message/kafka-arbitraries.ts";
import { kafkaBatch } from "../../test/unit/message/message-support.ts";
import { batchFormat } from "../formats/kafka.ts";

/** Every api and version by itself. */
export function everyRequest(samples: number): Buffer[] {
  const requests: Buffer[] = [];
  for (const api of allApis) {
    for (let version = api.versionMin; version <= api.versionMax; version++) {
      const bodies = fc.sample(bodyArbitrary(api.request, version), { seed: 11, numRuns: samples });
      for (const body of bodies) requests.push(asked(api.name as ApiName, version, body as never));
    }
  }
  return requests;
}

export function recordedRequests(): Buffer[] {
  const url = new URL("../../test/vectors/kafka/requests.json", import.meta.url);
  return (JSON.parse(readFileSync(url, "utf8")) as { hex: string }[]).map(({ hex }) =>
    Buffer.from(hex, "hex"),
  );
}

/** Batches in every codec, with keys, headers and nulls. */
export function batches(): Buffer[] {
  const messages = [
    {
      key: "k1",
      value: "v1",
      headers: [
        ["h", "x"],
        ["n", null],
      ] as const,
    },
    { key: null, value: null, headers: [] },
    { key: "k2", value: "some longer value ".repeat(8), headers: [["amqp.priority", "5"]] as const },
  ];
  const plain = kafkaBatch(messages);
  return [
    plain,
    kafkaBatch(messages.slice(0, 1)),
    ...Object.values(codecs).map((codec) => compressed(plain, codec)),
  ];
}

/** A few kilobytes that become megabytes. */
export function compressionBombs(): Buffer[] {
  const plain = Buffer.concat([batches()[1]!.subarray(0, 61), Buffer.alloc(2 << 20)]);
  return [codecs.gzip, codecs.snappy, codecs.lz4, codecs.zstd].map((codec) => compressed(plain, codec));
}

function compressed(plain: Buffer, codec: number): Buffer {
  const head = Buffer.from(plain.subarray(0, 61));
  head[22] = codec;
  return batchFormat.seal!(Buffer.concat([head, compress(codec, plain.subarray(61))]));
}

function asked<N extends ApiName>(name: N, version: number, body: RequestInput<N>): Buffer {
  const writer = new ByteWriter();
  encodeRequest(writer, name, { version, correlationId: 9, clientId: "fuzz" }, body);
  return writer.copy();
}

export function apiVersionsRequest(): Buffer {
  return asked("ApiVersions", 0, {});
}

/** A member id that a client cannot know before: whoever sends a conversation puts the one that it was told here. */
export const memberPlaceholder = "fuzz-00000000-0000-0000-0000-000000000000";

/** A batch of an idempotent producer. */
function idempotent(sequence: number): Buffer {
  const batch = Buffer.from(batches()[1]!);
  batch.writeBigInt64BE(1n, 43);
  batch.writeInt16BE(0, 51);
  batch.writeInt32BE(sequence, 53);
  return batchFormat.seal!(batch);
}

function produced(name: string, records: Buffer, version = 9): Buffer {
  return asked("Produce", version, {
    acks: -1,
    timeoutMs: 1000,
    transactionalId: null,
    topicData: [{ name, partitionData: [{ index: 0, records }] }],
  });
}

export function fetched(topic: string, fetchOffset: number): Buffer {
  return asked("Fetch", 12, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1 << 20,
    topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
  });
}

/** The life of a group's only member. */
function groupTalk(version: number): Buffer[] {
  const groupId = "g";
  const memberId = memberPlaceholder;
  const metadata = Buffer.from("00000000000100017400000000", "hex");
  const join = (id: string) =>
    asked("JoinGroup", version, {
      groupId,
      sessionTimeoutMs: 6000,
      rebalanceTimeoutMs: 6000,
      memberId: id,
      groupInstanceId: null,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata }],
    });
  const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: "m" }];
  return [
    join(""),
    join(memberId),
    asked("SyncGroup", 3, {
      groupId,
      generationId: 1,
      memberId,
      groupInstanceId: null,
      assignments: [{ memberId, assignment: metadata }],
    }),
    asked("Heartbeat", 3, { groupId, generationId: 1, memberId, groupInstanceId: null }),
    asked("DescribeGroups", 5, { groups: [groupId], includeAuthorizedOperations: true }),
    asked("OffsetCommit", 7, {
      groupId,
      generationIdOrMemberEpoch: 1,
      memberId,
      groupInstanceId: null,
      topics: [{ name: "t", partitions }],
    }),
    asked("OffsetFetch", 7, {
      groupId,
      topics: [{ name: "t", partitionIndexes: [0] }],
      requireStable: false,
    }),
    asked("ListGroups", 4, { statesFilter: [] }),
    asked("LeaveGroup", 3, { groupId, members: [{ memberId, groupInstanceId: null }] }),
    asked("DeleteGroups", 2, { groupsNames: [groupId] }),
  ];
}

/** Of an administrator's connection, whom no denial concerns. */
function acls(): Buffer[] {
  const binding = {
    resourceType: 2,
    resourceName: "t",
    resourcePatternType: 4,
    principal: "User:ann",
    host: "*",
    operation: 3,
    permissionType: 2,
  };
  const filter = {
    resourceTypeFilter: 1,
    resourceNameFilter: "topic",
    patternTypeFilter: 2,
    principalFilter: null,
    hostFilter: "*",
    operation: 1,
    permissionType: 1,
  };
  return [
    asked("CreateAcls", 2, { creations: [binding, { ...binding, resourceType: 3, permissionType: 3 }] }),
    asked("DescribeAcls", 2, filter),
    asked("DeleteAcls", 3, { filters: [filter] }),
  ];
}

export function kafkaConversations(): Buffer[] {
  const produce = batches().map((records) => produced("t", records));
  const fetch = fetched("t", 0);
  const create = asked("CreateTopics", 5, {
    topics: [
      {
        name: "t",
        numPartitions: 2,
        replicationFactor: 1,
        assignments: [],
        configs: [{ name: "retention.ms", value: "1000" }],
      },
    ],
    timeoutMs: 100,
    validateOnly: false,
  });
  const recorded = recordedRequests();
  const across = batches().flatMap((records) => ["mix", "x", "q"].map((name) => produced(name, records)));
  const talks: Buffer[][] = [
    [create, ...produce, fetch],
    [create, produce[0]!, fetch, fetch],
    acls(),
    [create, ...[0, 1, 1, 0, 3].map((sequence) => produced("t", idempotent(sequence)))],
    groupTalk(2),
    groupTalk(5),
    across,
    [create, asked("DeleteTopics", 3, { topicNames: ["t"], timeoutMs: 10 }), produced("t", batches()[0]!)],
    recorded,
  ];
  for (let at = 0; at < recorded.length; at += 6) talks.push([create, ...recorded.slice(at, at + 6), fetch]);
  const every = everyRequest(1);
  for (let at = 0; at < every.length; at += 5) talks.push([create, ...every.slice(at, at + 5)]);
  // What does something comes as often as what is only there.
  const told = talks.slice(0, 8);
  return [...talks, ...told, ...told, ...told].map((requests) => Buffer.concat(requests));
}
