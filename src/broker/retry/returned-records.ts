/**
 * Records that a Kafka group has given up by producing them to its retry topic: each waits for its time, then it can be read there; after
 * as many deliveries as the policy of the topic allows where it was read first, it is a dead letter.
 *
 *     header                  says                                         written by
 *     x-troika-topic          the topic where the group read it first       the group
 *     x-troika-partition      and where there, in digits                    the group, if it likes
 *     x-troika-offset
 *     x-troika-reason         why it was given up                           the group, if it likes; else a dead letter says "rejected"
 *     x-troika-deliveries     how often it was delivered, in digits         the broker
 *     x-troika-group          whose consumers gave it up                    the broker, on a dead letter
 *
 * A record waits beside the delayed messages of the retry topic, in the form in which it will be stored there (intake/delayed-arrivals.ts): listed
 * and cancelled as they are. Not here: who may give up (protocols/kafka/produce/returned.ts), how long it waits (retry-policy.ts).
 * Invariants: a record is in one place, since it moves in one tick; none is early; one whose dead letter cannot be written now waits, and is
 * not to be read any more.
 */
import { BrokerError } from "../../base/errors.ts";
import { ByteWriter } from "../../base/bytes.ts";
import { envelope } from "../../message/envelope.ts";
import { KafkaBatch } from "../../message/kafka/batch.ts";
import { RecordCursor } from "../../message/kafka/batch-records.ts";
import { headerText, type HeaderChange, writeRecordWith } from "../../message/kafka/single-record.ts";
import type { Broker } from "../broker.ts";
import { appendStored } from "../exchange/outgoing-message.ts";
import { deadLetterStream } from "../groups/give-up.ts";
import { nameOfText, shownName } from "../names.ts";
import { implicitStream } from "../queue/lifecycle.ts";
import { isFreeForStream } from "../queue/name-rules.ts";
import type { Queue } from "../queue/queue.ts";
import type { RecordBytes } from "../schedule/enter-stream.ts";
import type { Vhost } from "../vhost.ts";
import type { Returned, ReturnTarget } from "./returned.ts";
import { deadQueueName } from "./dead-queue.ts";
import { delayOf, retryOf, type RetryPolicy } from "./retry-policy.ts";

/** A topic whose name ends so is one to which a group gives records up. */
const retrySuffix = ".retry";

export function isRetryTopic(name: string): boolean {
  return name.endsWith(retrySuffix) && name.length > retrySuffix.length;
}

/** Of a group, both in the broker's form. */
export function retryTopicOf(group: string): string {
  return `${group}${retrySuffix}`;
}

/** The topic of dead letters is tried again after this, or after the back-off where that is longer. */
const buryAgainMs = 5000;

export const returnHeaders = {
  topic: Buffer.from("x-troika-topic"),
  partition: Buffer.from("x-troika-partition"),
  reason: Buffer.from("x-troika-reason"),
  deliveries: Buffer.from("x-troika-deliveries"),
  group: Buffer.from("x-troika-group"),
} as const;
const names = returnHeaders;

const writer = new ByteWriter(1024);
const writerBytesKept = 1 << 20;
const batch = new KafkaBatch();
const cursor = new RecordCursor();

/** Where a record was read first. */
interface Origin {
  /** In the broker's form. */
  readonly topic: string;
  readonly queue: Queue;
  readonly policy: RetryPolicy;
}

