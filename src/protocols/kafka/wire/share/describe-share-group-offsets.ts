/** DescribeShareGroupOffsets (KIP-932): how far share groups are. Version 1 says how many records are left (KIP-1226). */
import { Api } from "../api.ts";
import { array, arrayOf, int16, int32, int64, string, uuid } from "../schema.ts";

export const DescribeShareGroupOffsets = new Api({
  key: 90,
  name: "DescribeShareGroupOffsets",
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groups: array({
      groupId: string(),
      // Null: all of the group's.
      topics: array({ topicName: string(), partitions: arrayOf(int32()) }, { nullable: 0 }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    groups: array({
      groupId: string(),
      topics: array({
        topicName: string(),
        topicId: uuid(),
        partitions: array({
          partitionIndex: int32(),
          startOffset: int64(),
          leaderEpoch: int32(),
          lag: int64({ since: 1, default: -1 }),
          errorCode: int16(),
          errorMessage: string({ nullable: 0, default: null }),
        }),
      }),
      errorCode: int16(),
      errorMessage: string({ nullable: 0, default: null }),
    }),
  },
});
