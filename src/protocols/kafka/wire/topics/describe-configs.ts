/** DescribeConfigs: settings of topics (resource type 2), brokers (4), groups (32). Null keys ask for all. */
import { Api } from "../api.ts";
import { array, arrayOf, boolean, int16, int32, int8, string } from "../schema.ts";

export const DescribeConfigs = new Api({
  key: 32,
  name: "DescribeConfigs",
  versions: [1, 4],
  flexibleSince: 4,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: arrayOf(string(), { nullable: 0 }),
    }),
    includeSynonyms: boolean({ default: false }),
    includeDocumentation: boolean({ since: 3, default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      errorCode: int16(),
      errorMessage: string({ nullable: 0 }),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string({ nullable: 0 }),
        readOnly: boolean(),
        configSource: int8({ default: -1 }),
        isSensitive: boolean(),
        synonyms: array({ name: string(), value: string({ nullable: 0 }), source: int8() }, { default: [] }),
        configType: int8({ since: 3, default: 0 }),
        documentation: string({ since: 3, nullable: 0, default: null }),
      }),
    }),
  },
});
