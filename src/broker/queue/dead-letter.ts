/**
 * Dead-lettering: a record that a queue gives up goes to the queue's dead-letter exchange, with its history in the
 * header `x-death`.
 *
 *   x-death = array of { count, reason, queue, time, exchange, routing-keys, [original-expiration] }, newest first
 *
 * One entry for each pair of queue and reason, counted up when it happens again; `x-first-death-*` name reason, queue and
 * exchange of the first. It goes on to the keys that it was published with, those of CC and BCC among them, unless the
 * queue gives another key. All as in RabbitMQ 3.10.8 (rabbit_dead_letter.erl), down to
 * what a client's own `x-death` does. The copy is appended in the turn in which the record is removed, so one group of
 * the journal holds both: it is in one queue or in the other, never in none or both.
 *
 * Not here: when a record is given up (retention.ts, protocols). Like RabbitMQ, a message that would come back to a queue
 * it was in without anybody rejecting it is dropped, for it would go round for ever.
 */
import { ByteWriter } from "../../base/bytes.ts";
import type { AmqpProperties } from "../../message/amqp/properties.ts";
import type { AmqpRecordParts } from "../../message/amqp/record.ts";
import { writeRecordCopy } from "../../message/amqp/record-copy.ts";
import { type Field, type FieldTable, type FieldValue, findField } from "../../message/amqp/table.ts";
import { toPlain } from "../../message/amqp/table-plain.ts";
import { AmqpView } from "../../message/convert/as-amqp.ts";
import { AmqpRecordMessage } from "../exchange/outgoing-message.ts";
import type { Vhost } from "../vhost.ts";
import type { Queue } from "./queue.ts";
import { type DeadLetterReason, deadLetterPlace, makeDeadQueue } from "../retry/dead-queue.ts";
import { nameOfText, textOfName } from "../names.ts";
import { factsOfProperties, propertiesOfParts, routingKeysOf } from "../exchange/routing/message-headers.ts";

const view = new AmqpView();

/** Of dead letters of queues with a retry policy. */
const originHeaders = { offset: "x-troika-offset", deliveries: "x-troika-deliveries" } as const;

/** Buffers in which one dead letter is made. */
class Scratch {
  readonly writer = new ByteWriter(1024);
  readonly message = new AmqpRecordMessage();
}

/** One for each depth: while a dead letter is on its way, records of its target may expire and be dead-lettered too. */
const scratches: Scratch[] = [];
let depth = 0;

/** Dead-letters a stored record; the caller removes it. False: no queue takes it now, and it must not be lost. */
export function deadLetter(queue: Queue, offset: number, reason: DeadLetterReason): boolean {
  const record = queue.reader(offset);
  if (!record.next() || record.offset !== offset) return true;
  return deadLetterParts(queue, view.show(record), reason, {
    offset,
    deliveries: queue.cursor!.pending.countOf(offset),
  });
}

/** Where a dead letter was in its queue, and how often it was delivered; the headers of queues with a retry policy. */
interface Origin {
  readonly offset: number;
  readonly deliveries: number;
}

/**
 * Dead-letters a message. If the exchange does not exist, or no queue takes it, the message is gone, as in RabbitMQ; unless the queue
 * dead-letters at least once: then it is kept and tried again (stations/undelivered-letters.ts). False: as in `deadLetter`.
 */
