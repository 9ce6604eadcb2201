/**
 * Incremental parser of RESP requests: from input chunks to commands, as offsets into the bytes that came.
 *
 *     request   = multibulk | inline
 *     multibulk = "*" count CRLF count-times("$" length CRLF length-bytes CRLF)
 *     inline    = arguments separated by blanks, with redis-cli's quotes, ended by LF or CRLF
 *
 * Not here: what a command means, replies, time. A command is not an array of arguments: it is one reused `request`,
 * offsets into the bytes that came. A command that lies whole in its chunk is not copied; one
 * that does not is gathered in a buffer that doubles, so each byte is copied a bounded number of times.
 *
 * Invariant: what `next()` gave is valid until the following call of `next()` or `feed()`; what must live longer is
 * copied by its user. Between calls, `#commandStart <= #position <= #end <= #input.length`.
 */
import { freeLargeBuffer } from "../../../base/large-buffers.ts";
import { splitInline } from "./inline-request.ts";
import { parseInteger } from "./numbers.ts";
import { RequestArguments } from "./request-arguments.ts";

const star = 0x2a;
const dollar = 0x24;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;

/** A gathering buffer that a huge command left behind is not kept for small ones. */
const shrinkFromBytes = 256 * 1024;

/** An input that is larger than four times a command and this is not kept for it. */
const keptInputBytes = 4096;
const emptyBuffer = Buffer.alloc(0);

/**
 * Redis 7.0's own bounds. It takes any 31-bit count of arguments, so what bounds a command's memory is
 * `queryBufferBytesMax`, its client-query-buffer-limit: past it redis closes the connection without a word.
 */
export interface RequestLimits {
  readonly bulkBytesMax: number;
  readonly argumentsMax: number;
  readonly lineBytesMax: number;
  readonly queryBufferBytesMax: number;
  readonly unauthenticatedArgumentsMax: number;
  readonly unauthenticatedBulkBytesMax: number;
}

export const defaultRequestLimits: RequestLimits = {
  bulkBytesMax: 512 * 1024 * 1024,
  argumentsMax: 2 ** 31 - 1,
  lineBytesMax: 64 * 1024,
  queryBufferBytesMax: 1024 * 1024 * 1024,
  unauthenticatedArgumentsMax: 10,
  unauthenticatedBulkBytesMax: 16384,
};

export class RequestParser {
  /** The command that `next()` found. */
  readonly request = new RequestArguments();
  /** Empty, or redis's text without its "ERR " prefix. After an error the parser gives nothing more. */
  error = "";
  /** The session sets this while the connection must still authenticate: tighter limits apply. */
  unauthenticated = false;

  readonly #limits: RequestLimits;
  /** Up to here a bulk's length breaks no limit, so the fast way need not look. */
  readonly #plainLengthMax: number;
  #input: Buffer = emptyBuffer;
  #owned = false;
  #commandStart = 0;
  #position = 0;
  #end = 0;
  /** Arguments still to come of the command in work; 0 between commands. */
  #argumentsLeft = 0;
  /** Length of the bulk whose bytes are awaited, -1 when its header is. */
  #bulkLength = -1;

  constructor(limits: RequestLimits = defaultRequestLimits) {
    this.#limits = limits;
    this.#plainLengthMax = Math.min(limits.bulkBytesMax, limits.unauthenticatedBulkBytesMax);
  }

  /** Bytes held that belong to no complete command yet (or to commands not taken yet). */
  get pendingBytes(): number {
    return this.#end - (this.#argumentsLeft === 0 ? this.#position : this.#commandStart);
  }

  /** Memory of its own that the parser holds for an unfinished command. */
  get heldBytes(): number {
    return this.#owned ? this.#input.length : 0;
  }

  /** Of the command that is at work or unfinished, and of what has come behind it. */
  get inputBytes(): number {
    return this.#end - this.#commandStart;
  }

  /** With the places of the arguments that have come. */
  get memoryBytes(): number {
    const { starts, ends } = this.request;
    return this.#owned ? this.#input.length + starts.byteLength + ends.byteLength : 0;
  }

  /** Nothing more is read: lets go of what has come. */
  stop(text: string): void {
    this.#fail(text);
  }

