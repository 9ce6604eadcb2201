/** DeleteRecords: raises the start of a stream's log; -1 means its end. A queue's records go by being consumed. */
import { mayUsePartition } from "../authorize.ts";
import type { Call, Handler } from "../call.ts";
import { errorCodes } from "../wire/error-codes.ts";

const toTheEnd = -1;

export const deleteRecords: Handler<"DeleteRecords"> = (call, request) => {
  const topics = request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex, offset }) => remove(call, name, partitionIndex, offset)),
  }));
  call.holdUntilDurable();
  return { topics };
};

function remove(
  call: Call<"DeleteRecords">,
  name: string,
  partitionIndex: number,
  offset: number,
): { partitionIndex: number; lowWatermark: number; errorCode: number } {
  const refuse = (error: keyof typeof errorCodes): ReturnType<typeof remove> => ({
    partitionIndex,
    lowWatermark: -1,
    errorCode: errorCodes[error],
  });
  const topic = call.node.topics.find(name);
  if (!mayUsePartition(call, "removeEntries", topic, name, partitionIndex))
    return refuse("TOPIC_AUTHORIZATION_FAILED");
  const queue = topic?.queue(partitionIndex);
  if (queue === undefined) return refuse("UNKNOWN_TOPIC_OR_PARTITION");
  if (queue.kind === "queue") return refuse("POLICY_VIOLATION");
  const { log } = queue;
  log.store.seal();
  if (offset > log.nextOffset || offset < toTheEnd) return refuse("OFFSET_OUT_OF_RANGE");
  log.removeBelow(offset === toTheEnd ? log.nextOffset : offset);
  return { partitionIndex, lowWatermark: log.firstOffset, errorCode: errorCodes.NONE };
}
