/** OffsetForLeaderEpoch: there has been one epoch, which ends where the log does. */
import { mayUsePartition } from "../core/authorize.ts";
import type { Call, Handler } from "../core/call.ts";
import { leaderEpoch } from "../core/server.ts";
import type { RequestBody } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";

type Asked = RequestBody<"OffsetForLeaderEpoch">["topics"][number]["partitions"][number];
type Answer = { errorCode: number; partition: number; leaderEpoch: number; endOffset: number };

export const offsetForLeaderEpoch: Handler<"OffsetForLeaderEpoch"> = function* (call, request) {
  const topics: { topic: string; partitions: Answer[] }[] = [];
  for (const { topic, partitions } of request.topics) {
    const answers: Answer[] = [];
    topics.push({ topic, partitions: answers });
    for (const asked of partitions) {
      answers.push(endOf(call, topic, asked));
      yield 1;
    }
  }
  return { topics };
};

function endOf(call: Call<"OffsetForLeaderEpoch">, topic: string, asked: Asked): Answer {
  const { partition } = asked;
  const unknown = { partition, leaderEpoch: -1, endOffset: -1 };
  const found = call.server.topics.find(topic);
  if (!mayUsePartition(call, "describe", found, topic, partition))
    return { ...unknown, errorCode: errorCodes.TOPIC_AUTHORIZATION_FAILED };
  const queue = found?.queue(partition);
  if (queue === undefined) return { ...unknown, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION };
  if (asked.currentLeaderEpoch > leaderEpoch)
    return { ...unknown, errorCode: errorCodes.UNKNOWN_LEADER_EPOCH };
  // An epoch that has not been: undefined, which is no error.
  if (asked.leaderEpoch !== leaderEpoch) return { ...unknown, errorCode: errorCodes.NONE };
  queue.log.store.seal();
  return { errorCode: errorCodes.NONE, partition, leaderEpoch, endOffset: queue.log.nextOffset };
}
