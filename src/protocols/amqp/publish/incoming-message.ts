/**
 * Joins basic.publish, content header and body frames of one channel into a message, copying as little as it can.
 *
 *   content = basic.publish header *body        (spec 4.2.6; frames of one channel come in this order)
 *
 * A message whose frames lie in one chunk is read in place. What must wait for the next chunk is copied by `park`.
 * The route is kept from message to message: the same bytes again cost a comparison, and `routeNumber` stays.
 *
 * Not here: where the message goes (publisher.ts).
 * Invariant: when `isComplete`, header and body are whole and were checked; they are valid until the next frame.
 */
import { ByteWriter, copyBytes } from "../../../base/bytes.ts";
import { limits } from "../../../base/limits.ts";
import type { LiveChannels } from "../../../broker/live/channels.ts";
import type { Publisher } from "../../../broker/look/unroutable.ts";
import type { OutgoingMessage } from "../../../broker/exchange/outgoing-message.ts";
import { PropertyOffsets } from "../../../message/amqp/property-offsets.ts";
import { type AmqpRecordParts, bodySizeBytes, noHiddenKeys } from "../../../message/amqp/record.ts";
import { checkFieldTableBody, findFieldAt, hasRoutingField } from "../../../message/amqp/table-scan.ts";
import { envelope } from "../../../message/envelope.ts";
import { amqpIdOf } from "../../../message/identity/amqp-id.ts";
import type { DedupBy, FoundId } from "../../../message/identity/dedup-by.ts";
import { AmqpError } from "../core/errors.ts";
import { recordParts } from "./publish-properties.ts";
import { basicClassId } from "../wire/constants.ts";
import { ContentHeader, PublishFields } from "../wire/content-input.ts";

const fields = new PublishFields();
const header = new ContentHeader();
const nothing = Buffer.alloc(0);
/** A buffer for bodies is kept for the next one up to this size, while the channels of its connection hold little. */
const keptBytesMax = 256 * 1024;
const keptByChannelsMax = 1 << 20;

/** Memory that the channels of a connection hold for what is not whole, or not committed. */
export class HeldBytes {
  bytes = 0;
}

type Stage = "method" | "header" | "body" | "complete";

export class IncomingMessage implements OutgoingMessage {
  readonly count = 1;
  /** What must come next. */
  stage: Stage = "method";
  /** Exchange and routing key as two shortstrs. */
  route: Buffer = nothing;
  routeSize = 0;
  exchangeSize = 0;
  /** Grows when the route differs from that of the message before. */
  routeNumber = 0;
  mandatory = false;
  immediate = false;
  /** Content header after class and weight. */
  headerBuffer: Buffer = nothing;
  headerStart = 0;
  headerEnd = 0;
  bodyBuffer: Buffer = nothing;
  bodyStart = 0;
  bodyEnd = 0;
  bodySize = 0;
  readonly properties = new PropertyOffsets();
  /** The headers have CC or BCC: further routing keys. */
  mayHaveMoreKeys = false;
  publisher: (() => Publisher) | null = null;
  /** What comes behind the body in the record: the keys of BCC, which left the headers. */
  hiddenKeys: Buffer = noHiddenKeys;
  #headerStore: Buffer = nothing;
  /** Body frames so far, when there are several. */
  readonly #gathered = new ByteWriter(0, "shared");
  readonly #held: HeldBytes;

  constructor(held: HeldBytes = new HeldBytes()) {
    this.#held = held;
  }

  get isComplete(): boolean {
    return this.stage === "complete";
  }

  /** A basic.publish came. */
  begin(bytes: Buffer, start: number, end: number): void {
    fields.read(bytes, start, end);
    this.mandatory = fields.mandatory;
    this.immediate = fields.immediate;
    this.hiddenKeys = noHiddenKeys;
    const { routeStart, routeEnd } = fields;
    if (!this.#isSameRoute(bytes, routeStart, routeEnd)) {
      const size = routeEnd - routeStart;
      if (this.route.length < size) this.route = Buffer.allocUnsafe(Math.max(size, 32));
      copyBytes(this.route, 0, bytes, routeStart, routeEnd);
      this.routeSize = size;
      this.exchangeSize = fields.exchangeEnd - fields.exchangeStart;
      this.routeNumber++;
    }
    this.stage = "header";
  }

