/** Method arguments as the broker keeps them with a definition: plain values that JSON can hold. */
import type { BindingArguments } from "./router.ts";
import type { FieldTable, FieldValue } from "../../../message/amqp/table.ts";
import { type PlainValue, toPlain, usualType } from "../../../message/amqp/table-plain.ts";
import { displayText } from "../../../message/amqp/text.ts";

/** By name, the AMQP types of arguments whose plain values alone would be taken for another type. */
export type ArgumentTypes = Readonly<Record<string, FieldValue["type"]>>;

/** Undefined where all are of the types that clients usually send such values in. */
export function argumentTypes(table: FieldTable): ArgumentTypes | undefined {
  const plain = toPlain(table);
  const types: Record<string, FieldValue["type"]> = {};
  // The first of a repeated name counts, as in `toPlain`.
  for (const { name, field } of table.toReversed()) {
    const key = displayText(name);
    types[key] = field.type;
  }
  for (const [name, type] of Object.entries(types)) {
    const value = jsonValue(plain[name]!);
    if (usualType(value as PlainValue) === type) delete types[name];
  }
  return Object.keys(types).length === 0 ? undefined : types;
}

export function plainArguments(table: FieldTable): BindingArguments {
  return plainObject(toPlain(table));
}

function plainObject(object: { readonly [name: string]: PlainValue }): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  // Sorted, so that the same arguments in another order are the same binding.
  for (const name of Object.keys(object).toSorted()) plain[name] = jsonValue(object[name]!);
  return plain;
}

function jsonValue(value: PlainValue): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Buffer.isBuffer(value)) return value.toString("latin1");
  if (Array.isArray(value)) return value.map((item) => jsonValue(item as PlainValue));
  if (value !== null && typeof value === "object") {
    return plainObject(value as { readonly [name: string]: PlainValue });
  }
  return value;
}
