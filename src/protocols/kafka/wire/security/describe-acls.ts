/** DescribeAcls: bindings that a filter matches, by resource pattern. Version 0, without pattern types, is gone since Kafka 4. */
import { Api } from "../api.ts";
import { array, int16, int32, int8, string } from "../schema.ts";

export const DescribeAcls = new Api({
  key: 29,
  name: "DescribeAcls",
  versions: [1, 3],
  flexibleSince: 2,
  request: {
    resourceTypeFilter: int8(),
    resourceNameFilter: string({ nullable: 0 }),
    patternTypeFilter: int8({ default: 3 }),
    principalFilter: string({ nullable: 0 }),
    hostFilter: string({ nullable: 0 }),
    operation: int8(),
    permissionType: int8(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: 0, default: null }),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8({ default: 3 }),
      acls: array({ principal: string(), host: string(), operation: int8(), permissionType: int8() }),
    }),
  },
});
