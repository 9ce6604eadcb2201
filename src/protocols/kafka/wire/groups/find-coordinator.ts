/** FindCoordinator: which broker keeps a group (key type 0), a transaction (1) or a share group (2). Several from 4. */
import { Api } from "../api.ts";
import { array, arrayOf, int16, int32, int8, string } from "../schema.ts";

export const FindCoordinator = new Api({
  key: 10,
  name: "FindCoordinator",
  versions: [0, 6],
  flexibleSince: 3,
  request: {
    key: string({ until: 3, default: "" }),
    keyType: int8({ since: 1, default: 0 }),
    coordinatorKeys: arrayOf(string(), { since: 4, default: [] }),
  },
  response: {
    throttleTimeMs: int32({ since: 1, default: 0 }),
    errorCode: int16({ until: 3, default: 0 }),
    errorMessage: string({ since: 1, until: 3, nullable: 1, default: null }),
    nodeId: int32({ until: 3, default: -1 }),
    host: string({ until: 3, default: "" }),
    port: int32({ until: 3, default: -1 }),
    coordinators: array(
      {
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: 4, default: null }),
      },
      { since: 4, default: [] },
    ),
  },
});
