/**
 * An entry of XADD on its way through an exchange: the fields of a request as one record (message/redis/entry.ts).
 *
 * Invariant: what `show` was given is valid until the message has been published, and so is the message.
 */
import type { Publisher } from "../../../broker/look/unroutable.ts";
import { ByteWriter } from "../../../base/bytes.ts";
import type { LiveChannels } from "../../../broker/live/channels.ts";
import { appendRecord, type OutgoingMessage } from "../../../broker/exchange/outgoing-message.ts";
import type { AmqpRecordParts } from "../../../message/amqp/record.ts";
import { AmqpView } from "../../../message/convert/as-amqp.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { envelope } from "../../../message/envelope.ts";
import type { DedupBy, FoundId } from "../../../message/identity/dedup-by.ts";
import { redisIdOf } from "../../../message/identity/redis-id.ts";
import { entryOf } from "./entry-append.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

/** What is not in a log yet has no id. */
const noId = new EntryId();

type LogGroup = Parameters<OutgoingMessage["appendTo"]>[0];

class EntryMessage implements OutgoingMessage {
  readonly count = 1;
  readonly canExpire = false;
  readonly #view = new AmqpView();
  #entry = new ByteWriter(0);
  #key = "";
  publisher: (() => Publisher) | null = null;

  /** Arguments `first` to `last` (left out) are the entry's fields, `key` its routing key. */
  show(request: RequestArguments, first: number, last: number, key: string): this {
    this.#entry = entryOf(request, first, last);
    this.#key = key;
    return this;
  }

  /** Records of other protocols than AMQP count whole, see ready-bytes.ts. */
  get bodyBytes(): number {
    return this.#entry.length;
  }

  appendTo(group: LogGroup): void {
    appendRecord(group, envelope.redis, this.#entry.buffer, 0, this.#entry.length);
  }

  asAmqp(): AmqpRecordParts {
    const { buffer, length } = this.#entry;
    const place = { offset: 0, timestamp: 0, id: noId, indexInFrame: 0 };
    return this.#view.show({ envelope: envelope.redis, buffer, start: 0, end: length, ...place });
  }

  idBy(by: DedupBy): FoundId | null {
    return redisIdOf(by, this.#entry.buffer, 0, this.#entry.length);
  }

  mayHaveHeader(): boolean {
    return true;
  }

  asStored(): ReturnType<OutgoingMessage["asStored"]> {
    return { envelope: envelope.redis, buffer: this.#entry.buffer, start: 0, end: this.#entry.length };
  }

  /** Subscribers hear what is the entry's body for other protocols. */
  publishLive(live: LiveChannels): number {
    const { buffer, bodyStart, bodyEnd } = this.asAmqp();
    const channel = Buffer.from(this.#key, "latin1");
    return live.publish(channel, 0, channel.length, buffer, bodyStart, bodyEnd);
  }
}

/** The one that is being published. */
export const entryMessage = new EntryMessage();
