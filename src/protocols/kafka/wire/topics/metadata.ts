/**
 * Metadata: brokers and topics. A null topic list asks for all topics; in version 0 an empty list does.
 * From version 12 a topic can be asked for by id, with a null name.
 */
import { Api } from "../api.ts";
import { array, arrayOf, boolean, int16, int32, string, uuid, zeroUuid } from "../schema.ts";

const operationsUnknown = -2147483648;

export const Metadata = new Api({
  key: 3,
  name: "Metadata",
  versions: [0, 13],
  flexibleSince: 9,
  request: {
    topics: array(
      {
        topicId: uuid({ since: 10, default: zeroUuid }),
        name: string({ nullable: 10 }),
      },
      { nullable: 1 },
    ),
    allowAutoTopicCreation: boolean({ since: 4, default: true }),
    includeClusterAuthorizedOperations: boolean({ since: 8, until: 10, default: false }),
    includeTopicAuthorizedOperations: boolean({ since: 8, default: false }),
  },
  response: {
    throttleTimeMs: int32({ since: 3, default: 0 }),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ since: 1, nullable: 1, default: null }),
    }),
    clusterId: string({ since: 2, nullable: 2, default: null }),
    controllerId: int32({ since: 1, default: -1 }),
    topics: array({
      errorCode: int16(),
      name: string({ nullable: 12 }),
      topicId: uuid({ since: 10, default: zeroUuid }),
      isInternal: boolean({ since: 1, default: false }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ since: 7, default: -1 }),
        replicaNodes: arrayOf(int32()),
        isrNodes: arrayOf(int32()),
        offlineReplicas: arrayOf(int32(), { since: 5, default: [] }),
      }),
      topicAuthorizedOperations: int32({ since: 8, default: operationsUnknown }),
    }),
    clusterAuthorizedOperations: int32({ since: 8, until: 10, default: operationsUnknown }),
    errorCode: int16({ since: 13, default: 0 }),
  },
});
