/**
 * ListOffsets: the offset at a time, or at one of the special positions -1 latest, -2 earliest, -3 maximum timestamp
 * (version 7), -4 earliest local (8), -5 latest tiered (9), -6 earliest pending upload (11).
 */
import { Api } from "../api.ts";
import { array, int16, int32, int64, int8, string } from "../schema.ts";

export const ListOffsets = new Api({
  key: 2,
  name: "ListOffsets",
  versions: [1, 11],
  flexibleSince: 6,
  request: {
    replicaId: int32({ default: -1 }),
    isolationLevel: int8({ since: 2, default: 0 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32({ since: 4, default: -1 }),
        timestamp: int64(),
      }),
    }),
    timeoutMs: int32({ since: 10, default: 0 }),
  },
  response: {
    throttleTimeMs: int32({ since: 2, default: 0 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        timestamp: int64({ default: -1 }),
        offset: int64({ default: -1 }),
        leaderEpoch: int32({ since: 4, default: -1 }),
      }),
    }),
  },
});
