/** DeleteAcls: each filter answers with what it deleted. */
import { limits } from "../../../base/limits.ts";
import type { Job } from "../../../base/turn-work.ts";
import { type BindingFilter, filterFault, matchingAcls, numbersOf } from "./acl-bindings.ts";
import { mayUseCluster } from "../core/authorize.ts";
import type { Call, Handler } from "../core/call.ts";
import type { ResponseInput } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";

type Result = ResponseInput<"DeleteAcls">["filterResults"][number];

export const deleteAcls: Handler<"DeleteAcls"> = function* (call, { filters }) {
  const filterResults: Result[] = [];
  const refusal = refusalOf(call, filters.length);
  for (const filter of filters) filterResults.push(refusal ?? (yield* deleteMatching(call, filter)));
  call.holdUntilDurable();
  return { filterResults };
};

function refusalOf(call: Call<"DeleteAcls">, filters: number): Result | null {
  if (!mayUseCluster(call, "alterAcls"))
    return refuse("CLUSTER_AUTHORIZATION_FAILED", "Cluster authorization failed.");
  const most = limits.kafkaRequestAclFiltersMax;
  return filters > most ? refuse("POLICY_VIOLATION", `One request has at most ${most} filters.`) : null;
}

function* deleteMatching(call: Call<"DeleteAcls">, filter: BindingFilter): Job<Result> {
  const fault = filterFault(filter);
  if (fault !== null) return refuse("INVALID_REQUEST", fault);
  const { acls } = call.server.broker.access;
  const matching = yield* matchingAcls(acls.all(), filter);
  acls.delete(matching);
  yield matching.length;
  const deleted = matching.map((acl) => Object.assign(numbersOf(acl), { errorCode: errorCodes.NONE }));
  return { errorCode: errorCodes.NONE, matchingAcls: deleted };
}

function refuse(error: keyof typeof errorCodes, errorMessage: string): Result {
  return { errorCode: errorCodes[error], errorMessage, matchingAcls: [] };
}
