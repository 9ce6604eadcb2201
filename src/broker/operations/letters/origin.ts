/**
 * Where a dead letter comes from, as it says itself: a queue, by the newest entry of `x-death` (queue/dead-letter.ts), a group of a
 * stream, by the fields that give-up.ts has added, or a group of Kafka, by the headers of retry/returned-records.ts.
 *
 * Not here: whether that place is still there. Pure; of a message that a client wrote these fields may say anything, so nothing is
 * taken for granted.
 */
import type { AmqpRecordParts } from "../../../message/amqp/record.ts";
import { type FieldTable, findField } from "../../../message/amqp/table.ts";
import { envelope } from "../../../message/envelope.ts";
import type { StoredRecord } from "../../../message/record.ts";
import { EntryReader } from "../../../message/redis/entry.ts";
import { propertiesOfParts } from "../../exchange/routing/message-headers.ts";
import { nameOfText } from "../../names.ts";
import { returnHeaders } from "../../retry/returned-records.ts";

/** It died in a queue (or in a stream that is consumed as one). */
export interface QueueOrigin {
  readonly kind: "queue";
  /** In the broker's form, as all names here. */
  readonly name: string;
  readonly reason: string;
  /** With which it was published. */
  readonly exchange: string;
  /** The keys that it was published with; the first may be missing. */
  readonly key: string;
}

/** A group gave an entry of a stream up. */
export interface GroupOrigin {
  readonly kind: "group";
  /** The stream's key. */
  readonly name: string;
  readonly reason: string;
  readonly group: string;
  readonly consumer: string;
  /** The entry's id in the stream. */
  readonly id: string;
  readonly deliveries: number;
  /** When it was delivered last, ms. */
  readonly deliveredAt: number;
}

/** A group of Kafka gave a record up by its retry topic. */
export interface KafkaGroupOrigin {
  readonly kind: "kafka_group";
  /** The topic where the group read it first. */
  readonly name: string;
  readonly reason: string;
  readonly group: string;
}

export type Origin = QueueOrigin | GroupOrigin | KafkaGroupOrigin;

const entry = new EntryReader();
const fieldPrefix = "troika.";
const header = {
  topic: returnHeaders.topic.toString(),
  group: returnHeaders.group.toString(),
  reason: returnHeaders.reason.toString(),
} as const;

/** Null: it is no dead letter. */
export function originOf(record: StoredRecord, shown: AmqpRecordParts): Origin | null {
  if (record.envelope === envelope.redis) return groupOrigin(record);
  const { headers = [] } = propertiesOfParts(shown);
  return record.envelope === envelope.kafka ? kafkaGroupOrigin(headers) : queueOrigin(headers);
}

function kafkaGroupOrigin(headers: FieldTable): KafkaGroupOrigin | null {
  const name = textIn(headers, header.topic);
  const group = textIn(headers, header.group);
  if (name === null || group === null) return null;
  return { kind: "kafka_group", name, group, reason: textIn(headers, header.reason) ?? "" };
}

function queueOrigin(headers: FieldTable): QueueOrigin | null {
  const death = lastDeath(headers);
  if (death === null) return null;
  const name = textIn(death, "queue");
  const reason = textIn(death, "reason");
  if (name === null || reason === null) return null;
  const keys = findField(death, "routing-keys");
  const first = keys?.type === "A" ? keys.value[0] : undefined;
  const key = first?.type === "S" ? nameOfText(first.value) : "";
  return { kind: "queue", name, reason, exchange: textIn(death, "exchange") ?? "", key };
}

function lastDeath(headers: FieldTable): FieldTable | null {
  const deaths = findField(headers, "x-death");
  const last = deaths?.type === "A" ? deaths.value[0] : undefined;
  return last?.type === "F" ? last.value : null;
}

function textIn(table: FieldTable, name: string): string | null {
  const field = findField(table, name);
  return field?.type === "S" ? nameOfText(field.value) : null;
}

/** The last fields of the entry that begin so are the broker's: those of the same names before them are the entry's own. */
function groupOrigin({ buffer, start, end }: StoredRecord): GroupOrigin | null {
  const found = new Map<string, string>();
  entry.open(buffer, start, end);
  while (entry.next()) {
    if (
      buffer.latin1Slice(entry.nameStart, Math.min(entry.nameEnd, entry.nameStart + fieldPrefix.length)) !==
      fieldPrefix
    )
      continue;
    found.set(
      buffer.latin1Slice(entry.nameStart + fieldPrefix.length, entry.nameEnd),
      buffer.latin1Slice(entry.valueStart, entry.valueEnd),
    );
  }
  const [name, group, id, reason] = ["key", "group", "id", "reason"].map((each) => found.get(each));
  if (name === undefined || group === undefined || id === undefined || reason === undefined) return null;
  return {
    kind: "group",
    name,
    reason,
    group,
    id,
    consumer: found.get("consumer") ?? "",
    deliveries: numberIn(found.get("deliveries")),
    deliveredAt: numberIn(found.get("last")),
  };
}

function numberIn(text: string | undefined): number {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : 0;
}
