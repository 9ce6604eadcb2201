/**
 * What a Redis stream entry is known by: the value of one of its fields. The message id is field `message-id` or `amqp.message-id`; the key is
 * `key`, else `routing_key`, as for the other protocols' readers (convert/read-redis.ts). Of several fields of a name the first counts.
 */
import { names } from "../convert/names.ts";
import { EntryReader } from "../redis/entry.ts";
import { type DedupBy, foundId, type FoundId, isSameBytes } from "./dedup-by.ts";
import { messageIdNames } from "./kafka-id.ts";

const keyName = Buffer.from(names.redisKey);
const routingKeyName = Buffer.from(names.redisRoutingKey);
const entry = new EntryReader();

/** Of the entry in `buffer[start, end)`. Null where it has no such id. */
export function redisIdOf(by: DedupBy, buffer: Buffer, start: number, end: number): FoundId | null {
  if (by.kind === "header") return fieldOf(by.name, buffer, start, end);
  if (by.kind === "key")
    return fieldOf(keyName, buffer, start, end) ?? fieldOf(routingKeyName, buffer, start, end);
  entry.open(buffer, start, end);
  while (entry.next()) {
    const { nameStart, nameEnd } = entry;
    if (messageIdNames.some((name) => isSameBytes(buffer, nameStart, nameEnd, name)))
      return foundId(buffer, entry.valueStart, entry.valueEnd);
  }
  return null;
}

function fieldOf(name: Buffer, buffer: Buffer, start: number, end: number): FoundId | null {
  entry.open(buffer, start, end);
  while (entry.next()) {
    if (isSameBytes(buffer, entry.nameStart, entry.nameEnd, name))
      return foundId(buffer, entry.valueStart, entry.valueEnd);
  }
  return null;
}
