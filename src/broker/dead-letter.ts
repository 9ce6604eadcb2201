/**
 * Dead-lettering: a record that a queue gives up goes to the queue's dead-letter exchange, with its history in the
 * header `x-death`.
 *
 *   x-death = array of { count, reason, queue, time, exchange, routing-keys, [original-expiration] }, newest first
 *
 * One entry for each pair of queue and reason, counted up when it happens again; `x-first-death-*` and `x-last-death-*`
 * name reason, queue and exchange of the first and the newest. The copy is appended in the turn in which the record is
 * removed, so one group of the journal holds both: it is in one queue or in the other, never in none or both.
 *
 * Not here: when a record is given up (retention.ts, protocols). Like RabbitMQ, a message that would come back to a queue
 * it was in without anybody rejecting it is dropped, for it would go round for ever.
 */
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { type AmqpProperties, readProperties, writeProperties } from "../message/amqp-properties.ts";
import { type AmqpRecordParts, bodySizeBytes } from "../message/amqp-record.ts";
import { type Field, type FieldTable, type FieldValue, findField } from "../message/amqp-table.ts";
import { displayText, writeShortString } from "../message/amqp-text.ts";
import { AmqpView } from "../message/as-amqp.ts";
import { AmqpRecordMessage } from "./outgoing-message.ts";
import type { Queue } from "./queue.ts";
import type { DeadLetterReason } from "./retention.ts";
import type { HeaderValue } from "./routing/router.ts";

const view = new AmqpView();

/** What one dead letter is made in. */
class Scratch {
  readonly writer = new ByteWriter(1024);
  readonly message = new AmqpRecordMessage();
}

/** By depth: where a dead letter goes, records may expire, and are dead-lettered while the first one is on its way. */
const scratches: Scratch[] = [];
let depth = 0;

/** Dead-letters a stored record; the caller removes it. */
export function deadLetter(queue: Queue, offset: number, reason: DeadLetterReason): void {
  const record = queue.reader(offset);
  if (!record.next() || record.offset !== offset) return;
  deadLetterParts(queue, view.show(record), reason);
}

/** Dead-letters a message; without the exchange it is gone, as in RabbitMQ. */
export function deadLetterParts(queue: Queue, parts: AmqpRecordParts, reason: DeadLetterReason): void {
  const { vhost, policy } = queue;
  const exchange = vhost.exchanges.get(policy.deadLetterExchange!);
  if (exchange === undefined) return;
  const { buffer } = parts;
  const properties = readProperties(new ByteReader(buffer, parts.propertiesStart, parts.headerEnd));
  const oldKey = buffer.latin1Slice(parts.routingKeyStart, parts.routingKeyEnd);
  const key = policy.deadLetterRoutingKey ?? oldKey;
  const death: Death = {
    queue: queue.name,
    reason,
    exchange: buffer.latin1Slice(parts.exchangeStart, parts.exchangeEnd),
    routingKey: oldKey,
    time: Math.floor(vhost.broker.clock.now() / 1000),
    expiration: properties.expiration,
  };
  const deaths = addDeath(deathsOf(properties.headers), death);
  const headers = withDeaths(properties.headers ?? [], deaths, death);
  const changed: AmqpProperties = { ...properties, headers };
  delete changed.expiration;
  const route = vhost.route(exchange, key, () => headerValues(headers));
  const { writer, message } = (scratches[depth] ??= new Scratch());
  writeCopy(writer, parts, exchange.name, key, changed);
  const isLeftOut = (target: Queue): boolean => isCycle(target.name, deaths);
  message.show(writer.buffer, 0, writer.length);
  depth++;
  try {
    vhost.publication.publish(exchange, route, message, route.queues.some(isLeftOut) ? isLeftOut : null);
  } finally {
    depth--;
  }
}

interface Death {
  readonly queue: string;
  readonly reason: DeadLetterReason;
  readonly exchange: string;
  readonly routingKey: string;
  readonly time: number;
  readonly expiration: AmqpProperties["expiration"];
}

function text(value: string): FieldValue {
  return { type: "S", value: Buffer.from(value, "latin1").toString() };
}

function deathsOf(headers: FieldTable | undefined): FieldTable[] {
  const field = headers === undefined ? undefined : findField(headers, "x-death");
  if (field?.type !== "A") return [];
  return field.value.flatMap((entry) => (entry.type === "F" ? [entry.value] : []));
}

