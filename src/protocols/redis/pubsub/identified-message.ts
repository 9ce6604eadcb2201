/**
 * A Pub/Sub message for one subscriber alone: from a history, or with its id.
 *
 *     message = push(3) "message" channel bytes, or push(4) "message" channel bytes id
 *
 * Not here: messages that many subscribers get (live-messages.ts). Invariant: what is returned is valid until the next call.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import type { EntryId } from "../../../message/entry-id.ts";
import { writeStreamId } from "../stream/id.ts";
import { ReplyWriter, type RespVersion } from "../wire/reply-writer.ts";

export interface IdentifiedMessage {
  readonly version: RespVersion;
  readonly channel: Uint8Array;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Null: it is not told. */
  readonly id: EntryId | null;
}

const kind = Buffer.from("message");
const scratchBytesKept = 1 << 20;
const out = new ByteWriter(256);
const reply = new ReplyWriter(out);

export function encodeMessage({ version, channel, bytes, start, end, id }: IdentifiedMessage): ByteWriter {
  if (out.buffer.length > scratchBytesKept) out.buffer = Buffer.allocUnsafeSlow(256);
  out.reset();
  reply.version = version;
  reply.push(id === null ? 3 : 4);
  reply.bulk(kind);
  reply.bulk(channel);
  reply.bulk(bytes, start, end);
  if (id !== null) writeStreamId(out, id);
  return out;
}
