/** DescribeCluster: the one broker, which is its own controller. */
import type { Handler } from "../core/call.ts";
import { nodeId } from "../core/server.ts";
import { errorCodes } from "../wire/error-codes.ts";

const brokersEndpoint = 1;

export const describeCluster: Handler<"DescribeCluster"> = (call, request) => {
  const { clusterId } = call.server;
  if (request.endpointType !== brokersEndpoint) {
    return {
      errorCode: errorCodes.MISMATCHED_ENDPOINT_TYPE,
      errorMessage:
        "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER",
      endpointType: brokersEndpoint,
      clusterId,
      brokers: [],
    };
  }
  const { host, port } = call.server.addressFor(call.connection);
  return {
    errorCode: errorCodes.NONE,
    clusterId,
    controllerId: nodeId,
    brokers: [{ brokerId: nodeId, host, port }],
  };
};
