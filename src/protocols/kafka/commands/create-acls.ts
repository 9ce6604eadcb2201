/** CreateAcls: what the one place that decides is told in Kafka's words. In force when it is answered, and durable then. */
import type { KafkaAcl } from "../../../broker/access/acls.ts";
import { bindingOf } from "../acl-bindings.ts";
import { mayUseCluster } from "../authorize.ts";
import type { Handler } from "../call.ts";
import { errorCodes } from "../wire/error-codes.ts";

export const createAcls: Handler<"CreateAcls"> = (call, request) => {
  if (!mayUseCluster(call, "alterAcls")) {
    const errorCode = errorCodes.CLUSTER_AUTHORIZATION_FAILED;
    return {
      results: request.creations.map(() => ({ errorCode, errorMessage: "Cluster authorization failed." })),
    };
  }
  const bindings: KafkaAcl[] = [];
  const results = request.creations.map(({ resourcePatternType, ...rest }) => {
    const binding = bindingOf({ ...rest, patternType: resourcePatternType });
    if (typeof binding === "string") return { errorCode: errorCodes.INVALID_REQUEST, errorMessage: binding };
    bindings.push(binding);
    return { errorCode: errorCodes.NONE };
  });
  call.node.broker.access.acls.add(bindings);
  call.holdUntilDurable();
  return { results };
};
