/** ListGroups: all groups, by state from version 4, by type ("classic", "consumer", "share") from version 5. */
import { Api } from "../api.ts";
import { array, arrayOf, int16, int32, string } from "../schema.ts";

export const ListGroups = new Api({
  key: 16,
  name: "ListGroups",
  versions: [0, 5],
  flexibleSince: 3,
  request: {
    statesFilter: arrayOf(string(), { since: 4, default: [] }),
    typesFilter: arrayOf(string(), { since: 5, default: [] }),
  },
  response: {
    throttleTimeMs: int32({ since: 1, default: 0 }),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string({ since: 4, default: "" }),
      groupType: string({ since: 5, default: "" }),
    }),
  },
});
