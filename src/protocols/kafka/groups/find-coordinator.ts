/**
 * FindCoordinator: this broker, for groups.
 *
 * For transactions it names itself too, though it has none yet: librdkafka takes every error here as a reason to try
 * again until its patience ends, and only one of InitProducerId as an answer.
 */
import { mayUseGroup } from "../core/authorize.ts";
import type { Handler } from "../core/call.ts";
import { nodeId } from "../core/server.ts";
import { errorCodes } from "../wire/error-codes.ts";

const keyTypes = { group: 0, transaction: 1 } as const;

const refusal = {
  errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED,
  errorMessage: "Group authorization failed.",
  nodeId: -1,
  host: "",
  port: -1,
};

export const findCoordinator: Handler<"FindCoordinator"> = function* (call, request) {
  const { keyType } = request;
  const { host, port } = call.server.addressFor(call.connection);
  const answer =
    keyType === keyTypes.group || keyType === keyTypes.transaction
      ? { errorCode: errorCodes.NONE, errorMessage: "", nodeId, host, port }
      : {
          errorCode: errorCodes.INVALID_REQUEST,
          errorMessage: `there is no coordinator of type ${keyType}`,
          nodeId: -1,
          host: "",
          port: -1,
        };
  const answerFor = (key: string) =>
    keyType === keyTypes.group && !mayUseGroup(call, "describe", key) ? refusal : answer;
  if (call.version < 4) return answerFor(request.key);
  const coordinators = [];
  for (const key of request.coordinatorKeys) {
    coordinators.push({ key, ...answerFor(key) });
    yield 1;
  }
  return { coordinators };
};
