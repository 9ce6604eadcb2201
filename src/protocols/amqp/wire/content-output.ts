/**
 * What the server sends with each message, written without objects: deliver, get-ok and return with their content,
 * and the acks and nacks of publisher confirms; heartbeats too, since they need no description.
 *
 *   basic.deliver = 60:u16 60:u16 consumerTag:shortstr deliveryTag:u64 redelivered:u8 route
 *   basic.get-ok  = 60:u16 71:u16 deliveryTag:u64 redelivered:u8 route messageCount:u32
 *   basic.return  = 60:u16 50:u16 replyCode:u16 replyText:shortstr route
 *   basic.ack     = 60:u16 80:u16 deliveryTag:u64 multiple:u8
 *   basic.nack    = 60:u16 120:u16 deliveryTag:u64 bits:u8 (multiple, requeue)
 *   content       = headerFrame *bodyFrame          the body in pieces of frame-max less the frame's own 8 bytes
 *
 * A stored record (message/amqp/record.ts) is copied from: route, header and body are its three runs. An empty body
 * has no body frame. A header beyond frame-max cannot be split and goes out as it is, as RabbitMQ does.
 *
 * Invariant: what is reserved is filled to the byte. Nothing here is bounded: a session stops delivering while its
 * output is above its limit.
 */
import { type ByteWriter, copyBytes } from "../../../base/bytes.ts";
import type { AmqpRecordParts } from "../../../message/amqp/record.ts";
import { fitShortString, writeShortString } from "../../../message/amqp/text.ts";
import { basicClassId, frameEnd, frameHeadBytes, frameOverheadBytes, frameType } from "./constants.ts";
import { methods } from "./methods.ts";

const methodHeadBytes = 4; // class and method id
const contentHeadBytes = 4; // class id and weight

export interface DeliverOptions {
  readonly channel: number;
  /** The tag as a shortstr, length octet included: made once for each consumer. */
  readonly consumerTag: Uint8Array;
  readonly frameMax: number;
}

/** Writes a whole delivery of the record in `parts`. `consumer` is an object that lives as long as the consumer. */
export function writeDeliver(
  writer: ByteWriter,
  consumer: DeliverOptions,
  deliveryTag: number,
  redelivered: boolean,
  parts: AmqpRecordParts,
): void {
  const { channel, consumerTag, frameMax } = consumer;
  const payloadSize = methodHeadBytes + consumerTag.length + 9 + (parts.routeEnd - parts.routeStart);
  let at = writer.reserve(payloadSize + frameOverheadBytes + contentSize(parts, frameMax));
  const target = writer.buffer;
  at = putMethodHead(target, at, channel, payloadSize, methods["basic.deliver"].methodId);
  copyBytes(target, at, consumerTag, 0, consumerTag.length);
  at = putTag(target, at + consumerTag.length, deliveryTag, redelivered ? 1 : 0);
  at = putRun(target, at, parts.buffer, parts.routeStart, parts.routeEnd);
  target[at++] = frameEnd;
  putContent(target, at, channel, parts, frameMax);
}

/** The answer to basic.get; `messageCount` is what stays ready in the queue. */
export function writeGetOk(
  writer: ByteWriter,
  target: { readonly channel: number; readonly frameMax: number },
  delivery: { readonly deliveryTag: number; readonly redelivered: boolean; readonly messageCount: number },
  parts: AmqpRecordParts,
): void {
  const { channel, frameMax } = target;
  const payloadSize = methodHeadBytes + 9 + (parts.routeEnd - parts.routeStart) + 4;
  let at = writer.reserve(payloadSize + frameOverheadBytes + contentSize(parts, frameMax));
  const bytes = writer.buffer;
  at = putMethodHead(bytes, at, channel, payloadSize, methods["basic.get-ok"].methodId);
  at = putTag(bytes, at, delivery.deliveryTag, delivery.redelivered ? 1 : 0);
  at = putRun(bytes, at, parts.buffer, parts.routeStart, parts.routeEnd);
  at = putUint32(bytes, at, delivery.messageCount);
  bytes[at++] = frameEnd;
  putContent(bytes, at, channel, parts, frameMax);
}

/** A mandatory message that no queue took. Rare, so the text is encoded here. */
export function writeReturn(
  writer: ByteWriter,
  target: { readonly channel: number; readonly frameMax: number },
  reply: { readonly code: number; readonly text: string },
  parts: AmqpRecordParts,
): void {
  const { channel, frameMax } = target;
  writer.uint8(frameType.method).uint16(channel);
  const sizeAt = writer.reserve(4);
  writer.uint16(basicClassId).uint16(methods["basic.return"].methodId).uint16(reply.code);
  writeShortString(writer, fitShortString(reply.text));
  writer.bytes(parts.buffer, parts.routeStart, parts.routeEnd);
  writer.patchUint32(sizeAt, writer.length - sizeAt - 4);
  writer.uint8(frameEnd);
  const at = writer.reserve(contentSize(parts, frameMax));
  putContent(writer.buffer, at, channel, parts, frameMax);
}

