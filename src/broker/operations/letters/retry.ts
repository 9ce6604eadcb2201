/**
 * Dead letters go home: each of a queue or stream goes back to where it died last.
 *
 *     it died in                      it goes
 *     a queue (x-death)               to the end of that queue, not through an exchange: other queues would get copies. Its exchange and
 *                                     routing key are again those that it was published with
 *     a group of a stream (troika.*)  to that group, which gets its entry again before new ones; other groups notice nothing
 *     a group of Kafka (x-troika-*)   to the retry topic of that group, readable at once
 *
 * It is a new message there, so its deliveries are counted from the beginning; `x-death` stays with it as its history. Not here: the move
 * itself (move.ts), the pace (../operations.ts), who may do it (the caller's `may`).
 * Invariants: a letter without such a place stays where it is, and is counted; letters that come after the start are not looked at.
 */
import { BrokerError } from "../../../base/errors.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { AmqpRecordParts } from "../../../message/amqp/record.ts";
import { AmqpView } from "../../../message/convert/as-amqp.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { LogReader } from "../../../storage/index.ts";
import { propertiesOfParts } from "../../exchange/routing/message-headers.ts";
import { giveBack, placeFor } from "../../groups/give-back.ts";
import { filterFactsOf } from "../../look/content.ts";
import type { MessageFilter } from "../../look/filter.ts";
import type { Queue } from "../../queue/queue.ts";
import { hasRoomFor } from "../../queue/retention.ts";
import type { Counts, Operation } from "../operation.ts";
import type { OperationBody, Operations } from "../operations.ts";
import type { Edit } from "./edit.ts";
import { retryPartitionOf, toRetryTopic } from "./kafka-letters.ts";
import { withMark } from "./mark.ts";
import { isReady, move, nextOffset, takeOut } from "./move.ts";
import { type GroupOrigin, type Origin, originOf, type QueueOrigin } from "./origin.ts";

/** Putting a message into a queue, giving an entry to a group. */
export type ReturnAct = "write" | "settle";

export interface RetryRequest {
  readonly source: Queue;
  readonly filter: MessageFilter | null;
  /** Of messages that are moved, or would be. */
  readonly limit: number;
  /** Of letters of queues. Those of groups cannot be changed: the entry is in its stream, or is a record of Kafka. */
  readonly edit: Edit | null;
  /** Only counts. */
  readonly isDry: boolean;
  /** Whether who asks may do it to that queue or stream. */
  readonly may: (act: ReturnAct, name: string) => boolean;
}

/** `matched` = those moved, and the others, each by why it stayed. */
export interface RetryCounts extends Counts {
  /** Nobody knows where they come from, or that place is gone. */
  unroutable: number;
  /** Their queue has no room, or their group has no room for the note. */
  full: number;
  /** Who asks may not put them there. */
  refused: number;
}

export function newRetryCounts(): RetryCounts {
  return { matched: 0, moved: 0, unroutable: 0, full: 0, refused: 0 };
}

/** How one letter fared. */
type Fate = "moved" | "unroutable" | "full" | "refused";

const view = new AmqpView();
const id = new EntryId();
const unitsOfLook = 2;
const unitsOfMatch = 10;
const bytesPerUnit = 1024;

export function retrying(operations: Operations, request: RetryRequest): OperationBody {
  return (operation) => retryEach(new Returner(operations, operation, request), request);
}

function* retryEach(returner: Returner, request: RetryRequest): Job<void> {
  const { source, limit, isDry } = request;
  const counts = returner.operation.counts as RetryCounts;
  source.log.store.seal();
  const end = source.log.stableEnd;
  const reader = new LogReader(source.log);
  let done = 0;
  for (let offset = nextOffset(source, 0, end); offset >= 0; offset = nextOffset(source, offset + 1, end)) {
    if (done >= limit) return;
    let units = unitsOfLook;
    if (isReady(source, offset)) {
      reader.seek(offset);
      const fate = fateOf(reader, request, returner);
      units += unitsOfMatch + (reader.end - reader.start) / bytesPerUnit;
      if (fate !== null) counts.matched++;
      if (fate === "moved") done++;
      if (fate !== null && (fate !== "moved" || !isDry)) counts[fate]++;
    }
    yield units;
    if (source.isDeleted) throw new Error("its queue was deleted");
  }
}

/** Null: it is not meant. */
function fateOf(reader: LogReader, { source, filter }: RetryRequest, returner: Returner): Fate | null {
  try {
    reader.next();
    if (filter !== null) {
      const deliveryCount = source.cursor?.deliveriesOf(reader.offset) ?? null;
      if (!filter.matches(filterFactsOf(reader, { time: reader.timestamp, deliveryCount }))) return null;
    }
    return returner.goHome(reader);
  } catch (error) {
    // Of one that cannot be read nobody knows whether it was meant. Those behind it go home all the same.
    if (!(error instanceof BrokerError)) throw error;
    return filter === null ? "unroutable" : null;
  }
}

