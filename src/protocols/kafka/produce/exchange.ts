/**
 * Produces to an exchange: each record of a batch goes its own way, its key being the routing key; the batch is taken
 * whole or not at all.
 *
 * A record is stored as a batch of its own, and published to live subscribers as its value alone. Sequences are not
 * checked, since there is no one log whose order they would tell.
 */
import type { Connection } from "../../contract.ts";
import type { Exchange } from "../../../broker/exchange/exchange.ts";
import type { LiveChannels } from "../../../broker/live/channels.ts";
import type { OutgoingMessage } from "../../../broker/exchange/outgoing-message.ts";
import { BatchGuard } from "../../../broker/exchange/publication.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { Route } from "../../../broker/exchange/route.ts";
import { propertiesOfParts } from "../../../broker/exchange/routing/message-headers.ts";
import type { HeaderValue, MessageFacts } from "../../../broker/exchange/routing/router.ts";
import type { Vhost } from "../../../broker/vhost.ts";
import { ByteWriter } from "../../../base/bytes.ts";
import { limits } from "../../../base/limits.ts";
import type { AmqpRecordParts } from "../../../message/amqp/record.ts";
import { AmqpView } from "../../../message/convert/as-amqp.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { envelope } from "../../../message/envelope.ts";
import { KafkaBatch } from "../../../message/kafka/batch.ts";
import { KafkaBatchBuilder } from "../../../message/kafka/batch-builder.ts";
import { RecordCursor } from "../../../message/kafka/batch-records.ts";
import { appendBatch } from "./log.ts";

/** A record that is not in a log yet has no id. */
const noId = new EntryId();
const cursor = new RecordCursor();
const single = new KafkaBatch();
const builder = new KafkaBatchBuilder();
const writer = new ByteWriter();
const view = new AmqpView();

