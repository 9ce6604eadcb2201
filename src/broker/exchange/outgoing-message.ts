/**
 * A message on its way into logs, as publication.ts sees it: an object that copies itself into a log, whatever its form.
 *
 * The hot paths of the protocols implement it over the buffers that they have. No message is copied or converted for it.
 */
import { copyBytes } from "../../base/bytes.ts";
import { AmqpRecordParts, readAmqpRecord } from "../../message/amqp/record.ts";
import { envelope, type Envelope } from "../../message/envelope.ts";
import type { LogGroup } from "../../storage/index.ts";
import type { LiveChannels } from "../live/channels.ts";
import type { TraceOrigin } from "../trace/party.ts";

/** A message in the form that its writer sent it. Each protocol has one such object, and fills it for each message. */
export interface OutgoingMessage {
  /** How many records it has: 1, or those of a batch that is stored as it came. */
  readonly count: number;
  /** Bytes of the body, which `x-max-length-bytes` counts. */
  readonly bodyBytes: number;
  /** It has an expiration of its own. */
  readonly canExpire: boolean;
  /** Copies it into every log of the group. */
  appendTo(group: LogGroup): void;
  /** The message as AMQP has it, for a dead letter; valid until the next call. */
  asAmqp(): AmqpRecordParts;
  /** Who published it, for traces; absent or null: the broker itself. */
  readonly origin?: TraceOrigin | null;
  /** Whether `has` is true of the bytes of its headers; absent: nobody knows before `asAmqp` is called. */
  mayHaveHeader?(has: (bytes: Buffer, start: number, end: number) => boolean): boolean;
  /** Delivers it to the subscribers of its channel, which is its routing key; returns how many got it. */
  publishLive(live: LiveChannels): number;
}

/** Appends one record, `bytes[start, end)` in the form that `envelopeOfRecord` names, to all logs of a group. */
export function appendRecord(
  group: LogGroup,
  envelopeOfRecord: Envelope,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const store = group.logs[0]!.store;
  const at = store.reserve(group, envelopeOfRecord, end - start);
  copyBytes(store.tail, at, bytes, start, end);
}

/** A message that is an AMQP record in one piece, such as a dead letter. */
export class AmqpRecordMessage implements OutgoingMessage {
  readonly count = 1;
  canExpire = false;
  origin: TraceOrigin | null = null;
  readonly #parts = new AmqpRecordParts();

  /** Shows the record that lies in `buffer[start, end)`. */
  show(buffer: Buffer, start: number, end: number): this {
    readAmqpRecord(buffer, start, end, this.#parts);
    return this;
  }

  get bodyBytes(): number {
    return this.#parts.bodyEnd - this.#parts.bodyStart;
  }

  appendTo(group: LogGroup): void {
    const { buffer, routeStart, recordEnd } = this.#parts;
    appendRecord(group, envelope.amqp, buffer, routeStart, recordEnd);
  }

  asAmqp(): AmqpRecordParts {
    return this.#parts;
  }

  publishLive(live: LiveChannels): number {
    const { buffer, routingKeyStart, routingKeyEnd, bodyStart, bodyEnd } = this.#parts;
    return live.publish(buffer, routingKeyStart, routingKeyEnd, buffer, bodyStart, bodyEnd);
  }
}
