/**
 * Takes back what a retry has brought home and nobody has got yet: each such message becomes the dead letter that it was, at the end of
 * the queue or stream that it came from. An edit stays.
 *
 * What was moved is found by what is written on it (mark.ts, groups/give-back.ts), so an undo works after a kill, and may be asked for
 * again. A message that a consumer holds is not taken. Of a stream an entry is taken while no group of it has come to it, no AMQP
 * consumer reads it, and each group of Kafka that has positions there stands before it and has no members; who reads it by XREAD or Fetch without a group is not known. Not here: the pace (../operations.ts).
 * Invariants: found = taken back + those that somebody holds, or may have read; a message that cannot be read or moved is left where it is,
 * and those behind it are taken all the same.
 */
import { BrokerError } from "../../../base/errors.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { AmqpRecordParts } from "../../../message/amqp/record.ts";
import { AmqpView } from "../../../message/convert/as-amqp.ts";
import { envelope } from "../../../message/envelope.ts";
import { LogReader } from "../../../storage/index.ts";
import { isGivenBack, takeBack } from "../../groups/give-back.ts";
import type { GroupCursor } from "../../groups/group-cursor.ts";
import type { Queue } from "../../queue/queue.ts";
import { hasRoomFor } from "../../queue/retention.ts";
import type { Counts, Operation } from "../operation.ts";
import type { OperationBody, Operations } from "../operations.ts";
import { Progress } from "../progress.ts";
import { isBroughtHome, toDeadLetters } from "./kafka-letters.ts";
import { markOf, mayHaveMark, withoutMark } from "./mark.ts";
import { isInQueue, isReady, move, nextOffset } from "./move.ts";

/** `matched` are those found, `moved` those taken back. */
export interface UndoCounts extends Counts {
  /** The place of the dead letters has no room. */
  full: number;
  refused: number;
}

export interface UndoRequest {
  readonly undone: Operation;
  /** Where the dead letters lay. */
  readonly source: Queue;
  /** Whether who asks may take messages from there. */
  readonly may: (queue: Queue) => boolean;
}

export function newUndoCounts(): UndoCounts {
  return { matched: 0, moved: 0, unroutable: 0, full: 0, refused: 0 };
}

const view = new AmqpView();
const unitsOfLook = 1;
const unitsOfMatch = 12;
const bytesPerUnit = 1024;
/** A frame is stamped when its tick begins, and the clock may have been set. */
const clockSlackMs = 60_000;

export function undoing(operations: Operations, { undone, source, may }: UndoRequest): OperationBody {
  return function* (operation): Job<void> {
    const counts = operation.counts as UndoCounts;
    const progress = new Progress(operations, operation, source.vhost.broker.ticker, undone);
    const before = takenBackOf(undone);
    const note = (): void => {
      if (takenBackOf(undone) === before + counts.moved) return;
      undone.counts["taken_back"] = before + counts.moved;
      progress.went();
    };
    undone.undoneBy = operation.id;
    try {
      for (const step of takingBack({ undone, source, may }, counts)) {
        note();
        yield step;
      }
    } finally {
      // Also where it is cancelled or fails.
      note();
      operations.save(undone);
    }
  };
}

function* takingBack({ undone, source, may }: UndoRequest, counts: UndoCounts): Job<void> {
  for (const name of undone.targets) {
    const home = source.vhost.findQueue(name);
    if (home === undefined) continue;
    if (!may(home)) counts.refused++;
    else {
      yield* fromLog({ undone, source, home, counts });
      for (const cursor of home.groups.values()) yield* fromGroup({ undone, source, home, counts }, cursor);
    }
  }
}

/** How many of its messages undos before have taken back. */
export function takenBackOf({ counts }: Operation): number {
  return counts["taken_back"] ?? 0;
}

interface Undoing {
  readonly undone: Operation;
  readonly source: Queue;
  readonly home: Queue;
  readonly counts: UndoCounts;
}

function* fromLog({ undone, source, home, counts }: Undoing): Job<void> {
  home.log.store.seal();
  const end = home.log.stableEnd;
  const reader = new LogReader(home.log);
  const id = Buffer.from(undone.id);
  const from = home.log.offsetOfTimestamp(undone.startedAt - clockSlackMs);
  for (
    let offset = from < 0 ? -1 : nextOffset(home, from, end);
    offset >= 0;
    offset = nextOffset(home, offset + 1, end)
  ) {
    reader.seek(offset);
    let units: number;
    try {
      reader.next();
      units = takeIfMarked({ undone, source, home, counts }, reader, id);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      units = unitsOfMatch;
    }
    yield units;
    assertThere(source, home);
  }
}

/** Returns the units of work that it was. */
function takeIfMarked({ undone, source, home, counts }: Undoing, reader: LogReader, id: Buffer): number {
  const parts = view.show(reader);
  const units = unitsOfLook + (parts.headerEnd - parts.headerStart) / bytesPerUnit;
  if (!isMarked(reader, parts, undone.id, id) || !isInQueue(home, reader.offset)) return units;
  counts.matched++;
  if (isReady(home, reader.offset) && !isRead(home, reader)) {
    if (!takeLetterBack(source, home, reader, parts, undone.id)) counts.full++;
    else counts.moved++;
  }
  return units + unitsOfMatch + (reader.end - reader.start) / bytesPerUnit;
}

function isMarked(reader: LogReader, parts: AmqpRecordParts, operation: string, id: Buffer): boolean {
  if (!mayHaveMark(parts, id)) return false;
  return reader.envelope === envelope.kafka
    ? isBroughtHome(reader, operation)
    : markOf(parts, operation) !== null;
}

/** False: there is no room. */
function takeLetterBack(
  source: Queue,
  home: Queue,
  reader: LogReader,
  parts: AmqpRecordParts,
  operation: string,
): boolean {
  if (reader.envelope === envelope.kafka) return toDeadLetters(home, reader, source);
  if (!hasRoomFor(source, 1, parts.bodyEnd - parts.bodyStart)) return false;
  const { properties, from } = markOf(parts, operation)!;
  const headers = withoutMark(properties.headers ?? []);
  move(home, reader, source, { parts, properties: { ...properties, headers }, route: from, body: null });
  return true;
}

/** Whether somebody may have read the entry of a stream. */
function isRead(home: Queue, { id: entry, offset }: LogReader): boolean {
  if (home.kind === "queue") return false;
  if (home.streamConsumers > 0) return true;
  for (const { lastId } of home.groups.values()) if (entry.compare(lastId) <= 0) return true;
  const { topics, groupOffsets } = home.vhost;
  const topic = topics.topicOf(home);
  if (topic === undefined) return groupOffsets.mayHaveRead(home.name, 0, offset);
  return groupOffsets.mayHaveRead(topic.name, topic.partitions.indexOf(home), offset);
}

function* fromGroup({ undone, source, home, counts }: Undoing, cursor: GroupCursor): Job<void> {
  const { pending } = cursor;
  for (let offset = pending.next(0); offset >= 0; offset = pending.next(offset + 1)) {
    let units = unitsOfLook;
    if (isGivenBack(cursor, offset, undone.id)) {
      units += unitsOfMatch;
      counts.matched++;
      if (takeBack(home, cursor, offset, source.name)) counts.moved++;
      else counts.full++;
    }
    yield units;
    assertThere(source, home);
    if (home.groups.get(cursor.name) !== cursor) return;
  }
}

function assertThere(source: Queue, home: Queue): void {
  if (source.isDeleted || home.isDeleted) throw new Error("a queue of it was deleted");
}
