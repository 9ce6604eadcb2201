/**
 * Writes a message by its plan; the grammar is in `decode.ts`.
 *
 * A value that the version does not carry is left out, and one that is missing is written as the field's default.
 * Tagged fields are written only when they differ from their default, in ascending order (KIP-482), so that equal
 * messages have equal bytes.
 */
import type { ByteWriter } from "../../../base/bytes.ts";
import { BrokerError } from "../../../base/errors.ts";
import type { Struct } from "./decode.ts";
import { operation, type Plan, type Step } from "./plan.ts";
import type { RecordsSource } from "./records-source.ts";
import { unsignedVarintSize, writeUnsignedVarint } from "./varint.ts";

const stringBytesMax = 0x7fff;

export function writeStruct(plan: Plan, struct: Struct, writer: ByteWriter): void {
  const steps = plan.steps;
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!;
    if (step.operation !== operation.absent && step.tag < 0) writeValue(step, valueOf(step, struct), writer);
  }
  if (plan.flexible) writeTaggedFields(plan, struct, writer);
}

/** After so much of an answer others have their turn, at about 10 ns a byte. */
const pieceBytes = 16 << 10;
const bytesPerUnit = 100;

/** What `writeStruct` writes, in pieces: yields after each how many µs it took about. */
export function* writeStructInPieces(
  plan: Plan,
  struct: Struct,
  writer: ByteWriter,
): Generator<number, void, void> {
  const pieces: Pieces = { begunAt: writer.length };
  yield* structInPieces(plan, struct, writer, pieces);
}

interface Pieces {
  /** Where in the writer the piece at hand begins. */
  begunAt: number;
}

function* structInPieces(
  plan: Plan,
  struct: Struct,
  writer: ByteWriter,
  pieces: Pieces,
): Generator<number, void, void> {
  for (const step of plan.steps) {
    if (step.operation === operation.absent || step.tag >= 0) continue;
    const value = valueOf(step, struct);
    const element = step.element?.plan ?? null;
    if (element === null || !Array.isArray(value)) writeValue(step, value, writer);
    else {
      writeCount(step, value.length, writer);
      for (const each of value as Struct[]) {
        if (element.hasArraysOfStructs) yield* structInPieces(element, each, writer, pieces);
        else writeStruct(element, each, writer);
        const size = writer.length - pieces.begunAt;
        if (size < pieceBytes) continue;
        yield Math.ceil(size / bytesPerUnit);
        pieces.begunAt = writer.length;
      }
    }
  }
  if (plan.flexible) writeTaggedFields(plan, struct, writer);
}

function valueOf(step: Step, struct: Struct): unknown {
  const value = struct[step.name];
  return value === undefined ? step.fallback : value;
}

function writeTaggedFields(plan: Plan, struct: Struct, writer: ByteWriter): void {
  const tagged = plan.tagged;
  let count = 0;
  for (let i = 0; i < tagged.length; i++) if (!isFallback(tagged[i]!, struct)) count++;
  writeUnsignedVarint(writer, count);
  if (count === 0) return;
  for (let i = 0; i < tagged.length; i++) {
    const step = tagged[i]!;
    if (isFallback(step, struct)) continue;
    writeUnsignedVarint(writer, step.tag);
    writeSized(step, struct[step.name], writer);
  }
}

/** Writes a value behind its size. Sizes are mostly below 128, so one byte is kept for it, and more are made if not. */
function writeSized(step: Step, value: unknown, writer: ByteWriter): void {
  const at = writer.reserve(1);
  writeValue(step, value, writer);
  const size = writer.length - at - 1;
  const sizeBytes = unsignedVarintSize(size);
  if (sizeBytes > 1) {
    writer.reserve(sizeBytes - 1);
    writer.buffer.copyWithin(at + sizeBytes, at + 1, at + 1 + size);
  }
  const end = writer.length;
  writer.length = at;
  writeUnsignedVarint(writer, size);
  writer.length = end;
}

