/** CreateTopics. Partitions or replication factor -1 ask for the broker's default. */
import { Api } from "../api.ts";
import { array, arrayOf, boolean, int16, int32, int8, string, uuid, zeroUuid } from "../schema.ts";

export const CreateTopics = new Api({
  key: 19,
  name: "CreateTopics",
  versions: [2, 7],
  flexibleSince: 5,
  request: {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({ partitionIndex: int32(), brokerIds: arrayOf(int32()) }, { default: [] }),
      configs: array({ name: string(), value: string({ nullable: 0 }) }, { default: [] }),
    }),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: boolean({ default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string(),
      topicId: uuid({ since: 7, default: zeroUuid }),
      errorCode: int16(),
      errorMessage: string({ nullable: 0, default: null }),
      topicConfigErrorCode: int16({ since: 5, tag: 0, default: 0 }),
      numPartitions: int32({ since: 5, default: -1 }),
      replicationFactor: int16({ since: 5, default: -1 }),
      configs: array(
        {
          name: string(),
          value: string({ nullable: 5 }),
          readOnly: boolean(),
          configSource: int8({ default: -1 }),
          isSensitive: boolean(),
        },
        { since: 5, nullable: 5, default: [] },
      ),
    }),
  },
});
