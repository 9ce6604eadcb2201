/** ListOffsets: the first and last offset of a log, and those of points in time, exact to the record. */
import { mayUsePartition } from "../core/authorize.ts";
import type { LogReader } from "../../../storage/logs.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { limits } from "../../../base/limits.ts";
import type { Job } from "../../../base/turn-work.ts";
import { envelope } from "../../../message/envelope.ts";
import { KafkaBatch } from "../../../message/kafka/batch.ts";
import { RecordCursor } from "../../../message/kafka/batch-records.ts";
import type { Call, Handler } from "../core/call.ts";
import { faultOf } from "../core/errors.ts";
import { repeatedOf } from "../core/repeated.ts";
import { leaderEpoch } from "../core/server.ts";
import type { KafkaTopic } from "../topics/directory.ts";
import { endFor, isCommittedOnly } from "./isolation.ts";
import type { RequestBody } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";

type Asked = RequestBody<"ListOffsets">["topics"][number]["partitions"][number];

/** Numbers that stand for positions instead of times. */
const positions = {
  latest: -1,
  earliest: -2,
  maxTimestamp: -3,
  earliestLocal: -4,
  latestTiered: -5,
} as const;

interface Found {
  readonly timestamp: number;
  readonly offset: number;
}

const nothing: Found = { timestamp: -1, offset: -1 };
/** A log that a search has gone through for so many µs is left to others for a while. */
const unitsOfFrame = 1;
const unitsOfSearch = 20;
const bytesPerUnit = 512;

interface Answer {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly timestamp?: number;
  readonly offset?: number;
  readonly leaderEpoch?: number;
}

export const listOffsets: Handler<"ListOffsets"> = function* (call, request) {
  call.server.broker.storage.seal();
  const topics: { name: string; partitions: Answer[] }[] = [];
  for (const { name, partitions } of request.topics) {
    const answers: Answer[] = [];
    topics.push({ name, partitions: answers });
    const repeated = repeatedOf(partitions, ({ partitionIndex }) => String(partitionIndex));
    for (const asked of partitions) {
      const { partitionIndex } = asked;
      const topic = call.server.topics.find(name);
      if (!mayUsePartition(call, "describe", topic, name, partitionIndex)) {
        answers.push({ partitionIndex, errorCode: errorCodes.TOPIC_AUTHORIZATION_FAILED });
      } else if (repeated.has(String(partitionIndex))) {
        // As in Kafka: a partition is asked about once.
        answers.push({ partitionIndex, errorCode: errorCodes.INVALID_REQUEST });
      } else answers.push(yield* answerFor(call, topic, asked, isCommittedOnly(request)));
      yield 1;
    }
  }
  return { topics };
};

function* answerFor(
  call: Call<"ListOffsets">,
  topic: KafkaTopic | undefined,
  { partitionIndex, currentLeaderEpoch, timestamp }: Asked,
  isStable: boolean,
): Job<Answer> {
  if (topic === undefined || !topic.hasPartition(partitionIndex)) {
    return { partitionIndex, errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION };
  }
  if (currentLeaderEpoch > leaderEpoch) return { partitionIndex, errorCode: errorCodes.UNKNOWN_LEADER_EPOCH };
  try {
    const found = yield* find(topic.queue(partitionIndex), timestamp, isStable);
    const epoch = found.offset < 0 ? -1 : leaderEpoch;
    return { partitionIndex, errorCode: errorCodes.NONE, ...found, leaderEpoch: epoch };
  } catch (error) {
    call.server.broker.logger.error("a search by time met records that cannot be read", {
      error: error as Error,
    });
    return { partitionIndex, errorCode: faultOf(error).errorCode };
  }
}

function* find(queue: Queue | undefined, timestamp: number, isStable: boolean): Job<Found> {
  switch (timestamp) {
    case positions.latest:
      return { timestamp: -1, offset: queue === undefined ? 0 : endFor(queue, isStable) };
    case positions.earliest:
    case positions.earliestLocal:
      return { timestamp: -1, offset: queue?.log.firstOffset ?? 0 };
    case positions.maxTimestamp:
      return queue === undefined ? nothing : yield* findNewest(queue);
    default:
      return queue === undefined || timestamp < 0 ? nothing : yield* findSince(queue, timestamp);
  }
}

/** The first record as new as `timestamp`. A batch may claim a time that none of its records has. */
function* findSince(queue: Queue, timestamp: number): Job<Found> {
  yield unitsOfSearch;
  const from = queue.log.offsetOfTimestamp(timestamp);
  if (from < 0) return nothing;
  const reader = queue.reader(from);
  const cursor = new RecordCursor();
  // What a pause leaves behind is of another turn: the reader finds its place again.
  while (!queue.isDeleted && reader.nextFrame()) {
    if (reader.timestamp < timestamp) {
      yield unitsOfFrame;
      continue;
    }
    if (reader.envelope !== envelope.kafka) return { timestamp: reader.timestamp, offset: reader.offset };
    const found = findInBatch(reader, timestamp, cursor);
    yield unitsOfFrame + Math.ceil(cursor.openedBytes / bytesPerUnit);
    if (found !== null) return found;
  }
  return nothing;
}

const batch = new KafkaBatch();

function findInBatch(reader: LogReader, timestamp: number, cursor: RecordCursor): Found | null {
  const { removed } = reader.log;
  batch.reset(reader.buffer, reader.recordsStart, reader.recordsEnd).next();
  cursor.open(batch, limits.kafkaRequestBytesMax);
  try {
    for (let offset = reader.frameOffset; cursor.next(); offset++) {
      if (cursor.timestamp >= timestamp && !removed.has(offset))
        return { timestamp: cursor.timestamp, offset };
    }
    return null;
  } finally {
    cursor.close();
  }
}

/** The newest record, which need not be the last. Its time is found by halving: the index answers for any time. */
function* findNewest(queue: Queue): Job<Found> {
  const { log } = queue;
  if (log.offsetOfTimestamp(0) < 0) return nothing;
  let low = 0;
  let high = Number.MAX_SAFE_INTEGER;
  while (low < high) {
    yield unitsOfSearch;
    const middle = low + Math.ceil((high - low) / 2);
    if (log.offsetOfTimestamp(middle) >= 0) low = middle;
    else high = middle - 1;
  }
  return yield* findSince(queue, low);
}
