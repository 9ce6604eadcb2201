/** DescribeAcls: the bindings that a filter matches, those of one resource pattern together. */
import { type BindingNumbers, filterFault, matchingAcls, numbersOf } from "./acl-bindings.ts";
import { mayUseCluster } from "../core/authorize.ts";
import type { Handler } from "../core/call.ts";
import { errorCodes } from "../wire/error-codes.ts";

export const describeAcls: Handler<"DescribeAcls"> = function* (call, filter) {
  const refuse = (error: keyof typeof errorCodes, errorMessage: string) => ({
    errorCode: errorCodes[error],
    errorMessage,
    resources: [],
  });
  if (!mayUseCluster(call, "describe")) {
    return refuse("CLUSTER_AUTHORIZATION_FAILED", "Cluster authorization failed.");
  }
  const fault = filterFault(filter);
  if (fault !== null) return refuse("INVALID_REQUEST", fault);
  const byResource = new Map<string, BindingNumbers[]>();
  for (const acl of yield* matchingAcls(call.server.broker.access.acls.all(), filter)) {
    yield 1;
    const numbers = numbersOf(acl);
    const key = `${numbers.resourceType} ${numbers.patternType} ${numbers.resourceName}`;
    const found = byResource.get(key);
    if (found === undefined) byResource.set(key, [numbers]);
    else found.push(numbers);
  }
  const resources = [...byResource.values()].map((acls) => {
    const { resourceType, resourceName, patternType } = acls[0]!;
    return { resourceType, resourceName, patternType, acls };
  });
  return { errorCode: errorCodes.NONE, resources };
};
