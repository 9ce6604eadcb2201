/** ShareAcknowledge: says what is to become of records that a member holds, and acquires no more. Its answer means that it is on the disk. */
import { mayUseGroup } from "../core/authorize.ts";
import type { Handler } from "../core/call.ts";
import { toBrokerName } from "../core/names.ts";
import { leaderEpoch, nodeId } from "../core/server.ts";
import type { ResponseInput } from "../wire/codec.ts";
import { errorCodes, type KafkaErrorName } from "../wire/error-codes.ts";
import { acknowledge } from "./acknowledgements.ts";
import { sessionEpochs } from "./share-sessions.ts";

type Topic = ResponseInput<"ShareAcknowledge">["responses"][number];

function refusal(
  error: KafkaErrorName,
  errorMessage: string | null = null,
): ResponseInput<"ShareAcknowledge"> {
  return { errorCode: errorCodes[error], errorMessage, responses: [] };
}

export const shareAcknowledge: Handler<"ShareAcknowledge"> = function* (call, request) {
  const { groupId, memberId, shareSessionEpoch: epoch } = request;
  if (groupId === null || memberId === null) return refusal("INVALID_REQUEST");
  if (!mayUseGroup(call, "join", groupId)) return refusal("GROUP_AUTHORIZATION_FAILED");
  // A new session has acquired nothing yet.
  if (epoch === sessionEpochs.first) return refusal("INVALID_SHARE_SESSION_EPOCH");
  const session = call.server.shares.sessions.open(call.caller, { groupId, memberId, epoch });
  if (typeof session === "string") return refusal(session);
  const responses: { topicId: string; partitions: Topic["partitions"][number][] }[] = [];
  for (const { topicId, index, errorCode } of yield* acknowledge(call, session, request)) {
    let topic = responses.at(-1);
    if (topic?.topicId !== topicId) responses.push((topic = { topicId, partitions: [] }));
    topic.partitions.push({
      partitionIndex: index,
      errorCode,
      currentLeader: { leaderId: nodeId, leaderEpoch },
    });
  }
  if (epoch === sessionEpochs.last) session.close();
  call.holdUntilSettled();
  const { lockMs } = call.server.vhost.shareGroups.settingsOf(toBrokerName(groupId));
  return { errorCode: errorCodes.NONE, acquisitionLockTimeoutMs: lockMs, responses };
};