export function deadLetterParts(
  queue: Queue,
  parts: AmqpRecordParts,
  reason: DeadLetterReason,
  origin: Origin | null,
): boolean {
  const place = deadLetterPlace(queue, reason);
  if (place === null) return true;
  const { vhost, policy } = queue;
  if (place.isSure && !makeDeadQueue(queue)) return false;
  const stations = policy.deadLettersSurely && !place.isSure ? vhost.broker.stations : null;
  const exchangeName = place.exchange;
  if (stations === null && !vhost.exchanges.has(exchangeName)) {
    vhost.unroutable.moved(exchangeName, { asAmqp: () => parts }, "dead_letter");
    return true;
  }
  const { buffer } = parts;
  const properties = propertiesOfParts(parts);
  const headers = properties.headers ?? [];
  const { shown, all: keys } = routingKeysOf(parts, properties);
  const newKey = place.key;
  const death: Death = {
    queue: queue.name,
    reason,
    exchange: buffer.latin1Slice(parts.exchangeStart, parts.exchangeEnd),
    keys: shown,
    time: Math.floor(vhost.broker.clock.now() / 1000),
    expiration: properties.expiration,
  };
  const noted = withDeathNoted(headers, death);
  const withDeath = origin === null || policy.retryLimit === undefined ? noted : withOrigin(noted, origin);
  const changed: AmqpProperties = {
    ...properties,
    headers: newKey === undefined ? withDeath : withDeath.filter(({ name }) => name !== "CC"),
  };
  delete changed.expiration;
  const { writer, message } = (scratches[depth] ??= new Scratch());
  writeRecordCopy(writer, parts, changed, { exchange: exchangeName, key: newKey ?? keys[0]! });
  if (newKey === undefined) writer.bytes(buffer, parts.bodyEnd, parts.recordEnd);
  message.show(writer.buffer, 0, writer.length);
  depth++;
  const { tracer } = vhost.broker;
  const carried = tracer.isOn ? tracer.carry(queue, origin?.offset ?? -1, reason) : null;
  try {
    if (stations === null) return publishLetter(vhost, message, place.isSure ? "whatever" : "once");
    if (stations.hasDeadLetters(queue) || !publishLetter(vhost, message, "surely"))
      stations.keepDeadLetter(queue, writer.buffer, writer.length);
    return true;
  } finally {
    tracer.carried = carried;
    depth--;
  }
}

/**
 * How a dead letter is published. `once`: to the queues that take it. `surely`: to all of the queues, or to none, and the result is
 * false, as it is where there is no queue. Both leave out queues that it would go round through, as RabbitMQ does. `whatever`: as `surely`, to
 * those too, since a message that may not be lost goes round rather.
 */
type LetterManner = "once" | "surely" | "whatever";

/** Publishes a dead letter through its exchange. */
export function publishLetter(vhost: Vhost, message: AmqpRecordMessage, manner: LetterManner): boolean {
  const parts = message.asAmqp();
  const exchange = vhost.exchanges.get(parts.buffer.latin1Slice(parts.exchangeStart, parts.exchangeEnd));
  if (exchange === undefined) return false;
  const properties = propertiesOfParts(parts);
  const keys = routingKeysOf(parts, properties).all;
  const route = vhost.routes.quick(
    exchange,
    keys,
    factsOfProperties(() => properties),
  );
  if (manner === "whatever") return vhost.publication.publishSurely(exchange, route, message, null);
  const cycling = cyclingQueues(deathsOf(properties.headers ?? []));
  const isLeftOut = (target: Queue): boolean => cycling.has(target.name);
  const leavesOut = route.queues.some(isLeftOut) ? isLeftOut : null;
  if (manner === "surely") return vhost.publication.publishSurely(exchange, route, message, leavesOut);
  vhost.publication.publishOwn(exchange, route, message, leavesOut);
  if (vhost.publication.isLost(route)) vhost.unroutable.moved(exchange.name, message, "dead_letter");
  else if (leavesOut !== null && !route.isHeld && route.queues.every(isLeftOut))
    vhost.unroutable.moved(exchange.name, message, "dead_letter_cycle");
  return true;
}

function withOrigin(headers: FieldTable, { offset, deliveries }: Origin): FieldTable {
  const added: Field[] = [
    { name: originHeaders.offset, field: { type: "l", value: offset } },
    { name: originHeaders.deliveries, field: { type: "l", value: deliveries } },
  ];
  const names = new Set<unknown>(added.map(({ name }) => name));
  return [...headers.filter(({ name }) => !names.has(name)), ...added];
}

interface Death {
  readonly queue: string;
  readonly reason: DeadLetterReason;
  readonly exchange: string;
  readonly keys: readonly string[];
  readonly time: number;
  readonly expiration: AmqpProperties["expiration"];
}

function text(name: string): FieldValue {
  return { type: "S", value: textOfName(name) };
}

