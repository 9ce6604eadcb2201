/** OffsetForLeaderEpoch: where an epoch ended, by which a consumer finds out that the log was cut. */
import { Api } from "../api.ts";
import { array, int16, int32, int64, string } from "../schema.ts";

export const OffsetForLeaderEpoch = new Api({
  key: 23,
  name: "OffsetForLeaderEpoch",
  versions: [2, 4],
  flexibleSince: 4,
  request: {
    replicaId: int32({ since: 3, default: -2 }),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ default: -1 }),
        leaderEpoch: int32(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32({ default: -1 }),
        endOffset: int64({ default: -1 }),
      }),
    }),
  },
});
