/** IncrementalAlterConfigs: operation 0 sets, 1 deletes, 2 appends to a list, 3 subtracts from it. */
import { Api } from "../api.ts";
import { array, boolean, int16, int32, int8, string } from "../schema.ts";

export const IncrementalAlterConfigs = new Api({
  key: 44,
  name: "IncrementalAlterConfigs",
  versions: [0, 1],
  flexibleSince: 1,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({ name: string(), configOperation: int8(), value: string({ nullable: 0 }) }),
    }),
    validateOnly: boolean(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    responses: array({
      errorCode: int16(),
      errorMessage: string({ nullable: 0 }),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
});
