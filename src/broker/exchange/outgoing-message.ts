/**
 * A message on its way into logs, as publication.ts sees it: an object that copies itself into a log, whatever its form.
 *
 * The hot paths of the protocols implement it over the buffers that they have. No message is copied or converted for it.
 */
import { ByteWriter, copyBytes } from "../../base/bytes.ts";
import { AmqpRecordParts, readAmqpRecord } from "../../message/amqp/record.ts";
import { envelope, type Envelope } from "../../message/envelope.ts";
import { KafkaBatch } from "../../message/kafka/batch.ts";
import { propertyFlag } from "../../message/amqp/properties.ts";
import { PropertyOffsets } from "../../message/amqp/property-offsets.ts";
import { amqpIdOf } from "../../message/identity/amqp-id.ts";
import type { DedupBy, FoundId } from "../../message/identity/dedup-by.ts";
import type { LogGroup } from "../../storage/index.ts";
import type { LiveChannels } from "../live/channels.ts";
import type { Publisher } from "../look/unroutable.ts";
import type { RecordBytes } from "../schedule/enter-stream.ts";

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
  /** Quickly: false only where it has no header of that name (a Kafka header, or a field of a Redis entry), which is ASCII. */
  mayHaveHeader(name: Buffer): boolean;
  /** What the message is known by; null where it has no such id. Valid until the next call, for any message. */
  idBy(by: DedupBy): FoundId | null;
  /** The message as `appendTo` copies it; valid until the next call, here or of `asAmqp`. */
  asStored(): RecordBytes;
  /** Who published it, asked within the publish; absent or null: the broker itself. */
  readonly publisher?: (() => Publisher) | null;
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

const stored = new KafkaBatch();
const offsets = new PropertyOffsets();
const scratch = new ByteWriter(256);
const scratchBytesKept = 1 << 20;

/** Appends a record in the form in which it was stored before, as one that comes at `now`; a batch holds `count` records. */
export function appendStored(group: LogGroup, record: RecordBytes, now: number, count = 1): void {
  const { envelope: envelopeOfRecord, buffer, start, end } = record;
  // Room in the journal is taken before the bytes are copied, and their memory may be used for it.
  if (scratch.buffer.length > scratchBytesKept) scratch.buffer = Buffer.allocUnsafeSlow(256);
  scratch.reset();
  scratch.bytes(buffer, start, end);
  if (envelopeOfRecord !== envelope.kafka)
    return appendRecord(group, envelopeOfRecord, scratch.buffer, 0, scratch.length);
  const { store } = group.logs[0]!;
  const at = store.reserveBatch(group, envelope.kafka, end - start, count, now);
  copyBytes(store.tail, at, scratch.buffer, 0, scratch.length);
  stored.reset(store.tail, at, at + end - start).next();
  if (stored.isLogAppendTime) stored.setLogAppendTime(now);
}

/** A message that is an AMQP record in one piece, such as a dead letter. */
export class AmqpRecordMessage implements OutgoingMessage {
  readonly count = 1;
  canExpire = false;
  publisher: (() => Publisher) | null = null;
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

  idBy(by: DedupBy): FoundId | null {
    const { buffer, propertiesStart, headerEnd, exchangeStart, exchangeEnd } = this.#parts;
    const { routingKeyStart, routingKeyEnd } = this.#parts;
    const keyStart = exchangeEnd === exchangeStart ? -1 : routingKeyStart;
    return amqpIdOf(by, offsets.walk(buffer, propertiesStart, headerEnd), buffer, keyStart, routingKeyEnd);
  }

  mayHaveHeader(): boolean {
    return (this.#flags & propertyFlag.headers) !== 0;
  }

  /** It has an expiration of its own, whatever `canExpire` was set to. */
  get mayExpire(): boolean {
    return (this.#flags & propertyFlag.expiration) !== 0;
  }

  get #flags(): number {
    const { buffer, propertiesStart } = this.#parts;
    return (buffer[propertiesStart]! << 8) | buffer[propertiesStart + 1]!;
  }

  asStored(): RecordBytes {
    const { buffer, routeStart, recordEnd } = this.#parts;
    return { envelope: envelope.amqp, buffer, start: routeStart, end: recordEnd };
  }

  publishLive(live: LiveChannels): number {
    const { buffer, routingKeyStart, routingKeyEnd, bodyStart, bodyEnd } = this.#parts;
    return live.publish(buffer, routingKeyStart, routingKeyEnd, buffer, bodyStart, bodyEnd);
  }
}
