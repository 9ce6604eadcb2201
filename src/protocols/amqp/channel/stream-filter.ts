/**
 * Which messages of a stream a consumer asks for (RabbitMQ's stream filters): arguments `x-stream-filter`, a text or an array of texts, and
 * `x-stream-match-unfiltered`; a message has its value in the header `x-stream-filter-value`.
 *
 * RabbitMQ filters whole chunks, and its consumers look again at what they get. Here each message is looked at, so they get what they asked for
 * alone. Invariant: no message makes an object or a string.
 */
import { PropertyOffsets } from "../../../message/amqp/property-offsets.ts";
import type { AmqpRecordParts } from "../../../message/amqp/record.ts";
import { type FieldTable, type FieldValue, findField } from "../../../message/amqp/table.ts";
import { findFieldAt } from "../../../message/amqp/table-scan.ts";

const valueHeader = Buffer.from("x-stream-filter-value");
const textTag = 0x53;
const properties = new PropertyOffsets();

export class StreamFilter {
  readonly #values: readonly Buffer[];
  readonly #takesUnfiltered: boolean;

  constructor(values: readonly Buffer[], takesUnfiltered: boolean) {
    this.#values = values;
    this.#takesUnfiltered = takesUnfiltered;
  }

  /** Null where the consumer asks for all; what is no text is no value, as in RabbitMQ. */
  static of(args: FieldTable): StreamFilter | null {
    const asked = findField(args, "x-stream-filter");
    if (asked?.type !== "S" && asked?.type !== "A") return null;
    const all: readonly FieldValue[] = asked.type === "A" ? asked.value : [asked];
    const values = all.flatMap((each) => (each.type === "S" ? [Buffer.from(each.value)] : []));
    const unfiltered = findField(args, "x-stream-match-unfiltered");
    return new StreamFilter(values, unfiltered?.type === "t" && unfiltered.value);
  }

  matches({ buffer, propertiesStart, headerEnd }: AmqpRecordParts): boolean {
    properties.walk(buffer, propertiesStart, headerEnd);
    const { headersStart, headersEnd } = properties;
    const at = headersStart < 0 ? -1 : findFieldAt(buffer, headersStart, headersEnd, valueHeader);
    if (at < 0) return this.#takesUnfiltered;
    if (buffer[at] !== textTag) return false;
    const size = buffer.readUInt32BE(at + 1);
    for (const value of this.#values)
      if (value.length === size && buffer.compare(value, 0, size, at + 5, at + 5 + size) === 0) return true;
    return false;
  }
}
