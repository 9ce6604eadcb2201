/**
 * The arguments of one command, as offsets into bytes: what handlers read. The parser reuses one for all commands of a
 * connection; a command that is run later (MULTI, a blocked client) is kept as a `clone()`, which owns its bytes.
 *
 * Not here: parsing of requests, what arguments mean. Invariant: for i below `argumentCount`,
 * `0 <= starts[i] <= ends[i] <= buffer.length`.
 */
import { ByteWriter, copyBytes } from "../../../base/bytes.ts";
import { parseBigInteger, parseFloatStrict, parseInteger } from "./numbers.ts";
import { decimalSize, writeNumberLine } from "./reply-writer.ts";

const initialArguments = 16;
const keptArgumentsMax = 1024;
const objectBytes = 256;
const emptyBuffer = Buffer.alloc(0);
/** Names that commands of any connection had last, by the argument's place. */
const recentNames: string[] = Array.from({ length: 8 }, () => "");
const recentNameSizeMax = 64;

export class RequestArguments {
  /** The bytes that `starts` and `ends` point into. */
  buffer: Buffer = emptyBuffer;
  /** With the command's name, which is argument 0. */
  argumentCount = 0;
  starts: Int32Array;
  ends: Int32Array;
  /**
   * Whether the arguments lie in `buffer` as canonical RESP bulk strings, one behind the other: then a run of them
   * can be copied in one go (see message/redis/entry.ts). False for inline commands.
   */
  canonical = false;

  constructor(
    starts: Int32Array = new Int32Array(initialArguments),
    ends: Int32Array = new Int32Array(initialArguments),
  ) {
    this.starts = starts;
    this.ends = ends;
  }

  /** Begins another command; a huge one does not keep its arrays. */
  clear(): void {
    this.argumentCount = 0;
    if (this.starts.length > keptArgumentsMax) {
      this.starts = new Int32Array(initialArguments);
      this.ends = new Int32Array(initialArguments);
    }
  }

  /** No command: nothing of the last one is kept. */
  empty(): void {
    this.clear();
    this.buffer = emptyBuffer;
  }

  growArguments(): void {
    const starts = new Int32Array(this.starts.length * 2);
    const ends = new Int32Array(this.starts.length * 2);
    starts.set(this.starts);
    ends.set(this.ends);
    this.starts = starts;
    this.ends = ends;
  }

  /** The arguments from `first` on as a command of their own, over the same bytes (COMMAND GETKEYS, ACL DRYRUN). */
  tail(first: number): RequestArguments {
    const { argumentCount } = this;
    const rest = new RequestArguments(
      this.starts.slice(first, argumentCount),
      this.ends.slice(first, argumentCount),
    );
    rest.buffer = this.buffer;
    rest.argumentCount = argumentCount - first;
    rest.canonical = this.canonical;
    return rest;
  }

  /** The same command, over the same bytes, which are left to it: this one is empty then. */
  take(): RequestArguments {
    const taken = new RequestArguments(this.starts, this.ends);
    taken.buffer = this.buffer;
    taken.argumentCount = this.argumentCount;
    taken.canonical = this.canonical;
    this.buffer = emptyBuffer;
    this.argumentCount = 0;
    this.starts = new Int32Array(initialArguments);
    this.ends = new Int32Array(initialArguments);
    return taken;
  }

  /** The same command in memory of its own: canonical bulks, so that it can be stored as quickly as a fresh one. */
  clone(): RequestArguments {
    return this.canonical ? this.#cloneRun() : this.#cloneEach();
  }

  /** The arguments lie one behind the other, each with its header. */
  #cloneRun(): RequestArguments {
    const count = this.argumentCount;
    const from = this.starts[0]! - decimalSize(this.size(0)) - 3;
    const to = this.ends[count - 1]! + 2;
    const kept = new RequestArguments(new Int32Array(count), new Int32Array(count));
    kept.buffer = Buffer.allocUnsafeSlow(to - from);
    copyBytes(kept.buffer, 0, this.buffer, from, to);
    for (let i = 0; i < count; i++) {
      kept.starts[i] = this.starts[i]! - from;
      kept.ends[i] = this.ends[i]! - from;
    }
    kept.argumentCount = count;
    kept.canonical = true;
    return kept;
  }

  #cloneEach(): RequestArguments {
    const count = this.argumentCount;
    let bytes = 0;
    for (let i = 0; i < count; i++) bytes += 16 + this.size(i);
    const out = new ByteWriter(bytes);
    const kept = new RequestArguments(new Int32Array(count), new Int32Array(count));
    for (let i = 0; i < count; i++) {
      writeNumberLine(out, 0x24, this.size(i));
      kept.starts[i] = out.length;
      out.bytes(this.buffer, this.starts[i], this.ends[i]);
      kept.ends[i] = out.length;
      out.uint16(0x0d0a);
    }
    kept.buffer = out.buffer;
    kept.argumentCount = count;
    kept.canonical = true;
    return kept;
  }

  /** What a clone takes, roughly. */
  get memoryBytes(): number {
    return objectBytes + this.buffer.length + this.starts.byteLength + this.ends.byteLength;
  }

  size(index: number): number {
    return this.ends[index]! - this.starts[index]!;
  }

  /** Bytes of all arguments, roughly: with the headers between them where there are any. */
  get bytes(): number {
    const last = this.argumentCount - 1;
    if (this.canonical) return this.ends[last]! - this.starts[0]!;
    let bytes = 0;
    for (let i = 0; i <= last; i++) bytes += this.size(i);
    return bytes;
  }

  /** A view of the argument: valid as long as the command is. */
  view(index: number): Buffer {
    return this.buffer.subarray(this.starts[index], this.ends[index]);
  }

  copy(index: number): Buffer {
    return Buffer.from(this.view(index));
  }

  latin1(index: number): string {
    return this.buffer.latin1Slice(this.starts[index], this.ends[index]);
  }

  /**
   * The same for a name that most commands in a row repeat (a stream, a group, a consumer): the string that the last command had
   * there, if it is the same. Comparing its bytes is cheaper than making a string, and its hash is known already.
   */
  repeatedName(index: number): string {
    const at = index % recentNames.length;
    const recent = recentNames[at]!;
    if (this.isLatin1(index, recent)) return recent;
    const name = this.latin1(index);
    if (name.length <= recentNameSizeMax) recentNames[at] = name;
    return name;
  }

  /** Whether the argument is these bytes, a Latin-1 string. Without making one. */
  isLatin1(index: number, text: string): boolean {
    const start = this.starts[index]!;
    if (this.ends[index]! - start !== text.length) return false;
    const { buffer } = this;
    for (let i = 0; i < text.length; i++) if (buffer[start + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  utf8(index: number): string {
    return this.buffer.utf8Slice(this.starts[index], this.ends[index]);
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
