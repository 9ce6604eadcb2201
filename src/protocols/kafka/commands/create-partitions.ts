/** CreatePartitions: more partitions for a topic that has several; see `Topics.grow` for the one that has one. */
import { mayAddPartitions, mayUseTopic } from "../authorize.ts";
import type { Call, Handler } from "../call.ts";
import { faultOf } from "../errors.ts";
import type { RequestBody, ResponseInput } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";

type Wanted = RequestBody<"CreatePartitions">["topics"][number];
type Result = ResponseInput<"CreatePartitions">["results"][number];

export const createPartitions: Handler<"CreatePartitions"> = (call, request) => {
  const results = request.topics.map((wanted) => grow(call, wanted, request.validateOnly));
  call.holdUntilDurable();
  return { results };
};

function grow(call: Call<"CreatePartitions">, { name, count }: Wanted, isOnlyChecked: boolean): Result {
  if (!mayUseTopic(call, "addPartitions", name)) {
    return { name, errorCode: errorCodes.TOPIC_AUTHORIZATION_FAILED, errorMessage: "Authorization failed." };
  }
  const topic = call.node.topics.find(name)?.topic;
  if (topic === undefined || topic === null) {
    return { name, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION };
  }
  try {
    const { topics } = call.node.vhost;
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
    return { name, errorCode: errorCodes.INVALID_PARTITIONS, errorMessage: faultOf(error).errorMessage };
  }
}
