/**
 * The history of the channels of one rule: their messages of the last while, in one log, in the order in which they were published.
 *
 *     record = a stream entry (message/redis/entry.ts) with the fields "channel" and "message"
 *
 * All channels of a rule share its bounds, so their number costs nothing, and a walk over several of them keeps the order
 * between them. Not here: which channels (live-histories.ts), who reads (catch-up.ts).
 * Invariants: after each tick the log is within its bound on number, and at most an eighth above the one on bytes; what is too old is
 * never shown.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import type { Clock } from "../../../base/clock.ts";
import { compileGlob, type Glob } from "../../../base/patterns/glob.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { envelope } from "../../../message/envelope.ts";
import { EntryReader, writeEntryHeader, writeEntryPart } from "../../../message/redis/entry.ts";
import type { Log, LogReader } from "../../../storage/index.ts";
import { appendRecord } from "../../exchange/outgoing-message.ts";
import type { LogWaiter } from "../../queue/readers.ts";
import type { Queue } from "../../queue/queue.ts";
import type { HistoryRule } from "./rules.ts";

const channelField = Buffer.from("channel");
const messageField = Buffer.from("message");
const scratch = new ByteWriter(256);
const scratchBytesKept = 1 << 20;
/** The log's age is looked at this often at most. */
const ageLookMs = 1000;
const fields = new EntryReader();

/** Where the parts of a message lie in a reader's buffer; valid until the next call of `partsOf`. */
export interface MessageParts {
  channelStart: number;
  channelEnd: number;
  start: number;
  end: number;
}

const parts: MessageParts = { channelStart: 0, channelEnd: 0, start: 0, end: 0 };

export function partsOf({ buffer, start, end }: LogReader): MessageParts {
  fields.open(buffer, start, end);
  fields.next();
  parts.channelStart = fields.valueStart;
  parts.channelEnd = fields.valueEnd;
  fields.next();
  parts.start = fields.valueStart;
  parts.end = fields.valueEnd;
  return parts;
}

export class ChannelHistory implements LogWaiter {
  rule: HistoryRule;
  readonly queue: Queue;
  /** The id of the message that was kept last in this turn. */
  readonly lastId = new EntryId();
  readonly #glob: Glob;
  readonly #clock: Clock;
  #agedAt = 0;

  constructor(rule: HistoryRule, queue: Queue, clock: Clock) {
    this.rule = rule;
    this.queue = queue;
    this.#clock = clock;
    this.#glob = compileGlob(Buffer.from(rule.pattern, "latin1"));
    queue.waiters.add(this);
  }

  get log(): Log {
    return this.queue.log;
  }

  holds(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#glob.matches(bytes, start, end);
  }

  keep(
    source: Uint8Array,
    channelStart: number,
    channelEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (scratch.buffer.length > scratchBytesKept) scratch.buffer = Buffer.allocUnsafeSlow(256);
    scratch.reset();
    writeEntryHeader(scratch, 2);
    writeEntryPart(scratch, channelField);
    writeEntryPart(scratch, source, channelStart, channelEnd);
    writeEntryPart(scratch, messageField);
    writeEntryPart(scratch, bytes, start, end);
    appendRecord(this.log.group, envelope.redis, scratch.buffer, 0, scratch.length);
    this.log.store.readReservedId(this.lastId);
  }

  /** Makes what was kept in this turn readable; returns the offset that comes next. */
  seal(): number {
    this.log.store.seal();
    return this.log.stableEnd;
  }

  /** Messages before this wall time are not shown any more. */
  get oldest(): number {
    return this.#clock.now() - this.rule.windowMs;
  }

  /** The end of a tick in which something was kept. */
  logChanged(): void {
    if (!this.queue.isDeleted) this.enforce();
  }

  enforce(): void {
    const { log, rule, oldest } = this;
    if (log.length > rule.messages)
      log.removeBelow(log.removed.offsetAfter(log.length - rule.messages, log.stableEnd));
    if (log.bytes > rule.bytes + rule.bytes / 8) log.removeBelow(log.offsetForBytes(rule.bytes));
    // What is too old is not shown in any case: when it goes is a question of memory alone.
    const now = this.#clock.now();
    if (Math.abs(now - this.#agedAt) < Math.min(rule.windowMs / 8, ageLookMs)) return;
    this.#agedAt = now;
    if (log.length > 0 && log.timestampOfFirst() < oldest) {
      const from = log.offsetOfTimestamp(oldest);
      log.removeBelow(from < 0 ? log.stableEnd : from);
    }
  }
}