/** Confirms a publish, with `multiple` all up to it. */
export function writeAck(writer: ByteWriter, channel: number, deliveryTag: number, multiple: boolean): void {
  writeSettle(writer, channel, methods["basic.ack"].methodId, deliveryTag, multiple ? 1 : 0);
}

/** Says that a publish failed. The server leaves the requeue bit at 0, as RabbitMQ's does: it has no meaning here. */
export function writeNack(writer: ByteWriter, channel: number, deliveryTag: number, multiple: boolean): void {
  writeSettle(writer, channel, methods["basic.nack"].methodId, deliveryTag, multiple ? 1 : 0);
}

/** Writes a heartbeat frame: channel 0, no payload. */
export function writeHeartbeat(writer: ByteWriter): void {
  const start = writer.reserve(frameOverheadBytes);
  const at = putHead(writer.buffer, start, frameType.heartbeat, 0, 0);
  writer.buffer[at] = frameEnd;
}

function writeSettle(
  writer: ByteWriter,
  channel: number,
  methodId: number,
  deliveryTag: number,
  bits: number,
): void {
  const payloadSize = methodHeadBytes + 9;
  let at = writer.reserve(payloadSize + frameOverheadBytes);
  const target = writer.buffer;
  at = putMethodHead(target, at, channel, payloadSize, methodId);
  at = putTag(target, at, deliveryTag, bits);
  target[at] = frameEnd;
}

/** The bytes of header frame and body frames. */
function contentSize(parts: AmqpRecordParts, frameMax: number): number {
  const bodySize = parts.bodyEnd - parts.bodyStart;
  const pieceSizeMax = frameMax - frameOverheadBytes;
  const pieces = bodySize <= pieceSizeMax ? (bodySize === 0 ? 0 : 1) : Math.ceil(bodySize / pieceSizeMax);
  const headerSize = contentHeadBytes + (parts.headerEnd - parts.headerStart) + frameOverheadBytes;
  return headerSize + bodySize + pieces * frameOverheadBytes;
}

function putContent(
  target: Buffer,
  from: number,
  channel: number,
  parts: AmqpRecordParts,
  frameMax: number,
): void {
  const { buffer, headerStart, headerEnd, bodyEnd } = parts;
  let at = putHead(target, from, frameType.header, channel, contentHeadBytes + headerEnd - headerStart);
  target[at] = 0;
  target[at + 1] = basicClassId;
  target[at + 2] = 0;
  target[at + 3] = 0;
  at = putRun(target, at + contentHeadBytes, buffer, headerStart, headerEnd);
  target[at++] = frameEnd;
  const pieceSizeMax = frameMax - frameOverheadBytes;
  for (let start = parts.bodyStart; start < bodyEnd; start += pieceSizeMax) {
    const end = Math.min(start + pieceSizeMax, bodyEnd);
    at = putHead(target, at, frameType.body, channel, end - start);
    at = putRun(target, at, buffer, start, end);
    target[at++] = frameEnd;
  }
}

function putHead(target: Buffer, at: number, type: number, channel: number, payloadSize: number): number {
  target[at] = type;
  target[at + 1] = channel >>> 8;
  target[at + 2] = channel;
  putUint32(target, at + 3, payloadSize);
  return at + frameHeadBytes;
}

function putMethodHead(
  target: Buffer,
  at: number,
  channel: number,
  payloadSize: number,
  methodId: number,
): number {
  const head = putHead(target, at, frameType.method, channel, payloadSize);
  target[head] = 0;
  target[head + 1] = basicClassId;
  target[head + 2] = 0;
  target[head + 3] = methodId;
  return head + methodHeadBytes;
}

/** Delivery tag and the octet of bits behind it. */
function putTag(target: Buffer, at: number, deliveryTag: number, bits: number): number {
  const high = deliveryTag > 0xffff_ffff ? Math.floor(deliveryTag / 0x1_0000_0000) : 0;
  putUint32(target, at, high);
  putUint32(target, at + 4, deliveryTag >>> 0);
  target[at + 8] = bits;
  return at + 9;
}

function putRun(target: Buffer, at: number, source: Buffer, start: number, end: number): number {
  copyBytes(target, at, source, start, end);
  return at + end - start;
}

function putUint32(target: Buffer, at: number, value: number): number {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
  return at + 4;
}
