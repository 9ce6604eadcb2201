/**
 * A stored message on its way to where it is replayed, in the form in which its client had sent it. Through an exchange an AMQP message says
 * that it came through that one; nothing else of a message changes.
 *
 * Not here: where it goes (replay-target.ts). One object, shown one message after the other; its bytes are its own.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { propertyFlag } from "../../../message/amqp/properties.ts";
import { AmqpRecordParts, readAmqpRecord } from "../../../message/amqp/record.ts";
import type { RecordRoute } from "../../../message/amqp/record-copy.ts";
import { writeShortString } from "../../../message/amqp/text.ts";
import { AmqpView } from "../../../message/convert/as-amqp.ts";
import { kafkaFrames } from "../../../message/convert/kafka-frame.ts";
import { PartsReader } from "../../../message/convert/read.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { type Envelope, envelope } from "../../../message/envelope.ts";
import { writeSingleRecord } from "../../../message/kafka/single-record.ts";
import type { StoredRecord } from "../../../message/record.ts";
import type { LogGroup } from "../../../storage/index.ts";
import { appendStored, type OutgoingMessage } from "../../exchange/outgoing-message.ts";
import type { LiveChannels } from "../../live/channels.ts";
import type { RecordBytes } from "../../schedule/enter-stream.ts";

const bytesKept = 1 << 20;
/** A record that is not in a log yet has none. */
const noId = new EntryId();

export class ReplayedMessage implements OutgoingMessage {
  readonly count = 1;
  #writer = new ByteWriter(1024);
  #envelope: Envelope = envelope.none;
  readonly #own = new AmqpRecordParts();
  readonly #view = new AmqpView();
  readonly #parts = new PartsReader();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes a copy: what the message meets on its way may be in the log from which it comes. `route`: of an AMQP message, instead of its own. */
  show(record: StoredRecord, route: RecordRoute | null): this {
    if (this.#writer.buffer.length > bytesKept) this.#writer = new ByteWriter(1024);
    const writer = this.#writer;
    const { buffer, start, end } = record;
    writer.reset();
    this.#envelope = record.envelope;
    if (record.envelope === envelope.kafka) writeSingleRecord(writer, kafkaFrames.moveTo(record));
    else if (record.envelope === envelope.amqp && route !== null) {
      const { routeEnd, recordEnd } = readAmqpRecord(buffer, start, end, this.#own);
      writeShortString(writer, Buffer.from(route.exchange, "latin1"));
      writeShortString(writer, Buffer.from(route.key, "latin1"));
      writer.bytes(buffer, routeEnd, recordEnd);
    } else writer.bytes(buffer, start, end);
    return this;
  }

  /** The key by which an exchange routes it: of an AMQP message its routing key, of others the message's key. */
  keyOf(record: StoredRecord): string {
    if (record.envelope === envelope.amqp) {
      const { buffer, routingKeyStart, routingKeyEnd } = readAmqpRecord(
        record.buffer,
        record.start,
        record.end,
        this.#own,
      );
      return buffer.latin1Slice(routingKeyStart, routingKeyEnd);
    }
    const parts = this.#parts.read(record);
    if (parts.routingKeyStart >= 0)
      return parts.buffer.latin1Slice(parts.routingKeyStart, parts.routingKeyEnd);
    return parts.keyStart < 0 ? "" : parts.keyBuffer.latin1Slice(parts.keyStart, parts.keyEnd);
  }

  get #bytes(): StoredRecord {
    const { buffer, length } = this.#writer;
    const place = { offset: 0, timestamp: this.#now(), id: noId, indexInFrame: 0 };
    return { envelope: this.#envelope, buffer, start: 0, end: length, ...place };
  }

  /** Records of other protocols than AMQP count whole, see ready-bytes.ts. */
  get bodyBytes(): number {
    if (this.#envelope !== envelope.amqp) return this.#writer.length;
    const { bodyStart, bodyEnd } = this.asAmqp();
    return bodyEnd - bodyStart;
  }

  get canExpire(): boolean {
    if (this.#envelope !== envelope.amqp) return false;
    const { buffer, propertiesStart } = this.asAmqp();
    return (((buffer[propertiesStart]! << 8) | buffer[propertiesStart + 1]!) & propertyFlag.expiration) !== 0;
  }

  appendTo(group: LogGroup): void {
    appendStored(group, this.asStored(), this.#now());
  }

  asStored(): RecordBytes {
    const { buffer, length } = this.#writer;
    return { envelope: this.#envelope, buffer, start: 0, end: length };
  }

  asAmqp(): AmqpRecordParts {
    return this.#view.show(this.#bytes);
  }

  // It passes no intake, which alone asks for these.

  mayHaveHeader(): boolean {
    return true;
  }

  idBy(): null {
    return null;
  }

  publishLive(live: LiveChannels): number {
    const { buffer, routingKeyStart, routingKeyEnd, bodyStart, bodyEnd } = this.asAmqp();
    return live.publish(buffer, routingKeyStart, routingKeyEnd, buffer, bodyStart, bodyEnd);
  }
}
