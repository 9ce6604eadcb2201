/** CreateTopics. Any replication factor is taken, since one node keeps one copy; clients ask for three by habit. */
import { mayCreateTopic } from "../core/authorize.ts";
import type { Call, Handler } from "../core/call.ts";
import { faultIn, type TopicSettings } from "./changed-configs.ts";
import { topicConfigFault, topicConfigs } from "./config-definitions.ts";
import { type ConfigValue, configValues } from "./effective-configs.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { limits } from "../../../base/limits.ts";
import { faultOf } from "../core/errors.ts";
import { PartitionRoom, unitsOfPartition } from "./partition-room.ts";
import { repeatedOf } from "../core/repeated.ts";
import { retrySettingsFault } from "./retry-settings.ts";
import { nameFault } from "../core/names.ts";
import type { RequestBody, ResponseInput } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";

type Wanted = RequestBody<"CreateTopics">["topics"][number];
type Result = ResponseInput<"CreateTopics">["topics"][number];
/** Checks, and the settings that the answer shows. */
const unitsOfTopic = 15;

interface Fault {
  readonly errorCode: number;
  readonly errorMessage: string;
}

const partitionsMax = limits.kafkaTopicPartitionsMax;

export const createTopics: Handler<"CreateTopics"> = function* (call, request) {
  const repeated = repeatedOf(request.topics, ({ name }) => name);
  const room = new PartitionRoom();
  const topics: Result[] = [];
  for (const wanted of request.topics) {
    const { name } = wanted;
    if (repeated.has(name)) continue;
    if (!room.takes(partitionsOf(wanted))) {
      topics.push({ name, ...room.refusal });
      continue;
    }
    const result = create(call, wanted, request.validateOnly);
    topics.push(result);
    const made = result.errorCode === errorCodes.NONE ? partitionsOf(wanted) : 0;
    room.taken(made);
    // Whether its names are free is looked at for all of them.
    const looked = Math.max(Math.min(partitionsOf(wanted), partitionsMax), 0) / 10;
    yield unitsOfTopic + made * unitsOfPartition + looked;
  }
  for (const name of repeated) topics.push({ name, ...fault("INVALID_REQUEST", "Duplicate topic name.") });
  call.holdUntilDurable();
  return { topics };
};

function create(call: Call<"CreateTopics">, wanted: Wanted, isOnlyChecked: boolean): Result {
  const { name } = wanted;
  const partitions = partitionsOf(wanted);
  const found = faultOfTopic(call, wanted, partitions);
  if (found !== null) return { name, ...found };
  const settings: TopicSettings = Object.fromEntries(
    wanted.configs.map(({ name: key, value }) => [key, value!]),
  );
  const done = {
    name,
    errorCode: errorCodes.NONE,
    numPartitions: partitions,
    replicationFactor: 1,
  };
  try {
    if (isOnlyChecked) {
      call.server.vhost.topics.assertFree(name, partitions);
      return { ...done, configs: shown(settings) };
    }
    const made = call.server.topics.create(name, partitions, settings);
    return { ...done, topicId: made.id, configs: shown(settings, made.queue(0)) };
  } catch (error) {
    return { name, ...faultOf(error) };
  }
}

/** -1 asks for the broker's default; with assignments their number counts. */
function partitionsOf({ numPartitions, assignments }: Wanted): number {
  if (assignments.length > 0) return assignments.length;
  return numPartitions === -1 ? 1 : numPartitions;
}

function faultOfTopic(call: Call<"CreateTopics">, wanted: Wanted, partitions: number): Fault | null {
  const { name, replicationFactor, numPartitions, assignments, configs } = wanted;
  if (!mayCreateTopic(call, name)) return fault("TOPIC_AUTHORIZATION_FAILED", "Authorization failed.");
  const badName = nameFault(name);
  if (badName !== null) return fault("INVALID_TOPIC_EXCEPTION", badName);
  if (call.server.topics.find(name) !== undefined) {
    return fault("TOPIC_ALREADY_EXISTS", `Topic '${name}' already exists.`);
  }
  if (assignments.length > 0 && (replicationFactor !== -1 || numPartitions !== -1)) {
    const what = replicationFactor === -1 ? "numPartitions" : "replication factor";
    return fault(
      "INVALID_REQUEST",
      `A manual partition assignment was specified, but ${what} was not set to -1.`,
    );
  }
  if (assignments.length > 0 && !areConsecutive(assignments)) {
    return fault("INVALID_REPLICA_ASSIGNMENT", "partitions should be a consecutive 0-based integer sequence");
  }
  if (partitions <= 0)
    return fault("INVALID_PARTITIONS", "Number of partitions was set to an invalid non-positive value.");
  if (partitions > partitionsMax) {
    return fault("INVALID_PARTITIONS", `${partitions} partitions; a topic has at most ${partitionsMax}.`);
  }
  if (replicationFactor === 0 || replicationFactor < -1) {
    return fault(
      "INVALID_REPLICATION_FACTOR",
      "Replication factor must be larger than 0, or -1 to use the default value.",
    );
  }
  if (!mayCreateTopic(call, name, partitions))
    return fault("TOPIC_AUTHORIZATION_FAILED", "Authorization failed.");
  return configFault(call, name, configs);
}

function areConsecutive(assignments: Wanted["assignments"]): boolean {
  const numbers = assignments.map(({ partitionIndex }) => partitionIndex).toSorted((a, b) => a - b);
  return numbers.every((number, i) => number === i);
}

function configFault(call: Call<"CreateTopics">, topic: string, configs: Wanted["configs"]): Fault | null {
  const settings: TopicSettings = {};
  for (const { name, value } of configs) {
    if (value === null) return fault("INVALID_CONFIG", topicConfigFault(name, value)!);
    settings[name] = value;
  }
  const text = faultIn(settings);
  if (text !== null) return fault("INVALID_CONFIG", text);
  const refusal = retrySettingsFault(call, topic, undefined, settings);
  return refusal === null ? null : fault(refusal.error, refusal.text);
}

/** `queue` is the first partition, once the topic is there. */
function shown(settings: TopicSettings, queue?: Queue): Result["configs"] {
  return topicConfigs.map((definition) => {
    const [{ value, source }] = configValues(definition, settings, queue) as [ConfigValue];
    return { name: definition.name, value, readOnly: false, configSource: source, isSensitive: false };
  });
}

function fault(error: keyof typeof errorCodes, errorMessage: string): Fault {
  return { errorCode: errorCodes[error], errorMessage };
}
