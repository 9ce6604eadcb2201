/**
 * Incremental parser of RESP requests: from input chunks to commands, as offsets into the bytes that came.
 *
 *     request   = multibulk | inline
 *     multibulk = "*" count CRLF count-times("$" length CRLF length-bytes CRLF)
 *     inline    = arguments separated by blanks, with redis-cli's quotes, ended by LF or CRLF
 *
 * Not here: what a command means, replies, time. A command is neither an object nor an array: it is `argumentCount`,
 * and `starts[i]`, `ends[i]` into `buffer`, all reused. A command that lies whole in its chunk is not copied; one
 * that does not is gathered in a buffer that doubles, so each byte is copied a bounded number of times.
 *
 * Invariant: what `next()` gave is valid until the following call of `next()` or `feed()`; what must live longer is
 * copied by its user. Between calls, `#commandStart <= #position <= #end <= #input.length`.
 */
import { parseFloatStrict, parseInteger, parseBigInteger } from "./numbers.ts";

const star = 0x2a;
const dollar = 0x24;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;

const emptyBuffer = Buffer.alloc(0);
const keptBufferBytesMax = 16 * 1024;
const keptArgumentsMax = 1024;

/** Redis's own bounds; `queryBufferBytesMax` is its client-query-buffer-limit. */
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
  argumentsMax: 1024 * 1024,
  lineBytesMax: 64 * 1024,
  queryBufferBytesMax: 1024 * 1024 * 1024,
  unauthenticatedArgumentsMax: 10,
  unauthenticatedBulkBytesMax: 16384,
};

export class RequestParser {
  /** The bytes that `starts` and `ends` point into. */
  buffer: Buffer = emptyBuffer;
  argumentCount = 0;
  starts = new Int32Array(16);
  ends = new Int32Array(16);
  /**
   * Whether the arguments lie in `buffer` as canonical RESP bulk strings, one behind the other: then a run of them
   * can be copied in one go (see message/redis-entry.ts). False for inline commands.
   */
  canonical = false;
  /** Empty, or redis's text without its "ERR " prefix. After an error the parser gives nothing more. */
  error = "";
  /** The session sets this while the connection must still authenticate: tighter limits apply. */
  unauthenticated = false;

