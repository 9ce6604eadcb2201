/**
 * Produce: batches into logs.
 *
 * acks=all is answered once the batches are on the disk (or as `kafkaDurability` says), acks=1 once the system has them, acks=0 not at all; an error
 * under acks=0 closes the connection, as in Kafka, for the client to look at the metadata again.
 */
import { mayCreateTopic, mayProduceUnder, mayUsePartition, mayUseTopic } from "../core/authorize.ts";
import { BrokerError } from "../../../base/errors.ts";
import { limits } from "../../../base/limits.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { Publisher } from "../../../broker/look/unroutable.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { endOf } from "../../../broker/trace/tracer.ts";
import { finishNow } from "../../../base/turn-work.ts";
import { batchHeaderBytes, KafkaBatch } from "../../../message/kafka/batch.ts";
import { BatchCheck, type BatchRules } from "../../../message/kafka/batch-validate.ts";
import type { AnswerJob, Call, Handler } from "../core/call.ts";
import { faultOf } from "../core/errors.ts";
import { appended, appendToQueue, noteAppended, sequenceVerdict } from "./log.ts";
import { type Outcome, publishToExchange } from "./exchange.ts";
import { isTakenBy, offer } from "./partition.ts";
import { mayGiveUp, mayHoldReturned, Returning } from "./returned.ts";
import { topicRules, type TopicRules } from "../topics/rules.ts";
import type { KafkaTopic } from "../topics/directory.ts";
import type { RequestBody, ResponseInput } from "../wire/codec.ts";
import { errorCodes, type KafkaErrorName } from "../wire/error-codes.ts";

type TopicData = RequestBody<"Produce">["topicData"][number];
type PartitionResult = ResponseInput<"Produce">["responses"][number]["partitionResponses"][number];

const acksAll = -1;
/** Kafka 4 refuses what is older, though it lists it (KAFKA-18659). */
const versionMin = 3;
const zstdVersionMin = 7;

/** Done at once: what is at most so much, and of compressed batches one. Longer requests are jobs. */
const shortBytesMax = 4 << 20;
const shortRecordsMax = 100_000;
const shortThingsMax = 500;
/** It may have to be made. */
const unitsOfTopic = 20;
const unitsOfBatch = 5;
/** Decompressing goes at about 500 bytes in a µs. */
const bytesPerUnit = 500;
/** A piece of a long batch's check. */
const unitsOfPiece = 800;

const seen = new KafkaBatch();
const shortCheck = new BatchCheck();
/** The batch at hand, in the turn in which it is appended. */
let batch: KafkaBatch = shortCheck.batch;

export const produce: Handler<"Produce"> = (call, request) => {
  if (call.version < versionMin) return "close";
  return isShort(request)
    ? finishNow(appendAll(call, request, shortCheck))
    : appendAll(call, request, new BatchCheck());
};

/**
 * Whether the request is done at once: without a job of its own, and in order with what else comes in this turn. What
 * a compressed batch becomes is not known before, so that is one of them at most.
 */
function isShort({ topicData }: RequestBody<"Produce">): boolean {
  let bytes = 0;
  let things = topicData.length;
  let records = 0;
  let compressed = 0;
  for (const { partitionData } of topicData) {
    things += partitionData.length;
    for (const { records: batchBytes } of partitionData) {
      if (batchBytes === null || batchBytes.length < batchHeaderBytes) continue;
      bytes += batchBytes.length;
      seen.reset(batchBytes);
      records += seen.recordCount;
      if (seen.codec !== 0) compressed++;
    }
  }
  return bytes <= shortBytesMax && things <= shortThingsMax && records <= shortRecordsMax && compressed <= 1;
}

