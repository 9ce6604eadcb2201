/** CreateAcls: bindings of a principal, a resource pattern, an operation and a permission. */
import { Api } from "../api.ts";
import { array, int16, int32, int8, string } from "../schema.ts";

export const CreateAcls = new Api({
  key: 30,
  name: "CreateAcls",
  versions: [1, 3],
  flexibleSince: 2,
  request: {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8({ default: 3 }),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({ errorCode: int16(), errorMessage: string({ nullable: 0, default: null }) }),
  },
});
