/**
 * Replays a range of a log: copies its messages, acknowledged ones among them, to another place or to the end of the same log.
 *
 * The range is fixed when it begins, so what comes later is not replayed, the copies among it. A message is copied in the form in which it was
 * sent; whole Kafka batches as they are. How far it has come is written with the tick that moved it (`nextOffset`), so after a kill the operation says
 * exactly from where on to begin another one. Not here: where the copies go (replay-target.ts), the pace (../operations.ts).
 * Invariants: the source is not changed; messages of the range are copied in the order of their offsets, each once; what cannot be
 * copied ends the replay before that message, so `nextOffset` has a gap before it never.
 */
import type { Job } from "../../../base/turn-work.ts";
import { kafkaFrames } from "../../../message/convert/kafka-frame.ts";
import { envelope } from "../../../message/envelope.ts";
import { LogReader, type Storage } from "../../../storage/index.ts";
import { filterFactsOf } from "../../look/content.ts";
import type { MessageFilter } from "../../look/filter.ts";
import type { Queue } from "../../queue/queue.ts";
import type { Ticker } from "../../ticker.ts";
import type { Counts, Operation } from "../operation.ts";
import type { OperationBody, Operations } from "../operations.ts";
import { Progress } from "../progress.ts";
import { endingAt, type ReplayTarget } from "./replay-target.ts";

export interface ReplayRequest {
  readonly source: Queue;
  /** Offsets: the first, and the one behind the last. */
  readonly from: number;
  readonly to: number;
  /** Only what was acknowledged and is kept. */
  readonly isHistoryOnly: boolean;
  readonly filter: MessageFilter | null;
  /** Of messages that match. */
  readonly limit: number;
  /** Batches are copied whole. */
  readonly copiesBatches: boolean;
  readonly isDry: boolean;
  readonly target: ReplayTarget;
}

/** What replays need of the broker. */
export interface ReplaySurroundings {
  readonly operations: Operations;
  readonly ticker: Pick<Ticker, "schedule">;
  readonly storage: Pick<Storage, "assertWritable">;
}

/** `matched` = moved (or, in a dry run, what would be moved) + unroutable + refused. */
export interface ReplayCounts extends Counts {
  refused: number;
  /** From where another replay would go on. */
  next_offset: number;
}

export function newReplayCounts(from: number): ReplayCounts {
  return { matched: 0, moved: 0, unroutable: 0, refused: 0, next_offset: from };
}

const unitsOfLook = 0.5;
const unitsOfMatch = 6;
const bytesPerUnit = 1024;

export function replaying(
  { operations, ticker, storage }: ReplaySurroundings,
  request: ReplayRequest,
): OperationBody {
  return (operation) => {
    const progress = new Progress(operations, operation, ticker);
    return replayEach(operation, request, {
      goes: () => storage.assertWritable(),
      went: () => progress.went(),
      reached: ({ name }) => operations.movesTo(operation, name),
      mayReach: ({ name }) => operations.reaches(operation, name),
    });
  };
}

interface Notes {
  /** Throws UNAVAILABLE where the disk takes nothing more. */
  readonly goes: () => void;
  readonly went: () => void;
  readonly reached: (queue: Queue) => void;
  readonly mayReach: (queue: Queue) => boolean;
}

/** One record at most between two yields, or one batch. */
function* replayEach(operation: Operation, request: ReplayRequest, notes: Notes): Job<void> {
  const { source, from, limit, filter } = request;
  const counts = operation.counts as ReplayCounts;
  source.log.store.seal();
  const to = Math.min(request.to, source.log.stableEnd);
  const reader = new LogReader(source.log);
  for (let offset = nextIn(source, from, to); offset >= 0; offset = nextIn(source, counts.next_offset, to)) {
    if (counts.matched >= limit) return;
    counts.next_offset = offset;
    let units = unitsOfLook;
    let end = offset + 1;
    if (!request.isHistoryOnly || source.cursor?.history?.has(offset) === true) {
      const inflatedBefore = kafkaFrames.inflatedBytes;
      try {
        notes.goes();
        reader.seek(offset);
        reader.next();
        const batched = batchFrom(reader, request, counts, to);
        if (batched > 0) end = offset + batched;
        else if (filter === null || filter.matches(factsAt(source, reader))) offer(reader, request, counts);
      } catch (error) {
        throw endingAt(error, offset);
      }
      const bytes = reader.end - reader.start + kafkaFrames.inflatedBytes - inflatedBefore;
      units += unitsOfMatch + bytes / bytesPerUnit;
    }
    counts.next_offset = end;
    if (!request.isDry) {
      for (const queue of request.target.reached) if (notes.mayReach(queue)) notes.reached(queue);
      notes.went();
    }
    yield units;
    if (source.isDeleted) throw new Error("the source was deleted");
  }
  counts.next_offset = Math.max(counts.next_offset, to);
}

function offer(reader: LogReader, { target, isDry }: ReplayRequest, counts: ReplayCounts): void {
  const fate = target.offer(reader, isDry);
  counts.matched++;
  if (fate !== "moved") counts[fate]++;
  else if (!isDry) counts.moved++;
}

/** Copies the batch that begins where the reader is, if it is whole in the range. Returns how many records it has, or 0. */
function batchFrom(reader: LogReader, request: ReplayRequest, counts: ReplayCounts, to: number): number {
  const { envelope: stored, indexInFrame, frameOffset, frameEnd } = reader;
  const { copiesBatches, limit, source, target } = request;
  if (!copiesBatches || stored !== envelope.kafka || indexInFrame !== 0) return 0;
  const count = frameEnd - frameOffset;
  if (count < 2 || frameEnd > to || counts.matched + count > limit) return 0;
  if (source.log.removed.countIn(frameOffset, frameEnd) > 0) return 0;
  if (!target.offerBatch(reader, count)) return 0;
  counts.matched += count;
  counts.moved += count;
  return count;
}

function factsAt({ cursor }: Queue, reader: LogReader): ReturnType<typeof filterFactsOf> {
  const { offset, timestamp: time } = reader;
  const isSettled = cursor?.history?.has(offset) === true;
  const deliveryCount = cursor === null || isSettled ? null : cursor.deliveriesOf(offset);
  return filterFactsOf(reader, { time, deliveryCount });
}

/** The first offset at or above `from` of a record that is there; -1: there is none below `to`. */
function nextIn({ log }: Queue, from: number, to: number): number {
  const offset = log.removed.nextPresent(Math.max(from, log.removed.first));
  return offset < to ? offset : -1;
}