function* appendAll(
  call: Call<"Produce">,
  request: RequestBody<"Produce">,
  check: BatchCheck,
): AnswerJob<"Produce"> {
  const { acks, transactionalId, topicData } = request;
  const { broker } = call.server;
  const fault = requestFault(acks, transactionalId);
  let hasFault = false;
  let hasStored = false;
  let inflatedBytesLeft: number = limits.kafkaRequestInflatedBytesMax;
  // The first pause may come within any of them. (A request that is done at once has none that outlasts the turn.)
  if (check !== shortCheck && !call.keepsBytes) copyRecords(topicData);
  const responses = [];
  for (const data of topicData) {
    const { name, topicId, partitionData } = data;
    const topic = fault === null ? topicFor(call, data) : undefined;
    if (check !== shortCheck) yield unitsOfTopic;
    const settings = topic === undefined ? null : topicRules(topic.configs);
    const rules = settings === null ? null : rulesFor(settings, call.version);
    const partitionResponses: PartitionResult[] = [];
    for (const { index, records } of partitionData) {
      let result = refusalOf(call, fault, topic, data, index);
      if (result === null) {
        const inflatedBytesMax = Math.min(inflatedBytesLeft, settings!.inflatedBytesMax);
        let found = check.begin(records, rules!, inflatedBytesMax);
        if (check.isInflated) inflatedBytesLeft -= check.openedBytes;
        if (check !== shortCheck) yield unitsOfBatch + check.openedBytes / bytesPerUnit;
        for (; found === "more"; found = check.more()) yield unitsOfPiece;
        batch = check.batch;
        if (found === null) result = append(call, topic!, index);
        else if (found.error === "MESSAGE_TOO_LARGE" && inflatedBytesMax < settings!.inflatedBytesMax) {
          // The batches before it have used up the request's part: it may come again by itself, so it is no final error.
          result = refuse(
            index,
            "REQUEST_TIMED_OUT",
            "the request's batches decompress to too much together",
          );
        } else result = refuse(index, found.error, found.message);
      }
      if (result.errorCode === errorCodes.NONE) {
        hasStored = true;
        call.caller.messagesIn += batch.recordCount;
      } else hasFault = true;
      partitionResponses.push(result);
    }
    responses.push({ name, topicId, partitionResponses });
  }
  broker.flow.requesterSeen(call.connection);
  if (acks === 0) return hasFault ? "close" : "silent";
  // A refusal does not wait for a disk that may be the reason.
  if (hasStored && acks === acksAll && broker.options.kafkaDurability === "fsync") call.holdUntilDurable();
  return { responses };
}

function copyRecords(topicData: readonly TopicData[]): void {
  for (const { partitionData } of topicData) {
    for (const data of partitionData as { records: Buffer | null }[]) {
      if (data.records !== null) data.records = Buffer.from(data.records);
    }
  }
}

function requestFault(acks: number, transactionalId: string | null): [KafkaErrorName, string] | null {
  if (acks < acksAll || acks > 1) return ["INVALID_REQUIRED_ACKS", `acks is ${acks}; it may be -1, 0 or 1`];
  if (transactionalId !== null) {
    return ["UNSUPPORTED_VERSION", "TroikaMQ does not support transactions yet; leave out transactional.id"];
  }
  return null;
}

const unauthorized: [KafkaErrorName, string] = ["TOPIC_AUTHORIZATION_FAILED", "Topic authorization failed."];

/** An id without a topic has no name to check, and is refused for that reason. */
function isRefused(call: Call<"Produce">, name: string): boolean {
  return name !== "" && !mayUseTopic(call, "write", name);
}

