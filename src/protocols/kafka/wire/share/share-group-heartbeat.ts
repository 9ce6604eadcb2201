/**
 * ShareGroupHeartbeat (KIP-932): a member of a share group joins (epoch 0), stays, or leaves (-1), and hears which partitions it reads.
 * Version 0 was that of an early access and is spoken by nobody.
 */
import { Api } from "../api.ts";
import { array, arrayOf, int16, int32, string, struct, uuid } from "../schema.ts";

export const ShareGroupHeartbeat = new Api({
  key: 76,
  name: "ShareGroupHeartbeat",
  versions: [1, 1],
  flexibleSince: 0,
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    rackId: string({ nullable: 0, default: null }),
    // Null: as before.
    subscribedTopicNames: arrayOf(string(), { nullable: 0, default: null }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: 0, default: null }),
    memberId: string({ nullable: 0, default: null }),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    // Null: as before.
    assignment: struct(
      { topicPartitions: array({ topicId: uuid(), partitions: arrayOf(int32()) }) },
      { nullable: 0, default: null },
    ),
  },
});
