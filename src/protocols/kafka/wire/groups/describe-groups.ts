/** DescribeGroups: state and members of classic groups. From version 6 an unknown group is an error (KIP-1043). */
import { Api } from "../api.ts";
import { array, arrayOf, boolean, bytes, int16, int32, string } from "../schema.ts";

export const DescribeGroups = new Api({
  key: 15,
  name: "DescribeGroups",
  versions: [0, 6],
  flexibleSince: 5,
  request: {
    groups: arrayOf(string()),
    includeAuthorizedOperations: boolean({ since: 3, default: false }),
  },
  response: {
    throttleTimeMs: int32({ since: 1, default: 0 }),
    groups: array({
      errorCode: int16(),
      errorMessage: string({ since: 6, nullable: 6, default: null }),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string({ since: 4, nullable: 4, default: null }),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32({ since: 3, default: -2147483648 }),
    }),
  },
});