/** The record at which the cursor stands, as the batch that `single` shows. */
const message: OutgoingMessage & { origin: Connection | null } = {
  count: 1,
  origin: null,
  canExpire: false,
  /** Records of other protocols than AMQP count whole, see ready-bytes.ts. */
  get bodyBytes(): number {
    return single.sizeBytes;
  },
  appendTo(group): void {
    appendBatch(group, single, 1);
  },
  asAmqp(): AmqpRecordParts {
    const { buffer, start, end } = single;
    const place = { offset: 0, timestamp: cursor.timestamp, id: noId, indexInFrame: 0 };
    return view.show({ envelope: envelope.kafka, buffer, start, end, ...place });
  },
  publishLive(live: LiveChannels): number {
    const { buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor;
    const channel = [Math.max(keyStart, 0), Math.max(keyEnd, 0)] as const;
    return live.publish(buffer, ...channel, buffer, Math.max(valueStart, 0), Math.max(valueEnd, 0));
  },
};

/** Calls `work` with the cursor before the batch's first record; it is decompressed once, however often it is walked. */
function withRecords<Result>(batch: KafkaBatch, decompressedBytesMax: number, work: () => Result): Result {
  cursor.open(batch, decompressedBytesMax);
  try {
    return work();
  } finally {
    cursor.close();
  }
}

/** Calls `each` with `message` being each record of the batch that is open. */
function forEachRecord(each: (index: number) => void): void {
  const { nextRecordStart, recordsLeft } = cursor;
  for (let index = 0; cursor.next(); index++) {
    buildSingle();
    each(index);
  }
  cursor.seek(nextRecordStart, recordsLeft);
}

/** `refused`: a record has a key under which its writer may not publish; `dear`: finding all ways takes too long. */
export type Outcome = "published" | "full" | "refused" | "dear";

interface ProducedBy {
  readonly decompressedBytesMax: number;
  readonly isAllowed: (key: string) => boolean;
  /** For traces. */
  readonly origin: Connection | null;
}

/** Publishes all records of the batch, or none, as where a bounded queue on the way of one has no room for it. */
export function publishToExchange(
  vhost: Vhost,
  exchange: Exchange,
  batch: KafkaBatch,
  { decompressedBytesMax, isAllowed, origin }: ProducedBy,
): Outcome {
  message.origin = origin;
  return withRecords(batch, decompressedBytesMax, () => publishOpened(vhost, exchange, isAllowed));
}

function publishOpened(vhost: Vhost, exchange: Exchange, isAllowed: (key: string) => boolean): Outcome {
  const { publication } = vhost;
  const routes: Route[] = [];
  const guard = new BatchGuard();
  let isRefused = false;
  const visitsMax = vhost.routes.visits + limits.publishVisitsMax;
  forEachRecord(() => {
    if (vhost.routes.visits > visitsMax) return;
    const { buffer, keyStart, keyEnd } = cursor;
    const key = keyStart < 0 ? "" : buffer.latin1Slice(keyStart, keyEnd);
    if (!isAllowed(key)) isRefused = true;
    const route = vhost.routes.find(exchange, key, factsOfSingle);
    routes.push(route);
    guard.add(route, 1, message.bodyBytes);
  });
  if (isRefused) return "refused";
  if (vhost.routes.visits > visitsMax) return "dear";
  const full = new Set(guard.fullQueues());
  if (full.size > 0) {
    forEachRecord((index) => {
      for (const queue of routes[index]!.queues) if (full.has(queue)) publication.refuse(queue, message);
    });
    return "full";
  }
  forEachRecord((index) => publication.append(exchange, routes[index]!, message));
  return "published";
}

/**
 * Whether a bounded queue takes the batch whole, produced to it as a topic. What it refuses goes to its dead-letter
 * exchange if `x-overflow` says so.
 */
export function isTakenBy(queue: Queue, batch: KafkaBatch, decompressedBytesMax: number): boolean {
  const { vhost, policy } = queue;
  if (policy.overflow === "drop-head") return true;
  if (vhost.broker.retention.hasRoom(queue, batch.recordCount, batch.sizeBytes)) return true;
  if (policy.overflow === "reject-publish-dlx") {
    const refuse = (): void => vhost.publication.refuse(queue, message);
    withRecords(batch, decompressedBytesMax, () => forEachRecord(refuse));
  }
  return false;
}

/** Makes the record a batch, which `single` then shows. */
function buildSingle(): void {
  const { buffer, timestamp } = cursor;
  writer.reset();
  builder.begin(writer, { baseOffset: 0, baseTimestamp: timestamp, partitionLeaderEpoch: 0 });
  if (cursor.keyStart >= 0) builder.key(buffer, cursor.keyStart, cursor.keyEnd);
  if (cursor.valueStart >= 0) builder.value(buffer, cursor.valueStart, cursor.valueEnd);
  while (cursor.nextHeader()) {
    const value = cursor.headerValueStart < 0 ? null : buffer;
    builder.headerOfBytes(
      buffer,
      cursor.headerKeyStart,
      cursor.headerKeyEnd,
      value,
      cursor.headerValueStart,
      cursor.headerValueEnd,
    );
  }
  builder.record(0, timestamp).finish();
  single.reset(writer.buffer, 0, writer.length).next();
}

/** Asked only by exchanges that look at more than the key. */
const factsOfSingle: MessageFacts = {
  headers: headersOfSingle,
  properties: () => propertiesOfParts(message.asAmqp()),
};

function headersOfSingle(): ReadonlyMap<string, HeaderValue> {
  const headers = new Map<string, HeaderValue>();
  const records = new RecordCursor().open(single, writer.length);
  records.next();
  while (records.nextHeader()) {
    const { buffer, headerKeyStart, headerKeyEnd, headerValueStart, headerValueEnd } = records;
    const value = headerValueStart < 0 ? null : buffer.utf8Slice(headerValueStart, headerValueEnd);
    headers.set(buffer.utf8Slice(headerKeyStart, headerKeyEnd), value);
  }
  return headers;
}
