/**
 * The names under which one protocol's parts of a message travel in another's headers, and how a header is told from
 * such a part.
 *
 *     amqp.<property>          a basic property, in Kafka headers and Redis fields
 *     amqp.routing-key         the routing key where it is not the key; in Redis the field `routing_key`
 *     x-key, x-tombstone       the key, and a null body, in AMQP headers (x-tombstone in Redis fields too)
 *     body, key                Redis fields
 *
 * A header that happens to bear a name which means something else in the reader's protocol gets the prefix `header.`
 * there, and loses it on the way back: an AMQP header `key` is the Redis field `header.key`.
 *
 * Names are compared as bytes in place. Invariant: for each envelope, unescaping an escaped name gives the name.
 */

const propertyPrefix = "amqp.";
export const escapePrefix = "header.";

/** Properties that are short strings, in the order of their AMQP flags. */
export const textPropertyNames = [
  "content-type",
  "content-encoding",
  "correlation-id",
  "reply-to",
  "expiration",
  "message-id",
  "type",
  "user-id",
  "app-id",
  "cluster-id",
] as const;

/** What `propertyCodeOf` gives: the index of a text property, or one of the others. */
export const propertyCode = {
  contentType: 0,
  userId: 7,
  deliveryMode: 10,
  priority: 11,
  timestamp: 12,
  routingKey: 13,
} as const;

/** `amqp.<property>` by code. */
export const propertyHeaderNames: readonly Buffer[] = [
  ...textPropertyNames,
  "delivery-mode",
  "priority",
  "timestamp",
  "routing-key",
].map((name) => Buffer.from(propertyPrefix + name));

export const names = {
  key: "x-key",
  tombstone: "x-tombstone",
  traceparent: "traceparent",
  redisBody: "body",
  redisKey: "key",
  redisRoutingKey: "routing_key",
} as const;

const letter = { a: 0x61, b: 0x62, h: 0x68, k: 0x6b, r: 0x72, x: 0x78 } as const;

/** Whether `[start, end)` spells `text`, which is ASCII. */
export function isText(buffer: Uint8Array, start: number, end: number, text: string): boolean {
  const size = text.length;
  if (end - start !== size) return false;
  for (let i = 0; i < size; i++) if (buffer[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

function startsWith(buffer: Uint8Array, start: number, end: number, text: string): boolean {
  return end - start >= text.length && isText(buffer, start, start + text.length, text);
}

function isSame(buffer: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false;
  for (let i = name.length - 1; i >= 0; i--) if (buffer[start + i] !== name[i]) return false;
  return true;
}

/** Which property `amqp.<property>` names, or -1. */
export function propertyCodeOf(buffer: Uint8Array, start: number, end: number): number {
  if (buffer[start] !== letter.a || !startsWith(buffer, start, end, propertyPrefix)) return -1;
  for (let code = 0; code < propertyHeaderNames.length; code++) {
    if (isSame(buffer, start, end, propertyHeaderNames[code]!)) return code;
  }
  return -1;
}

/**
 * The property that a header of a Redis entry or Kafka record sets, or -1. Nobody has checked a user-id there, which
 * AMQP's readers take for checked: it stays a header of its name.
 */
export function claimedPropertyOf(buffer: Uint8Array, start: number, end: number): number {
  const code = propertyCodeOf(buffer, start, end);
  return code === propertyCode.userId ? -1 : code;
}

type NameCheck = (buffer: Uint8Array, start: number, end: number) => boolean;

function afterEscapes(buffer: Uint8Array, start: number, end: number): number {
  let at = start;
  while (startsWith(buffer, at, end, escapePrefix)) at += escapePrefix.length;
  return at;
}

/** Whether a header of this name must be escaped among AMQP headers. */
export const isReservedInAmqp: NameCheck = (buffer, start, end) => {
  const first = buffer[start];
  if (first !== letter.x && first !== letter.h) return false;
  const at = first === letter.h ? afterEscapes(buffer, start, end) : start;
  return isText(buffer, at, end, names.key) || isText(buffer, at, end, names.tombstone);
};

/** Whether a header of this name must be escaped among Kafka headers. */
export const isReservedInKafka: NameCheck = (buffer, start, end) => {
  const first = buffer[start];
  if (first !== letter.a && first !== letter.h) return false;
  return propertyCodeOf(buffer, first === letter.h ? afterEscapes(buffer, start, end) : start, end) >= 0;
};

/** Whether a header of this name must be escaped among the fields of a Redis entry. */
export const isReservedInRedis: NameCheck = (buffer, start, end) => {
  const at = buffer[start] === letter.h ? afterEscapes(buffer, start, end) : start;
  switch (buffer[at]) {
    case letter.a:
      return propertyCodeOf(buffer, at, end) >= 0;
    case letter.b:
      return isText(buffer, at, end, names.redisBody);
    case letter.k:
      return isText(buffer, at, end, names.redisKey);
    case letter.r:
      return isText(buffer, at, end, names.redisRoutingKey);
    case letter.x:
      return isText(buffer, at, end, names.tombstone);
    default:
      return false;
  }
};

/** Where the header's own name starts: behind the prefix if it was escaped. */
export function unescapedStart(
  buffer: Uint8Array,
  start: number,
  end: number,
  isReserved: NameCheck,
): number {
  if (buffer[start] !== letter.h || !startsWith(buffer, start, end, escapePrefix)) return start;
  const at = start + escapePrefix.length;
  return isReserved(buffer, at, end) ? at : start;
}
