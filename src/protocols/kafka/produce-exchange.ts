/**
 * Produces to an exchange: each record of a batch goes its own way, its key being the routing key.
 *
 * A record is stored as a batch of its own, and published to live subscribers as its value alone. Sequences are not
 * checked, since there is no one log whose order they would tell.
 */
import type { Exchange } from "../../broker/exchange.ts";
import { liveExchangeName } from "../../broker/live-channels.ts";
import type { Route } from "../../broker/route.ts";
import type { HeaderValue } from "../../broker/routing/router.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { ByteWriter } from "../../base/bytes.ts";
import { KafkaBatch } from "../../message/kafka-batch.ts";
import { KafkaBatchBuilder } from "../../message/kafka-batch-builder.ts";
import { RecordCursor } from "../../message/kafka-batch-records.ts";
import { appendBatch } from "./produce-log.ts";

const cursor = new RecordCursor();
const single = new KafkaBatch();
const builder = new KafkaBatchBuilder();
const writer = new ByteWriter();

/** Publishes all records of the batch. False when a bounded queue on a record's way refused it; those before are out. */
export function publishToExchange(
  vhost: Vhost,
  exchange: Exchange,
  batch: KafkaBatch,
  decompressedBytesMax: number,
): boolean {
  cursor.open(batch, decompressedBytesMax);
  try {
    while (cursor.next()) if (!publish(vhost, exchange)) return false;
    return true;
  } finally {
    cursor.close();
  }
}

/** Publishes the record at which the cursor stands. */
function publish(vhost: Vhost, exchange: Exchange): boolean {
  const { buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor;
  const key = keyStart < 0 ? "" : buffer.latin1Slice(keyStart, keyEnd);
  buildSingle();
  const route = vhost.route(exchange, key, headersOfSingle);
  if (route.hasGuards && !isAccepted(vhost, route)) return false;
  exchange.published++;
  if (route.durable !== null) appendBatch(route.durable, single, 1);
  if (route.volatile !== null) appendBatch(route.volatile, single, 1);
  if (exchange.name === liveExchangeName) {
    const [channelStart, channelEnd] = [Math.max(keyStart, 0), Math.max(keyEnd, 0)];
    vhost.live.publish(
      buffer,
      channelStart,
      channelEnd,
      buffer,
      Math.max(valueStart, 0),
      Math.max(valueEnd, 0),
    );
  }
  return true;
}

function isAccepted({ broker }: Vhost, { queues }: Route): boolean {
  return queues.every((queue) => !broker.retention.isFull(queue));
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

/** Asked only by exchanges that route by headers. */
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