  readonly #limits: RequestLimits;
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
  }

  /** Bytes held that belong to no complete command yet (or to commands not taken yet). */
  get pendingBytes(): number {
    return this.#end - this.#commandStart;
  }

  /** Takes a chunk. It is read in place and must stay unchanged until `next()` has returned false. */
  feed(chunk: Buffer): void {
    if (this.error !== "") return;
    if (this.#commandStart === this.#end) {
      if (this.#owned && this.#input.length > keptBufferBytesMax) this.#owned = false;
      // A small gathering buffer is not worth keeping for idle connections either: the next one is as cheap.
      this.#owned = false;
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
      this.buffer = this.#input;
      return true;
    }
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
    this.argumentCount = 0;
    this.canonical = true;
    this.#bulkLength = -1;
    if (this.starts.length > keptArgumentsMax) {
      this.starts = new Int32Array(16);
      this.ends = new Int32Array(16);
    }
    return true;
  }

  /** Reads the bulks of the command in work. False: wait or failed. */
  #bulks(): boolean {
    const input = this.#input;
    const end = this.#end;
    let left = this.#argumentsLeft;
    let position = this.#position;
    let length = this.#bulkLength;
    let count = this.argumentCount;
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
            (digits === 1 || input[position + 1] !== 0x30)
          ) {
            length = value;
            position = at + 2;
          }
        }
        if (length < 0) {
          this.#position = position;
          this.#argumentsLeft = left;
          this.argumentCount = count;
          length = this.#bulkHeader();
          if (length < 0) return false;
          position = this.#position;
        }
      }
      const bulkEnd = position + length;
      if (bulkEnd + 2 > end) {
        this.#position = position;
        this.#argumentsLeft = left;
        this.argumentCount = count;
        this.#bulkLength = length;
        return false;
      }
      if (count === this.starts.length) this.#growArguments();
      this.starts[count] = position;
      this.ends[count] = bulkEnd;
      count++;
      // Redis does not look at the two bytes behind a bulk; neither do we, but such a run is not copied as it is.
      if (input[bulkEnd] !== carriageReturn || input[bulkEnd + 1] !== lineFeed) this.canonical = false;
      position = bulkEnd + 2;
      length = -1;
      left--;
    }
    this.#position = position;
    this.#argumentsLeft = 0;
    this.#bulkLength = -1;
    this.argumentCount = count;
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
    if (input[line + 1] !== lineFeed) this.canonical = false;
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
    this.canonical = false;
    if (!this.#splitInline(start, lineEnd)) {
      this.#fail("Protocol error: unbalanced quotes in request");
      return "wait";
    }
    return this.argumentCount === 0 ? "empty" : "command";
  }

  /**
   * Splits a line as redis's sdssplitargs: double quotes know \n \r \t \b \a \xHH and take any other escaped byte as
   * itself, single quotes know \', and a closing quote must be followed by a blank. False: quotes do not balance.
   */
  #splitInline(start: number, end: number): boolean {
    const input = this.#input;
    const text = Buffer.allocUnsafe(end - start);
    this.buffer = text;
    this.argumentCount = 0;
    let size = 0;
    let at = start;
    for (;;) {
      while (at < end && isBlank(input[at]!)) at++;
      if (at === end || input[at] === 0) return true;
      if (this.argumentCount === this.starts.length) this.#growArguments();
      this.starts[this.argumentCount] = size;
      let quote = 0;
      for (;;) {
        const byte = at < end ? input[at]! : 0;
        if (byte === 0) {
          // A zero byte ends the line here as it does in redis, whose strings end there.
          if (quote !== 0) return false;
          at = at < end ? end : at;
          break;
        }
        if (quote === 0) {
          if (byte === 0x20 || byte === lineFeed || byte === carriageReturn || byte === 0x09) break;
          if (byte === 0x22 || byte === 0x27) quote = byte;
          else text[size++] = byte;
        } else if (byte === 0x5c && quote === 0x22 && isHexEscape(input, at, end)) {
          text[size++] = (hexValue(input[at + 2]!) << 4) | hexValue(input[at + 3]!);
          at += 3;
        } else if (byte === 0x5c && quote === 0x22 && at + 1 < end) {
          text[size++] = unescaped(input[++at]!);
        } else if (byte === 0x5c && quote === 0x27 && at + 1 < end && input[at + 1] === 0x27) {
          text[size++] = 0x27;
          at++;
        } else if (byte === quote) {
          if (at + 1 < end && input[at + 1] !== 0 && !isBlank(input[at + 1]!)) return false;
          at++;
          break;
        } else text[size++] = byte;
        at++;
      }
      this.ends[this.argumentCount++] = size;
    }
  }

  #growArguments(): void {
    const starts = new Int32Array(this.starts.length * 2);
    const ends = new Int32Array(this.starts.length * 2);
    starts.set(this.starts);
    ends.set(this.ends);
    this.starts = starts;
    this.ends = ends;
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
    if (!this.#owned || needed > target.length) {
      // A claimed length never sizes the buffer by itself: what came does, at most twice over.
      const claimed = this.#bulkLength < 0 ? 0 : this.#position - shift + this.#bulkLength + 2;
      const doubled = Math.max(2 * needed, 512);
      target = Buffer.allocUnsafeSlow(claimed >= needed && claimed < doubled ? claimed : doubled);
    }
    this.#input.copy(target, 0, shift, this.#end);
    this.#input = target;
    this.#owned = true;
    this.#commandStart = 0;
    this.#position -= shift;
    this.#end = size;
    if (shift === 0) return;
    for (let i = 0; i < this.argumentCount; i++) {
      this.starts[i] = this.starts[i]! - shift;
      this.ends[i] = this.ends[i]! - shift;
    }
  }

  /** All taken: the memory may go, so that an idle connection holds none. */
  #release(): void {
    this.#input = emptyBuffer;
    this.#owned = false;
    this.#commandStart = 0;
    this.#position = 0;
    this.#end = 0;
  }

  #fail(text: string): false {
    this.error = text;
    this.argumentCount = 0;
    this.#release();
    return false;
  }

  // What a command does with its arguments. `index` is below `argumentCount`; 0 is the command's name.

  size(index: number): number {
    return this.ends[index]! - this.starts[index]!;
  }

  /** A view of the argument: valid as long as the command is. */
  view(index: number): Buffer {
    return this.buffer.subarray(this.starts[index]!, this.ends[index]!);
  }

  copy(index: number): Buffer {
    return Buffer.from(this.view(index));
  }

  latin1(index: number): string {
    return this.buffer.latin1Slice(this.starts[index]!, this.ends[index]!);
  }

  utf8(index: number): string {
    return this.buffer.utf8Slice(this.starts[index]!, this.ends[index]!);
  }

  /** A 64-bit integer in redis's strict spelling, else NaN. Beyond 2^53 it is rounded: see `bigInteger`. */
  integer(index: number): number {
    return parseInteger(this.buffer, this.starts[index]!, this.ends[index]!);
  }

  bigInteger(index: number): bigint | undefined {
    return parseBigInteger(this.buffer, this.starts[index]!, this.ends[index]!);
  }

  /** A finite or infinite number as redis takes it, else NaN. */
  float(index: number): number {
    return parseFloatStrict(this.buffer, this.starts[index]!, this.ends[index]!);
  }

  /** Whether the argument is `word`, which is upper-case ASCII, in any case. */
  is(index: number, word: string): boolean {
    const start = this.starts[index]!;
    const size = word.length;
    if (this.ends[index]! - start !== size) return false;
    const buffer = this.buffer;
    for (let i = 0; i < size; i++) {
      const byte = buffer[start + i]!;
      if ((byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte) !== word.charCodeAt(i)) return false;
    }
    return true;
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

function isHexEscape(input: Buffer, at: number, end: number): boolean {
  return (
    at + 3 < end && input[at + 1] === 0x78 && hexValue(input[at + 2]!) >= 0 && hexValue(input[at + 3]!) >= 0
  );
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function unescaped(byte: number): number {
  switch (byte) {
    case 0x6e:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
      return 0x09;
    case 0x62:
      return 0x08;
    case 0x61:
      return 0x07;
    default:
      return byte;
  }
}
