/**
 * Reads a stored Redis stream entry into `MessageParts`.
 *
 * The body is field `body`, else the first of `data`, `payload`, `value`, `message` that is there. An entry with none of
 * them was not written with other protocols in mind: it is read as one JSON object of all its fields, save those that
 * only mean something between protocols (`amqp.<property>`, `routing_key`, `traceparent`, `x-tombstone`). In it, a
 * repeated field's values are an array, and bytes that are not UTF-8 are base64.
 */
import { ByteWriter } from "../../base/bytes.ts";
import { utf8OrUndefined } from "../amqp/text.ts";
import {
  claimedPropertyOf,
  isReservedInRedis,
  isText,
  names,
  propertyCodeOf,
  unescapedStart,
} from "./names.ts";
import { type MessageParts, timestampMsMax } from "./parts.ts";
import { fieldTag } from "./values.ts";
import { EntryReader } from "../redis/entry.ts";
import type { StoredRecord } from "../record.ts";

/** Names under which Redis users commonly put a body, first choice first. */
const otherBodyNames = ["data", "payload", "value", "message"] as const;
const scratchBytesKept = 1 << 20;

export class RedisPartsReader {
  readonly #entry = new EntryReader();
  #json = new ByteWriter();

  read(record: StoredRecord, into: MessageParts): void {
    const entry = this.#entry;
    const { buffer } = record;
    entry.open(buffer, record.start, record.end);
    into.clear(buffer);
    // An id chosen by the publisher may be no time that anybody can show: the arrival counts then.
    const { ms } = record.id;
    into.timestamp = ms <= timestampMsMax ? ms : record.timestamp;
    let isTombstone = false;
    while (entry.next()) {
      if (into.bodyStart < 0 && entry.isName(names.redisBody)) {
        into.bodyStart = entry.valueStart;
        into.bodyEnd = entry.valueEnd;
      } else if (into.keyStart < 0 && entry.isName(names.redisKey)) {
        into.keyStart = entry.valueStart;
        into.keyEnd = entry.valueEnd;
      } else if (entry.isName(names.tombstone)) {
        isTombstone = isText(buffer, entry.valueStart, entry.valueEnd, "true");
      } else field(entry, into);
    }
    // A routing key alone is the key, as in AMQP.
    if (into.keyStart < 0 && into.routingKeyStart >= 0) {
      into.keyStart = into.routingKeyStart;
      into.keyEnd = into.routingKeyEnd;
      into.routingKeyStart = into.routingKeyEnd = -1;
    }
    if (isTombstone) {
      if (into.bodyStart === into.bodyEnd) into.bodyStart = into.bodyEnd = -1;
    } else if (into.bodyStart < 0 && !takeOtherBody(into)) this.#jsonBody(record, into);
  }

  #jsonBody(record: StoredRecord, into: MessageParts): void {
    const entry = this.#entry;
    const members = new Map<string, string | string[]>();
    entry.open(record.buffer, record.start, record.end);
    while (entry.next()) {
      const { nameStart, nameEnd } = entry;
      if (isBetweenProtocols(record.buffer, nameStart, nameEnd)) continue;
      const name = textOf(record.buffer, nameStart, nameEnd);
      const value = textOf(record.buffer, entry.valueStart, entry.valueEnd);
      const present = members.get(name);
      if (present === undefined) members.set(name, value);
      else if (typeof present === "string") members.set(name, [present, value]);
      else present.push(value);
    }
    if (this.#json.buffer.length > scratchBytesKept) this.#json = new ByteWriter();
    const json = this.#json;
    json.reset();
    let separator = "{";
    for (const [name, value] of members) {
      json.utf8(`${separator}${JSON.stringify(name)}:${JSON.stringify(value)}`);
      separator = ",";
    }
    json.latin1(separator === "{" ? "{}" : "}");
    into.bodyBuffer = json.buffer;
    into.bodyStart = 0;
    into.bodyEnd = json.length;
    into.isJsonObject = true;
    for (let i = into.headerCount - 1; i >= 0; i--) {
      if (!isText(record.buffer, into.nameStarts[i]!, into.nameEnds[i]!, names.traceparent)) {
        into.removeHeader(i);
      }
    }
  }
}

function field(entry: EntryReader, into: MessageParts): void {
  const buffer = into.buffer;
  const { nameStart, nameEnd, valueStart, valueEnd } = entry;
  if (entry.isName(names.redisRoutingKey) && into.routingKeyStart < 0) {
    into.routingKeyStart = valueStart;
    into.routingKeyEnd = valueEnd;
    return;
  }
  const code = claimedPropertyOf(buffer, nameStart, nameEnd);
  if (code >= 0 && into.setPropertyFromText(code, valueStart, valueEnd)) return;
  const ownStart = unescapedStart(buffer, nameStart, nameEnd, isReservedInRedis);
  into.addHeader(ownStart, nameEnd, fieldTag.text, valueStart, valueEnd);
}

function takeOtherBody(into: MessageParts): boolean {
  for (const name of otherBodyNames) {
    for (let i = 0; i < into.headerCount; i++) {
      if (!isText(into.buffer, into.nameStarts[i]!, into.nameEnds[i]!, name)) continue;
      into.bodyStart = into.valueStarts[i]!;
      into.bodyEnd = into.valueEnds[i]!;
      into.removeHeader(i);
      return true;
    }
  }
  return false;
}

function isBetweenProtocols(buffer: Uint8Array, start: number, end: number): boolean {
  return (
    propertyCodeOf(buffer, start, end) >= 0 ||
    isText(buffer, start, end, names.redisRoutingKey) ||
    isText(buffer, start, end, names.traceparent) ||
    isText(buffer, start, end, names.tombstone)
  );
}

function textOf(buffer: Buffer, start: number, end: number): string {
  return utf8OrUndefined(buffer, start, end) ?? buffer.toString("base64", start, end);
}
