/**
 * Looks at the messages that enter a queue or stream later: what the tables of `laterPrefixes` keep for it, table by table in the order in
 * which they came.
 *
 * Not here: keeping them (schedule/timetable.ts), the walk through them (schedule/listing.ts), what is in the queue already (look.ts). The bounds
 * of a page are those of look.ts.
 */
import type { Job } from "../../base/turn-work.ts";
import type { LaterLog } from "../schedule/later-table.ts";
import { textOfWaitId, type WaitingRecord, type WaitKind, walkingWaiting } from "../schedule/listing.ts";
import { lookAt, type LookedPlace, type ShownPart } from "./looked.ts";
import type { PageRoom } from "./page-room.ts";

/** Puts the records of a table's log into the page. Returns the offset to go on from, where it is full; null: there is no more. */
export function* lookingAtScheduled(
  log: LaterLog,
  { from, kind, ...shown }: ShownPart & { readonly from: number; readonly kind: WaitKind },
  room: PageRoom,
): Job<number | null> {
  const isFull = (): boolean => room.isFull;
  const next = yield* walkingWaiting(log, from, isFull, (record) => {
    room.searched();
    return room.add(lookAt(placeOf(log, kind, record), () => record, shown));
  });
  return next === null ? null : next.offset;
}

function placeOf({ name }: LaterLog, kind: WaitKind, { offset, due, id }: WaitingRecord): LookedPlace {
  return {
    queue: name,
    offset,
    state: "scheduled",
    deliveryCount: 0,
    owner: 0,
    waitsFor: null,
    at: due,
    handle: textOfWaitId(kind, id),
  };
}
