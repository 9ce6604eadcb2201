/**
 * Produce: batches into logs.
 *
 * acks=all is answered once the batches are on the disk (or as `kafkaDurability` says), acks=1 once the system has them, acks=0 not at all; an error
 * under acks=0 closes the connection, as in Kafka, for the client to look at the metadata again.
 */
import { mayCreateTopic, mayProduceUnder, mayUsePartition, mayUseTopic } from "../authorize.ts";
import { limits } from "../../../base/limits.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { Queue } from "../../../broker/queue.ts";
import { KafkaBatch } from "../../../message/kafka-batch.ts";
import { type BatchRules, validateProduced } from "../../../message/kafka-batch-validate.ts";
import type { Call, Handler } from "../call.ts";
import { faultOf } from "../errors.ts";
import { appended, appendToQueue } from "../produce-log.ts";
import { isTakenBy, publishToExchange } from "../produce-exchange.ts";
import { topicRules, type TopicRules } from "../topic-rules.ts";
import type { KafkaTopic } from "../topic-directory.ts";
import type { RequestBody, ResponseInput } from "../wire/codec.ts";
import { errorCodes, type KafkaErrorName } from "../wire/error-codes.ts";

type TopicData = RequestBody<"Produce">["topicData"][number];
type PartitionData = TopicData["partitionData"][number];
type PartitionResult = ResponseInput<"Produce">["responses"][number]["partitionResponses"][number];

const acksAll = -1;
/** Kafka 4 refuses what is older, though it lists it (KAFKA-18659). */
const versionMin = 3;
const zstdVersionMin = 7;

const batch = new KafkaBatch();

export const produce: Handler<"Produce"> = (call, request) => {
  const { acks, transactionalId } = request;
  if (call.version < versionMin) return "close";
  const { broker } = call.node;
  const fault = requestFault(acks, transactionalId);
  let hasFault = false;
  const responses = request.topicData.map((data) => {
    const { name, topicId, partitionData } = data;
    const topic = fault === null ? topicFor(call, data) : undefined;
    const refusal = fault ?? (topic === undefined && isRefused(call, name) ? unauthorized : null);
    const partitionResponses = partitionData.map((partition) => {
      const result = refusal === null ? append(call, topic, partition) : refuse(partition.index, ...refusal);
      if (result.errorCode !== errorCodes.NONE) hasFault = true;
      return result;
    });
    return { name, topicId, partitionResponses };
  });
  // While the disk is full its batches are refused, so it may go on to ask for other things.
  if (broker.storage.failure === null) broker.publisherSeen(call.connection);
  if (acks === 0) return hasFault ? "close" : "silent";
  if (acks === acksAll && broker.options.kafkaDurability === "fsync") call.holdUntilDurable();
  return { responses };
};

function requestFault(acks: number, transactionalId: string | null): [KafkaErrorName, string] | null {
  if (acks < acksAll || acks > 1) return ["INVALID_REQUIRED_ACKS", `acks is ${acks}; it may be -1, 0 or 1`];
  if (transactionalId !== null) {
    return ["UNSUPPORTED_VERSION", "TroikaMQ does not support transactions yet; leave out transactional.id"];
  }
  return null;
}

const unauthorized: [KafkaErrorName, string] = ["TOPIC_AUTHORIZATION_FAILED", "Topic authorization failed."];

/** An id that is nobody's topic has no name to be asked about, and is refused for that. */
function isRefused(call: Call<"Produce">, name: string): boolean {
  return name !== "" && !mayUseTopic(call, "write", name);
}

/** Producing to a topic that is not there makes it: what Kafka does one request earlier, for metadata. */
function topicFor(
  call: Call<"Produce">,
  { name, topicId, partitionData }: TopicData,
): KafkaTopic | undefined {
  const { topics } = call.node;
  if (call.version >= 13) return topics.findById(topicId);
  const found = topics.find(name);
  if (found !== undefined || partitionData.every(({ index }) => index !== 0)) return found;
  if (isRefused(call, name) || !mayCreateTopic(call, name)) return undefined;
  try {
    return topics.findOrCreate(name);
  } catch (error) {
    faultOf(error);
    return undefined;
  }
}

