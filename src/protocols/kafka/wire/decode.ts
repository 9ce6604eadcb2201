/**
 * Reads a message by its plan. Every length is held against the bytes that are left before it is believed.
 *
 *     string         int16 length (-1: null), UTF-8           compact: unsigned varint of length + 1 (0: null)
 *     bytes, records int32 length (-1: null)                  compact: unsigned varint of length + 1 (0: null)
 *     array          int32 count (-1: null), elements         compact: unsigned varint of count + 1 (0: null)
 *     struct         its fields; in flexible versions followed by tagged fields
 *     tagged fields  unsigned varint count, then for each: unsigned varint tag, unsigned varint size, bytes
 *
 * Bytes and records come out as views of the request. Unknown tags are skipped, as KIP-482 demands.
 * Invariant: what is not a whole message throws `BrokerError` MALFORMED, one with too many elements LIMIT; nothing is
 * read past the reader's end.
 */
import type { ByteReader } from "../../../base/bytes.ts";
import { BrokerError } from "../../../base/errors.ts";
import { limits } from "../../../base/limits.ts";
import { operation, type Plan, type Step } from "./plan.ts";
import { emptyArray } from "./schema.ts";
import { readUnsignedVarint } from "./varint.ts";

export type Struct = Record<string, unknown>;

/** As in Kafka: also of compact strings, whose length could say more. */
const stringBytesMax = 0x7fff;
/** Array elements and tagged fields that the message at hand may still have. */
let elementsLeft = 0;

/** Reads one message of at most `elementsMax` array elements. */
export function readMessage(
  plan: Plan,
  reader: ByteReader,
  elementsMax: number = limits.kafkaElementsMax,
): Struct {
  elementsLeft = elementsMax;
  return readStruct(plan, reader);
}

function takeElements(count: number, where: string): void {
  elementsLeft -= count;
  if (elementsLeft < 0) {
    throw new BrokerError(
      "LIMIT",
      `${where}: too many array elements for one message; send smaller requests`,
    );
  }
}

function readStruct(plan: Plan, reader: ByteReader): Struct {
  const struct: Struct = {};
  const steps = plan.steps;
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!;
    struct[step.name] =
      step.operation === operation.absent || step.tag >= 0 ? fallbackOf(step) : readValue(step, reader);
  }
  if (plan.flexible) readTaggedFields(plan, struct, reader);
  return struct;
}

function readTaggedFields(plan: Plan, struct: Struct, reader: ByteReader): void {
  let count = readUnsignedVarint(reader);
  if (count > 0) {
    if (count * tagBytesMin > reader.remaining) {
      throw new BrokerError("MALFORMED", `${count} tagged fields in ${reader.remaining} bytes`);
    }
    takeElements(count, "tagged fields");
  }
  for (; count > 0; count--) {
    const tag = readUnsignedVarint(reader);
    const size = readUnsignedVarint(reader);
    const start = reader.skip(size);
    const step = plan.tagged.find((candidate) => candidate.tag === tag);
    if (step === undefined) continue;
    // The field's bytes are a frame of their own: what is in it cannot reach past its size.
    const outerEnd = reader.end;
    reader.position = start;
    reader.end = start + size;
    struct[step.name] = readValue(step, reader);
    if (reader.position !== reader.end) {
      throw malformed(step, `has ${size} bytes under tag ${tag}, of which ${reader.remaining} are too many`);
    }
    reader.end = outerEnd;
  }
}

/** A tag and the size of nothing. */
const tagBytesMin = 2;
const headerTagsMax = 1000;

/** Skips unknown tagged fields, as in request headers. */
export function skipTaggedFields(reader: ByteReader): void {
  let count = readUnsignedVarint(reader);
  if (count > headerTagsMax) throw new BrokerError("LIMIT", `a header with ${count} tagged fields`);
  for (; count > 0; count--) {
    readUnsignedVarint(reader);
    reader.skip(readUnsignedVarint(reader));
  }
}

function readValue(step: Step, reader: ByteReader): unknown {
  switch (step.operation) {
    case operation.int32:
      return reader.int32();
    case operation.int64:
      return reader.int64();
    case operation.int16:
      return reader.int16();
    case operation.boolean:
      return reader.uint8() !== 0;
    case operation.int8:
      return reader.int8();
    case operation.string: {
      const size = reader.int16();
      return size < 0 ? nullOf(step, size) : reader.utf8(size);
    }
    case operation.compactString: {
      const size = readUnsignedVarint(reader) - 1;
      if (size > stringBytesMax)
        throw malformed(step, `has ${size} bytes, at most ${stringBytesMax} are a string`);
      return size < 0 ? nullOf(step, size) : reader.utf8(size);
    }
    case operation.bytes: {
      const size = reader.int32();
      return size < 0 ? nullOf(step, size) : reader.view(size);
    }
    case operation.compactBytes: {
      const size = readUnsignedVarint(reader) - 1;
      return size < 0 ? nullOf(step, size) : reader.view(size);
    }
    case operation.array:
      return readArray(step, reader.int32(), reader);
    case operation.compactArray:
      return readArray(step, readUnsignedVarint(reader) - 1, reader);
    case operation.struct:
      return readStruct(step.plan!, reader);
    case operation.nullableStruct:
      return reader.int8() < 0 ? null : readStruct(step.plan!, reader);
    case operation.uuid: {
      const at = reader.skip(16);
      return reader.buffer.toString("hex", at, at + 16);
    }
    default:
      throw new BrokerError("INVALID", `field ${step.name} has no operation ${step.operation}`);
  }
}

function readArray(step: Step, count: number, reader: ByteReader): unknown[] | null {
  if (count < 0) return nullOf(step, count);
  const element = step.element!;
  if (count * element.sizeMin > reader.remaining) {
    throw malformed(step, `announces ${count} elements in ${reader.remaining} bytes`);
  }
  takeElements(count, `field ${step.name}`);
  const values: unknown[] = [];
  if (element.operation === operation.struct) {
    const plan = element.plan!;
    for (let i = 0; i < count; i++) values.push(readStruct(plan, reader));
  } else for (let i = 0; i < count; i++) values.push(readValue(element, reader));
  return values;
}

function nullOf(step: Step, size: number): null {
  if (size !== -1 || !step.nullable) throw malformed(step, `has length ${size}, and may not be null`);
  return null;
}

function fallbackOf(step: Step): unknown {
  return step.fallback === emptyArray ? [] : step.fallback;
}

function malformed(step: Step, problem: string): BrokerError {
  return new BrokerError("MALFORMED", `field ${step.name} ${problem}; check the sender's framing`);
}
