/** The answers to JoinGroup and SyncGroup that say an error. */
import { errorCodes, type KafkaErrorName } from "../wire/error-codes.ts";
import { type JoinResult, noAssignment, type SyncResult } from "./member.ts";

export function refusal(error: KafkaErrorName, memberId: string): JoinResult {
  return {
    errorCode: errorCodes[error],
    generationId: -1,
    protocolType: null,
    // Not null: versions before 7 cannot say so.
    protocolName: "",
    leader: "",
    memberId,
    skipAssignment: false,
    members: [],
  };
}

export function syncRefusal(error: KafkaErrorName): SyncResult {
  return { errorCode: errorCodes[error], protocolType: null, protocolName: null, assignment: noAssignment };
}
