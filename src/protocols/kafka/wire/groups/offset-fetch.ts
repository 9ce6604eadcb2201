/**
 * OffsetFetch: read a group's positions. Up to version 7 for one group, from version 8 for several (`groups`);
 * a null topic list asks for all topics. From version 10 topics go by id.
 */
import { Api } from "../api.ts";
import { array, arrayOf, boolean, int16, int32, int64, string, uuid, zeroUuid } from "../schema.ts";

export const OffsetFetch = new Api({
  key: 9,
  name: "OffsetFetch",
  versions: [1, 10],
  flexibleSince: 6,
  request: {
    groupId: string({ until: 7, default: "" }),
    topics: array(
      { name: string(), partitionIndexes: arrayOf(int32()) },
      { until: 7, nullable: 2, default: [] },
    ),
    groups: array(
      {
        groupId: string(),
        memberId: string({ since: 9, nullable: 9, default: null }),
        memberEpoch: int32({ since: 9, default: -1 }),
        topics: array(
          {
            name: string({ until: 9, default: "" }),
            topicId: uuid({ since: 10, default: zeroUuid }),
            partitionIndexes: arrayOf(int32()),
          },
          { nullable: 8 },
        ),
      },
      { since: 8, default: [] },
    ),
    requireStable: boolean({ since: 7, default: false }),
  },
  response: {
    throttleTimeMs: int32({ since: 3, default: 0 }),
    topics: array(
      {
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32({ since: 5, default: -1 }),
          metadata: string({ nullable: 0 }),
          errorCode: int16(),
        }),
      },
      { until: 7, default: [] },
    ),
    errorCode: int16({ since: 2, until: 7, default: 0 }),
    groups: array(
      {
        groupId: string(),
        topics: array({
          name: string({ until: 9, default: "" }),
          topicId: uuid({ since: 10, default: zeroUuid }),
          partitions: array({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ default: -1 }),
            metadata: string({ nullable: 0 }),
            errorCode: int16(),
          }),
        }),
        errorCode: int16({ default: 0 }),
      },
      { since: 8, default: [] },
    ),
  },
});