function textOf(table: FieldTable, name: string): string | undefined {
  const field = findField(table, name);
  return field?.type === "S" ? displayText(field.value) : undefined;
}

/** The entry of this queue and reason, counted up, or a new one, goes to the front. */
function addDeath(deaths: readonly FieldTable[], death: Death): FieldTable[] {
  const name = Buffer.from(death.queue, "latin1").toString();
  const isSame = (entry: FieldTable): boolean =>
    textOf(entry, "queue") === name && textOf(entry, "reason") === death.reason;
  const before = deaths.find(isSame);
  const count = before === undefined ? undefined : findField(before, "count");
  const entry: Field[] = [
    { name: "count", field: { type: "l", value: count?.type === "l" ? Number(count.value) + 1 : 1 } },
    { name: "reason", field: text(death.reason) },
    { name: "queue", field: text(death.queue) },
    { name: "time", field: { type: "T", value: death.time } },
    { name: "exchange", field: text(death.exchange) },
    { name: "routing-keys", field: { type: "A", value: [text(death.routingKey)] } },
  ];
  if (death.expiration !== undefined) {
    entry.push({ name: "original-expiration", field: { type: "S", value: death.expiration } });
  }
  // What happened again keeps its exchange, keys and time, as in RabbitMQ.
  const kept =
    before === undefined ? entry : before.map((field) => (field.name === "count" ? entry[0]! : field));
  return [kept, ...deaths.filter((other) => other !== before)];
}

const ownHeaders = new Set<unknown>([
  "x-death",
  "x-last-death-reason",
  "x-last-death-queue",
  "x-last-death-exchange",
]);

function withDeaths(headers: FieldTable, deaths: readonly FieldTable[], death: Death): FieldTable {
  const kept = headers.filter(({ name }) => !ownHeaders.has(name));
  const changed: Field[] = [
    { name: "x-death", field: { type: "A", value: deaths.map((value) => ({ type: "F", value })) } },
    { name: "x-last-death-reason", field: text(death.reason) },
    { name: "x-last-death-queue", field: text(death.queue) },
    { name: "x-last-death-exchange", field: text(death.exchange) },
  ];
  if (findField(headers, "x-first-death-reason") === undefined) {
    changed.push({ name: "x-first-death-reason", field: text(death.reason) });
    changed.push({ name: "x-first-death-queue", field: text(death.queue) });
    changed.push({ name: "x-first-death-exchange", field: text(death.exchange) });
  }
  return [...kept, ...changed];
}

/** The queue is in the history, and nothing since then was a rejection. */
function isCycle(queue: string, deaths: readonly FieldTable[]): boolean {
  const name = Buffer.from(queue, "latin1").toString();
  const at = deaths.findIndex((entry) => textOf(entry, "queue") === name);
  if (at < 0) return false;
  return deaths.slice(0, at + 1).every((entry) => textOf(entry, "reason") !== "rejected");
}

function headerValues(headers: FieldTable): ReadonlyMap<string, HeaderValue> {
  const values = new Map<string, HeaderValue>();
  for (const { name, field } of headers) {
    if (field.type === "S") values.set(displayText(name), displayText(field.value));
    else if (field.type === "V" || field.type === "A" || field.type === "F" || field.type === "x") {
      values.set(displayText(name), null);
    } else values.set(displayText(name), typeof field.value === "bigint" ? Number(field.value) : field.value);
  }
  return values;
}

/** Leaves the message under its new route and properties in `writer`. */
function writeCopy(
  writer: ByteWriter,
  parts: AmqpRecordParts,
  exchange: string,
  key: string,
  properties: AmqpProperties,
): void {
  writer.reset();
  writeShortString(writer, Buffer.from(exchange, "latin1"));
  writeShortString(writer, Buffer.from(key, "latin1"));
  const sizeAt = writer.length;
  writer.uint32(0);
  writer.bytes(parts.buffer, parts.headerStart, parts.headerStart + bodySizeBytes);
  writeProperties(writer, properties);
  writer.patchUint32(sizeAt, writer.length - sizeAt - 4);
  writer.bytes(parts.buffer, parts.bodyStart, parts.bodyEnd);
}
