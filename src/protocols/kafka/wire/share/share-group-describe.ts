/** ShareGroupDescribe (KIP-932): state, members and assignments of share groups. */
import { Api } from "../api.ts";
import { array, arrayOf, boolean, int16, int32, string, struct, uuid } from "../schema.ts";

export const ShareGroupDescribe = new Api({
  key: 77,
  name: "ShareGroupDescribe",
  versions: [1, 1],
  flexibleSince: 0,
  request: {
    groupIds: arrayOf(string()),
    includeAuthorizedOperations: boolean({ default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    groups: array({
      errorCode: int16(),
      errorMessage: string({ nullable: 0, default: null }),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        rackId: string({ nullable: 0, default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: arrayOf(string()),
        assignment: struct({
          topicPartitions: array({ topicId: uuid(), topicName: string(), partitions: arrayOf(int32()) }),
        }),
      }),
      authorizedOperations: int32({ default: -2147483648 }),
    }),
  },
});