/** Producing to a topic that is not there makes it: what Kafka does one request earlier, for metadata. */
function topicFor(
  call: Call<"Produce">,
  { name, topicId, partitionData }: TopicData,
): KafkaTopic | undefined {
  const { topics } = call.server;
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

/** Why nothing is looked at that came for this partition; or null. */
function refusalOf(
  call: Call<"Produce">,
  fault: [KafkaErrorName, string] | null,
  topic: KafkaTopic | undefined,
  { name }: TopicData,
  index: number,
): PartitionResult | null {
  if (fault !== null) return refuse(index, ...fault);
  if (topic === undefined) {
    if (isRefused(call, name)) return refuse(index, ...unauthorized);
    return refuse(index, call.version >= 13 ? "UNKNOWN_TOPIC_ID" : "UNKNOWN_TOPIC_OR_PARTITION");
  }
  if (!mayUsePartition(call, "write", topic, topic.name, index)) return refuse(index, ...unauthorized);
  return topic.hasPartition(index) ? null : refuse(index, "UNKNOWN_TOPIC_OR_PARTITION");
}

/** Appends `batch`, in which no fault was found. */
function append(call: Call<"Produce">, topic: KafkaTopic, index: number): PartitionResult {
  const rules = topicRules(topic.configs);
  const now = call.server.broker.clock.now();
  const fault = topicFault(rules, now);
  if (fault !== null) return refuse(index, ...fault);
  const queue = topic.queue(index);
  // Somebody deleted the topic while its batch was being looked at.
  if (queue?.isDeleted === true || topic.exchange?.isDeleted === true) {
    return refuse(index, "UNKNOWN_TOPIC_OR_PARTITION");
  }
  if (rules.isLogAppendTime) batch.setLogAppendTime(now);
  if (queue === undefined) return publish(call, topic, index);
  return store(call, topic, queue, index, now);
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
  topic: KafkaTopic,
  queue: Queue,
  index: number,
  now: number,
): PartitionResult {
  const { broker } = call.server;
  const refusal = diskRefusal(broker.storage);
  if (refusal !== null) return refuse(index, "KAFKA_STORAGE_ERROR", refusal);
  const verdict = sequenceVerdict(queue, batch);
  if (verdict === null) {
    const { policy } = queue;
    const takesReturned = topic.isRetry && queue.kind === "stream" && mayHoldReturned(batch);
    const intake = takesReturned ? new Returning(queue) : queue.intake;
    const mayBeSplit = intake !== null || policy.overflow === "reject-publish-dlx";
    if (mayBeSplit && batch.recordCount > limits.kafkaExchangeRecordsMax) {
      const most = limits.kafkaExchangeRecordsMax;
      return refuse(index, "MESSAGE_TOO_LARGE", `this queue takes at most ${most} records of one batch`);
    }
    if (!isTakenBy(queue, batch, limits.kafkaRequestBytesMax))
      return refuse(index, "POLICY_VIOLATION", `queue '${queue.name}' is full`);
    if (takesReturned && !mayGiveUp(call, batch, limits.kafkaRequestBytesMax))
      return refuse(index, ...unauthorized);
    const before = queue.trace === null ? 0 : endOf(queue);
    const offset = intake === null ? null : offer(queue, batch, intake, limits.kafkaRequestBytesMax);
    if (offset === null) appendToQueue(queue, batch, now);
    else noteAppended(queue, batch, offset, now);
    if (queue.trace !== null)
      broker.tracer.entered(queue, endOf(queue) - before, () => publisherOf(call), batch);
  } else if (verdict !== "duplicate") return refuse(index, verdict);
  return {
    index,
    errorCode: errorCodes.NONE,
    baseOffset: appended.baseOffset,
    logAppendTimeMs: topicRules(topic.configs).isLogAppendTime ? now : -1,
    logStartOffset: queue.log.firstOffset,
  };
}

function publisherOf({ caller, clientId, connection: { local, remote } }: Call<"Produce">): Publisher {
  const clientName = clientId.slice(0, limits.clientTextBytesMax);
  return { protocol: "kafka", user: caller.authorization?.name ?? "", clientName, local, remote };
}

/** Where the records went has no one offset: the answer is 0, as of a log that keeps nothing. */
function publish(call: Call<"Produce">, topic: KafkaTopic, index: number): PartitionResult {
  const { vhost, broker } = call.server;
  const refusal = diskRefusal(broker.storage);
  if (refusal !== null) return refuse(index, "KAFKA_STORAGE_ERROR", refusal);
  if (batch.recordCount > limits.kafkaExchangeRecordsMax) {
    const most = limits.kafkaExchangeRecordsMax;
    return refuse(index, "MESSAGE_TOO_LARGE", `an exchange takes at most ${most} records of one batch`);
  }
  const exchange = topic.exchange!;
  const by = {
    isAllowed: (key: string): boolean => mayProduceUnder(call, exchange, key),
    publisher: (): Publisher => publisherOf(call),
  };
  let outcome: Outcome;
  try {
    outcome = publishToExchange(vhost, exchange, batch, limits.kafkaBatchInflatedBytesMax, by);
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== "INVALID") throw error;
    return refuse(index, "INVALID_RECORD", error.message);
  }
  switch (outcome) {
    case "refused":
      return refuse(index, ...unauthorized);
    case "dear":
      // Java's producer halves a batch that is answered so.
      return refuse(
        index,
        "MESSAGE_TOO_LARGE",
        `routing these records takes too long; send fewer in a batch`,
      );
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
  decompressedBytesMax: limits.kafkaBatchInflatedBytesMax,
}));
