/** DeleteTopics: by name or id. A queue or stream of another protocol goes the same way, with its records. */
import { mayUseTopic, mayUseWholeTopic } from "../core/authorize.ts";
import type { Call, Handler } from "../core/call.ts";
import { unitsOfPartition } from "./partition-room.ts";
import type { KafkaTopic } from "./directory.ts";
import type { ResponseInput } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";
import { zeroUuid } from "../wire/schema.ts";

type Result = ResponseInput<"DeleteTopics">["responses"][number];

export const deleteTopics: Handler<"DeleteTopics"> = function* (call, request) {
  const directory = call.server.topics;
  const wanted =
    call.version < 6 ? request.topicNames.map((name) => ({ name, topicId: zeroUuid })) : request.topics;
  const responses: Result[] = [];
  for (const { name, topicId } of wanted) {
    const found = name === null ? directory.findById(topicId) : directory.find(name);
    const partitions = found?.partitionCount ?? 0;
    responses.push(remove(call, name, topicId, found));
    yield 5 + partitions * unitsOfPartition;
  }
  call.holdUntilDurable();
  return { responses };
};

function remove(
  call: Call<"DeleteTopics">,
  name: string | null,
  topicId: string,
  found: KafkaTopic | undefined,
): Result {
  if (found === undefined && name !== null && !mayUseTopic(call, "describe", name)) {
    return {
      name,
      topicId,
      errorCode: errorCodes.TOPIC_AUTHORIZATION_FAILED,
      errorMessage: "Authorization failed.",
    };
  }
  if (found === undefined) {
    const error = name === null ? "UNKNOWN_TOPIC_ID" : "UNKNOWN_TOPIC_OR_PARTITION";
    const errorMessage =
      name === null
        ? "This server does not host this topic ID."
        : "This server does not host this topic-partition.";
    return { name, topicId, errorCode: errorCodes[error], errorMessage };
  }
  const answer = { name: found.name, topicId: found.id };
  if (!mayUseWholeTopic(call, "delete", found.name)) {
    // By id: a user who may not see the topic is not told its name.
    const shown = mayUseTopic(call, "describe", found.name) ? answer : { name, topicId };
    return {
      ...shown,
      errorCode: errorCodes.TOPIC_AUTHORIZATION_FAILED,
      errorMessage: "Authorization failed.",
    };
  }
  if (found.topic === null) {
    const errorMessage = `'${found.name}' is an exchange; delete it by AMQP.`;
    return { ...answer, errorCode: errorCodes.INVALID_REQUEST, errorMessage };
  }
  call.server.vhost.topics.delete(found.topic);
  return { ...answer, errorCode: errorCodes.NONE };
}
