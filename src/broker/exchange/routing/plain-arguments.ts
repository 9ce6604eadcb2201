/** Method arguments as the broker keeps them with a definition: plain values that JSON can hold. */
import type { BindingArguments } from "./router.ts";
import type { FieldTable } from "../../../message/amqp/table.ts";
import { type PlainValue, toPlain } from "../../../message/amqp/table-plain.ts";

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
