/**
 * The form in which a message that came by AMQP is stored.
 *
 *   record = route headerSize:u32 header body [hidden]
 *   route  = exchange:shortstr routingKey:shortstr
 *   header = bodySize:u64 flags:u16 *property        the content header frame after class id and weight
 *   hidden = 0xBC 1*key:shortstr                     further routing keys that no consumer sees: those of header BCC
 *
 * Why this form: each part lies as it lay in the publisher's frames and as it will lie in the consumers'. In
 * basic.publish, basic.deliver, basic.get-ok and basic.return the exchange and the routing key follow each other, so
 * the route is one run; the header frame is a constant and one run; the body is one run, or one for each body frame.
 * So a publish copies three runs in, frame by frame and without joining them first, and a delivery copies three
 * runs out; nothing is decoded on the way.
 *
 * Not here: what properties mean (properties.ts), frames (protocols/amqp/wire).
 * Hidden keys are kept since a dead letter goes to them again, as in RabbitMQ.
 * Invariant: `bodyEnd - bodyStart` is the header's `bodySize`; `readAmqpRecord` checks it.
 */
import { ByteWriter } from "../../base/bytes.ts";
import { BrokerError } from "../../base/errors.ts";
import { shortStringBytesMax } from "./text.ts";

/** `bodySize` before the flags. */
export const bodySizeBytes = 8;
const headerSizeBytesMin = bodySizeBytes + 2;
const hiddenMarker = 0xbc;

/** Where the parts of one record lie in `buffer`. One for each reader, filled again for each record. */
export class AmqpRecordParts {
  buffer: Buffer = Buffer.alloc(0);
  /** The two shortstrs with their length octets. */
  routeStart = 0;
  routeEnd = 0;
  /** Without length octets. */
  exchangeStart = 0;
  exchangeEnd = 0;
  routingKeyStart = 0;
  routingKeyEnd = 0;
  headerStart = 0;
  headerEnd = 0;
  bodyStart = 0;
  bodyEnd = 0;
  /** Behind the hidden keys, which begin at `bodyEnd`; mostly there are none. */
  recordEnd = 0;

  /** Flags and properties, for `PropertyOffsets.walk` and `readProperties`. */
  get propertiesStart(): number {
    return this.headerStart + bodySizeBytes;
  }
}

/** First step of a record: the route as it lies in basic.publish. Then the header, then the body in any pieces. */
export function writeRecordRoute(writer: ByteWriter, source: Uint8Array, start: number, end: number): void {
  writer.bytes(source, start, end);
}

/** Second step: `[start, end)` of the content header frame after class id and weight. */
export function writeRecordHeader(writer: ByteWriter, source: Uint8Array, start: number, end: number): void {
  writer.uint32(end - start);
  writer.bytes(source, start, end);
}

/** Last step: the payload of a body frame; as often as there are body frames. */
export function writeRecordBody(writer: ByteWriter, source: Uint8Array, start: number, end: number): void {
  writer.bytes(source, start, end);
}

/** Behind the body: the hidden keys, latin1 strings of their bytes. Of those that are longer than any binding's none is kept. */
export function encodeHiddenKeys(keys: readonly string[]): Buffer {
  const kept = keys.filter((key) => key.length <= shortStringBytesMax);
  if (kept.length === 0) return noHiddenKeys;
  const writer = new ByteWriter(1 + kept.reduce((sum, key) => sum + 1 + key.length, 0));
  writer.uint8(hiddenMarker);
  for (const key of kept) writer.uint8(key.length).latin1(key);
  return writer.copy();
}

export const noHiddenKeys: Buffer = Buffer.alloc(0);

/** The hidden keys of a record; not for the hot path. */
export function hiddenKeysOf({ buffer, bodyEnd, recordEnd }: AmqpRecordParts): string[] {
  const keys: string[] = [];
  for (let at = bodyEnd + 1; at < recordEnd; at += 1 + buffer[at]!)
    keys.push(buffer.latin1Slice(at + 1, at + 1 + buffer[at]!));
  return keys;
}

/** Copies a record from its parts: for a record under another route (a dead letter), or a compact copy. */
export function writeAmqpRecord(writer: ByteWriter, parts: AmqpRecordParts): void {
  writeRecordRoute(writer, parts.buffer, parts.routeStart, parts.routeEnd);
  writeRecordHeader(writer, parts.buffer, parts.headerStart, parts.headerEnd);
  writeRecordBody(writer, parts.buffer, parts.bodyStart, parts.recordEnd);
}

/** Fills `parts` for the record in `[start, end)`. Throws `MALFORMED` unless the record fills it exactly. */
export function readAmqpRecord(
  buffer: Buffer,
  start: number,
  end: number,
  parts: AmqpRecordParts,
): AmqpRecordParts {
  // A byte past the end reads as undefined, the sum becomes NaN or too large, and the comparison below fails.
  const exchangeEnd = start + 1 + buffer[start]!;
  const routingKeyEnd = exchangeEnd + 1 + buffer[exchangeEnd]!;
  const headerStart = routingKeyEnd + 4;
  if (!(headerStart <= end)) throw broken("its route", start, end);
  const headerEnd = headerStart + uint32At(buffer, routingKeyEnd);
  if (headerEnd > end || headerEnd - headerStart < headerSizeBytesMin) throw broken("its header", start, end);
  const bodySize = uint32At(buffer, headerStart) * 0x1_0000_0000 + uint32At(buffer, headerStart + 4);
  const bodyEnd = headerEnd + bodySize;
  if (bodyEnd !== end && !areHiddenKeys(buffer, bodyEnd, end)) throw broken("its body", start, end);
  parts.buffer = buffer;
  parts.routeStart = start;
  parts.routeEnd = routingKeyEnd;
  parts.exchangeStart = start + 1;
  parts.exchangeEnd = exchangeEnd;
  parts.routingKeyStart = exchangeEnd + 1;
  parts.routingKeyEnd = routingKeyEnd;
  parts.headerStart = headerStart;
  parts.headerEnd = headerEnd;
  parts.bodyStart = headerEnd;
  parts.bodyEnd = bodyEnd;
  parts.recordEnd = end;
  return parts;
}

function areHiddenKeys(buffer: Buffer, start: number, end: number): boolean {
  if (end - start < 2 || buffer[start] !== hiddenMarker) return false;
  let at = start + 1;
  while (at < end) at += 1 + buffer[at]!;
  return at === end;
}

function uint32At(buffer: Buffer, at: number): number {
  return ((buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!) >>> 0;
}

function broken(part: string, start: number, end: number): BrokerError {
  return new BrokerError("MALFORMED", `AMQP record of ${end - start} bytes does not hold ${part}`);
}
