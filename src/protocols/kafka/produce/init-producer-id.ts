/**
 * InitProducerId: an id for an idempotent producer. One that has an id already is given another, as Kafka does: epochs
 * are raised by the client itself (KIP-360), or for transactions.
 */
import { mayWriteIdempotently } from "../core/authorize.ts";
import type { Handler } from "../core/call.ts";
import { errorCodes } from "../wire/error-codes.ts";

export const initProducerId: Handler<"InitProducerId"> = (call, request) => {
  if (request.transactionalId === "") {
    return { errorCode: errorCodes.INVALID_REQUEST, producerEpoch: -1 };
  }
  // Transactions come later: UNSUPPORTED_VERSION is what a client gets from a broker that does not have them.
  if (request.transactionalId !== null) {
    return { errorCode: errorCodes.UNSUPPORTED_VERSION, producerEpoch: -1 };
  }
  if (!mayWriteIdempotently(call)) {
    return { errorCode: errorCodes.CLUSTER_AUTHORIZATION_FAILED, producerEpoch: -1 };
  }
  // The id's reservation must last longer than what is stored under it.
  call.holdUntilDurable();
  return { errorCode: errorCodes.NONE, producerId: call.server.producerIds.take(), producerEpoch: 0 };
};
