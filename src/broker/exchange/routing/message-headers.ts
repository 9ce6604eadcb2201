/**
 * What routing reads of a message's headers: the values that headers exchanges compare, and the further routing keys
 * that CC and BCC name (RabbitMQ's sender-selected distribution).
 *
 * Not here: taking BCC out of the message, and refusing a CC that is no array (protocols/amqp/publish/publish-properties.ts).
 */
import { ByteReader } from "../../../base/bytes.ts";
import { type AmqpProperties, readProperties } from "../../../message/amqp/properties.ts";
import { type AmqpRecordParts, hiddenKeysOf } from "../../../message/amqp/record.ts";
import { type FieldTable, type FieldValue, findField } from "../../../message/amqp/table.ts";
import { fromPlain, type PlainTable } from "../../../message/amqp/table-plain.ts";
import { displayText } from "../../../message/amqp/text.ts";
import { nameOfText } from "../../names.ts";
import { plainArguments } from "./plain-arguments.ts";
import { compositeHeaderValue, type HeaderValue, type MessageFacts } from "./router.ts";

export function propertiesOfParts({ buffer, propertiesStart, headerEnd }: AmqpRecordParts): AmqpProperties {
  return readProperties(new ByteReader(buffer, propertiesStart, headerEnd));
}

/** What routing may ask of a message whose properties are AMQP's; they are read once at most. */
export function factsOfProperties(read: () => AmqpProperties): MessageFacts {
  let known: AmqpProperties | null = null;
  const properties = (): AmqpProperties => (known ??= read());
  return { properties, headers: () => headerValues(properties().headers ?? []) };
}

/** What routing may ask of a message of which the headers are known, as JSON has them. */
export function factsOfHeaders(headers: Readonly<Record<string, unknown>>): MessageFacts {
  return factsOfProperties(() => ({ headers: fromPlain(headers as PlainTable) }));
}

/** The keys that a message was published with: those that consumers see, and with those of BCC all. */
export function routingKeysOf(
  parts: AmqpRecordParts,
  { headers = [] }: AmqpProperties,
): { shown: string[]; all: string[] } {
  const { buffer, routingKeyStart, routingKeyEnd } = parts;
  const shown = [buffer.latin1Slice(routingKeyStart, routingKeyEnd), ...(headerKeys(headers, "CC") ?? [])];
  return { shown, all: [...shown, ...hiddenKeysOf(parts)] };
}

/** The headers as headers exchanges compare them: of a repeated name the first counts. */
function headerValues(table: FieldTable): ReadonlyMap<string, HeaderValue> {
  const headers = new Map<string, HeaderValue>();
  for (const { name, field } of table) {
    const key = displayText(name);
    if (headers.has(key)) continue;
    if (field.type === "S") headers.set(key, displayText(field.value));
    else if (field.type === "D") headers.set(key, field.value / 10 ** field.scale);
    else if (field.type === "A" || field.type === "F") headers.set(key, compositeOf(field));
    else if (field.type === "V" || field.type === "x") headers.set(key, null);
    else headers.set(key, typeof field.value === "bigint" ? Number(field.value) : field.value);
  }
  return headers;
}

/** In the form in which the arguments of bindings are kept. */
function compositeOf(field: FieldValue): HeaderValue {
  return compositeHeaderValue(plainArguments([{ name: "value", field }])["value"]);
}

/** The routing keys in the array of header CC or BCC: its texts, in the broker's form. Null where it is no array. */
export function headerKeys(headers: FieldTable, name: "CC" | "BCC"): string[] | null {
  const field = findField(headers, name);
  if (field === undefined) return [];
  if (field.type !== "A") return null;
  return field.value.flatMap((key) => (key.type === "S" ? nameOfText(key.value) : []));
}
