/**
 * The bytes by which a client is told that keys have changed. Null is all keys.
 *
 *     RESP3 = push(2) "invalidate" keys          RESP2, to who listens for another = array(3) "message" "__redis__:invalidate" keys
 *     keys  = array of bulks | null              broken = push(2) "tracking-redir-broken" integer(id)
 *
 * Not here: who gets them. Invariant: what `bytesFor` gives is valid until it is asked again with that version.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { ReplyWriter, type RespVersion } from "../wire/reply-writer.ts";

const invalidationChannel = "__redis__:invalidate";
const scratchBytesKept = 1 << 20;

const scratch = new ByteWriter(256);
const reply = new ReplyWriter(scratch);

function begin(version: RespVersion): void {
  if (scratch.buffer.length > scratchBytesKept) scratch.buffer = Buffer.allocUnsafeSlow(256);
  scratch.reset();
  reply.version = version;
}

/** `nullVersion`: of the connection whose cache it is, which may be another one than gets it, as in redis. */
export function invalidationOf(
  version: RespVersion,
  keys: Iterable<string> | null,
  count: number,
  nullVersion: RespVersion,
): ByteWriter {
  begin(version);
  if (version === 3) {
    reply.push(2);
    reply.bulkLatin1("invalidate");
  } else {
    reply.array(3);
    reply.bulkLatin1("message");
    reply.bulkLatin1(invalidationChannel);
  }
  if (keys === null) {
    reply.version = nullVersion;
    reply.null();
  } else {
    reply.array(count);
    for (const key of keys) reply.bulkLatin1(key);
  }
  return scratch;
}

export function brokenRedirect(id: number): ByteWriter {
  begin(3);
  reply.push(2);
  reply.bulkLatin1("tracking-redir-broken");
  reply.integer(id);
  return scratch;
}
