/**
 * Where each property of a message lies in its raw bytes, found in one walk over the flags and without objects:
 * what a publish, a dead letter or a priority queue needs to know, at the cost of a few additions.
 *
 * Grammar in properties.ts. Positions are absolute in `buffer`; a start of -1 means that the property is
 * absent. For a shortstr, start and end exclude the length octet; for headers, they exclude the table's size.
 *
 * Not here: decoding of texts and tables. The walk checks that the properties fill `[start, end)` exactly; what is
 * inside the headers table is checked by `checkFieldTableBody`.
 */
import { BrokerError } from "../../base/errors.ts";
import { propertyFlag } from "./properties.ts";

/** `deliveryMode` of a message that shall survive a restart. */
export const persistentDeliveryMode = 2;

/** One for each session, filled again for each message. */
export class PropertyOffsets {
  buffer: Buffer = Buffer.alloc(0);
  flags = 0;
  headersStart = -1;
  headersEnd = -1;
  correlationIdStart = -1;
  correlationIdEnd = -1;
  replyToStart = -1;
  replyToEnd = -1;
  expirationStart = -1;
  expirationEnd = -1;
  messageIdStart = -1;
  messageIdEnd = -1;
  userIdStart = -1;
  userIdEnd = -1;
  /** The values themselves; -1 when absent. */
  deliveryMode = -1;
  priority = -1;
  /** Seconds since 1970 as sent; -1 when absent; beyond 2^53 it loses its low bits. */
  timestampSeconds = -1;

  get isPersistent(): boolean {
    return this.deliveryMode === persistentDeliveryMode;
  }

  #clear(): void {
    this.headersStart = this.headersEnd = -1;
    this.correlationIdStart = this.correlationIdEnd = -1;
    this.replyToStart = this.replyToEnd = -1;
    this.expirationStart = this.expirationEnd = -1;
    this.messageIdStart = this.messageIdEnd = -1;
    this.userIdStart = this.userIdEnd = -1;
    this.deliveryMode = this.priority = this.timestampSeconds = -1;
  }

  /** `[start, end)` holds flags and values, nothing else. Throws `MALFORMED` where they do not fit. */
  walk(buffer: Buffer, start: number, end: number): this {
    this.buffer = buffer;
    this.#clear();
    if (start + 2 > end) throw truncated(start);
    const flags = (buffer[start]! << 8) | buffer[start + 1]!;
    this.flags = flags;
    let at = start + 2;
    if (flags & propertyFlag.contentType) at = skipShortString(buffer, at, end);
    if (flags & propertyFlag.contentEncoding) at = skipShortString(buffer, at, end);
    if (flags & propertyFlag.headers) {
      if (at + 4 > end) throw truncated(at);
      const size = buffer.readUInt32BE(at);
      this.headersStart = at + 4;
      at = this.headersEnd = at + 4 + size;
      if (at > end) throw truncated(this.headersStart);
    }
    if (flags & propertyFlag.deliveryMode) {
      if (at >= end) throw truncated(at);
      this.deliveryMode = buffer[at++]!;
    }
    if (flags & propertyFlag.priority) {
      if (at >= end) throw truncated(at);
      this.priority = buffer[at++]!;
    }
    // Most messages have none of the rest.
    if (flags & restFlags) at = this.#walkRest(buffer, at, end, flags);
    if (at !== end) throw new BrokerError("MALFORMED", `properties end at ${at}, the frame at ${end}`);
    return this;
  }

  #walkRest(buffer: Buffer, from: number, end: number, flags: number): number {
    let at = from;
    if (flags & propertyFlag.correlationId) {
      this.correlationIdStart = at + 1;
      at = this.correlationIdEnd = skipShortString(buffer, at, end);
    }
    if (flags & propertyFlag.replyTo) {
      this.replyToStart = at + 1;
      at = this.replyToEnd = skipShortString(buffer, at, end);
    }
    if (flags & propertyFlag.expiration) {
      this.expirationStart = at + 1;
      at = this.expirationEnd = skipShortString(buffer, at, end);
    }
    if (flags & propertyFlag.messageId) {
      this.messageIdStart = at + 1;
      at = this.messageIdEnd = skipShortString(buffer, at, end);
    }
    if (flags & propertyFlag.timestamp) {
      if (at + 8 > end) throw truncated(at);
      this.timestampSeconds = buffer.readUInt32BE(at) * 0x1_0000_0000 + buffer.readUInt32BE(at + 4);
      at += 8;
    }
    if (flags & propertyFlag.type) at = skipShortString(buffer, at, end);
    if (flags & propertyFlag.userId) {
      this.userIdStart = at + 1;
      at = this.userIdEnd = skipShortString(buffer, at, end);
    }
    if (flags & propertyFlag.appId) at = skipShortString(buffer, at, end);
    if (flags & propertyFlag.clusterId) at = skipShortString(buffer, at, end);
    return at;
  }
}

/** Every property after priority. */
const restFlags = 0x07fc;

const notDigits = -1;

/**
 * The expiration in milliseconds: decimal digits, as RabbitMQ demands; -1 when the text is anything else, or
 * absent (then `expirationStart` is -1 too).
 */
export function expirationMs(offsets: PropertyOffsets): number {
  const { buffer, expirationStart: start, expirationEnd: end } = offsets;
  if (start < 0 || start === end) return notDigits;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = buffer[at]! - 0x30;
    if (digit < 0 || digit > 9) return notDigits;
    value = value * 10 + digit;
  }
  return value;
}

function skipShortString(buffer: Buffer, at: number, end: number): number {
  if (at >= end) throw truncated(at);
  const next = at + 1 + buffer[at]!;
  if (next > end) throw truncated(at);
  return next;
}

function truncated(at: number): BrokerError {
  return new BrokerError("MALFORMED", `properties end inside the value at ${at}; check flags and sizes`);
}
