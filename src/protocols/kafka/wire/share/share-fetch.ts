/**
 * ShareFetch (KIP-932): acknowledges records, then acquires more, within a share session. Topics go by id. Version 2 has a strict limit of
 * records (KIP-1206) and renewed locks (KIP-1222).
 */
import { Api } from "../api.ts";
import {
  array,
  arrayOf,
  boolean,
  int16,
  int32,
  int64,
  int8,
  records,
  string,
  struct,
  uuid,
} from "../schema.ts";

export const ShareFetch = new Api({
  key: 78,
  name: "ShareFetch",
  versions: [1, 2],
  flexibleSince: 0,
  request: {
    groupId: string({ nullable: 0, default: null }),
    memberId: string({ nullable: 0 }),
    shareSessionEpoch: int32(),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ default: 0x7fff_ffff }),
    maxRecords: int32(),
    batchSize: int32(),
    // 0: up to the end of a batch; 1: at most `maxRecords`.
    shareAcquireMode: int8({ since: 2, default: 0 }),
    isRenewAck: boolean({ since: 2, default: false }),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        // 0 gap, 1 accept, 2 release, 3 reject, 4 renew: one for each offset, or one for all of them.
        acknowledgementBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          acknowledgeTypes: arrayOf(int8()),
        }),
      }),
    }),
    forgottenTopicsData: array({ topicId: uuid(), partitions: arrayOf(int32()) }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: 0, default: null }),
    acquisitionLockTimeoutMs: int32({ default: 0 }),
    responses: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: 0, default: null }),
        acknowledgeErrorCode: int16(),
        acknowledgeErrorMessage: string({ nullable: 0, default: null }),
        currentLeader: struct({ leaderId: int32(), leaderEpoch: int32() }),
        records: records(),
        acquiredRecords: array({ firstOffset: int64(), lastOffset: int64(), deliveryCount: int16() }),
      }),
    }),
    nodeEndpoints: array(
      { nodeId: int32(), host: string(), port: int32(), rack: string({ nullable: 0, default: null }) },
      { default: [] },
    ),
  },
});
