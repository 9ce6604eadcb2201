/** Heartbeat: a member is alive. */
import { Api } from "../api.ts";
import { int16, int32, string } from "../schema.ts";

export const Heartbeat = new Api({
  key: 12,
  name: "Heartbeat",
  versions: [0, 4],
  flexibleSince: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ since: 3, nullable: 3, default: null }),
  },
  response: {
    throttleTimeMs: int32({ since: 1, default: 0 }),
    errorCode: int16(),
  },
});
