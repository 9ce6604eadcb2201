/**
 * Walks a log's records in offset order without an object for each.
 *
 * The fields describe the record that `next()` stopped at, and are valid until the caller returns to the event loop;
 * a reader that slept finds its place again by itself. Gone records are passed over. It stops at the log's last stable offset,
 * unless `seesOpen`: then at the log's end.
 */
import { BrokerError } from "../../base/errors.ts";
import { EntryId } from "../../message/entry-id.ts";
import { type Envelope, envelope } from "../../message/envelope.ts";
import {
  appendCountAt,
  appendRecordsAt,
  appendTargetAt,
  appendTargetCountAt,
  appendTimestampAt,
  frameEnvelopeAt,
  frameLengthAt,
  readUint32,
  readUint64,
  targetIdAt,
  targetOffsetAt,
} from "../journal/frame.ts";
import { emptyBuffer, type FrameLocation, newFrameLocation } from "../journal/frame-store.ts";
import type { Log } from "./log.ts";

export class LogReader {
  readonly log: Log;
  /** It reads records of open transactions too. */
  readonly seesOpen: boolean;
  /** The record: its offset, bytes `[start, end)` of `buffer`, and the protocol that wrote it. */
  offset = -1;
  buffer: Buffer = emptyBuffer;
  start = 0;
  end = 0;
  envelope: Envelope = envelope.none;
  /** Append time of the record's frame, ms (a Kafka batch: its newest record's). */
  timestamp = 0;
  /** For a Kafka batch `[start, end)` is the whole batch, and this is the record's index in it. */
  indexInFrame = 0;
  /** The frame: offsets `[frameOffset, frameEnd)`, records at `[recordsStart, recordsEnd)`. */
  frameOffset = 0;
  frameEnd = 0;
  recordsStart = 0;
  recordsEnd = 0;
  readonly #frameId = new EntryId();
  readonly #id = new EntryId();
  /** The offset of `#id`: the id of an offset never changes. */
  #idOffset = -1;
  #wanted: number;
  #generation = -1;
  readonly #location: FrameLocation = newFrameLocation(this);

  constructor(log: Log, offset = 0, seesOpen = false) {
    this.log = log;
    this.seesOpen = seesOpen;
    this.#wanted = offset;
  }

  /** Entry id of the record: to be read only, and until this reader stops elsewhere. */
  get id(): EntryId {
    const { offset } = this;
    if (offset !== this.#idOffset) {
      // The highest id does not grow further, so counting goes on from the frame's id.
      if (offset === this.#idOffset + 1 && offset !== this.frameOffset) this.#id.add(1);
      else this.#id.copyFrom(this.#frameId).add(offset - this.frameOffset);
      this.#idOffset = offset;
    }
    return this.#id;
  }

  /** The frame's bytes were for this turn only: the reader finds its place again. */
  letGo(): void {
    this.buffer = emptyBuffer;
  }

  /** The offset from which `next()` would go on. */
  get position(): number {
    return this.#wanted;
  }

  /** Makes `next()` stop at the first record at or after `offset`. */
  seek(offset: number): void {
    this.#wanted = offset;
  }

  /** Stops at the next record; false at the end. Throws CORRUPT if the bytes fail their checksum. */
  next(): boolean {
    const log = this.log;
    const removed = log.removed;
    let wanted = this.#wanted;
    if (wanted < removed.first) wanted = removed.first;
    if (removed.countAbove > 0) wanted = removed.nextPresent(wanted);
    if (wanted >= log.stableEnd && (!this.seesOpen || wanted >= log.nextOffset)) {
      this.#wanted = wanted;
      return false;
    }
    this.#moveTo(wanted);
    this.#wanted = wanted + 1;
    return true;
  }

  /** Stops at the frame that holds the next record; its first record may lie before. Moves past the whole frame. */
  nextFrame(): boolean {
    if (!this.next()) return false;
    this.#wanted = this.frameEnd;
    return true;
  }

  #moveTo(offset: number): void {
    if (
      offset < this.frameOffset ||
      offset >= this.frameEnd ||
      this.#location.chunk.generation !== this.#generation
    ) {
      this.#enterFrame(offset);
    }
    // The same record was looked at and is taken now, as in an expiring queue: not again from the start of the frame.
    if (offset === this.offset) return;
    if (this.envelope === envelope.kafka) {
      this.start = this.recordsStart;
      this.end = this.recordsEnd;
      this.indexInFrame = offset - this.frameOffset;
      this.offset = offset;
      return;
    }
    let at = this.end;
    let index = this.indexInFrame + 1;
    const wantedIndex = offset - this.frameOffset;
    if (this.offset < this.frameOffset || wantedIndex < index) {
      at = this.recordsStart;
      index = 0;
    }
    const buffer = this.buffer;
    while (index < wantedIndex) {
      at += 4 + readUint32(buffer, at);
      index++;
    }
    this.start = at + 4;
    this.end = this.start + readUint32(buffer, at);
    this.indexInFrame = wantedIndex;
    this.offset = offset;
  }

  /** The located frame does not hold the offset that was asked for. */
  #throwElsewhere(offset: number): never {
    const found = `${this.frameOffset} to ${this.frameEnd - 1}`;
    this.frameEnd = 0;
    throw new BrokerError(
      "CORRUPT",
      `log ${this.log.id}: the frame for offset ${offset} holds ${found}; run troikamq check`,
    );
  }

  #enterFrame(offset: number): void {
    const location = this.#location;
    const segment = location.segment;
    const isAhead = offset >= this.frameEnd;
    this.frameEnd = 0;
    // No frame is current until the new one is found: after an error the reader searches again.
    location.segment = null;
    if (segment === null || !isAhead || !segment.locateAfter(offset, location))
      this.log.locate(offset, location);
    const buffer = location.chunk.buffer;
    const at = location.at;
    let target = 0;
    const targets = appendTargetCountAt(buffer, at);
    while (target < targets - 1 && readUint32(buffer, appendTargetAt(at, target)) !== this.log.id) target++;
    const targetAt = appendTargetAt(at, target);
    this.buffer = buffer;
    this.#generation = location.chunk.generation;
    this.frameOffset = readUint64(buffer, targetAt + targetOffsetAt);
    this.#frameId.read(buffer, targetAt + targetIdAt);
    this.frameEnd = this.frameOffset + appendCountAt(buffer, at);
    if (offset < this.frameOffset || offset >= this.frameEnd) this.#throwElsewhere(offset);
    this.envelope = frameEnvelopeAt(buffer, at);
    this.timestamp = appendTimestampAt(buffer, at);
    this.recordsStart = appendRecordsAt(buffer, at);
    this.recordsEnd = at + frameLengthAt(buffer, at);
    this.offset = -1;
    this.indexInFrame = -1;
    this.end = this.recordsStart;
  }
}
