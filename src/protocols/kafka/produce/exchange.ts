/**
 * Produces to an exchange: each record of a batch goes its own way, its key being the routing key; the batch is taken
 * whole or not at all.
 *
 * Sequences are not checked, since there is no one log whose order they would tell.
 */
import type { Exchange } from "../../../broker/exchange/exchange.ts";
import { BatchGuard } from "../../../broker/exchange/publication.ts";
import type { Publisher } from "../../../broker/look/unroutable.ts";
import type { Route } from "../../../broker/exchange/route.ts";
import { propertiesOfParts } from "../../../broker/exchange/routing/message-headers.ts";
import type { HeaderValue, MessageFacts } from "../../../broker/exchange/routing/router.ts";
import type { Vhost } from "../../../broker/vhost.ts";
import { limits } from "../../../base/limits.ts";
import type { KafkaBatch } from "../../../message/kafka/batch.ts";
import { RecordCursor } from "../../../message/kafka/batch-records.ts";
import { cursor, forEachRecord, message, singleBatch, withRecords } from "./records.ts";

/** `refused`: a record has a key under which its writer may not publish; `dear`: finding all ways takes too long. */
export type Outcome = "published" | "full" | "refused" | "dear";

export interface BatchWriter {
  readonly isAllowed: (key: string) => boolean;
  readonly publisher: () => Publisher;
}

/** Publishes all records of the batch, or none, as where a bounded queue on the way of one has no room for it. */
export function publishToExchange(
  vhost: Vhost,
  exchange: Exchange,
  batch: KafkaBatch,
  decompressedBytesMax: number,
  by: BatchWriter,
): Outcome {
  message.publisher = by.publisher;
  return withRecords(batch, decompressedBytesMax, () => publishOpened(vhost, exchange, by));
}

function publishOpened(vhost: Vhost, exchange: Exchange, { isAllowed }: BatchWriter): Outcome {
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
    guard.add(route, message);
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
  forEachRecord((index) => {
    const route = routes[index]!;
    publication.append(exchange, route, message);
    if (publication.isLost(route)) vhost.unroutable.published(exchange.name, message);
  });
  return "published";
}

/** Asked only by exchanges that look at more than the key. */
const factsOfSingle: MessageFacts = {
  headers: headersOfSingle,
  properties: () => propertiesOfParts(message.asAmqp()),
};

function headersOfSingle(): ReadonlyMap<string, HeaderValue> {
  const headers = new Map<string, HeaderValue>();
  const batch = singleBatch();
  const records = new RecordCursor().open(batch, batch.sizeBytes);
  records.next();
  while (records.nextHeader()) {
    const { buffer, headerKeyStart, headerKeyEnd, headerValueStart, headerValueEnd } = records;
    const value = headerValueStart < 0 ? null : buffer.utf8Slice(headerValueStart, headerValueEnd);
    headers.set(buffer.utf8Slice(headerKeyStart, headerKeyEnd), value);
  }
  return headers;
}
