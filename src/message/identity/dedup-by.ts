/**
 * What tells that two messages are the same one: `message-id`, `key` or `header:NAME`, the values of the policy `dedup-by`.
 *
 * Not here: where that lies in a message of each protocol (amqp-id.ts, kafka-id.ts, redis-id.ts), how long it is remembered.
 */
import { limits } from "../../base/limits.ts";

export interface DedupBy {
  readonly kind: "message-id" | "key" | "header";
  /** As the policy has it. */
  readonly text: string;
  /** The name of the header. */
  readonly name: Buffer;
}

const headerPrefix = "header:";
const nameBytesMax = 255;

/** Null where the text is none of the three. */
export function dedupByOf(text: unknown): DedupBy | null {
  if (typeof text !== "string") return null;
  if (text === "message-id" || text === "key") return { kind: text, text, name: Buffer.alloc(0) };
  if (!text.startsWith(headerPrefix)) return null;
  const name = Buffer.from(text.slice(headerPrefix.length));
  return name.length === 0 || name.length > nameBytesMax ? null : { kind: "header", text, name };
}

/** The bytes that were found. One object for all, so that a publish makes none: valid until the next message is looked at. */
export interface FoundId {
  buffer: Buffer;
  start: number;
  end: number;
}

const found: FoundId = { buffer: Buffer.alloc(0), start: 0, end: 0 };

/** An empty text is no id, nor is a very long one. */
export function foundId(buffer: Buffer, start: number, end: number): FoundId | null {
  if (start < 0 || end <= start || end - start > limits.dedupIdBytesMax) return null;
  found.buffer = buffer;
  found.start = start;
  found.end = end;
  return found;
}

export function isSameBytes(buffer: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (buffer[start + i] !== name[i]) return false;
  return true;
}
