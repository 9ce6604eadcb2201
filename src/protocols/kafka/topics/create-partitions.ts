/** CreatePartitions: more partitions for a topic; see `Topics.grow` for what becomes of one that had one. */
import { limits } from "../../../base/limits.ts";
import { mayAddPartitions, mayUseTopic } from "../core/authorize.ts";
import type { Call, Handler } from "../core/call.ts";
import { faultOf } from "../core/errors.ts";
import { PartitionRoom, unitsOfPartition } from "./partition-room.ts";
import { repeatedOf } from "../core/repeated.ts";
import type { RequestBody, ResponseInput } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";

type Wanted = RequestBody<"CreatePartitions">["topics"][number];
type Result = ResponseInput<"CreatePartitions">["results"][number];

export const createPartitions: Handler<"CreatePartitions"> = function* (call, request) {
  const results: Result[] = [];
  const repeated = repeatedOf(request.topics, ({ name }) => name);
  const room = new PartitionRoom();
  for (const wanted of request.topics) {
    const { name, count } = wanted;
    const before = call.server.topics.find(name)?.partitionCount ?? 0;
    if (repeated.has(name)) {
      results.push({ name, errorCode: errorCodes.INVALID_REQUEST, errorMessage: "Duplicate topic name." });
    } else if (room.takes(count - before)) results.push(grow(call, wanted, request.validateOnly));
    else results.push({ name, ...room.refusal });
    const made = (call.server.topics.find(name)?.partitionCount ?? 0) - before;
    room.taken(made);
    // Whether its names are free is looked at for all of them.
    yield 3 + made * unitsOfPartition + Math.max(Math.min(count, limits.kafkaTopicPartitionsMax), 0) / 10;
  }
  call.holdUntilDurable();
  return { results };
};

function grow(call: Call<"CreatePartitions">, { name, count }: Wanted, isOnlyChecked: boolean): Result {
  if (!mayUseTopic(call, "addPartitions", name)) {
    return { name, errorCode: errorCodes.TOPIC_AUTHORIZATION_FAILED, errorMessage: "Authorization failed." };
  }
  const topic = call.server.topics.find(name)?.topic;
  if (topic === undefined || topic === null) {
    return { name, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION };
  }
  const most = limits.kafkaTopicPartitionsMax;
  if (count > most) {
    const errorMessage = `${count} partitions; a topic has at most ${most}.`;
    return { name, errorCode: errorCodes.INVALID_PARTITIONS, errorMessage };
  }
  try {
    const { topics } = call.server.vhost;
    topics.grow(topic, count, true);
    if (!mayAddPartitions(call, name, topic.partitions.length, count)) {
      return {
        name,
        errorCode: errorCodes.TOPIC_AUTHORIZATION_FAILED,
        errorMessage: "Authorization failed.",
      };
    }
    if (!isOnlyChecked) topics.grow(topic, count);
    return { name, errorCode: errorCodes.NONE };
  } catch (error) {
    const { errorCode, errorMessage } = faultOf(error);
    const isTaken = errorCode === errorCodes.TOPIC_ALREADY_EXISTS;
    return { name, errorCode: isTaken ? errorCode : errorCodes.INVALID_PARTITIONS, errorMessage };
  }
}
