/** DescribeCluster: the brokers (endpoint type 1) or controllers (2) of the cluster. */
import { Api } from "../api.ts";
import { array, boolean, int16, int32, int8, string } from "../schema.ts";

export const DescribeCluster = new Api({
  key: 60,
  name: "DescribeCluster",
  versions: [0, 2],
  flexibleSince: 0,
  request: {
    includeClusterAuthorizedOperations: boolean({ default: false }),
    endpointType: int8({ since: 1, default: 1 }),
    includeFencedBrokers: boolean({ since: 2, default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: 0, default: null }),
    endpointType: int8({ since: 1, default: 1 }),
    clusterId: string(),
    controllerId: int32({ default: -1 }),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: 0, default: null }),
      isFenced: boolean({ since: 2, default: false }),
    }),
    clusterAuthorizedOperations: int32({ default: -2147483648 }),
  },
});
