/**
 * The bytes of Pub/Sub deliveries: made once for each message and protocol version, then copied to each subscriber.
 * What stands before the message is kept for the next one of the same channel.
 *
 *     message  = push(3) "message" channel bytes          smessage likewise
 *     pmessage = push(4) "pmessage" pattern channel bytes
 *
 * Invariant: what `encode` returns is valid until the next message of the same form and version is encoded.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import type { LiveChannels } from "../../../broker/live/channels.ts";
import { ReplyWriter, type RespVersion } from "../wire/reply-writer.ts";

const scratchBytesKept = 1 << 20;

class EncodedMessage {
  readonly out = new ByteWriter(256);
  publication = -1;
  pattern: Buffer | null = null;
  /** The channel whose exact messages begin with the first `prefixLength` bytes of `out`; null for none. */
  channel: Buffer | null = null;
  prefixLength = 0;
}

export class LiveMessages {
  readonly #live: LiveChannels;
  readonly #kind: Buffer;
  readonly #patternKind: Buffer;
  readonly #byVersion = [new EncodedMessage(), new EncodedMessage()];
  readonly #reply: ReplyWriter;

  /** `kind` is "message", or "smessage" for shard channels. */
  constructor(live: LiveChannels, kind: string) {
    this.#live = live;
    this.#kind = Buffer.from(kind);
    this.#patternKind = Buffer.from(`p${kind}`);
    this.#reply = new ReplyWriter(this.#byVersion[0]!.out);
  }

  encode(
    version: RespVersion,
    channel: Buffer,
    pattern: Buffer | null,
    bytes: Buffer,
    start: number,
    end: number,
  ): ByteWriter {
    const known = this.#byVersion[version - 2]!;
    const { out } = known;
    if (known.publication === this.#live.publication && known.pattern === pattern) return out;
    known.publication = this.#live.publication;
    known.pattern = pattern;
    const reply = this.#reply;
    reply.out = out;
    reply.version = version;
    if (out.buffer.length > scratchBytesKept) {
      out.buffer = Buffer.allocUnsafeSlow(256);
      known.channel = null;
    }
    if (pattern === null && known.channel === channel) out.length = known.prefixLength;
    else {
      out.reset();
      reply.push(pattern === null ? 3 : 4);
      reply.bulk(pattern === null ? this.#kind : this.#patternKind);
      if (pattern !== null) reply.bulk(pattern);
      reply.bulk(channel);
      known.channel = pattern === null ? channel : null;
      known.prefixLength = out.length;
    }
    reply.bulk(bytes, start, end);
    return out;
  }
}
