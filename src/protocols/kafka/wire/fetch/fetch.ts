/**
 * Fetch: read record batches, waiting for them if need be. From version 7 within a fetch session (KIP-227), from
 * version 13 topics go by id (KIP-516).
 */
import { Api } from "../api.ts";
import {
  array,
  arrayOf,
  int16,
  int32,
  int64,
  int8,
  records,
  string,
  struct,
  uuid,
  zeroUuid,
} from "../schema.ts";

export const Fetch = new Api({
  key: 1,
  name: "Fetch",
  versions: [4, 18],
  flexibleSince: 12,
  request: {
    clusterId: string({ since: 12, nullable: 12, tag: 0, default: null }),
    replicaId: int32({ until: 14, default: -1 }),
    replicaState: struct(
      { replicaId: int32({ default: -1 }), replicaEpoch: int64({ default: -1 }) },
      { since: 15, tag: 1 },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ default: 0x7fff_ffff }),
    isolationLevel: int8({ default: 0 }),
    sessionId: int32({ since: 7, default: 0 }),
    sessionEpoch: int32({ since: 7, default: -1 }),
    topics: array({
      topic: string({ until: 12, default: "" }),
      topicId: uuid({ since: 13, default: zeroUuid }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ since: 9, default: -1 }),
        fetchOffset: int64(),
        lastFetchedEpoch: int32({ since: 12, default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid({ since: 17, tag: 0, default: zeroUuid }),
        // The largest int64 stands for "unknown"; as a JS number it is 2^63, which is never written.
        highWatermark: int64({ since: 18, tag: 1, default: 2 ** 63 }),
      }),
    }),
    forgottenTopicsData: array(
      {
        topic: string({ until: 12, default: "" }),
        topicId: uuid({ since: 13, default: zeroUuid }),
        partitions: arrayOf(int32()),
      },
      { since: 7, default: [] },
    ),
    rackId: string({ since: 11, default: "" }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16({ since: 7, default: 0 }),
    sessionId: int32({ since: 7, default: 0 }),
    responses: array({
      topic: string({ until: 12, default: "" }),
      topicId: uuid({ since: 13, default: zeroUuid }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64({ default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        divergingEpoch: struct(
          { epoch: int32({ default: -1 }), endOffset: int64({ default: -1 }) },
          { since: 12, tag: 0 },
        ),
        currentLeader: struct(
          { leaderId: int32({ default: -1 }), leaderEpoch: int32({ default: -1 }) },
          { since: 12, tag: 1 },
        ),
        snapshotId: struct(
          { endOffset: int64({ default: -1 }), epoch: int32({ default: -1 }) },
          { since: 12, tag: 2 },
        ),
        abortedTransactions: array(
          { producerId: int64(), firstOffset: int64() },
          { nullable: 4, default: null },
        ),
        preferredReadReplica: int32({ since: 11, default: -1 }),
        records: records(),
      }),
    }),
    nodeEndpoints: array(
      { nodeId: int32(), host: string(), port: int32(), rack: string({ nullable: 16, default: null }) },
      { since: 16, tag: 0 },
    ),
  },
});
