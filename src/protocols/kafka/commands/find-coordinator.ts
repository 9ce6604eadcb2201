/** FindCoordinator: for groups it is this broker; transactions have no coordinator yet. */
import type { Handler } from "../call.ts";
import { nodeId } from "../node.ts";
import { errorCodes } from "../wire/error-codes.ts";

const keyTypes = { group: 0, transaction: 1 } as const;

export const findCoordinator: Handler<"FindCoordinator"> = (call, request) => {
  const { host, port } = call.node.addressFor(call.connection);
  const found = { errorCode: errorCodes.NONE, errorMessage: null, nodeId, host, port };
  const answer = request.keyType === keyTypes.group ? found : refusalOf(request.keyType);
  const coordinators = request.coordinatorKeys.map((key) => ({ key, ...answer }));
  return call.version >= 4 ? { coordinators } : answer;
};

/**
 * Clients take most errors here as a reason to try again for ever. This one is final, and its text says why.
 */
function refusalOf(keyType: number): {
  errorCode: number;
  errorMessage: string;
  nodeId: number;
  host: string;
  port: number;
} {
  const errorMessage =
    keyType === keyTypes.transaction
      ? "TroikaMQ does not support transactions yet; leave out transactional.id (enable.idempotence works without it)"
      : `TroikaMQ keeps no coordinator of type ${keyType}`;
  return { errorCode: errorCodes.UNSUPPORTED_VERSION, errorMessage, nodeId: -1, host: "", port: -1 };
}
