/**
 * Fetch: records from logs, at once if there are enough of them, otherwise when there are or the time is up.
 *
 * Fetch sessions (KIP-227) are refused in the way that the protocol has for it: session id 0 in every answer, after
 * which clients name all their partitions in each request; a request for a session gets FETCH_SESSION_ID_NOT_FOUND.
 */
import { clientParty } from "../../../broker/trace/party.ts";
import type { Tracer } from "../../../broker/trace/tracer.ts";
import { mayUsePartition } from "../core/authorize.ts";
import { BrokerError } from "../../../base/errors.ts";
import { limits } from "../../../base/limits.ts";
import type { Timer } from "../../../base/clock.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { LogWaiter } from "../../../broker/queue/readers.ts";
import type { Call, Handler } from "../core/call.ts";
import { faultOf } from "../core/errors.ts";
import { isCommittedOnly } from "./isolation.ts";
import { beginAnswer, FetchedRecords } from "./records.ts";
import { leaderEpoch } from "../core/server.ts";
import type { KafkaTopic } from "../topics/directory.ts";
import type { RequestBody, ResponseInput } from "../wire/codec.ts";
import { errorCodes, type KafkaErrorName } from "../wire/error-codes.ts";

type Asked = RequestBody<"Fetch">["topics"][number]["partitions"][number];
type Answer = ResponseInput<"Fetch">["responses"][number]["partitions"][number];

/** What one answer holds at most, whatever the client would take; a batch that is longer goes alone. */
const answerBytesMax = 2 << 20;
/** Partitions of which one answer holds records. */
const readsMax = 1000;
/** What an answer takes beyond its records, for each partition. */
const partitionHeadBytes = 64;
const sessionEpochs = { none: -1, first: 0 } as const;

interface Target {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: readonly Asked[];
  readonly topic: KafkaTopic | undefined;
}

/** A response in the making. */
interface Reading {
  readonly responses: ResponseInput<"Fetch">["responses"];
  readonly bytes: number;
  readonly records: number;
  readonly hasFault: boolean;
}

export const fetch: Handler<"Fetch"> = (call, request) => {
  const { sessionEpoch, maxWaitMs, minBytes } = request;
  if (sessionEpoch > sessionEpochs.first) {
    return { errorCode: errorCodes.FETCH_SESSION_ID_NOT_FOUND, responses: [] };
  }
  const { topics: directory, broker } = call.server;
  assertPartitions(request);
  const targets = request.topics.map(({ topic: name, topicId, partitions }) => ({
    name,
    topicId,
    partitions,
    topic: call.version >= 13 ? directory.findById(topicId) : directory.find(name),
  }));
  // What came earlier in this turn is to be seen.
  broker.storage.seal();
  const reading = read(call, request, targets);
  if (reading.hasFault || reading.bytes >= minBytes || maxWaitMs <= 0) return answerOf(call, reading);
  LongPoll.begin(call, request, targets, reading);
  return "later";
};

/** Read in one turn, since a reader's bytes are valid that long. Throws LIMIT, which ends the connection. */
function assertPartitions({ topics }: RequestBody<"Fetch">): void {
  let partitions = 0;
  for (const topic of topics) partitions += 1 + topic.partitions.length;
  if (partitions <= limits.kafkaFetchPartitionsMax) return;
  throw new BrokerError(
    "LIMIT",
    `a fetch names ${partitions} partitions; at most ${limits.kafkaFetchPartitionsMax}`,
  );
}

/** The output grows once for all that follows. */
function answerOf(call: Call<"Fetch">, { responses, bytes, records }: Reading): ResponseInput<"Fetch"> {
  const { tracer } = call.server.broker;
  if (tracer.isOn) traceAnswer(call, tracer, responses);
  call.caller.messagesOut += records;
  let partitions = 0;
  for (const topic of responses) partitions += topic.partitions.length;
  call.connection.output.ensure(bytes + (partitions + 1) * partitionHeadBytes);
  return { responses };
}

function read(call: Call<"Fetch">, request: RequestBody<"Fetch">, targets: readonly Target[]): Reading {
  beginAnswer();
  let left = Math.min(request.maxBytes, answerBytesMax);
  let readsLeft = readsMax;
  let bytes = 0;
  let records = 0;
  let hasFault = false;
  const isStable = isCommittedOnly(request);
  const responses = targets.map((target) => ({
    topic: target.name,
    topicId: target.topicId,
    partitions: target.partitions.map((asked) => {
      const room = { bytesLeft: readsLeft > 0 ? left : 0, takesOne: bytes === 0, isStable };
      const answer = readPartition(call, target, asked, room);
      if (isStable) answer.abortedTransactions = [];
      const size = answer.records.length;
      bytes += size;
      records += answer.records.recordCount;
      if (size > 0) readsLeft--;
      left -= size;
      if (answer.errorCode !== errorCodes.NONE) hasFault = true;
      return answer;
    }),
  }));
  return { responses, bytes, records, hasFault };
}

function traceAnswer({ connection }: Call<"Fetch">, tracer: Tracer, responses: Reading["responses"]): void {
  for (const { partitions } of responses) {
    for (const answer of partitions) {
      if (!(answer instanceof PartitionAnswer) || answer.queue === null || answer.queue.trace === null)
        continue;
      tracer.read(answer.queue, answer.from, answer.records.endOffset, () => clientParty(connection));
    }
  }
}

