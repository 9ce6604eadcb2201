/** DeleteRecords: raises the start of a stream's log; -1 means its end. A queue's records go by being consumed. */
import type { Job } from "../../../base/turn-work.ts";
import { mayUsePartition } from "../core/authorize.ts";
import type { Call, Handler } from "../core/call.ts";
import { errorCodes } from "../wire/error-codes.ts";

const toTheEnd = -1;
const recordsInStep = 10_000;
/** Releasing what held them takes about 1 µs. */
const recordsInUnit = 10;

export const deleteRecords: Handler<"DeleteRecords"> = function* (call, request) {
  const topics: { name: string; partitions: Result[] }[] = [];
  for (const { name, partitions } of request.topics) {
    const results: Result[] = [];
    for (const { partitionIndex, offset } of partitions) {
      results.push(yield* remove(call, name, partitionIndex, offset));
      yield 2;
    }
    topics.push({ name, partitions: results });
  }
  call.holdUntilDurable();
  return { topics };
};

interface Result {
  readonly partitionIndex: number;
  readonly lowWatermark: number;
  readonly errorCode: number;
}

/** The start of the log moves up in steps, each of which readers may see. */
function* remove(
  call: Call<"DeleteRecords">,
  name: string,
  partitionIndex: number,
  offset: number,
): Job<Result> {
  const refuse = (error: keyof typeof errorCodes): Result => ({
    partitionIndex,
    lowWatermark: -1,
    errorCode: errorCodes[error],
  });
  const topic = call.server.topics.find(name);
  if (!mayUsePartition(call, "removeEntries", topic, name, partitionIndex))
    return refuse("TOPIC_AUTHORIZATION_FAILED");
  const queue = topic?.queue(partitionIndex);
  if (queue === undefined) return refuse("UNKNOWN_TOPIC_OR_PARTITION");
  if (queue.kind === "queue") return refuse("POLICY_VIOLATION");
  const { log } = queue;
  log.store.seal();
  if (offset > log.nextOffset || offset < toTheEnd) return refuse("OFFSET_OUT_OF_RANGE");
  const wanted = offset === toTheEnd ? log.nextOffset : offset;
  if (queue.trace !== null) call.server.broker.tracer.removed(queue, log.firstOffset, wanted, "deleted");
  for (let step = log.firstOffset + recordsInStep; step < wanted; step += recordsInStep) {
    log.removeBelow(step);
    yield recordsInStep / recordsInUnit;
    // Somebody deleted the topic, and the log with it.
    if (queue.isDeleted) return refuse("UNKNOWN_TOPIC_OR_PARTITION");
  }
  log.removeBelow(wanted);
  return { partitionIndex, lowWatermark: log.firstOffset, errorCode: errorCodes.NONE };
}
