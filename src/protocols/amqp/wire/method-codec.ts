/**
 * Bytes to typed methods and back, for every method of methods.ts, by one walk over its description.
 *
 *   method = classId:u16 methodId:u16 *argument
 *
 * Not here: the methods that come or go with each message, which have codecs without objects (content-input.ts,
 * content-output.ts). Decoded values own their bytes: they outlive the input.
 *
 * Invariant: decoding takes the whole payload; what is short, too long or unknown throws `MALFORMED`. The session
 * tells a method that does not exist from one that is broken by `methodNameAt`.
 */
import type { ByteReader, ByteWriter } from "../../../base/bytes.ts";
import { BrokerError } from "../../../base/errors.ts";
import { type FieldTable, readFieldTable, writeFieldTable } from "../../../message/amqp/table.ts";
import { readShortString, writeLongString, writeShortString } from "../../../message/amqp/text.ts";
import { frameEnd, frameType } from "./constants.ts";
import {
  type ArgumentType,
  type Method,
  type MethodArguments,
  type MethodName,
  type MethodShape,
  methodNumber,
  methods,
} from "./methods.ts";

interface MethodPlan {
  readonly name: MethodName;
  readonly number: number;
  readonly arguments: readonly (readonly [name: string, type: ArgumentType])[];
}

const planByNumber = new Map<number, MethodPlan>();
const planByName = new Map<MethodName, MethodPlan>();
for (const [key, shape] of Object.entries<MethodShape>(methods)) {
  const name = key as MethodName;
  const plan = { name, number: methodNumber(name), arguments: Object.entries(shape.arguments) };
  planByNumber.set(plan.number, plan);
  planByName.set(name, plan);
}

/** Class and method id of a method frame's payload as one number, or -1 when it is too short for them. */
export function methodNumberAt(buffer: Buffer, payloadStart: number, payloadEnd: number): number {
  return payloadEnd - payloadStart < 4 ? -1 : buffer.readUInt32BE(payloadStart);
}

/** The name of the method in a payload; undefined when there is none of that number. */
export function methodNameAt(
  buffer: Buffer,
  payloadStart: number,
  payloadEnd: number,
): MethodName | undefined {
  return planByNumber.get(methodNumberAt(buffer, payloadStart, payloadEnd))?.name;
}

/** Decodes the method that fills the reader. */
export function decodeMethod(reader: ByteReader): Method {
  const number = reader.uint32();
  const plan = planByNumber.get(number);
  if (plan === undefined) {
    throw new BrokerError("MALFORMED", `method ${number >>> 16}.${number & 0xffff} is unknown`);
  }
  const values: Record<string, unknown> = {};
  let bits = 0;
  let bitMask = 0;
  for (const [name, type] of plan.arguments) {
    if (type === "bit") {
      if (bitMask === 0) {
        bits = reader.uint8();
        bitMask = 1;
      }
      values[name] = (bits & bitMask) !== 0;
      bitMask = (bitMask << 1) & 0xff;
    } else {
      bitMask = 0;
      values[name] = readArgument(reader, type);
    }
  }
  if (reader.remaining > 0) {
    throw new BrokerError("MALFORMED", `${reader.remaining} bytes after the arguments of ${plan.name}`);
  }
  return { name: plan.name, arguments: values } as unknown as Method;
}

function readArgument(reader: ByteReader, type: Exclude<ArgumentType, "bit">): unknown {
  switch (type) {
    case "octet":
      return reader.uint8();
    case "short":
      return reader.uint16();
    case "long":
      return reader.uint32();
    case "longlong":
      return reader.uint32() * 0x1_0000_0000 + reader.uint32();
    case "shortstr": {
      const text = readShortString(reader);
      if (typeof text !== "string") throw new BrokerError("MALFORMED", "short string is not UTF-8");
      return text;
    }
    case "longstr":
      return Buffer.from(reader.view(reader.uint32()));
    default: // table
      return readFieldTable(reader);
  }
}

/** Writes class, method and arguments: the payload of a method frame. */
export function encodeMethod<Name extends MethodName>(
  writer: ByteWriter,
  name: Name,
  values: MethodArguments[Name],
): void {
  const plan = planByName.get(name)!;
  writer.uint32(plan.number);
  const byName = values as Record<string, unknown>;
  let bitsAt = 0;
  let bitMask = 0;
  for (const [argument, type] of plan.arguments) {
    const value = byName[argument];
    if (type === "bit") {
      if (bitMask === 0) {
        bitsAt = writer.reserve(1);
        writer.buffer[bitsAt] = 0;
        bitMask = 1;
      }
      if (value === true) writer.buffer[bitsAt]! |= bitMask;
      bitMask = (bitMask << 1) & 0xff;
    } else {
      bitMask = 0;
      writeArgument(writer, type, value);
    }
  }
}

function writeArgument(writer: ByteWriter, type: Exclude<ArgumentType, "bit">, value: unknown): void {
  switch (type) {
    case "octet":
      writer.uint8(value as number);
      break;
    case "short":
      writer.uint16(value as number);
      break;
    case "long":
      writer.uint32(value as number);
      break;
    case "longlong":
      writer.int64(value as number);
      break;
    case "shortstr":
      writeShortString(writer, value as string);
      break;
    case "longstr":
      writeLongString(writer, value as Buffer);
      break;
    case "table":
      writeFieldTable(writer, value as FieldTable);
      break;
  }
}

/** Writes a whole method frame. If it throws (a text too long for a shortstr), the writer is as before. */
export function writeMethodFrame<Name extends MethodName>(
  writer: ByteWriter,
  channel: number,
  name: Name,
  values: MethodArguments[Name],
): void {
  const start = writer.length;
  try {
    writer.uint8(frameType.method).uint16(channel);
    const sizeAt = writer.reserve(4);
    encodeMethod(writer, name, values);
    writer.patchUint32(sizeAt, writer.length - sizeAt - 4);
    writer.uint8(frameEnd);
  } catch (error) {
    writer.length = start;
    throw error;
  }
}
