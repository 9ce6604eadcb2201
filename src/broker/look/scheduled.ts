/**
 * Looks at the messages that enter a queue or stream later: what the tables of `laterPrefixes` keep for it, table by table in the order in
 * which they came.
 *
 * Not here: keeping them (schedule/timetable.ts), what is in the queue already (look.ts). The bounds of a page are those of look.ts.
 */
import { type Job, Piece } from "../../base/turn-work.ts";
import type { StoredRecord } from "../../message/record.ts";
import type { LogReader } from "../../storage/index.ts";
import type { LaterLog } from "../schedule/later-table.ts";
import { scheduledRecord } from "../schedule/scheduled-log.ts";
import { lookAt, type LookedPlace, type ShownPart } from "./looked.ts";
import type { PageRoom } from "./page-room.ts";

/** Puts the records of a table's log into the page. Returns the offset to go on from, where it is full; null: there is no more. */
export function* lookingAtScheduled(
  log: LaterLog,
  { from, ...shown }: ShownPart & { readonly from: number },
  room: PageRoom,
): Job<number | null> {
  log.log.store.seal();
  const reader = log.reader(from);
  const piece = new Piece();
  while (!log.isDeleted && reader.next()) {
    if (room.isFull) return reader.offset;
    room.searched();
    const due = piece.add(room.add(lookAt(placeOf(log, reader), () => entering(reader), shown)));
    if (due > 0) yield due;
  }
  return null;
}

function placeOf({ name }: LaterLog, reader: LogReader): LookedPlace {
  return {
    queue: name,
    offset: reader.offset,
    state: "scheduled",
    deliveryCount: 0,
    owner: 0,
    waitsFor: null,
    at: scheduledRecord(reader).due,
    handle: reader.id.toString(),
  };
}

/** The record as it will be stored. */
function entering(reader: LogReader): StoredRecord {
  const { envelope, start, end } = scheduledRecord(reader);
  const { buffer, offset, timestamp, id } = reader;
  return { envelope, buffer, start, end, offset, timestamp, id, indexInFrame: 0 };
}
