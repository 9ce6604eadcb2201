/**
 * Who gave up the entries of a group that wait, when they had been delivered, and why: what their dead letters are to say. While an entry
 * waits, `troika.retry` holds it, since the time at which it is due (retries.ts).
 *
 *     notes = u32 count, { u32 size, text }; u32 count, { u64 offset, u32 consumer, u32 reason, i64 delivered at }
 *
 * Texts are numbered, so that a note is 20 bytes in pages of typed arrays. Not here: when a note ends (group-cursor.ts). Invariant: a group
 * remembers `giveUpTextsMax` texts of `giveUpTextsBytesMax` bytes at most; an entry with a further one has the empty text instead. A text is
 * cut behind `giveUpTextBytesMax` bytes: what a client writes into a dead letter by hand may be of any length.
 */
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { limits } from "../../base/limits.ts";
import { noOwner, PendingTable } from "../cursor/pending-table.ts";

export interface GiveUpNote {
  readonly reason: string;
  /** Who held it. */
  readonly consumer: string;
  /** Wall time, ms. */
  readonly deliveredAt: number;
}

/** What the note of an entry says that was given back (give-back.ts). */
interface ReturnMark {
  readonly operation: string;
  readonly deliveries: number;
  readonly reason: string;
}

const markBegin = "\0";
const markPattern = /^\0(\d+-[\da-f]+) (\d+) ([^]*)$/;

export function markedReason({ operation, deliveries, reason }: ReturnMark): string {
  return `${markBegin}${operation} ${deliveries} ${reason}`;
}

/** Null: the entry was not given back. */
export function markOf(note: GiveUpNote | null): ReturnMark | null {
  const [, operation, deliveries, reason] = (note === null ? null : markPattern.exec(note.reason)) ?? [];
  return operation === undefined ? null : { operation, deliveries: Number(deliveries), reason: reason! };
}

function cut(text: string): string {
  return text.length > limits.giveUpTextBytesMax ? text.slice(0, limits.giveUpTextBytesMax) : text;
}

export class GiveUpNotes {
  /** By offset; the owner is the consumer's number, the count that of the reason. */
  readonly #notes = new PendingTable();
  /** A text's number is one above its index, so that none is `noOwner`. */
  readonly #texts: string[] = [""];
  readonly #numbers = new Map<string, number>([["", 1]]);
  #textBytes = 0;

  get size(): number {
    return this.#notes.size;
  }

  of(offset: number): GiveUpNote | null {
    const notes = this.#notes;
    const consumer = notes.ownerOf(offset);
    if (consumer === noOwner) return null;
    return {
      reason: this.#texts[notes.countOf(offset) - 1]!,
      consumer: this.#texts[consumer - 1]!,
      deliveredAt: notes.timeOf(offset),
    };
  }

  set(offset: number, { reason, consumer, deliveredAt }: GiveUpNote): void {
    this.#notes.set(offset, this.#numberOf(consumer), this.#numberOf(reason), deliveredAt);
  }

  /** Whether a note with these texts keeps them. */
  takes(reason: string, consumer: string): boolean {
    const missing = [cut(reason), cut(consumer)].filter((text) => !this.#numbers.has(text));
    return this.#hasRoom(missing.length, missing.join("").length);
  }

  #hasRoom(count: number, bytes: number): boolean {
    const { giveUpTextsMax, giveUpTextsBytesMax } = limits;
    return this.#texts.length + count <= giveUpTextsMax && this.#textBytes + bytes <= giveUpTextsBytesMax;
  }

  #numberOf(whole: string): number {
    const text = cut(whole);
    let number = this.#numbers.get(text);
    if (number !== undefined) return number;
    if (!this.#hasRoom(1, text.length)) return 1;
    this.#textBytes += text.length;
    number = this.#texts.push(text);
    this.#numbers.set(text, number);
    return number;
  }

  clear(offset: number): void {
    if (this.#notes.clear(offset) === noOwner || this.#notes.size > 0 || this.#texts.length === 1) return;
    this.#forgetTexts();
  }

  #forgetTexts(): void {
    this.#texts.length = 1;
    this.#textBytes = 0;
    this.#numbers.clear();
    this.#numbers.set("", 1);
  }

  encode(writer: ByteWriter): void {
    const notes = this.#notes;
    writer.uint32(this.#texts.length);
    for (const text of this.#texts) writer.uint32(text.length).latin1(text);
    writer.uint32(notes.size);
    notes.visit(0, Infinity, (offset) => {
      writer.int64(offset).uint32(notes.ownerOf(offset)).uint32(notes.countOf(offset));
      writer.int64(notes.timeOf(offset));
      return true;
    });
  }

  decode(reader: ByteReader): void {
    this.#notes.reset();
    this.#texts.length = 0;
    this.#textBytes = 0;
    this.#numbers.clear();
    for (let left = reader.uint32(); left > 0; left--) {
      const text = reader.latin1(reader.uint32());
      this.#textBytes += text.length;
      this.#numbers.set(text, this.#texts.push(text));
    }
    for (let left = reader.uint32(); left > 0; left--) {
      const offset = reader.int64();
      const consumer = reader.uint32();
      const reason = reader.uint32();
      this.#notes.set(offset, consumer, reason, reader.int64());
    }
  }
}