function append(
  call: Call<"Produce">,
  topic: KafkaTopic | undefined,
  { index, records }: PartitionData,
): PartitionResult {
  if (topic === undefined) {
    return refuse(index, call.version >= 13 ? "UNKNOWN_TOPIC_ID" : "UNKNOWN_TOPIC_OR_PARTITION");
  }
  if (!mayUsePartition(call, "write", topic, topic.name, index)) return refuse(index, ...unauthorized);
  if (!topic.hasPartition(index)) return refuse(index, "UNKNOWN_TOPIC_OR_PARTITION");
  const rules = topicRules(topic.configs);
  const found = validateProduced(batch, records, rulesFor(rules, call.version));
  if (found !== null) return refuse(index, found.error, found.message);
  const now = call.node.broker.clock.now();
  const fault = topicFault(rules, now);
  if (fault !== null) return refuse(index, ...fault);
  if (rules.isLogAppendTime) batch.setLogAppendTime(now);
  const queue = topic.queue(index);
  return queue === undefined ? publish(call, topic, index) : store(call, queue, index, rules, now);
}

/** What this topic in particular does not take. */
function topicFault(rules: TopicRules, now: number): [KafkaErrorName, string] | null {
  if (batch.isTransactional) {
    return ["INVALID_TXN_STATE", "TroikaMQ does not support transactions yet; leave out transactional.id"];
  }
  if (batch.sizeBytes > rules.messageBytesMax) {
    return [
      "MESSAGE_TOO_LARGE",
      `The record batch size is ${batch.sizeBytes} bytes which exceeds the maximum configured value of ${rules.messageBytesMax}.`,
    ];
  }
  if (rules.isLogAppendTime) return null;
  const newest = batch.maxTimestamp;
  const isOutside =
    newest - now > rules.timestampAfterMsMax || (newest >= 0 && now - newest > rules.timestampBeforeMsMax);
  return isOutside
    ? ["INVALID_TIMESTAMP", "One or more records have been rejected due to invalid timestamp"]
    : null;
}

function store(
  call: Call<"Produce">,
  queue: Queue,
  index: number,
  rules: TopicRules,
  now: number,
): PartitionResult {
  const { broker } = call.node;
  const refusal = diskRefusal(broker.storage);
  if (refusal !== null) return refuse(index, "KAFKA_STORAGE_ERROR", refusal);
  if (!isTakenBy(queue, batch, limits.kafkaRequestBytesMax))
    return refuse(index, "POLICY_VIOLATION", `queue '${queue.name}' is full`);
  const fault = appendToQueue(queue, batch, now);
  if (fault !== null) return refuse(index, fault);
  return {
    index,
    errorCode: errorCodes.NONE,
    baseOffset: appended.baseOffset,
    logAppendTimeMs: rules.isLogAppendTime ? now : -1,
    logStartOffset: queue.log.firstOffset,
  };
}

/** Where the records went has no one offset: the answer is 0, as of a log that keeps nothing. */
function publish(call: Call<"Produce">, topic: KafkaTopic, index: number): PartitionResult {
  const { vhost, broker } = call.node;
  const refusal = diskRefusal(broker.storage);
  if (refusal !== null) return refuse(index, "KAFKA_STORAGE_ERROR", refusal);
  const exchange = topic.exchange!;
  const isAllowed = (key: string): boolean => mayProduceUnder(call, exchange, key);
  switch (publishToExchange(vhost, exchange, batch, limits.kafkaRequestBytesMax, isAllowed)) {
    case "refused":
      return refuse(index, ...unauthorized);
    case "full":
      return refuse(index, "POLICY_VIOLATION", `a queue behind '${topic.name}' is full`);
    case "published":
  }
  return { index, errorCode: errorCodes.NONE, baseOffset: 0, logStartOffset: 0 };
}

/** Why the disk does not take the batch now; producers try again. */
function diskRefusal({ failure, gate }: Broker["storage"]): string | null {
  if (failure !== null) return failure.message;
  const { sizeBytes } = batch;
  return sizeBytes < limits.diskFitBytes || gate.fits(sizeBytes)
    ? null
    : `the disk has no room for ${sizeBytes} bytes`;
}

function refuse(index: number, error: KafkaErrorName, errorMessage: string | null = null): PartitionResult {
  return { index, errorCode: errorCodes[error], baseOffset: -1, errorMessage };
}

function rulesFor({ isCompacted }: TopicRules, version: number): BatchRules {
  return batchRules[(version >= zstdVersionMin ? 1 : 0) + (isCompacted ? 2 : 0)]!;
}

/** By index: bit 0 zstd is allowed, bit 1 keys are required. */
const batchRules: readonly BatchRules[] = [0, 1, 2, 3].map((bits) => ({
  zstdAllowed: (bits & 1) !== 0,
  recordsChecked: true,
  keysRequired: (bits & 2) !== 0,
  decompressedBytesMax: limits.kafkaRequestBytesMax,
}));