  #isSameRoute(bytes: Buffer, start: number, end: number): boolean {
    const size = end - start;
    if (size !== this.routeSize) return false;
    const route = this.route;
    for (let i = 0; i < size; i++) if (route[i] !== bytes[start + i]) return false;
    return true;
  }

  /** A header frame came. */
  headerFrame(bytes: Buffer, start: number, end: number): void {
    if (this.stage !== "header") throw unexpectedFrame(this.stage);
    header.read(bytes, start, end);
    if (header.classId !== basicClassId) {
      throw new AmqpError(
        "UNEXPECTED_FRAME",
        `expected content header for class ${basicClassId}, got one for class ${header.classId} instead`,
      );
    }
    if (header.weight !== 0) throw unexpectedFrame(this.stage);
    this.properties.walk(bytes, header.propertiesStart, header.headerEnd);
    if (this.properties.headersStart >= 0) {
      checkFieldTableBody(bytes, this.properties.headersStart, this.properties.headersEnd);
      this.mayHaveMoreKeys = hasRoutingField(bytes, this.properties.headersStart, this.properties.headersEnd);
    } else this.mayHaveMoreKeys = false;
    this.headerBuffer = bytes;
    this.headerStart = header.headerStart;
    this.headerEnd = header.headerEnd;
    this.bodySize = header.bodySize;
    this.#gathered.length = 0;
    if (header.bodySize > 0) {
      this.stage = "body";
      return;
    }
    this.bodyStart = this.bodyEnd = 0;
    this.stage = "complete";
  }

  /** A body frame came. */
  bodyFrame(bytes: Buffer, start: number, end: number): void {
    if (this.stage !== "body") throw unexpectedFrame(this.stage);
    const size = end - start;
    const gathered = this.#gathered;
    if (size === this.bodySize) {
      this.bodyBuffer = bytes;
      this.bodyStart = start;
      this.bodyEnd = end;
      this.stage = "complete";
      return;
    }
    if (gathered.length + size > this.bodySize) {
      throw new AmqpError("UNEXPECTED_FRAME", "content body is larger than its header said");
    }
    // Beyond the bound the bytes are only counted; the message is refused once it is whole, as RabbitMQ does.
    if (this.isTooLarge) gathered.length += size;
    else this.#gather(bytes, start, end);
    if (gathered.length < this.bodySize) return;
    this.bodyBuffer = gathered.buffer;
    this.bodyStart = 0;
    this.bodyEnd = gathered.length;
    this.stage = "complete";
  }

  #gather(bytes: Buffer, start: number, end: number): void {
    const gathered = this.#gathered;
    const before = gathered.buffer.length;
    gathered.bytes(bytes, start, end);
    this.#held.bytes += gathered.buffer.length - before;
  }

  /** Memory of its own. */
  get heldBytes(): number {
    return this.#gathered.buffer.length + this.#headerStore.length;
  }

  get isTooLarge(): boolean {
    return this.bodySize > limits.amqpMessageBytesMax;
  }

  /** The chunk that the header lies in is going away, or another channel's frames come first: keep a copy. */
  park(): void {
    if (this.stage !== "body" || this.headerBuffer === this.#headerStore) return;
    const size = this.headerEnd - this.headerStart;
    if (this.#headerStore.length < size) {
      this.#held.bytes -= this.#headerStore.length;
      this.#headerStore = Buffer.allocUnsafe(Math.max(size, 64));
      this.#held.bytes += this.#headerStore.length;
    }
    copyBytes(this.#headerStore, 0, this.headerBuffer, this.headerStart, this.headerEnd);
    this.headerBuffer = this.#headerStore;
    this.headerStart = 0;
    this.headerEnd = size;
    this.properties.walk(this.#headerStore, bodySizeBytes, size);
  }

  get bodyBytes(): number {
    return this.bodyEnd - this.bodyStart;
  }

  get canExpire(): boolean {
    return this.properties.expirationStart >= 0;
  }

  /** The hot path: three runs are copied from where the frames lie into the journal's tail. */
  appendTo(group: Parameters<OutgoingMessage["appendTo"]>[0]): void {
    const { routeSize, headerStart, headerEnd, bodyStart, bodyEnd, hiddenKeys } = this;
    const hiddenSize = hiddenKeys.length;
    const headerSize = headerEnd - headerStart;
    const { store } = group.logs[0]!;
    const size = routeSize + 4 + headerSize + bodyEnd - bodyStart + hiddenSize;
    let at = store.reserve(group, envelope.amqp, size);
    const target = store.tail;
    copyBytes(target, at, this.route, 0, routeSize);
    at += routeSize;
    target[at] = headerSize >>> 24;
    target[at + 1] = headerSize >>> 16;
    target[at + 2] = headerSize >>> 8;
    target[at + 3] = headerSize;
    at += 4;
    copyBytes(target, at, this.headerBuffer, headerStart, headerEnd);
    at += headerSize;
    copyBytes(target, at, this.bodyBuffer, bodyStart, bodyEnd);
    if (hiddenSize > 0) copyBytes(target, at + bodyEnd - bodyStart, hiddenKeys, 0, hiddenSize);
  }

  asAmqp(): AmqpRecordParts {
    return recordParts(this);
  }

  idBy(by: DedupBy): FoundId | null {
    const { route, exchangeSize, routeSize } = this;
    return amqpIdOf(by, this.properties, route, exchangeSize === 0 ? -1 : 2 + exchangeSize, routeSize);
  }

  mayHaveHeader(name: Buffer): boolean {
    const { buffer, headersStart, headersEnd } = this.properties;
    return headersStart >= 0 && findFieldAt(buffer, headersStart, headersEnd, name) >= 0;
  }

  asStored(): ReturnType<OutgoingMessage["asStored"]> {
    const { buffer, routeStart, recordEnd } = recordParts(this);
    return { envelope: envelope.amqp, buffer, start: routeStart, end: recordEnd };
  }

  publishLive(live: LiveChannels): number {
    const { route, exchangeSize, routeSize } = this;
    return live.publish(route, 2 + exchangeSize, routeSize, this.bodyBuffer, this.bodyStart, this.bodyEnd);
  }

  /** The message is whole and about to be taken: from here on, the next method may come. */
  finish(): void {
    this.stage = "method";
  }

  /** The message was taken: lets go of its body. */
  release(): void {
    const { buffer } = this.#gathered;
    if (buffer.length > keptBytesMax || this.#held.bytes > keptByChannelsMax) this.#letGo();
    this.bodyBuffer = nothing;
  }

  #letGo(): void {
    this.#held.bytes -= this.heldBytes;
    this.#gathered.shrink(0);
    this.#headerStore = this.headerBuffer = nothing;
  }

  /** Between two messages: lets go of the buffers that are kept for the next one. */
  giveBack(): void {
    if (this.stage === "method") this.#letGo();
  }

  /** The channel is gone, in the middle of a message perhaps. */
  drop(): void {
    this.#letGo();
    this.bodyBuffer = nothing;
  }
}

/** What RabbitMQ says of a frame that does not fit the sequence; `stage` is what was expected. */
export function unexpectedFrame(stage: Stage): AmqpError {
  const expected: Record<Stage, string> = {
    method: "expected method frame, got non method frame instead",
    complete: "expected method frame, got non method frame instead",
    header: `expected content header for class ${basicClassId}, got non content header frame instead`,
    body: "expected content body, got non content body frame instead",
  };
  return new AmqpError("UNEXPECTED_FRAME", expected[stage]);
}

const snippetBytes = 16;

/** A frame that has no place on its channel at all, in RabbitMQ's words: with the first of its bytes as Erlang shows them. */
export function frameOutOfPlace(type: number, payload: Buffer): AmqpError {
  const isWhole = payload.length <= snippetBytes;
  const bytes = payload.subarray(0, snippetBytes);
  const isText = bytes.length > 0 && bytes.every((byte) => byte >= 0x20 && byte < 0x7f);
  const shown = isText ? JSON.stringify(bytes.latin1Slice()) : bytes.join(",");
  return new AmqpError(
    "UNEXPECTED_FRAME",
    `type ${type}, ${isWhole ? "all" : "first 16"} octets = <<${shown}>>`,
  );
}
