/** What ShareFetch and ShareAcknowledge have in common: a session's member says what is to become of records that it holds. */
import { type Job, Piece } from "../../../base/turn-work.ts";
import { BrokerError } from "../../../base/errors.ts";
import { type Acknowledged, outcomes, SharePartition } from "../../../broker/groups/share/share-partition.ts";
import { mayUsePartition } from "../core/authorize.ts";
import type { Call } from "../core/call.ts";
import { faultOf } from "../core/errors.ts";
import { toBrokerName } from "../core/names.ts";
import { errorCodes } from "../wire/error-codes.ts";
import type { ShareSession } from "./share-sessions.ts";

/** The request's form of it. */
export interface AcknowledgedTopic {
  readonly topicId: string;
  readonly partitions: readonly {
    readonly partitionIndex: number;
    readonly acknowledgementBatches: readonly Acknowledged[];
  }[];
}

export interface AcknowledgeResult {
  readonly topicId: string;
  readonly index: number;
  readonly errorCode: number;
}

const unitsOfRecord = 0.5;
const unitsOfPartition = 1;

function hasRenewals(batches: readonly Acknowledged[]): boolean {
  return batches.some(({ acknowledgeTypes }) => acknowledgeTypes.includes(outcomes.renew));
}

/** Each partition's acknowledgements are done with all together or not at all. */
export function* acknowledge(
  call: Call<"ShareFetch"> | Call<"ShareAcknowledge">,
  session: ShareSession,
  { topics, isRenewAck }: { readonly topics: readonly AcknowledgedTopic[]; readonly isRenewAck: boolean },
): Job<AcknowledgeResult[]> {
  const results: AcknowledgeResult[] = [];
  const piece = new Piece();
  for (const { topicId, partitions } of topics) {
    for (const { partitionIndex: index, acknowledgementBatches: batches } of partitions) {
      if (batches.length === 0) continue;
      const isUnsaid = !isRenewAck && hasRenewals(batches);
      const errorCode = isUnsaid
        ? errorCodes.INVALID_REQUEST
        : acknowledgePartition(call, session, { topicId, index }, batches);
      results.push({ topicId, index, errorCode });
      let records = 0;
      // What names more than there is was refused at once.
      if (errorCode === errorCodes.NONE)
        for (const { firstOffset, lastOffset } of batches) records += lastOffset - firstOffset + 1;
      const due = piece.add(unitsOfPartition + unitsOfRecord * records);
      if (due > 0) yield due;
    }
  }
  return results;
}

function acknowledgePartition(
  call: Call<"ShareFetch"> | Call<"ShareAcknowledge">,
  { groupId, memberId }: ShareSession,
  { topicId, index }: { readonly topicId: string; readonly index: number },
  batches: readonly Acknowledged[],
): number {
  const topic = call.server.topics.findById(topicId);
  if (topic === undefined) return errorCodes.UNKNOWN_TOPIC_ID;
  if (!mayUsePartition(call, "take", topic, topic.name, index)) return errorCodes.TOPIC_AUTHORIZATION_FAILED;
  const cursor = topic.queue(index)?.groups.get(toBrokerName(groupId));
  const share = cursor === undefined ? null : SharePartition.find(cursor);
  // The group was not there, or nobody has read: so nothing is held.
  if (share === null)
    return topic.hasPartition(index)
      ? errorCodes.INVALID_RECORD_STATE
      : errorCodes.UNKNOWN_TOPIC_OR_PARTITION;
  try {
    const fault = share.acknowledge(memberId, batches);
    return errorCodes[fault ?? "NONE"];
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    return faultOf(error).errorCode;
  }
}
