/** What those who look at messages are shown of one. */
import { BrokerError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { StoredRecord } from "../../message/record.ts";
import { contentOf, filterFactsOf, type LookedContent } from "./content.ts";
import type { MessageFilter } from "./filter.ts";

/**
 * `ready`: to be delivered, and every record of a stream; `unacked`: a consumer holds it; `waiting`: it was rejected and comes again,
 * or is to be a dead letter; `history`: it was settled, and the queue keeps it; `scheduled`: it enters the queue or stream later.
 */
export type MessageState = "ready" | "unacked" | "waiting" | "history" | "scheduled";

/** To be delivered again, or for a place among the dead letters. */
export type WaitsFor = "retry" | "dead_letter";

/** Where and in which state a message is. */
export interface LookedPlace {
  /** The queue or stream in which it is, or which it is to enter. */
  readonly queue: string;
  /** Of a scheduled one: its place among those. */
  readonly offset: number;
  readonly state: MessageState;
  /** How often it was given out; null: nobody knows any more, or it is a stream's. */
  readonly deliveryCount: number | null;
  /** Who holds it, while it is unacknowledged; else 0. */
  readonly owner: number;
  /** While it waits; else null. */
  readonly waitsFor: WaitsFor | null;
  /** Wall time, ms: since when it is held, or when its wait ends; 0 in other states. */
  readonly at: number;
  /** By which it can be cancelled while it is scheduled; else null. */
  readonly handle: string | null;
}

export interface Looked extends LookedPlace {
  /** When its frame was stored, ms. */
  readonly time: number;
  readonly content: LookedContent | { readonly unreadable: string };
}

/** What is to be seen of which messages. */
export interface ShownPart {
  /** Of each payload. */
  readonly payloadBytesMax: number;
  /** Null: all that are in that state. */
  readonly filter: MessageFilter | null;
}

/** Looks at one message. Null where the filter does not match, as it does not where the message cannot be read. */
export function lookAt(
  place: LookedPlace,
  read: () => StoredRecord,
  { payloadBytesMax, filter }: ShownPart,
): { readonly message: Looked | null; readonly bytesKept: number; readonly bytesFiltered: number } {
  let bytesFiltered = 0;
  try {
    const record = read();
    const time = record.timestamp;
    if (filter !== null) {
      bytesFiltered = Math.min(record.end - record.start, limits.filterBodyBytesMax);
      const facts = filterFactsOf(record, { time, deliveryCount: place.deliveryCount });
      if (!filter.matches(facts)) return { message: null, bytesKept: 0, bytesFiltered };
    }
    const { content, headerBytes } = contentOf(record, payloadBytesMax);
    const bytesKept = headerBytes + content.payload.length;
    return { message: { ...place, time, content }, bytesKept, bytesFiltered };
  } catch (error) {
    // The messages behind it can be looked at all the same.
    if (!(error instanceof BrokerError)) throw error;
    const content = { unreadable: error.message };
    return { message: filter === null ? { ...place, time: 0, content } : null, bytesKept: 0, bytesFiltered };
  }
}
