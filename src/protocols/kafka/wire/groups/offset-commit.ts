/** OffsetCommit: store a group's positions. From version 10 topics go by id. */
import { Api } from "../api.ts";
import { array, int16, int32, int64, string, uuid, zeroUuid } from "../schema.ts";

export const OffsetCommit = new Api({
  key: 8,
  name: "OffsetCommit",
  versions: [2, 10],
  flexibleSince: 8,
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ default: -1 }),
    memberId: string({ default: "" }),
    groupInstanceId: string({ since: 7, nullable: 7, default: null }),
    retentionTimeMs: int64({ until: 4, default: -1 }),
    topics: array({
      name: string({ until: 9, default: "" }),
      topicId: uuid({ since: 10, default: zeroUuid }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ since: 6, default: -1 }),
        committedMetadata: string({ nullable: 0, default: "" }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ since: 3, default: 0 }),
    topics: array({
      name: string({ until: 9, default: "" }),
      topicId: uuid({ since: 10, default: zeroUuid }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
});
