/** Maps errors of the broker to Kafka's, where a command has no better one. */
import { BrokerError, type BrokerErrorCode } from "../../../base/errors.ts";
import { errorCodes, type KafkaErrorName } from "../wire/error-codes.ts";

const names: Readonly<Record<BrokerErrorCode, KafkaErrorName>> = {
  MALFORMED: "INVALID_REQUEST",
  NOT_FOUND: "UNKNOWN_TOPIC_OR_PARTITION",
  ALREADY_EXISTS: "TOPIC_ALREADY_EXISTS",
  PRECONDITION_FAILED: "TOPIC_ALREADY_EXISTS",
  IN_USE: "INVALID_REQUEST",
  ACCESS_REFUSED: "TOPIC_AUTHORIZATION_FAILED",
  INVALID: "INVALID_REQUEST",
  LIMIT: "POLICY_VIOLATION",
  UNAVAILABLE: "KAFKA_STORAGE_ERROR",
  TAKEN_OVER: "KAFKA_STORAGE_ERROR",
  CORRUPT: "KAFKA_STORAGE_ERROR",
};

/** Code and text for a client. An error that is not a BrokerError is a fault of this program, and is thrown on. */
export function faultOf(error: unknown): { errorCode: number; errorMessage: string } {
  if (!(error instanceof BrokerError)) throw error;
  return { errorCode: errorCodes[names[error.code]], errorMessage: error.message };
}