function isFallback(step: Step, struct: Struct): boolean {
  const value = struct[step.name];
  if (value === undefined || value === step.fallback) return true;
  return Array.isArray(value) && value.length === 0;
}

function writeValue(step: Step, value: unknown, writer: ByteWriter): void {
  switch (step.operation) {
    case operation.int32:
      writer.int32(value as number);
      return;
    case operation.int64:
      writer.int64(value as number);
      return;
    case operation.int16:
      writer.int16(value as number);
      return;
    case operation.boolean:
      writer.uint8(value === true ? 1 : 0);
      return;
    case operation.int8:
      writer.int8(value as number);
      return;
    case operation.string: {
      if (value === null) writeNull(step, writer);
      else writeString(step, value as string, writer);
      return;
    }
    case operation.compactString: {
      if (value === null) {
        writeNull(step, writer);
        return;
      }
      writeUnsignedVarint(writer, Buffer.byteLength(value as string) + 1);
      writer.utf8(value as string);
      return;
    }
    case operation.bytes:
    case operation.compactBytes: {
      if (value === null) writeNull(step, writer);
      else writeBytes(step, value as Uint8Array | RecordsSource, writer);
      return;
    }
    case operation.array:
    case operation.compactArray: {
      if (value === null) writeNull(step, writer);
      else writeArray(step, value as readonly unknown[], writer);
      return;
    }
    case operation.struct:
      writeStruct(step.plan!, (value ?? {}) as Struct, writer);
      return;
    case operation.nullableStruct: {
      writer.int8(value === null ? -1 : 1);
      if (value !== null) writeStruct(step.plan!, value as Struct, writer);
      return;
    }
    case operation.uuid: {
      const at = writer.reserve(16);
      if (writer.buffer.write(value as string, at, 16, "hex") !== 16) {
        throw new BrokerError(
          "INVALID",
          `field ${step.name}: "${String(value)}" is not 32 hexadecimal digits`,
        );
      }
      return;
    }
    default:
      throw new BrokerError("INVALID", `field ${step.name} has no operation ${step.operation}`);
  }
}

function writeString(step: Step, text: string, writer: ByteWriter): void {
  const at = writer.reserve(2);
  writer.utf8(text);
  const size = writer.length - at - 2;
  if (size > stringBytesMax) {
    throw new BrokerError(
      "INVALID",
      `field ${step.name} is ${size} bytes long, at most ${stringBytesMax} fit`,
    );
  }
  writer.buffer[at] = size >>> 8;
  writer.buffer[at + 1] = size;
}

function writeBytes(step: Step, value: Uint8Array | RecordsSource, writer: ByteWriter): void {
  const size = value.length;
  if (step.operation === operation.bytes) writer.int32(size);
  else writeUnsignedVarint(writer, size + 1);
  if (value instanceof Uint8Array) {
    writer.bytes(value);
    return;
  }
  const start = writer.length;
  value.writeTo(writer);
  if (writer.length - start !== size) {
    throw new BrokerError(
      "INVALID",
      `field ${step.name}: ${size} bytes announced, ${writer.length - start} written`,
    );
  }
}

function writeArray(step: Step, values: readonly unknown[], writer: ByteWriter): void {
  writeCount(step, values.length, writer);
  const element = step.element!;
  if (element.operation === operation.struct) {
    const plan = element.plan!;
    for (let i = 0; i < values.length; i++) writeStruct(plan, values[i] as Struct, writer);
  } else for (let i = 0; i < values.length; i++) writeValue(element, values[i], writer);
}

function writeCount(step: Step, count: number, writer: ByteWriter): void {
  if (step.operation === operation.array) writer.int32(count);
  else writeUnsignedVarint(writer, count + 1);
}

function writeNull(step: Step, writer: ByteWriter): void {
  if (!step.nullable) throw new BrokerError("INVALID", `field ${step.name} may not be null in this version`);
  switch (step.operation) {
    case operation.string:
      writer.int16(-1);
      return;
    case operation.bytes:
    case operation.array:
      writer.int32(-1);
      return;
    default:
      writer.uint8(0);
  }
}
