/**
 * Pages of messages that lie in several logs: dead letters of one queue, in all places where they may be, and what is scheduled for it, in all tables.
 *
 * The places have an order, by name or as the tables were made. `next` is "PLACE@OFFSET", so a page goes on in the place where the last one
 * ended, or in the next one where that is gone. Not here: pages of one log (broker/look/look.ts).
 */
import type { Job } from "../../base/turn-work.ts";
import { allOf, deadLetterOf, type PartitionName } from "../../broker/look/filter.ts";
import { lookingInto } from "../../broker/look/look.ts";
import type { Looked, ShownPart } from "../../broker/look/looked.ts";
import { PageRoom } from "../../broker/look/page-room.ts";
import { lookingAtScheduled } from "../../broker/look/scheduled.ts";
import type { Queue } from "../../broker/queue/queue.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { companionPrefixes, laterPrefixes } from "../../broker/names.ts";
import { findingPlacesOf } from "../../broker/retry/dead-letter-places.ts";
import { brokerName, shownName } from "../rabbitmq/names.ts";

export interface LookedParts {
  readonly messages: readonly Looked[];
  /** `from` of the next page; null: there is no more. */
  readonly next: string | null;
}

/** Where a page begins. */
export interface PartStart {
  /** In the broker's form; "": at the first place. */
  readonly place: string;
  /** In that place. */
  readonly offset: number;
  /** In the other places. */
  readonly offsetOf: (place: Queue) => number;
}

export interface PartsWanted extends ShownPart {
  readonly messagesMax: number;
  readonly start: PartStart;
}

/** "PLACE@OFFSET"; null: it is none. */
export function partStartOf(text: string): PartStart | null {
  const match = /^(.+)@(\d{1,15})$/s.exec(text);
  if (match === null) return null;
  return { place: brokerName(match[1]!), offset: Number(match[2]), offsetOf: () => 0 };
}

/** The dead letters of a queue or stream, which may be gone, in the places that may be read. */
export function* lookingAtDead(
  vhost: Vhost,
  name: string,
  mayRead: (place: string) => boolean,
  { messagesMax, payloadBytesMax, start, ...wanted }: PartsWanted,
): Job<LookedParts> {
  const filter = allOf(deadLetterOf(shownName(name), partitionNamed(vhost, name)), wanted.filter);
  const room = new PageRoom(messagesMax, filter);
  for (const place of yield* findingPlacesOf(vhost, name)) {
    if (place.name < start.place || !mayRead(place.name)) continue;
    const from = place.name === start.place ? start.offset : start.offsetOf(place);
    const next = yield* lookingInto(place, { state: "present", from, payloadBytesMax, filter }, room);
    if (next !== null) return { messages: room.messages, next: `${shownName(place.name)}@${next}` };
  }
  return { messages: room.messages, next: null };
}

function partitionNamed(vhost: Vhost, name: string): PartitionName | null {
  const queue = vhost.findQueue(name);
  const topic = queue === undefined ? undefined : vhost.topics.topicOf(queue);
  if (topic === undefined) return null;
  return { topic: shownName(topic.name), number: topic.partitions.indexOf(queue!) };
}

/** What enters a queue or stream later. A place is a table here, called by its number. */
export function* lookingAtLater(
  { broker, name: vhostName }: Vhost,
  name: string,
  { messagesMax, payloadBytesMax, start, filter }: PartsWanted,
): Job<LookedParts> {
  const room = new PageRoom(messagesMax, filter);
  const first = Number(start.place);
  for (let table = first; table < laterPrefixes.length; table++) {
    const log = broker.timetables.get(laterPrefixes[table]!)?.findIn(vhostName, name);
    if (log === undefined) continue;
    const from = table === first ? start.offset : 0;
    const kind = laterPrefixes[table] === companionPrefixes.later ? "delayed" : "scheduled";
    const next = yield* lookingAtScheduled(log, { from, kind, payloadBytesMax, filter }, room);
    if (next !== null) return { messages: room.messages, next: `${table}@${next}` };
  }
  return { messages: room.messages, next: null };
}
