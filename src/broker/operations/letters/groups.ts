/**
 * Dead letters of one place in groups: those that died for the same reason in the same queue, published to the same exchange, or in the same
 * group of a stream; each with how many there are, since when and until when, and how many in each hour.
 *
 * A place is walked once, in slices, `deadLettersWalkedMax` letters a look; the next look goes on there. What came since is added; once a
 * letter has left the place it is walked again from the beginning. Not here: which places there are (retry/dead-letter-places.ts), rights and JSON (admin/).
 * Invariants: groups count what was walked, once each; a place has `deadLetterGroupsMax` groups, with `deadLetterGroupsBytesMax` bytes of texts, and the others are one without a name, as
 * those are whose names no queue could have, since a client may have written them; what was counted is remembered of so many places as have
 * `deadLetterGroupsKept` groups together.
 */
import { limits } from "../../../base/limits.ts";
import type { Job } from "../../../base/turn-work.ts";
import { AmqpView } from "../../../message/convert/as-amqp.ts";
import { LogReader } from "../../../storage/index.ts";
import { BrokerError } from "../../../base/errors.ts";
import type { Queue } from "../../queue/queue.ts";
import { isInQueue, nextOffset } from "./move.ts";
import { type Origin, originOf } from "./origin.ts";

const hourMs = 3_600_000;

export interface LetterGroup {
  readonly reason: string;
  /** Null: letters that do not say where they come from, or those of groups beyond the bound. */
  readonly origin: {
    readonly kind: Origin["kind"];
    readonly name: string;
    readonly group: string;
    readonly exchange: string;
  } | null;
  count: number;
  /** When the first and the last came here, ms. */
  first: number;
  last: number;
  /** By the hour's beginning, ms. */
  readonly hours: Map<number, number>;
}

export interface LettersOfPlace {
  readonly groups: readonly LetterGroup[];
  /** All of them were looked at. */
  readonly isComplete: boolean;
  /** Letters that these are, and those of them that this look went through. */
  readonly looked: number;
  readonly walked: number;
}

const view = new AmqpView();
const unitsOfLetter = 8;
const bytesPerUnit = 4096;

class Walk {
  readonly groups = new Map<string, LetterGroup>();
  /** Others were looked at since, and what it counted is forgotten. */
  isForgotten = false;
  next = 0;
  looked = 0;
  #textBytes = 0;
  /** The log as it was then. */
  #length = 0;
  #end = 0;

  /** Whether no letter has left the place since. */
  isValid({ log, messageCount }: Queue): boolean {
    return !this.isForgotten && messageCount - this.#length === log.stableEnd - this.#end;
  }

  noteState({ log, messageCount }: Queue): void {
    this.#length = messageCount;
    this.#end = log.stableEnd;
  }

  add(origin: Origin | null, at: number): void {
    this.looked++;
    const before = this.groups.size;
    const group = this.#groupOf(origin);
    groupsKept += this.groups.size - before;
    group.count++;
    group.first = Math.min(group.first, at);
    group.last = Math.max(group.last, at);
    const hour = Math.floor(at / hourMs) * hourMs;
    const { hours } = group;
    hours.set(hour, (hours.get(hour) ?? 0) + 1);
    if (hours.size > limits.deadLetterHoursMax) mergeOldest(hours);
  }

  #groupOf(origin: Origin | null): LetterGroup {
    const key = origin === null ? "" : keyOf(origin);
    const found = this.groups.get(key);
    if (found !== undefined) return found;
    if (origin !== null && !this.#hasRoom(origin, key.length)) return this.#groupOf(null);
    this.#textBytes += key.length;
    const made = {
      reason: origin === null ? "" : reasonOf(origin),
      origin: origin === null ? null : placeOf(origin),
      count: 0,
      first: Infinity,
      last: 0,
      hours: new Map<number, number>(),
    };
    this.groups.set(key, made);
    return made;
  }

  #hasRoom(origin: Origin, bytes: number): boolean {
    const { name, group, exchange } = placeOf(origin);
    if (Math.max(name.length, group.length, exchange.length) > limits.nameBytesMax) return false;
    const isRoom = this.#textBytes + bytes <= limits.deadLetterGroupsBytesMax;
    return isRoom && this.groups.size < limits.deadLetterGroupsMax;
  }
}

function reasonOf({ reason }: Origin): string {
  return reason.slice(0, limits.deadLetterReasonBytesMax);
}

function placeOf(origin: Origin): NonNullable<LetterGroup["origin"]> {
  const { kind, name } = origin;
  if (origin.kind !== "queue") return { kind, name, group: origin.group, exchange: "" };
  return { kind, name, group: "", exchange: origin.exchange };
}

function keyOf(origin: Origin): string {
  const { kind, name, group, exchange } = placeOf(origin);
  return JSON.stringify([reasonOf(origin), kind, name, group, exchange]);
}

/** The oldest hour counts for the next. */
function mergeOldest(hours: Map<number, number>): void {
  const [oldest, next] = [...hours.keys()].toSorted((a, b) => a - b);
  hours.set(next!, hours.get(next!)! + hours.get(oldest!)!);
  hours.delete(oldest!);
}

/** By place; what is not looked at any more goes with its queue. */
const walks = new WeakMap<Queue, Walk>();
/** The one that was looked at last comes last. */
const kept = new Set<Walk>();
/** Of all of them. */
let groupsKept = 0;

function walkOf(queue: Queue): Walk {
  let walk = walks.get(queue);
  if (walk === undefined || !walk.isValid(queue)) {
    if (walk !== undefined) forget(walk);
    walks.set(queue, (walk = new Walk()));
  }
  kept.delete(walk);
  kept.add(walk);
  while (kept.size + groupsKept > limits.deadLetterGroupsKept && kept.size > 1)
    forget(kept.values().next().value!);
  return walk;
}

function forget(walk: Walk): void {
  walk.isForgotten = true;
  groupsKept -= walk.groups.size;
  walk.groups.clear();
  kept.delete(walk);
}

/** What lies in the place, of which `lettersMax` more are looked at. */
export function* grouping(queue: Queue, lettersMax: number): Job<LettersOfPlace> {
  const walk = walkOf(queue);
  const { log } = queue;
  const reader = new LogReader(log);
  let left = lettersMax;
  walk.noteState(queue);
  for (;;) {
    const offset = nextOffset(queue, walk.next, log.stableEnd);
    if (offset < 0) return resultOf(walk, lettersMax - left, true);
    if (left === 0) return resultOf(walk, lettersMax, false);
    left--;
    reader.seek(offset);
    if (isInQueue(queue, offset)) walk.add(read(reader), reader.timestamp);
    walk.next = offset + 1;
    walk.noteState(queue);
    yield unitsOfLetter + (reader.end - reader.start) / bytesPerUnit;
    if (queue.isDeleted) return resultOf(walk, lettersMax - left, false);
    // One has left meanwhile: what was counted is as it was, and the next look begins again.
    if (!walk.isValid(queue)) return resultOf(walk, lettersMax - left, false);
  }
}

function read(reader: LogReader): Origin | null {
  try {
    return reader.next() ? originOf(reader, view.show(reader)) : null;
  } catch (error) {
    // One that cannot be read is one that says nothing.
    if (!(error instanceof BrokerError)) throw error;
    return null;
  }
}

function resultOf({ groups, looked }: Walk, walked: number, isComplete: boolean): LettersOfPlace {
  return { groups: [...groups.values()], isComplete, looked, walked };
}