export class ReturnedRecords implements Returned {
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  takes({ vhost, name }: ReturnTarget, record: RecordCursor): boolean {
    const target = this.#broker.vhost(vhost.name)?.queues.get(name);
    if (target === undefined) return false;
    const origin = originOf(target.vhost, record);
    if (origin === null) return false;
    const { policy } = origin;
    const deliveries = deliveriesOf(record) + 1;
    const isOver = deliveries >= policy.limit;
    if (isOver && this.#bury(target, record, origin, deliveries)) return true;
    const back = delayOf(policy, deliveries, this.#broker.random);
    const due = this.#broker.clock.now() + (isOver ? Math.max(back, buryAgainMs) : back);
    const { buffer, end } = written(record, [{ name: names.deliveries, value: String(deliveries) }]);
    this.#broker.delays!.addStored(target, { due, envelope: envelope.kafka, buffer, start: 0, end });
    return true;
  }

  /** The policy may have changed since it began to wait. */
  arrives({ vhost, name }: ReturnTarget, record: RecordBytes): "lives" | "dead" | "stuck" {
    const target = this.#broker.vhost(vhost.name)?.queues.get(name);
    if (record.envelope !== envelope.kafka || target === undefined || !isOfRetryTopic(target)) return "lives";
    batch.reset(record.buffer, record.start, record.end).next();
    cursor.open(batch, 0).next();
    const origin = originOf(target.vhost, cursor);
    const deliveries = deliveriesOf(cursor);
    let fate: "lives" | "dead" | "stuck" = "lives";
    if (origin !== null && deliveries >= origin.policy.limit)
      fate = this.#bury(target, cursor, origin, deliveries) ? "dead" : "stuck";
    cursor.close();
    return fate;
  }

  /** False where the topic of dead letters cannot take it now. */
  #bury(target: Queue, record: RecordCursor, { topic, queue, policy }: Origin, deliveries: number): boolean {
    const { vhost } = target;
    const name = deadLetterStream(queue, policy.deadLetter ?? deadQueueName(topic));
    const place = name === target.name ? null : placeFor(vhost, name);
    if (place === null || this.#broker.storage.failure !== null) return false;
    const { buffer, end } = written(record, [
      { name: names.reason, value: headerText(record, names.reason) ?? "rejected" },
      { name: names.deliveries, value: String(deliveries) },
      { name: names.group, value: groupOf(target) },
    ]);
    if (!this.#broker.retention.hasRoom(place, 1, end)) return false;
    const letter = { envelope: envelope.kafka, buffer, start: 0, end };
    appendStored(place.log.group, letter, this.#broker.clock.now());
    return true;
  }
}

/** The topic that a record says it was read from, in Kafka's form; null: it says none. */
export function originName(record: RecordCursor): string | null {
  return headerText(record, names.topic);
}

/** Null: it does not say, the topic is gone, or nothing is to become of what is given up there. */
function originOf(vhost: Vhost, record: RecordCursor): Origin | null {
  const said = originName(record);
  const name = said === null ? "" : nameOfText(said);
  const partitions = name === "" ? undefined : vhost.topics.find(name)?.partitions;
  if (partitions === undefined) return null;
  const queue = partitions[numberOf(headerText(record, names.partition))] ?? partitions[0]!;
  const policy = retryOf(queue.policy);
  return policy === null ? null : { topic: name, queue, policy };
}

function deliveriesOf(record: RecordCursor): number {
  return numberOf(headerText(record, names.deliveries));
}

function numberOf(text: string | null): number {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

/** The topic's name says which group's it is; the target may be one of its partitions. */
function topicNameOf(target: Queue): string {
  return target.vhost.topics.topicOf(target)?.name ?? target.name;
}

function isOfRetryTopic(target: Queue): boolean {
  return target.kind === "stream" && isRetryTopic(topicNameOf(target));
}

function groupOf(target: Queue): string {
  return shownName(topicNameOf(target).slice(0, -retrySuffix.length));
}

interface TextChange {
  readonly name: Buffer;
  readonly value: string;
}

/** The record with those headers, in place of others of their names. */
function written(record: RecordCursor, texts: readonly TextChange[]): { buffer: Buffer; end: number } {
  if (writer.buffer.length > writerBytesKept) writer.buffer = Buffer.allocUnsafeSlow(1024);
  const changes = texts.map(({ name, value }): HeaderChange => ({ name, value: Buffer.from(value) }));
  writeRecordWith(writer, record, changes);
  return { buffer: writer.buffer, end: writer.length };
}

/** Null where the name cannot be a stream's now, or belongs to one AMQP connection alone. */
function placeFor(vhost: Vhost, name: string): Queue | null {
  const found = vhost.findQueue(name);
  if (found !== undefined) return found.exclusiveOwner === 0 ? found : null;
  if (!isFreeForStream(vhost, name)) return null;
  try {
    return vhost.declareQueue({ ...implicitStream, name });
  } catch (error) {
    // The virtual host may have no more queues.
    if (error instanceof BrokerError) return null;
    throw error;
  }
}