/** The entries of `x-death`. In a header from a client they may be anything. */
function deathsOf(headers: FieldTable): readonly FieldValue[] {
  const field = findField(headers, "x-death");
  return field?.type === "A" ? field.value : [];
}

function nameIn(table: FieldTable, name: string): string | undefined {
  const field = findField(table, name);
  return field?.type === "S" ? nameOfText(field.value) : undefined;
}

function entryOf(death: Death): FieldTable {
  const entry: Field[] = [
    { name: "count", field: { type: "l", value: 1 } },
    { name: "reason", field: text(death.reason) },
    { name: "queue", field: text(death.queue) },
    { name: "time", field: { type: "T", value: death.time } },
    { name: "exchange", field: text(death.exchange) },
    { name: "routing-keys", field: { type: "A", value: death.keys.map(text) } },
  ];
  if (death.expiration !== undefined) {
    entry.push({ name: "original-expiration", field: { type: "S", value: death.expiration } });
  }
  return entry;
}

/**
 * The headers with this death added in front: as a new entry, or as the entry of the same queue and reason with its count
 * increased.
 */
function withDeathNoted(headers: FieldTable, death: Death): FieldTable {
  const present = findField(headers, "x-death");
  const entry = entryOf(death);
  if (present === undefined) {
    const first = [
      { name: "x-first-death-reason", field: text(death.reason) },
      { name: "x-first-death-queue", field: text(death.queue) },
      { name: "x-first-death-exchange", field: text(death.exchange) },
    ];
    const names = new Set<unknown>(first.map(({ name }) => name));
    return withDeaths([...headers.filter(({ name }) => !names.has(name)), ...first], [entry]);
  }
  const deaths = grouped(deathsOf(headers).flatMap((each) => (each.type === "F" ? [each.value] : [])));
  const key = deathKey(death.queue, death.reason);
  const before = deaths.find((each) => deathKey(nameIn(each, "queue"), nameIn(each, "reason")) === key);
  const others = deaths.filter((each) => each !== before);
  // An entry that is counted again keeps its exchange, keys and time.
  return withDeaths(headers, [before === undefined ? entry : countedUp(before), ...others]);
}

function withDeaths(headers: FieldTable, deaths: readonly FieldTable[]): FieldTable {
  const kept = headers.filter(({ name }) => name !== "x-death");
  return [
    ...kept,
    { name: "x-death", field: { type: "A", value: deaths.map((value) => ({ type: "F", value })) } },
  ];
}

/** Merges entries of a client's header that have the same queue and reason; RabbitMQ reverses the order of two or more. */
function grouped(deaths: readonly FieldTable[]): readonly FieldTable[] {
  if (deaths.length < 2) return deaths;
  const groups = new Map<string, { entry: FieldTable; count: number }>();
  for (const entry of deaths) {
    const key = deathKey(nameIn(entry, "queue"), nameIn(entry, "reason"));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { entry, count: 1 });
    else group.count++;
  }
  return [...groups.values()]
    .map(({ entry, count }) => (findField(entry, "count") === undefined ? withCount(entry, count) : entry))
    .toReversed();
}

function deathKey(queue: string | undefined, reason: string | undefined): string {
  return JSON.stringify([queue, reason]);
}

function withCount(entry: FieldTable, count: number): FieldTable {
  const others = entry.filter(({ name }) => name !== "count");
  return [{ name: "count", field: { type: "l", value: count } }, ...others];
}

function countedUp(entry: FieldTable): FieldTable {
  const { count } = toPlain(entry);
  return withCount(entry, typeof count === "number" || typeof count === "bigint" ? Number(count) + 1 : 1);
}

/**
 * The queues that a dead letter must not come back to: those it was in since it was last rejected. An entry that is not a table
 * comes from a client, so the cycle is not the broker's own.
 */
function cyclingQueues(deaths: readonly FieldValue[]): ReadonlySet<string | undefined> {
  const queues = new Set<string | undefined>();
  for (const each of deaths) {
    if (each.type !== "F" || nameIn(each.value, "reason") === "rejected") break;
    queues.add(nameIn(each.value, "queue"));
  }
  return queues;
}
