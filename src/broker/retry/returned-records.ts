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
 * A record waits in a log of its own for each partition of the retry topic, in the form in which it will be stored there
 * (schedule/timetable.ts). Not here: who may give up (protocols/kafka/produce/returned.ts), how long it waits (retry-policy.ts).
 * Invariants: a record is in one place, since it moves in one tick; none is early; one whose dead letter cannot be written now waits, and is
 * not to be read any more.
 */
import { BrokerError } from "../../base/errors.ts";
import { ByteWriter } from "../../base/bytes.ts";
import { EntryId } from "../../message/entry-id.ts";
import { envelope } from "../../message/envelope.ts";
import { KafkaBatch } from "../../message/kafka/batch.ts";
import { RecordCursor } from "../../message/kafka/batch-records.ts";
import { headerText, type HeaderChange, writeRecordWith } from "../../message/kafka/single-record.ts";
import type { Broker } from "../broker.ts";
import { appendStored } from "../exchange/outgoing-message.ts";
import { deadLetterStream } from "../groups/give-up.ts";
import { companionPrefixes, nameOfText, shownName } from "../names.ts";
import { implicitStream } from "../queue/lifecycle.ts";
import { isFreeForStream } from "../queue/name-rules.ts";
import type { Queue } from "../queue/queue.ts";
import type { RecordBytes } from "../schedule/enter-stream.ts";
import { Timetable } from "../schedule/timetable.ts";
import type { Vhost } from "../vhost.ts";
import { deadQueueName } from "./dead-queue.ts";
import { delayOf, retryOf, type RetryPolicy } from "./retry-policy.ts";
import type { Returns } from "./returns.ts";

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
const handle = new EntryId();
const batch = new KafkaBatch();
const cursor = new RecordCursor();

/** Where a record was read first. */
interface Origin {
  /** In the broker's form. */
  readonly topic: string;
  readonly queue: Queue;
  readonly policy: RetryPolicy;
}

export class ReturnedRecords implements Returns {
  readonly #broker: Broker;
  readonly #timetable: Timetable;

  /** The journal has been replayed. */
  constructor(broker: Broker) {
    this.#broker = broker;
    this.#timetable = new Timetable(broker, {
      vhostPrefix: companionPrefixes.returned,
      enter: (vhostName, name, record) => this.#arrive(vhostName, name, record),
    });
    this.#timetable.begin();
  }

  /** How many wait for a partition. */
  countFor({ vhost, name }: Queue): number {
    return this.#timetable.find(vhost, name)?.log.length ?? 0;
  }

  /**
   * Takes a record that is produced to a partition of a retry topic, which the cursor is at. False where it does not say where it comes
   * from, or no policy says what becomes of it: then it is stored as it came.
   */
  takes(target: Queue, record: RecordCursor): boolean {
    const origin = originOf(target.vhost, record);
    if (origin === null) return false;
    const { policy } = origin;
    const deliveries = deliveriesOf(record) + 1;
    const isOver = deliveries >= policy.limit;
    if (isOver && this.#bury(target, record, origin, deliveries)) return true;
    const back = delayOf(policy, deliveries, this.#broker.random);
    const due = this.#broker.clock.now() + (isOver ? Math.max(back, buryAgainMs) : back);
    const { buffer, end } = written(record, [{ name: names.deliveries, value: String(deliveries) }]);
    const waiting = { due, envelope: envelope.kafka, buffer, start: 0, end };
    this.#timetable.add(target.vhost, target.name, waiting, handle, target.log.isDurable);
    return true;
  }

  /** Its time has come. True: it waits no more. */
  #arrive(vhostName: string, name: string, record: RecordBytes): boolean {
    const target = this.#broker.vhost(vhostName)?.queues.get(name);
    if (target === undefined) return true;
    batch.reset(record.buffer, record.start, record.end).next();
    cursor.open(batch, 0).next();
    const origin = originOf(target.vhost, cursor);
    const deliveries = deliveriesOf(cursor);
    // The policy may have changed since.
    if (origin !== null && deliveries >= origin.policy.limit)
      return this.#bury(target, cursor, origin, deliveries);
    if (!this.#broker.retention.hasRoom(target, 1, record.end - record.start)) return false;
    // Room in the journal is taken before the bytes are copied, and their memory may be used for it.
    resetWriter().bytes(record.buffer, record.start, record.end);
    const copy = { envelope: envelope.kafka, buffer: writer.buffer, start: 0, end: writer.length };
    appendStored(target.log.group, copy, this.#broker.clock.now());
    return true;
  }

  /** False where the topic of dead letters cannot take it now. */
  #bury(target: Queue, record: RecordCursor, { topic, queue, policy }: Origin, deliveries: number): boolean {
    const { vhost } = target;
    const name = deadLetterStream(queue, {
      ...policy,
      deadLetter: policy.deadLetter ?? deadQueueName(topic),
    });
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

/** The retry topic's name says it; the target may be one of its partitions. */
function groupOf(target: Queue): string {
  const topic = target.vhost.topics.topicOf(target)?.name ?? target.name;
  return shownName(topic.slice(0, -retrySuffix.length));
}

function resetWriter(): ByteWriter {
  if (writer.buffer.length > writerBytesKept) writer.buffer = Buffer.allocUnsafeSlow(1024);
  writer.reset();
  return writer;
}

interface TextChange {
  readonly name: Buffer;
  readonly value: string;
}

/** The record with those headers, in place of others of their names. */
function written(record: RecordCursor, texts: readonly TextChange[]): { buffer: Buffer; end: number } {
  resetWriter();
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
