/**
 * Looks at the messages of a queue or stream and leaves them as they are: nothing is taken, counted or marked.
 *
 * Records of every envelope are shown as AMQP sees them. They come by their offsets, which is not the order of delivery where a queue
 * has priorities or gives back what was requeued.
 * Not here: rights and JSON (admin/troika/messages.ts), reading a message (content.ts), who holds what (holders.ts). Invariants: a look changes neither the queue
 * nor its cursor; a page ends at `limits.lookedBytesMax` bytes and one message, after `limits.lookedOffsetsMax` offsets, and where
 * a filter has looked into `limits.filteredMessagesMax` messages or at `limits.filteredBytesMax` of their bytes.
 */
import { BrokerError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
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
import { contentOf, filterFactsOf, type LookedContent } from "./content.ts";
import type { MessageFilter } from "./filter.ts";

/**
 * `ready`: to be delivered, and every record of a stream; `unacked`: a consumer holds it; `waiting`: it was rejected and comes again,
 * or is to be a dead letter; `history`: it was settled, and the queue keeps it.
 */
export type MessageState = "ready" | "unacked" | "waiting" | "history";

/** To be delivered again, or for a place among the dead letters. */
export type WaitsFor = "retry" | "dead_letter";

export interface Looked {
  readonly offset: number;
  /** When its frame was stored, ms. */
  readonly time: number;
  readonly state: MessageState;
  /** How often it was given out; null: nobody knows any more, or it is a stream's. */
  readonly deliveryCount: number | null;
  /** Who holds it, while it is unacknowledged; else 0. */
  readonly owner: number;
  /** While it waits; else null. */
  readonly waitsFor: WaitsFor | null;
  /** Wall time, ms: since when it is held, or when its wait ends; 0 in other states. */
  readonly at: number;
  readonly content: LookedContent | { readonly unreadable: string };
}

export interface LookWanted {
  /** Null: all of them. */
  readonly state: MessageState | null;
  readonly from: number;
  readonly messagesMax: number;
  /** Of each payload. */
  readonly payloadBytesMax: number;
  /** Null: all that are in that state. */
  readonly filter: MessageFilter | null;
}

export interface LookedPage {
  readonly messages: readonly Looked[];
  /** The offset to go on from; null: there is no more. */
  readonly next: number | null;
}

const unitsOfOffset = 1 / 8;
const unitsOfMessage = 8;
const bytesPerUnit = 1024;

function stateOf({ cursor }: Queue, offset: number): MessageState {
  if (cursor === null) return "ready";
  if (cursor.history !== null && cursor.history.has(offset)) return "history";
  const owner = cursor.pending.ownerOf(offset);
  if (owner === noOwner || owner === requeuedOwner) return "ready";
  return isWaitingOwner(owner) ? "waiting" : "unacked";
}

/** What each of the owners that are no consumers waits for. */
const waitsFor: Readonly<Record<number, WaitsFor>> = {
  [waitingOwner]: "retry",
  [rejectedOwner]: "dead_letter",
  [exhaustedOwner]: "dead_letter",
};

/** The first offset at or above `from` that may be of a record in that state; -1: there is none. */
function candidate(queue: Queue, state: MessageState | null, from: number): number {
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
  const { state, from, messagesMax, filter } = wanted;
  const reader = queue.reader();
  const piece = new Piece();
  const messages: Looked[] = [];
  let bytesLeft = limits.lookedBytesMax;
  let offsetsLeft = limits.lookedOffsetsMax;
  let filteredLeft = filter === null ? Infinity : limits.filteredMessagesMax;
  let filteredBytesLeft = limits.filteredBytesMax;
  let offset = candidate(queue, state, from);
  while (offset >= 0 && !queue.isDeleted) {
    const isPageFull = messages.length === messagesMax || bytesLeft <= 0 || offsetsLeft-- === 0;
    if (isPageFull || filteredLeft === 0 || filteredBytesLeft <= 0) return { messages, next: offset };
    let units = unitsOfOffset;
    const found = stateOf(queue, offset);
    if (state === null || found === state) {
      const inflatedBefore = kafkaFrames.inflatedBytes;
      reader.seek(offset);
      const { message, bytesKept, bytesFiltered } = lookedAt(queue, reader, found, offset, wanted);
      if (message !== null) messages.push(message);
      bytesLeft -= bytesKept;
      filteredLeft--;
      filteredBytesLeft -= bytesFiltered;
      const bytes = bytesKept + bytesFiltered + kafkaFrames.inflatedBytes - inflatedBefore;
      units += unitsOfMessage + bytes / bytesPerUnit;
    }
    const due = piece.add(units);
    if (due > 0) yield due;
    offset = candidate(queue, state, offset + 1);
  }
  return { messages, next: null };
}

/** Looks at one message; null where the filter does not match, as it does not where the message cannot be read. */
function lookedAt(
  queue: Queue,
  reader: LogReader,
  state: MessageState,
  offset: number,
  { payloadBytesMax, filter }: LookWanted,
): { readonly message: Looked | null; readonly bytesKept: number; readonly bytesFiltered: number } {
  const { cursor } = queue;
  const deliveryCount = cursor === null || state === "history" ? null : cursor.deliveriesOf(offset);
  let content: Looked["content"];
  let bytesKept = 0;
  let bytesFiltered = 0;
  try {
    reader.next();
    if (filter !== null) {
      bytesFiltered = Math.min(reader.end - reader.start, limits.filterBodyBytesMax);
      const facts = filterFactsOf(reader, { time: reader.timestamp, deliveryCount });
      if (!filter.matches(facts)) return { message: null, bytesKept, bytesFiltered };
    }
    const { content: read, headerBytes } = contentOf(reader, payloadBytesMax);
    content = read;
    bytesKept = headerBytes + read.payload.length;
  } catch (error) {
    // The messages behind it can be looked at all the same.
    if (!(error instanceof BrokerError)) throw error;
    if (filter !== null) return { message: null, bytesKept, bytesFiltered };
    content = { unreadable: error.message };
  }
  const isNoted = state === "unacked" || state === "waiting";
  const owner = isNoted ? cursor!.pending.ownerOf(offset) : 0;
  const message = {
    offset,
    time: "unreadable" in content ? 0 : reader.timestamp,
    state,
    deliveryCount,
    owner: state === "unacked" ? owner : 0,
    waitsFor: state === "waiting" ? waitsFor[owner]! : null,
    at: isNoted ? cursor!.pending.timeOf(offset) : 0,
    content,
  };
  return { message, bytesKept, bytesFiltered };
}
