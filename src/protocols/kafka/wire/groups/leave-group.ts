/** LeaveGroup: one member up to version 2, several from version 3. */
import { Api } from "../api.ts";
import { array, int16, int32, string } from "../schema.ts";

export const LeaveGroup = new Api({
  key: 13,
  name: "LeaveGroup",
  versions: [0, 5],
  flexibleSince: 4,
  request: {
    groupId: string(),
    memberId: string({ until: 2, default: "" }),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string({ nullable: 3, default: null }),
        reason: string({ since: 5, nullable: 5, default: null }),
      },
      { since: 3, default: [] },
    ),
  },
  response: {
    throttleTimeMs: int32({ since: 1, default: 0 }),
    errorCode: int16(),
    members: array(
      {
        memberId: string(),
        groupInstanceId: string({ nullable: 3 }),
        errorCode: int16(),
      },
      { since: 3, default: [] },
    ),
  },
});
