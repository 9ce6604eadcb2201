/** DeleteGroups: groups without members, with their positions. */
import { Api } from "../api.ts";
import { array, arrayOf, int16, int32, string } from "../schema.ts";

export const DeleteGroups = new Api({
  key: 42,
  name: "DeleteGroups",
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    groupsNames: arrayOf(string()),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({ groupId: string(), errorCode: int16() }),
  },
});
