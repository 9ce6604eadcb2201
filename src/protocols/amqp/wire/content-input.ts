/**
 * What a client sends with each message, read in place: basic.publish, the content header, and ack, nack, reject.
 * Each fills a struct that the session keeps, so that a message makes no object.
 *
 *   basic.publish  = 60:u16 40:u16 ticket:u16 exchange:shortstr routingKey:shortstr bits:u8 (mandatory, immediate)
 *   content header = classId:u16 weight:u16 bodySize:u64 flags:u16 *property
 *   basic.ack      = 60:u16 80:u16 deliveryTag:u64 bits:u8 (multiple)
 *   basic.reject   = 60:u16 90:u16 deliveryTag:u64 bits:u8 (requeue)
 *   basic.nack     = 60:u16 120:u16 deliveryTag:u64 bits:u8 (multiple, requeue)
 *
 * Not here: joining frames to a message, and what the values mean. RabbitMQ refuses a route that is not UTF-8;
 * here it passes as bytes, since nothing but an equal binding can match it.
 *
 * Invariant: positions are absolute in the buffer given and inside `[start, end)`; a payload that is short, or
 * longer than its method, throws `MALFORMED`.
 */
import { BrokerError } from "../../../base/errors.ts";
import { bodySizeBytes } from "../../../message/amqp/record.ts";
import { methodNumber } from "./methods.ts";

const headBytes = 4; // class and method id

/** A basic.publish, without its content. */
export class PublishFields {
  /** Exchange and routing key as two shortstrs: what `writeRecordRoute` takes. */
  routeStart = 0;
  routeEnd = 0;
  /** Without length octets. */
  exchangeStart = 0;
  exchangeEnd = 0;
  routingKeyStart = 0;
  routingKeyEnd = 0;
  mandatory = false;
  immediate = false;

  /** `[start, end)` is the payload of a method frame that `methodNumberAt` knows as basic.publish. */
  read(buffer: Buffer, start: number, end: number): this {
    // Past the end a byte is undefined or the next frame's: either way `bitsAt` is not the last position.
    const routeStart = start + headBytes + 2;
    const exchangeEnd = routeStart + 1 + buffer[routeStart]!;
    const routingKeyEnd = exchangeEnd + 1 + buffer[exchangeEnd]!;
    if (routingKeyEnd !== end - 1) throw broken("basic.publish", end - start);
    const bits = buffer[routingKeyEnd]!;
    this.routeStart = routeStart;
    this.routeEnd = routingKeyEnd;
    this.exchangeStart = routeStart + 1;
    this.exchangeEnd = exchangeEnd;
    this.routingKeyStart = exchangeEnd + 1;
    this.routingKeyEnd = routingKeyEnd;
    this.mandatory = (bits & 1) !== 0;
    this.immediate = (bits & 2) !== 0;
    return this;
  }
}

/** A content header. */
export class ContentHeader {
  classId = 0;
  /** Must be 0 (spec 4.2.6.1); RabbitMQ answers another with 505 UNEXPECTED_FRAME. */
  weight = 0;
  /** Unsigned; far beyond any limit it loses its low bits. */
  bodySize = 0;
  /** What follows class id and weight: what `writeRecordHeader` takes. */
  headerStart = 0;
  headerEnd = 0;
  /** Flags and properties, for `PropertyOffsets.walk`, which also checks them; they end at `headerEnd`. */
  propertiesStart = 0;

  /** `[start, end)` is the payload of a header frame. */
  read(buffer: Buffer, start: number, end: number): this {
    const headerStart = start + headBytes;
    const propertiesStart = headerStart + bodySizeBytes;
    if (end - propertiesStart < 2) throw broken("content header", end - start);
    this.classId = (buffer[start]! << 8) | buffer[start + 1]!;
    this.weight = (buffer[start + 2]! << 8) | buffer[start + 3]!;
    this.bodySize = uint64At(buffer, headerStart);
    this.headerStart = headerStart;
    this.headerEnd = end;
    this.propertiesStart = propertiesStart;
    return this;
  }
}

/** A basic.ack, basic.nack or basic.reject. */
export class SettleFields {
  deliveryTag = 0;
  /** Up to and including the tag; tag 0 then means all. */
  multiple = false;
  requeue = false;

  static readonly ackNumber: number = methodNumber("basic.ack");
  static readonly nackNumber: number = methodNumber("basic.nack");
  static readonly rejectNumber: number = methodNumber("basic.reject");

  /** `number` is what `methodNumberAt` gave for the payload: one of the three. */
  read(buffer: Buffer, start: number, end: number, number: number): this {
    if (end - start !== headBytes + 8 + 1) throw broken("basic.ack, nack or reject", end - start);
    const bits = buffer[end - 1]!;
    this.deliveryTag = uint64At(buffer, start + headBytes);
    this.multiple = number !== SettleFields.rejectNumber && (bits & 1) !== 0;
    if (number === SettleFields.ackNumber) this.requeue = false;
    else this.requeue = (bits & (number === SettleFields.rejectNumber ? 1 : 2)) !== 0;
    return this;
  }
}

function uint64At(buffer: Buffer, at: number): number {
  const high =
    ((buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!) >>> 0;
  const low =
    ((buffer[at + 4]! << 24) | (buffer[at + 5]! << 16) | (buffer[at + 6]! << 8) | buffer[at + 7]!) >>> 0;
  return high * 0x1_0000_0000 + low;
}

function broken(what: string, size: number): BrokerError {
  return new BrokerError("MALFORMED", `${what} does not fit its payload of ${size} bytes`);
}
