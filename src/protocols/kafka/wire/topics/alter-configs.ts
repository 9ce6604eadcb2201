/** AlterConfigs: replaces all settings of a resource; IncrementalAlterConfigs is what clients should use. */
import { Api } from "../api.ts";
import { array, boolean, int16, int32, int8, string } from "../schema.ts";

export const AlterConfigs = new Api({
  key: 33,
  name: "AlterConfigs",
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({ name: string(), value: string({ nullable: 0 }) }),
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