class PartitionAnswer implements Answer {
  /** What was read, for traces; null: nothing. */
  queue: Queue | null = null;
  from = 0;
  readonly partitionIndex: number;
  errorCode: number = errorCodes.NONE;
  highWatermark = -1;
  lastStableOffset = -1;
  logStartOffset = -1;
  abortedTransactions: [] | null = null;
  readonly records = new FetchedRecords();

  constructor(partitionIndex: number) {
    this.partitionIndex = partitionIndex;
  }

  refuse(error: KafkaErrorName): this {
    this.errorCode = errorCodes[error];
    return this;
  }
}

/** How much of a partition may be read, and how far. */
interface Room {
  readonly bytesLeft: number;
  readonly takesOne: boolean;
  readonly isStable: boolean;
}

function readPartition(
  call: Call<"Fetch">,
  { topic }: Target,
  asked: Asked,
  { bytesLeft, takesOne, isStable }: Room,
): PartitionAnswer {
  const answer = new PartitionAnswer(asked.partition);
  if (topic !== undefined && !mayUsePartition(call, "read", topic, topic.name, asked.partition))
    return answer.refuse("TOPIC_AUTHORIZATION_FAILED");
  if (topic === undefined)
    return answer.refuse(call.version >= 13 ? "UNKNOWN_TOPIC_ID" : "UNKNOWN_TOPIC_OR_PARTITION");
  if (!topic.hasPartition(asked.partition)) return answer.refuse("UNKNOWN_TOPIC_OR_PARTITION");
  if (asked.currentLeaderEpoch > leaderEpoch) return answer.refuse("UNKNOWN_LEADER_EPOCH");
  const queue = topic.queue(asked.partition);
  // Nothing is kept in an exchange: there is never anything to read.
  const end = queue?.log.nextOffset ?? 0;
  const first = queue?.log.readableFrom ?? 0;
  if (isOutOfRange(queue, asked.fetchOffset, first, end)) return answer.refuse("OFFSET_OUT_OF_RANGE");
  answer.highWatermark = end;
  answer.lastStableOffset = queue?.log.stableEnd ?? end;
  answer.logStartOffset = first;
  if (queue === undefined || asked.fetchOffset === end) return answer;
  try {
    const bytesMax = Math.min(bytesLeft, asked.partitionMaxBytes);
    answer.queue = queue;
    answer.from = asked.fetchOffset;
    answer.records.collect(queue, asked.fetchOffset, { bytesMax, takesOne, isStable });
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    // Bytes that are not whole are never served; the operator hears of them.
    call.server.broker.logger.error("a fetch met records that cannot be read", { queue: queue.name, error });
    answer.errorCode = faultOf(error).errorCode;
  }
  return answer;
}

/** Records that others consumed from a queue are passed over; from a stream they are gone by retention, an error. */
function isOutOfRange(queue: Queue | undefined, offset: number, first: number, end: number): boolean {
  return offset > end || offset < (queue?.kind === "queue" ? 0 : first);
}

/** Waits on the logs of a request. Told at the end of a tick, it answers before that tick's output leaves. */
class LongPoll implements LogWaiter {
  readonly #call: Call<"Fetch">;
  readonly #request: RequestBody<"Fetch">;
  readonly #targets: readonly Target[];
  readonly #timer: Timer;
  /** The logs and their sizes when they were last looked at. */
  readonly #sizes = new Map<Queue, number>();
  /** Bytes that the last reading found and that came since, going by the sizes of the logs. */
  #estimate = 0;

  static begin(...parts: ConstructorParameters<typeof LongPoll>): void {
    void new LongPoll(...parts);
  }

  constructor(
    call: Call<"Fetch">,
    request: RequestBody<"Fetch">,
    targets: readonly Target[],
    reading: Reading,
  ) {
    this.#call = call;
    this.#request = request;
    this.#targets = targets;
    for (const { topic, partitions } of targets) {
      for (const { partition } of partitions) {
        const queue = topic?.queue(partition);
        if (queue === undefined) continue;
        this.#sizes.set(queue, 0);
        queue.waiters.add(this);
      }
    }
    this.#found(reading);
    call.onGone = () => this.#stop();
    this.#timer = call.server.broker.timers.after(request.maxWaitMs, () => this.#answer(this.#read()));
  }

  #found({ bytes }: Reading): void {
    this.#estimate = bytes;
    for (const queue of this.#sizes.keys()) {
      const { log } = queue;
      // What an open transaction holds back comes without new bytes: the next change is worth a look.
      this.#sizes.set(queue, log.stableEnd < log.nextOffset ? 0 : log.bytes);
    }
  }

  logChanged(queue: Queue): void {
    if (queue.isDeleted) return this.#answer(this.#read());
    const { bytes } = queue.log;
    this.#estimate += Math.max(bytes - this.#sizes.get(queue)!, 0);
    this.#sizes.set(queue, bytes);
    if (this.#estimate < this.#request.minBytes) return;
    const reading = this.#read();
    if (reading.hasFault || reading.bytes >= this.#request.minBytes) this.#answer(reading);
    else this.#found(reading);
  }

  #read(): Reading {
    const { topics } = this.#call.server;
    // A topic may have been deleted, or made again under its name, since.
    const targets = this.#targets.map((target) => ({ ...target, topic: topics.findById(target.topic!.id) }));
    return read(this.#call, this.#request, targets);
  }

  #answer(reading: Reading): void {
    this.#stop();
    this.#call.answer(answerOf(this.#call, reading));
  }

  #stop(): void {
    this.#timer.cancel();
    for (const queue of this.#sizes.keys()) queue.waiters.delete(this);
  }
}
