/**
 * Replies of XREADGROUP for one stream, read in place; entries are those that the bench made: one field, `v`.
 *
 *     reply := "*-1" CRLF
 *            | "*1" CRLF "*2" CRLF bulk(stream) "*" count CRLF entry{count}
 *     entry := "*2" CRLF bulk(id) "*2" CRLF bulk("v") bulk(payload)
 *
 * Invariant: an entry or a head is told to the sink only when it is there in full, and once; what is cut at the end of
 * a chunk waits for the next.
 */
import type { Chunk } from "./connection.ts";
import { encodeBulk } from "./commands.ts";
import { errorText } from "./replies.ts";

export interface EntrySink {
  /** A reply begins; null is `*-1`, there was nothing to read. */
  head(entries: number | null): void;
  /** @param idStart of the id's bulk with its length and CRLF, as a command can hold it */
  entry(bytes: Chunk, idStart: number, idEnd: number, payload: number): void;
}

const minus = 0x2d;
const asterisk = 0x2a;
const dollar = 0x24;
const newline = 0x0a;
const zero = 0x30;
const entryOpen = "*2\r\n".length;
const fieldsOpen = "*2\r\n$1\r\nv\r\n".length;

export class EntryReader {
  readonly #sink: EntrySink;
  readonly #headBytes: number;
  /** From the payload's `$` to the end of the entry. */
  readonly #payloadBulkBytes: number;
  readonly #payloadOffset: number;
  #entriesLeft = 0;
  #cut: Chunk = new Uint8Array(0);

  constructor(sink: EntrySink, { stream, payloadBytes }: { stream: string; payloadBytes: number }) {
    this.#sink = sink;
    this.#headBytes = "*1\r\n*2\r\n".length + encodeBulk(stream).length;
    this.#payloadOffset = `$${payloadBytes}\r\n`.length;
    this.#payloadBulkBytes = this.#payloadOffset + payloadBytes + "\r\n".length;
  }

  feed(chunk: Chunk): void {
    const bytes = this.#cut.length === 0 ? chunk : Buffer.concat([this.#cut, chunk]);
    let at = 0;
    for (;;) {
      const next = this.#entriesLeft > 0 ? this.#entry(bytes, at) : this.#head(bytes, at);
      if (next < 0) break;
      at = next;
    }
    this.#cut = Buffer.from(bytes.subarray(at));
  }

  /** @returns where it ends; -1 when it is not there in full */
  #head(bytes: Chunk, at: number): number {
    if (at + 2 > bytes.length) return -1;
    if (bytes[at] === minus) throw new Error(`the server answered: ${errorText(bytes, at + 1)}`);
    if (bytes[at] !== asterisk) throw new Error(`not a reply of XREADGROUP: ${errorText(bytes, at)}`);
    if (bytes[at + 1] === minus) {
      if (at + 5 > bytes.length) return -1;
      this.#sink.head(null);
      return at + 5;
    }
    const count = at + this.#headBytes;
    const end = lineEnd(bytes, count);
    if (end < 0) return -1;
    if (bytes[count] !== asterisk) throw new Error(`not a reply of XREADGROUP: ${errorText(bytes, at)}`);
    this.#entriesLeft = numberIn(bytes, count + 1, end - 2);
    this.#sink.head(this.#entriesLeft);
    return end;
  }

  #entry(bytes: Chunk, at: number): number {
    const idStart = at + entryOpen;
    const idLength = lineEnd(bytes, idStart);
    if (idLength < 0) return -1;
    const idEnd = idLength + numberIn(bytes, idStart + 1, idLength - 2) + 2;
    const payloadBulk = idEnd + fieldsOpen;
    const end = payloadBulk + this.#payloadBulkBytes;
    if (end > bytes.length) return -1;
    if (bytes[at] !== asterisk || bytes[payloadBulk] !== dollar || bytes[end - 1] !== newline)
      throw new Error(`not an entry of the bench: ${errorText(bytes, at)}`);
    this.#entriesLeft -= 1;
    this.#sink.entry(bytes, idStart, idEnd, payloadBulk + this.#payloadOffset);
    return end;
  }
}

/** Past the line's CRLF; -1 when it is not there. */
function lineEnd(bytes: Chunk, at: number): number {
  for (let end = at; end < bytes.length; end++) if (bytes[end] === newline) return end + 1;
  return -1;
}

function numberIn(bytes: Chunk, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at++) number = number * 10 + (bytes[at]! - zero);
  return number;
}
