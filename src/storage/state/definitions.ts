/**
 * Durable key -> value pairs for what changes seldom: definitions, users, group positions.
 *
 * The values stay in the journal; here is only where. Kept in the order of their last change, so that what an old
 * journal file still holds is found at the front (see the cleaner).
 */
import { type FrameLocation, newFrameLocation } from "../journal/frame-store.ts";
import { frameHeaderBytes, frameKind } from "../journal/frame.ts";
import type { JournalStore } from "../journal/journal.ts";
import { ByteWriter } from "../../base/bytes.ts";
import { BrokerError } from "../../base/errors.ts";

interface Place {
  position: number;
  length: number;
}

/** A key's size is a u16. */
const keyBytesMax = 0xffff;

export class Definitions {
  readonly #journal: JournalStore | null;
  readonly #places = new Map<string, Place>();
  readonly #writer = new ByteWriter(1024);
  readonly #location: FrameLocation = newFrameLocation();
  /** By kind (a key's part before its slash), the journal's end behind the last change of such a pair. */
  readonly changedUntil = new Map<string, number>();
  /** Bytes of the frames that are still needed. */
  bytes = 0;
  /** Where the last deletion stands; -1 for none since the start. */
  #deletedAt = -1;

  constructor(journal: JournalStore | null) {
    this.#journal = journal;
  }

  get size(): number {
    return this.#places.size;
  }

  /** Sets a value. It is as durable as any append of this tick. */
  put(key: string, value: string | Uint8Array): void {
    if (this.#journal === null) return;
    const writer = this.#writer;
    const keyBytes = Buffer.byteLength(key);
    if (keyBytes > keyBytesMax) {
      throw new BrokerError("INVALID", `a definition's key of ${keyBytes} bytes; use shorter names`);
    }
    writer.reset();
    writer.uint16(keyBytes).utf8(key);
    if (typeof value === "string") writer.utf8(value);
    else writer.bytes(value);
    const position = this.#journal.appendControl(frameKind.put, writer.buffer, writer.length);
    this.#place(key, position, frameHeaderBytes + writer.length);
    this.#changed(key);
  }

  delete(key: string): void {
    if (this.#journal === null || !this.#forget(key)) return;
    const writer = this.#writer;
    writer.reset();
    writer.uint16(Buffer.byteLength(key)).utf8(key);
    this.#deletedAt = this.#journal.appendControl(frameKind.delete, writer.buffer, writer.length);
    this.#changed(key);
  }

  /** Where the journal has the last change of a pair. One that is not there may be what was deleted last. */
  changedAt(key: string): number {
    return this.#places.get(key)?.position ?? this.#deletedAt;
  }

  #changed(key: string): void {
    this.changedUntil.set(key.slice(0, key.indexOf("/")), this.#journal!.end);
  }

  #place(key: string, position: number, length: number): void {
    this.#forget(key);
    this.#places.set(key, { position, length });
    this.bytes += length;
  }

  #forget(key: string): boolean {
    const place = this.#places.get(key);
    if (place === undefined) return false;
    this.bytes -= place.length;
    return this.#places.delete(key);
  }

  /** Recovery met a put (with its frame's length) or a delete (`length` 0). */
  replayed(key: string, position: number, length: number): void {
    if (length === 0) this.#forget(key);
    else this.#place(key, position, length);
  }

  /** All pairs whose key starts with `prefix`, oldest change first. For start-up. */
  *entries(prefix: string): Generator<[key: string, value: Buffer]> {
    for (const [key, place] of this.#places) {
      if (key.startsWith(prefix)) yield [key, this.#read(key, place)];
    }
  }

  get(key: string): Buffer | undefined {
    const place = this.#places.get(key);
    return place === undefined ? undefined : this.#read(key, place);
  }

  #read(key: string, place: Place): Buffer {
    const location = this.#location;
    this.#journal!.locate(place.position, place.length, location);
    const from = location.at + frameHeaderBytes + 2 + Buffer.byteLength(key);
    return Buffer.from(location.chunk.buffer.subarray(from, location.at + place.length));
  }

  /** Bytes of the pairs that stand below `position`. */
  bytesBelow(position: number): number {
    let total = 0;
    for (const place of this.#places.values()) {
      if (place.position >= position) break;
      total += place.length;
    }
    return total;
  }

  /** Writes up to `most` of the pairs that stand below `position` again at the end; says whether any are left. */
  rewriteBelow(position: number, most: number): boolean {
    let left = most;
    for (const [key, place] of this.#places) {
      if (place.position >= position) return false;
      if (left-- === 0) return true;
      this.put(key, this.#read(key, place));
    }
    return false;
  }
}
