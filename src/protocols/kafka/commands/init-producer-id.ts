/** InitProducerId: an id for an idempotent producer, or the next epoch of the one it has (KIP-360). */
import type { Handler } from "../call.ts";
import { errorCodes } from "../wire/error-codes.ts";

const epochMax = 0x7ffe;

export const initProducerId: Handler<"InitProducerId"> = (call, request) => {
  if (request.transactionalId === "") {
    return { errorCode: errorCodes.INVALID_REQUEST, producerEpoch: -1 };
  }
  // Transactions come later: UNSUPPORTED_VERSION is what a client gets from a broker that does not have them.
  if (request.transactionalId !== null) {
    return { errorCode: errorCodes.UNSUPPORTED_VERSION, producerEpoch: -1 };
  }
  const { producerId, producerEpoch } = request;
  if (producerId >= 0 && producerEpoch >= 0 && producerEpoch < epochMax) {
    return { errorCode: errorCodes.NONE, producerId, producerEpoch: producerEpoch + 1 };
  }
  // The id's reservation must last longer than what is stored under it.
  call.holdUntilDurable();
  return { errorCode: errorCodes.NONE, producerId: call.node.producerIds.take(), producerEpoch: 0 };
};
