/** JoinGroup: become a member and wait for the others. The leader's response carries all members' metadata. */
import { Api } from "../api.ts";
import { array, boolean, bytes, int16, int32, string } from "../schema.ts";

export const JoinGroup = new Api({
  key: 11,
  name: "JoinGroup",
  versions: [0, 9],
  flexibleSince: 6,
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    // Version 0 has none: the session timeout serves.
    rebalanceTimeoutMs: int32({ since: 1, default: -1 }),
    memberId: string(),
    groupInstanceId: string({ since: 5, nullable: 5, default: null }),
    protocolType: string(),
    protocols: array({ name: string(), metadata: bytes() }),
    reason: string({ since: 8, nullable: 8, default: null }),
  },
  response: {
    throttleTimeMs: int32({ since: 2, default: 0 }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: string({ since: 7, nullable: 7, default: null }),
    protocolName: string({ nullable: 7 }),
    leader: string(),
    skipAssignment: boolean({ since: 9, default: false }),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string({ since: 5, nullable: 5, default: null }),
      metadata: bytes(),
    }),
  },
});
