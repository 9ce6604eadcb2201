/**
 * Commands that a script calls: on behalf of the script's caller, with a context, a request and a reply of their own.
 *
 * One for a machine, used by one script after the other. A command's arguments are where Lua has them, if all are strings; numbers are
 * written out, and then all are copied. Lua runs neither while the command does nor before its reply is read, so its strings stay.
 * Invariant: `outer` is set while a script runs, and only then.
 */
import { ByteWriter, copyBytes } from "../../../../base/bytes.ts";
import type { Authorization } from "../../../../broker/access/permissions.ts";
import { AclCheck } from "../../acl/check.ts";
import type { AclRefusal, Refusal } from "../../acl/refusal.ts";
import type { Caller } from "../../core/caller.ts";
import { CommandContext } from "../../core/context.ts";
import type { RedisServer } from "../../server.ts";
import { RequestArguments } from "../../wire/request-arguments.ts";
import { decimalSize, writeDecimal, writeNumberLine } from "../../wire/reply-writer.ts";

const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const keptBytes = 64 << 10;

export class ScriptCaller implements Caller {
  outer: Caller | null = null;
  readonly place = "lua";
  /** As redis shows what has no connection. */
  readonly address = "?:0";
  readonly name = "";
  readonly later = null;
  readonly context: CommandContext;
  readonly #acl: AclCheck;
  selector: Authorization | null = null;
  readonly #requestBytes = new ByteWriter(1024);
  readonly #out = new ByteWriter(1024);
  readonly #request = new RequestArguments();
  /** Where the arguments are, if nothing was copied. */
  #inPlace: Buffer | null = null;

  constructor(server: RedisServer) {
    this.#acl = new AclCheck(server.commandRules);
    this.context = new CommandContext({
      server,
      caller: this,
      client: null,
      out: this.#out,
      request: this.#request,
    });
  }

  get login(): Authorization | null {
    return this.outer!.login;
  }

  get authorization(): Authorization | null {
    return this.selector ?? this.outer!.login;
  }

  get user(): string {
    return this.outer!.user;
  }

  get host(): string {
    return this.outer!.host;
  }

  refusalOf(context: CommandContext): Refusal | null {
    return this.#acl.refusalOf(context, false);
  }

  noteRefusal(refusal: AclRefusal): void {
    this.outer!.noteRefusal(refusal);
  }

  publisherSeen(): void {
    this.outer!.publisherSeen();
  }

  writerSeen(): void {
    this.outer!.writerSeen();
  }

  holdUntilDurable(): void {
    this.outer!.holdUntilDurable();
  }

  /** Begins a command whose arguments, which follow by `argumentAt`, are all in `bytes`. */
  beginInPlace(bytes: Buffer): void {
    this.#inPlace = bytes;
    this.#request.clear();
    this.#request.canonical = false;
  }

  /** The next argument is `bytes[start, end)` of those. */
  argumentAt(start: number, end: number): void {
    this.#place(start, end);
  }

  /** Begins another command: its arguments follow. */
  begin(): void {
    this.#inPlace = null;
    this.#requestBytes.length = 0;
    this.#request.clear();
    this.#request.canonical = true;
  }

  /** The next argument is `bytes[start, end)`. */
  argument(bytes: Uint8Array, start: number, end: number): void {
    const size = end - start;
    const digits = decimalSize(size);
    // Room for all of it at once: this runs for each argument of each command.
    const writer = this.#requestBytes;
    let at = writer.reserve(digits + size + 5);
    const { buffer } = writer;
    buffer[at++] = 0x24;
    writeDecimal(buffer, at, digits, size);
    at += digits;
    buffer[at++] = carriageReturn;
    buffer[at++] = lineFeed;
    copyBytes(buffer, at, bytes, start, end);
    this.#place(at, (at += size));
    buffer[at++] = carriageReturn;
    buffer[at] = lineFeed;
  }

  argumentText(text: string): void {
    const writer = this.#requestBytes;
    writeNumberLine(writer, 0x24, text.length);
    this.#place(writer.length, writer.length + text.length);
    writer.latin1(text);
    writer.uint16(0x0d0a);
  }

  #place(start: number, end: number): void {
    const request = this.#request;
    if (request.argumentCount === request.starts.length) request.growArguments();
    request.starts[request.argumentCount] = start;
    request.ends[request.argumentCount] = end;
    request.argumentCount++;
  }

  /** The command is whole. Returns the context to run it in, whose reply is empty. */
  prepared(): CommandContext {
    const { context } = this;
    this.#request.buffer = this.#inPlace ?? this.#requestBytes.buffer;
    context.request = this.#request;
    context.reply.out = this.#out;
    this.#out.length = 0;
    return context;
  }

  get replyBytes(): Buffer {
    return this.#out.buffer;
  }

  get replyLength(): number {
    return this.#out.length;
  }

  /** The script has ended: what one huge command took is given back. */
  release(): void {
    this.outer = null;
    this.#inPlace = null;
    if (this.#requestBytes.buffer.length > keptBytes) this.#requestBytes.shrink(1024);
    if (this.#out.buffer.length > keptBytes) this.#out.shrink(1024);
    this.#request.empty();
  }
}
