/** Random Kafka messages, generated from the descriptions: whatever can be described can be tested. */
import fc from "fast-check";
import { emptyArray, type FieldMap, type FieldSpec } from "../../../src/protocols/kafka/wire/schema.ts";

export interface BodyOptions {
  /** No nulls, no tagged fields, every error code 0: what strict client decoders take. */
  readonly plain?: boolean;
}

/** A body as the decoder returns it: fields that the version does not carry have their fallback. */
export function bodyArbitrary(
  fields: FieldMap,
  version: number,
  options: BodyOptions = {},
): fc.Arbitrary<Record<string, unknown>> {
  const entries = Object.entries(fields).map(([name, field]) => {
    const isErrorCode = options.plain === true && /errorCode$/i.test(name);
    if (options.plain === true && name === "recordErrors") return [name, fc.constant([])] as const;
    return [name, isErrorCode ? fc.constant(0) : valueArbitrary(field.spec, version, options)] as const;
  });
  return fc
    .tuple(...entries.map(([, arbitrary]) => arbitrary))
    .map((values) => Object.fromEntries(entries.map(([name], i) => [name, values[i]])));
}

function valueArbitrary(spec: FieldSpec, version: number, options: BodyOptions): fc.Arbitrary<unknown> {
  const absent = version < spec.since || version > spec.until;
  const plain = options.plain === true;
  if (absent || (plain && spec.tag >= 0)) {
    return fc.constant(null).map(() => (spec.fallback === emptyArray ? [] : spec.fallback));
  }
  const value = presentArbitrary(spec, version, options);
  const nullable = version >= spec.nullableSince || (spec.kind === "struct" && spec.tag >= 0);
  return nullable && !plain ? fc.option(value, { nil: null, freq: 3 }) : value;
}

function presentArbitrary(spec: FieldSpec, version: number, options: BodyOptions): fc.Arbitrary<unknown> {
  switch (spec.kind) {
    case "boolean":
      return fc.boolean();
    case "int8":
      return fc.integer({ min: -0x80, max: 0x7f });
    case "int16":
      return fc.integer({ min: -0x8000, max: 0x7fff });
    case "int32":
      return fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
    case "int64":
      return fc.maxSafeInteger();
    case "string":
      return fc.string({ unit: "grapheme", maxLength: 20 });
    case "uuid":
      return fc
        .uint8Array({ minLength: 16, maxLength: 16 })
        .map((bytes) => Buffer.from(bytes).toString("hex"));
    case "records":
      if (options.plain === true) return fc.constant(null);
      return fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    case "bytes":
      return fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    case "struct":
      return bodyArbitrary(spec.fields!, version, options);
    default:
      return fc.array(valueArbitrary(spec.element!, version, options), { maxLength: 3 });
  }
}
