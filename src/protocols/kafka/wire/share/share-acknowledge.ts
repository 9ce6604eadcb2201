/** ShareAcknowledge (KIP-932): acknowledges records of a share session without acquiring more. Version 2 may renew locks (KIP-1222). */
import { Api } from "../api.ts";
import { array, arrayOf, boolean, int16, int32, int64, int8, string, struct, uuid } from "../schema.ts";

export const ShareAcknowledge = new Api({
  key: 79,
  name: "ShareAcknowledge",
  versions: [1, 2],
  flexibleSince: 0,
  request: {
    groupId: string({ nullable: 0, default: null }),
    memberId: string({ nullable: 0 }),
    shareSessionEpoch: int32(),
    isRenewAck: boolean({ since: 2, default: false }),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        acknowledgementBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          acknowledgeTypes: arrayOf(int8()),
        }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: 0, default: null }),
    acquisitionLockTimeoutMs: int32({ since: 2, default: 0 }),
    responses: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: 0, default: null }),
        currentLeader: struct({ leaderId: int32(), leaderEpoch: int32() }),
      }),
    }),
    nodeEndpoints: array(
      { nodeId: int32(), host: string(), port: int32(), rack: string({ nullable: 0, default: null }) },
      { default: [] },
    ),
  },
});
