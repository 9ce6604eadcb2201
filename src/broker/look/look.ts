/**
 * Looks at the messages of a queue or stream and leaves them as they are: nothing is taken, counted or marked.
 *
 * Records of every envelope are shown as AMQP sees them. They come by their offsets, which is not the order of delivery where a queue
 * has priorities or gives back what was requeued.
 * Not here: rights and JSON (admin/troika/messages.ts), reading a message (looked.ts, content.ts), who holds what (holders.ts), what is scheduled
 * (scheduled.ts), dead letters (retry/dead-letter-places.ts). Invariants: a look changes neither the queue
 * nor its cursor; a page ends at `limits.lookedBytesMax` bytes and one message, after `limits.lookedOffsetsMax` offsets, and where
 * a filter has looked into `limits.filteredMessagesMax` messages or at `limits.filteredBytesMax` of their bytes (page-room.ts).
 */
import { type Job, Piece } from "../../base/turn-work.ts";
import { kafkaFrames } from "../../message/convert/kafka-frame.ts";
import type { LogReader } from "../../storage/index.ts";
import {
  exhaustedOwner,
  isWaitingOwner,
  noOwner,
  rejectedOwner,
  requeuedOwner,
  waitingOwner,
} from "../cursor/pending-table.ts";
import type { Queue } from "../queue/queue.ts";
import {
  lookAt,
  type Looked,
  type LookedPlace,
  type MessageState,
  type ShownPart,
  type WaitsFor,
} from "./looked.ts";
import { PageRoom } from "./page-room.ts";

/** `present`: all but the history; null: all. */
export type WantedState = Exclude<MessageState, "scheduled"> | "present" | null;

export interface LookWanted extends ShownPart {
  readonly state: WantedState;
  readonly from: number;
  readonly messagesMax: number;
}

export interface LookedPage {
  readonly messages: readonly Looked[];
  /** The offset to go on from; null: there is no more. */
  readonly next: number | null;
}

const unitsOfOffset = 1 / 8;
const bytesPerUnit = 1024;

function stateOf({ cursor }: Queue, offset: number): MessageState {
  if (cursor === null) return "ready";
  if (cursor.history !== null && cursor.history.has(offset)) return "history";
  const owner = cursor.pending.ownerOf(offset);
  if (owner === noOwner || owner === requeuedOwner) return "ready";
  return isWaitingOwner(owner) ? "waiting" : "unacked";
}

function isWanted(state: WantedState, found: MessageState): boolean {
  return state === null || state === found || (state === "present" && found !== "history");
}

/** What each of the owners that are no consumers waits for. */
const waitsFor: Readonly<Record<number, WaitsFor>> = {
  [waitingOwner]: "retry",
  [rejectedOwner]: "dead_letter",
  [exhaustedOwner]: "dead_letter",
};

/** The first offset at or above `from` that may be of a record in that state; -1: there is none. */
function candidate(queue: Queue, state: WantedState, from: number): number {
  const { log, cursor } = queue;
  let offset = from;
  // What is held and what waits is noted, so the others need not be looked at.
  if (state === "unacked" || state === "waiting") offset = cursor === null ? -1 : cursor.pending.next(from);
  else if (state === "history" && (cursor === null || cursor.history === null)) offset = -1;
  if (offset < 0) return -1;
  offset = log.removed.nextPresent(Math.max(offset, log.removed.first));
  return offset < log.stableEnd ? offset : -1;
}

/** A page of messages, in slices. */
export function* looking(queue: Queue, wanted: LookWanted): Job<LookedPage> {
  const room = new PageRoom(wanted.messagesMax, wanted.filter);
  const next = yield* lookingInto(queue, wanted, room);
  return { messages: room.messages, next };
}

/** Puts messages into the page. Returns the offset to go on from, where it is full; null: there is no more. */
export function* lookingInto(
  queue: Queue,
  { state, from, ...shown }: Omit<LookWanted, "messagesMax">,
  room: PageRoom,
): Job<number | null> {
  const reader = queue.reader();
  const piece = new Piece();
  let offset = candidate(queue, state, from);
  while (offset >= 0 && !queue.isDeleted) {
    if (room.isFull) return offset;
    room.searched();
    let units = unitsOfOffset;
    const found = stateOf(queue, offset);
    if (isWanted(state, found)) {
      const inflatedBefore = kafkaFrames.inflatedBytes;
      const at = offset;
      units += room.add(lookAt(placeOf(queue, offset, found), () => recordAt(reader, at), shown));
      units += (kafkaFrames.inflatedBytes - inflatedBefore) / bytesPerUnit;
    }
    const due = piece.add(units);
    if (due > 0) yield due;
    offset = candidate(queue, state, offset + 1);
  }
  return null;
}

function recordAt(reader: LogReader, offset: number): LogReader {
  reader.seek(offset);
  reader.next();
  return reader;
}

function placeOf({ name, cursor }: Queue, offset: number, state: MessageState): LookedPlace {
  const isNoted = state === "unacked" || state === "waiting";
  const owner = isNoted ? cursor!.pending.ownerOf(offset) : 0;
  return {
    queue: name,
    offset,
    state,
    deliveryCount: cursor === null || state === "history" ? null : cursor.deliveriesOf(offset),
    owner: state === "unacked" ? owner : 0,
    waitsFor: state === "waiting" ? waitsFor[owner]! : null,
    at: isNoted ? cursor!.pending.timeOf(offset) : 0,
    handle: null,
  };
}