class Returner {
  readonly operation: Operation;
  readonly #operations: Operations;
  readonly #request: RetryRequest;
  /** What a dry run has found room for in queues with bounds. */
  readonly #wouldBeIn = new Map<Queue, { count: number; bytes: number }>();

  constructor(operations: Operations, operation: Operation, request: RetryRequest) {
    this.#operations = operations;
    this.operation = operation;
    this.#request = request;
  }

  /** The reader is at a ready record of the source. */
  goHome(reader: LogReader): Fate {
    const parts = view.show(reader);
    const origin = originOf(reader, parts);
    if (origin === null) return "unroutable";
    const home = this.#homeOf(reader, origin);
    if (home === null) return "unroutable";
    const act = origin.kind === "group" ? "settle" : "write";
    if (!this.#request.may(act, home.name)) return "refused";
    if (!this.#operations.reaches(this.operation, home.name)) return "full";
    if (origin.kind === "queue") return this.#toQueue(reader, parts, home, origin);
    return origin.kind === "group" ? this.#toGroup(reader, home, origin) : this.#toKafkaGroup(reader, home);
  }

  #homeOf(reader: LogReader, origin: Origin): Queue | null {
    const { source } = this.#request;
    const { vhost } = source;
    const home =
      origin.kind === "kafka_group"
        ? retryPartitionOf(vhost, origin.group, reader)
        : (vhost.findQueue(origin.name) ?? null);
    return home === null || home === source || home.exclusiveOwner !== 0 ? null : home;
  }

  #toKafkaGroup(reader: LogReader, home: Queue): Fate {
    const { source, edit, isDry } = this.#request;
    if (edit !== null) return "unroutable";
    if (isDry) return "moved";
    if (!toRetryTopic(source, reader, home, this.operation.id)) return "full";
    this.#operations.movesTo(this.operation, home.name);
    return "moved";
  }

  #toQueue(reader: LogReader, parts: AmqpRecordParts, home: Queue, { exchange, key }: QueueOrigin): Fate {
    const { source, edit, isDry } = this.#request;
    const body = edit === null ? null : edit.body;
    const bodyBytes = body?.length ?? parts.bodyEnd - parts.bodyStart;
    if (isDry) return this.#wouldFit(home, bodyBytes) ? "moved" : "full";
    if (!hasRoomFor(home, 1, bodyBytes)) return "full";
    const { buffer } = parts;
    const from = {
      exchange: buffer.latin1Slice(parts.exchangeStart, parts.exchangeEnd),
      key: buffer.latin1Slice(parts.routingKeyStart, parts.routingKeyEnd),
    };
    const properties = propertiesOfParts(parts);
    const headers = edit?.headersOf(properties.headers ?? []) ?? properties.headers ?? [];
    const marked = withMark(headers, this.operation.id, source.name, from);
    this.#operations.movesTo(this.operation, home.name);
    move(source, reader, home, {
      parts,
      properties: { ...properties, headers: marked },
      route: { exchange, key: edit?.routingKey ?? key },
      body,
    });
    return "moved";
  }

  #wouldFit(home: Queue, bodyBytes: number): boolean {
    const { count, bytes } = this.#wouldBeIn.get(home) ?? { count: 0, bytes: 0 };
    if (!hasRoomFor(home, count + 1, bytes + bodyBytes)) return false;
    if (home.policy.maxLength !== undefined || home.policy.maxLengthBytes !== undefined)
      this.#wouldBeIn.set(home, { count: count + 1, bytes: bytes + bodyBytes });
    return true;
  }

  #toGroup(reader: LogReader, home: Queue, origin: GroupOrigin): Fate {
    const { source, edit, isDry } = this.#request;
    const cursor = home.groups.get(origin.group);
    if (cursor === undefined || edit !== null || !readId(origin.id, id)) return "unroutable";
    const offset = placeFor(home, cursor, id);
    if (offset < 0) return "unroutable";
    if (isDry) return "moved";
    const { deliveries, reason, consumer, deliveredAt } = origin;
    const given = { operation: this.operation.id, id, deliveries, note: { reason, consumer, deliveredAt } };
    if (!giveBack(home, cursor, offset, given)) return "full";
    this.#operations.movesTo(this.operation, home.name);
    takeOut(source, reader);
    return "moved";
  }
}

/** `ms-sequence`, as give-up.ts writes it; false: it is none, or beyond 2^53, which no clock reaches. */
function readId(text: string, into: EntryId): boolean {
  const [, ms, sequence] = /^(\d{1,16})-(\d{1,16})$/.exec(text) ?? [];
  if (ms === undefined || !Number.isSafeInteger(Number(ms)) || !Number.isSafeInteger(Number(sequence)))
    return false;
  into.set(Number(ms), Number(sequence));
  return true;
}