  /** Takes a chunk. It is read in place and must stay unchanged until `next()` has returned false. */
  feed(chunk: Buffer): void {
    if (this.error !== "") return;
    if (this.#argumentsLeft === 0) this.#commandStart = this.#position;
    if (this.#commandStart === this.#end) {
      // No buffer is kept for the next unfinished command: idle connections shall hold none.
      this.#release();
      this.#input = chunk;
      this.#commandStart = 0;
      this.#position = 0;
      this.#end = chunk.length;
      return;
    }
    const end = this.#end - this.#commandStart + chunk.length;
    if (end > this.#limits.queryBufferBytesMax) {
      this.#fail("Protocol error: query buffer limit exceeded");
      return;
    }
    this.#gather(chunk.length);
    this.#input.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /**
   * Steps to the next command. False: there is none until more is fed, or `error` says why there never will be.
   * Empty lines and `*0` are skipped, as redis does.
   */
  next(): boolean {
    if (this.error !== "") return false;
    for (;;) {
      if (this.#argumentsLeft === 0) {
        this.#commandStart = this.#position;
        if (this.#position === this.#end) {
          this.#release();
          this.request.empty();
          return false;
        }
        if (this.#input[this.#position] !== star) {
          const outcome = this.#inline();
          if (outcome === "command") return true;
          if (outcome === "wait") return this.#wait();
          continue;
        }
        if (!this.#multibulkHeader()) return this.#wait();
        if (this.#argumentsLeft === 0) continue;
      }
      if (!this.#bulks()) return this.#wait();
      this.request.buffer = this.#input;
      return true;
    }
  }

  /**
   * The command that `next()` found, in memory that no later one takes: for one that is answered later. A huge one is
   * handed over as it is, so that keeping it costs no copy of it.
   */
  keep(): RequestArguments {
    const { request } = this;
    // Of a large input a small command is copied: it may be kept for long.
    const size = request.ends[request.argumentCount - 1]! - request.starts[0]!;
    if (!this.#owned || this.#input.length > 4 * size + keptInputBytes) {
      const clone = request.clone();
      request.empty();
      return clone;
    }
    const kept = request.take();
    const rest = Buffer.from(this.#input.subarray(this.#position, this.#end));
    // It is the kept command's now.
    this.#owned = false;
    this.#release();
    if (rest.length > 0) {
      this.#input = rest;
      this.#owned = true;
      this.#end = rest.length;
    }
    return kept;
  }

  /** Moves what is not taken yet into memory of its own: the chunk may go though `next()` did not say false. */
  hold(): void {
    if (this.error !== "") return;
    if (this.#argumentsLeft === 0) this.#commandStart = this.#position;
    if (this.#commandStart === this.#end) this.#release();
    else this.#gather(0);
  }

  /** Reads `*count CRLF`. False: wait or failed. Leaves `#argumentsLeft` at 0 for a count of 0 or less. */
  #multibulkHeader(): boolean {
    const line = this.#findLineEnd("Protocol error: too big mbulk count string");
    if (line < 0) return false;
    const input = this.#input;
    const count = parseInteger(input, this.#position + 1, line);
    if (!(count <= this.#limits.argumentsMax)) return this.#fail("Protocol error: invalid multibulk length");
    if (this.unauthenticated && count > this.#limits.unauthenticatedArgumentsMax) {
      return this.#fail("Protocol error: unauthenticated multibulk length");
    }
    this.#position = line + 2;
    this.#argumentsLeft = count <= 0 ? 0 : count;
    this.request.clear();
    this.request.canonical = true;
    this.#bulkLength = -1;
    return true;
  }

  /** Reads the bulks of the command in work. False: wait or failed. */
  #bulks(): boolean {
    const input = this.#input;
    const end = this.#end;
    let left = this.#argumentsLeft;
    let position = this.#position;
    let length = this.#bulkLength;
    const request = this.request;
    let count = request.argumentCount;
    while (left > 0) {
      if (length < 0) {
        // The common header is `$`, one to four digits without a leading zero, CRLF; the rest goes the careful way.
        let at = position + 1;
        let value = 0;
        if (position + 7 < end && input[position] === dollar) {
          let byte = input[at]!;
          while (byte >= 0x30 && byte <= 0x39 && at < position + 5) {
            value = value * 10 + byte - 0x30;
            byte = input[++at]!;
          }
          const digits = at - position - 1;
          if (
            byte === carriageReturn &&
            input[at + 1] === lineFeed &&
            digits > 0 &&
            value <= this.#plainLengthMax &&
            (digits === 1 || input[position + 1] !== 0x30)
          ) {
            length = value;
            position = at + 2;
          }
        }
        if (length < 0) {
          this.#position = position;
          this.#argumentsLeft = left;
          request.argumentCount = count;
          this.#bulkLength = -1;
          length = this.#bulkHeader();
          if (length < 0) return false;
          position = this.#position;
        }
      }
      const bulkEnd = position + length;
      if (bulkEnd + 2 > end) {
        this.#position = position;
        this.#argumentsLeft = left;
        request.argumentCount = count;
        this.#bulkLength = length;
        return false;
      }
      if (count === request.starts.length) request.growArguments();
      request.starts[count] = position;
      request.ends[count] = bulkEnd;
      count++;
      // Redis does not look at the two bytes behind a bulk; neither do we, but such a run is not copied as it is.
      if (input[bulkEnd] !== carriageReturn || input[bulkEnd + 1] !== lineFeed) request.canonical = false;
      position = bulkEnd + 2;
      length = -1;
      left--;
    }
    this.#position = position;
    this.#argumentsLeft = 0;
    this.#bulkLength = -1;
    request.argumentCount = count;
    return true;
  }

  /** The careful way through `$length CRLF`: the length, or -1 to wait or after a failure. */
  #bulkHeader(): number {
    const line = this.#findLineEnd("Protocol error: too big bulk count string");
    if (line < 0) return -1;
    const input = this.#input;
    if (input[this.#position] !== dollar) {
      const got = String.fromCharCode(input[this.#position]!);
      this.#fail(`Protocol error: expected '$', got '${got}'`);
      return -1;
    }
    const length = parseInteger(input, this.#position + 1, line);
    if (!(length >= 0 && length <= this.#limits.bulkBytesMax)) {
      this.#fail("Protocol error: invalid bulk length");
      return -1;
    }
    if (this.unauthenticated && length > this.#limits.unauthenticatedBulkBytesMax) {
      this.#fail("Protocol error: unauthenticated bulk length");
      return -1;
    }
    if (input[line + 1] !== lineFeed) this.request.canonical = false;
    this.#position = line + 2;
    return length;
  }

  /** Where the CR of the line at `#position` is, once the byte behind it is there too; else -1, having failed or not. */
  #findLineEnd(tooLong: string): number {
    const input = this.#input;
    const end = this.#end;
    let at = this.#position;
    while (at < end && input[at] !== carriageReturn) at++;
    if (at + 1 < end) return at;
    if (at === end && end - this.#position > this.#limits.lineBytesMax) this.#fail(tooLong);
    return -1;
  }

  #inline(): "command" | "empty" | "wait" {
    const input = this.#input;
    const start = this.#position;
    let line = start;
    while (line < this.#end && input[line] !== lineFeed) line++;
    if (line === this.#end) {
      if (line - start > this.#limits.lineBytesMax) this.#fail("Protocol error: too big inline request");
      return "wait";
    }
    this.#position = line + 1;
    const lineEnd = line > start && input[line - 1] === carriageReturn ? line - 1 : line;
    if (!splitInline(input, start, lineEnd, this.request)) {
      this.#fail("Protocol error: unbalanced quotes in request");
      return "wait";
    }
    return this.request.argumentCount === 0 ? "empty" : "command";
  }

  /** Moves an unfinished command out of the caller's chunk before `next()` says false. */
  #wait(): boolean {
    if (this.error === "") this.#gather(0);
    return false;
  }

  /** Lets `#input` be memory of our own that starts with the command in work and has room for `more` bytes. */
  #gather(more: number): void {
    const shift = this.#commandStart;
    const size = this.#end - shift;
    const needed = size + more;
    if (this.#owned && shift + needed <= this.#input.length && shift === 0) return;
    let target = this.#input;
    if (!this.#owned || needed > target.length || target.length > shrinkFromBytes + 4 * needed) {
      // A claimed length never sizes the buffer by itself: what came does, at most twice over.
      const claimed = this.#bulkLength < 0 ? 0 : this.#position - shift + this.#bulkLength + 2;
      const doubled = Math.max(2 * needed, 512);
      target = Buffer.allocUnsafeSlow(claimed >= needed && claimed < doubled ? claimed : doubled);
    }
    this.#input.copy(target, 0, shift, this.#end);
    if (this.#owned && target !== this.#input) freeLargeBuffer(this.#input);
    this.#input = target;
    this.#owned = true;
    this.#commandStart = 0;
    this.#position -= shift;
    this.#end = size;
    if (shift === 0) return;
    for (let i = 0; i < this.request.argumentCount; i++) {
      this.request.starts[i] = this.request.starts[i]! - shift;
      this.request.ends[i] = this.request.ends[i]! - shift;
    }
  }

  /** All taken: the memory may go, so that an idle connection holds none. */
  #release(): void {
    if (this.#owned) freeLargeBuffer(this.#input);
    this.#input = emptyBuffer;
    this.#owned = false;
    this.#commandStart = 0;
    this.#position = 0;
    this.#end = 0;
  }

  #fail(text: string): false {
    this.error = text;
    this.request.argumentCount = 0;
    this.#release();
    return false;
  }
}
