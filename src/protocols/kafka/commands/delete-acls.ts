/** DeleteAcls: each filter answers with what it deleted. */
import { type BindingFilter, filterFault, isMatched, numbersOf } from "../acl-bindings.ts";
import { mayUseCluster } from "../authorize.ts";
import type { Call, Handler } from "../call.ts";
import type { ResponseInput } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";

type Result = ResponseInput<"DeleteAcls">["filterResults"][number];

export const deleteAcls: Handler<"DeleteAcls"> = (call, request) => {
  const isRefused = !mayUseCluster(call, "alterAcls");
  const filterResults = request.filters.map((filter) =>
    isRefused
      ? refuse("CLUSTER_AUTHORIZATION_FAILED", "Cluster authorization failed.")
      : deleteMatching(call, filter),
  );
  call.holdUntilDurable();
  return { filterResults };
};

function deleteMatching(call: Call<"DeleteAcls">, filter: BindingFilter): Result {
  const fault = filterFault(filter);
  if (fault !== null) return refuse("INVALID_REQUEST", fault);
  const { acls } = call.node.broker.access;
  const matching = acls.all().filter((acl) => isMatched(acl, filter));
  acls.delete(matching);
  const matchingAcls = matching.map((acl) => Object.assign(numbersOf(acl), { errorCode: errorCodes.NONE }));
  return { errorCode: errorCodes.NONE, matchingAcls };
}

function refuse(error: keyof typeof errorCodes, errorMessage: string): Result {
  return { errorCode: errorCodes[error], errorMessage, matchingAcls: [] };
}
