/**
 * The commands that took longer than `slowlog-log-slower-than`, the newest `slowlog-max-len` of them.
 *
 * Not here: measuring (command-watch.ts), SLOWLOG (slowlog-commands.ts). Invariant: an entry holds at most 32 arguments of 128 bytes,
 * with a note of what was cut off, and its numbers grow for as long as the process lives.
 */
import type { RequestArguments } from "../wire/request-arguments.ts";
import { redacted, secretsOf } from "./redaction.ts";
import type { WatchedCommand } from "./watched.ts";

const argumentsMax = 32;
const argumentBytesMax = 128;

export interface SlowEntry {
  readonly id: number;
  /** Unix time in seconds. */
  readonly time: number;
  readonly microseconds: number;
  readonly arguments: readonly Buffer[];
  readonly address: string;
  readonly name: string;
}

export class SlowLog {
  /** In microseconds; below 0 nothing is kept. */
  slowerThan = 10_000;
  #lengthMax = 128;
  #nextId = 0;
  /** Oldest first. */
  #entries: SlowEntry[] = [];

  get length(): number {
    return this.#entries.length;
  }

  set lengthMax(count: number) {
    this.#lengthMax = count;
    this.#trim();
  }

  /** A command has taken that long. */
  add(context: WatchedCommand, microseconds: number): void {
    if (this.slowerThan < 0) return;
    if (microseconds >= this.slowerThan) this.#entries.push(this.#entryOf(context, microseconds));
    this.#trim();
  }

  #trim(): void {
    const excess = this.#entries.length - this.#lengthMax;
    if (excess > 0) this.#entries.splice(0, excess);
  }

  /** Newest first. */
  newest(count: number): SlowEntry[] {
    return this.#entries.slice(Math.max(this.#entries.length - count, 0)).toReversed();
  }

  reset(): void {
    this.#entries = [];
  }

  #entryOf(context: WatchedCommand, microseconds: number): SlowEntry {
    const { broker, caller, request, spec } = context;
    return {
      id: this.#nextId++,
      time: Math.floor(broker.clock.now() / 1000),
      microseconds: Math.floor(microseconds),
      arguments: shownArguments(request, secretsOf(spec, request)),
      address: caller.address,
      name: caller.name,
    };
  }
}

function shownArguments(request: RequestArguments, secrets: ReadonlySet<number> | null): Buffer[] {
  const { argumentCount } = request;
  const isCut = argumentCount > argumentsMax;
  const shown: Buffer[] = [];
  const count = isCut ? argumentsMax - 1 : argumentCount;
  for (let at = 0; at < count; at++)
    shown.push(secrets?.has(at) === true ? Buffer.from(redacted) : shownArgument(request, at));
  if (isCut) shown.push(Buffer.from(`... (${argumentCount - argumentsMax + 1} more arguments)`));
  return shown;
}

function shownArgument({ buffer, starts, ends }: RequestArguments, index: number): Buffer {
  const start = starts[index]!;
  const end = ends[index]!;
  const more = end - start - argumentBytesMax;
  if (more <= 0) return Buffer.from(buffer.subarray(start, end));
  const kept = buffer.subarray(start, start + argumentBytesMax);
  return Buffer.concat([kept, Buffer.from(`... (${more} more bytes)`)]);
}
