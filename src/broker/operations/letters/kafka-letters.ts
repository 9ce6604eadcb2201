/**
 * Dead letters of Kafka's consumer groups (retry/returned-records.ts) on their way: to the retry topic of the group that gave the record up, and
 * back. It stays a record of Kafka with its key and value; only its headers change:
 *
 *                       x-troika-topic, -partition, -offset   -reason, -deliveries, -group   -operation, -from
 *     dead letter       yes                                   yes                            no
 *     come home         yes                                   no: its count begins anew      yes
 *
 * `x-troika-from` is what an undo needs to make the dead letter of it again, as JSON. Not here: whose turn it is (retry.ts, undo.ts).
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { kafkaFrames } from "../../../message/convert/kafka-frame.ts";
import { envelope } from "../../../message/envelope.ts";
import { type HeaderChange, headerText, writeRecordWith } from "../../../message/kafka/single-record.ts";
import type { LogReader } from "../../../storage/index.ts";
import { appendStored } from "../../exchange/outgoing-message.ts";
import type { Queue } from "../../queue/queue.ts";
import { hasRoomFor } from "../../queue/retention.ts";
import { groupOf, returnHeaders, retryTopicOf } from "../../retry/returned-records.ts";
import type { Vhost } from "../../vhost.ts";
import { fromHeader, operationHeader } from "./mark.ts";
import { takeOut } from "./move.ts";

const operationName = Buffer.from(operationHeader);
const fromName = Buffer.from(fromHeader);
const { topic: topicName, partition: partitionName, reason, deliveries, group } = returnHeaders;
/** What only a dead letter says. */
const deathNames = { reason, deliveries, group } as const;
const scratchBytesKept = 1 << 20;

let scratch = new ByteWriter(1024);

/** The partition of the retry topic with the number of the one in which the record was read first; null: it is gone. */
export function retryPartitionOf(vhost: Vhost, groupName: string, reader: LogReader): Queue | null {
  const partitions = vhost.topics.find(retryTopicOf(groupName))?.partitions;
  if (partitions === undefined) return null;
  const number = headerText(kafkaFrames.moveTo(reader), partitionName);
  return partitions[Number(number ?? 0)] ?? partitions[0]!;
}

/** The reader is at a dead letter of `source`. False: there is no room. */
export function toRetryTopic(source: Queue, reader: LogReader, home: Queue, operation: string): boolean {
  const record = kafkaFrames.moveTo(reader);
  const from: Record<string, string> = {};
  for (const [what, name] of Object.entries(deathNames)) from[what] = headerText(record, name) ?? "";
  return moveWith(source, reader, home, [
    ...Object.values(deathNames).map((name) => ({ name, value: null })),
    { name: operationName, value: Buffer.from(operation) },
    { name: fromName, value: Buffer.from(JSON.stringify(from)) },
  ]);
}

/** Whether that operation has brought the record here: one that does not say where it was read was never a dead letter. */
export function isBroughtHome(reader: LogReader, operation: string): boolean {
  const record = kafkaFrames.moveTo(reader);
  return headerText(record, operationName) === operation && headerText(record, topicName) !== null;
}

/** It is the dead letter again that it was. False: there is no room. */
export function toDeadLetters(home: Queue, reader: LogReader, source: Queue): boolean {
  const said = deathIn(headerText(kafkaFrames.moveTo(reader), fromName) ?? "");
  // A client may have written the header, but not chosen the topic in which the record lies.
  const from: Readonly<Record<string, string>> = { ...said, group: groupOf(home) };
  return moveWith(home, reader, source, [
    { name: operationName, value: null },
    { name: fromName, value: null },
    ...Object.entries(deathNames).map(([what, name]) => ({ name, value: Buffer.from(from[what] ?? "") })),
  ]);
}

/** A client may have written the header. */
function deathIn(text: string): Readonly<Record<string, string>> {
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found !== "object" || found === null) return {};
    return Object.fromEntries(Object.entries(found).map(([name, value]) => [name, String(value)]));
  } catch {
    return {};
  }
}

/** In one tick, as all moves (move.ts). */
function moveWith(from: Queue, reader: LogReader, to: Queue, changes: readonly HeaderChange[]): boolean {
  if (scratch.buffer.length > scratchBytesKept) scratch = new ByteWriter(1024);
  writeRecordWith(scratch, kafkaFrames.moveTo(reader), changes);
  const { buffer, length } = scratch;
  const { clock } = to.vhost.broker;
  if (!hasRoomFor(to, 1, length)) return false;
  appendStored(to.log.group, { envelope: envelope.kafka, buffer, start: 0, end: length }, clock.now());
  takeOut(from, reader);
  return true;
}
