/** CreateAcls: what the one place that decides is told in Kafka's words. In force when it is answered, and durable then. */
import type { KafkaAcl } from "../../../broker/access/acls.ts";
import { limits } from "../../../base/limits.ts";
import { bindingOf } from "./acl-bindings.ts";
import { mayUseCluster } from "../core/authorize.ts";
import type { Handler } from "../core/call.ts";
import { errorCodes } from "../wire/error-codes.ts";

export const createAcls: Handler<"CreateAcls"> = function* (call, request) {
  const refuseAll = (error: keyof typeof errorCodes, errorMessage: string) => ({
    results: request.creations.map(() => ({ errorCode: errorCodes[error], errorMessage })),
  });
  if (!mayUseCluster(call, "alterAcls")) {
    return refuseAll("CLUSTER_AUTHORIZATION_FAILED", "Cluster authorization failed.");
  }
  if (request.creations.length > limits.kafkaRequestAclsMax) {
    return refuseAll("POLICY_VIOLATION", `One request makes at most ${limits.kafkaRequestAclsMax} ACLs.`);
  }
  yield request.creations.length;
  const bindings: KafkaAcl[] = [];
  const results = request.creations.map(({ resourcePatternType, ...rest }) => {
    const binding = bindingOf({ ...rest, patternType: resourcePatternType });
    if (typeof binding === "string") return { errorCode: errorCodes.INVALID_REQUEST, errorMessage: binding };
    bindings.push(binding);
    return { errorCode: errorCodes.NONE };
  });
  call.server.broker.access.acls.add(bindings);
  call.holdUntilDurable();
  return { results };
};
