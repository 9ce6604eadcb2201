/** CreatePartitions: raise a topic's partition count to `count`. */
import { Api } from "../api.ts";
import { array, arrayOf, boolean, int16, int32, string } from "../schema.ts";

export const CreatePartitions = new Api({
  key: 37,
  name: "CreatePartitions",
  versions: [0, 3],
  flexibleSince: 2,
  request: {
    topics: array({
      name: string(),
      count: int32(),
      assignments: array({ brokerIds: arrayOf(int32()) }, { nullable: 0, default: null }),
    }),
    timeoutMs: int32(),
    validateOnly: boolean(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      name: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: 0, default: null }),
    }),
  },
});
