/** OffsetDelete: forget a group's positions on topics that it does not subscribe to. */
import { Api } from "../api.ts";
import { array, int16, int32, string } from "../schema.ts";

export const OffsetDelete = new Api({
  key: 47,
  name: "OffsetDelete",
  versions: [0, 0],
  request: {
    groupId: string(),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32() }),
    }),
  },
  response: {
    errorCode: int16(),
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
});
