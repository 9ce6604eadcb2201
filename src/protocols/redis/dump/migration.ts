/**
 * One MIGRATE under way: a connection to another server, over which the keys go one after the other as RESTORE commands.
 *
 *     to the other server = [AUTH], SELECT, { RESTORE key ttl payload [REPLACE] }, all before the answers are waited for
 *
 * Nobody waits for it but its client: values are serialized in slices, no more than `migrationBytesUnsentMax` is on its way beside one value,
 * and the keys are claimed, so that they stay as they are until the end. A caller that cannot wait for a claimed key ends the migration.
 * A stream, which no claim holds, is kept where it has grown or shrunk meanwhile. Not here: arguments (migrate.ts).
 * Invariants: a key is deleted when the other server has said that it has it, and not before; the client is answered once.
 */
import type { Timer } from "../../../base/clock.ts";
import type { Dialed, DialEvents } from "../../../base/connection.ts";
import { limits } from "../../../base/limits.ts";
import { type Job, Piece, type RunningJob } from "../../../base/turn-work.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { Claim } from "../core/claims/claims.ts";
import { slicesOfCommand } from "../core/claims/command-slices.ts";
import { madeAside, wantsOf } from "../core/claims/key-wants.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import type { LaterReplies, LaterReply, LaterWork } from "../core/later-reply.ts";
import { PartedReply } from "../core/parted-reply.ts";
import { unitsOfBytes } from "../core/sliced-reply.ts";
import { keyAt } from "../keys/key-ref.ts";
import { keyEvents } from "../notifications/key-events.ts";
import { ReplyParser } from "../wire/reply-parser.ts";
import { serialize } from "./dump.ts";
import { Payload } from "./payload.ts";

const unitsOfKey = 4;
/** A reply to RESTORE is a line. */
const replyBytesMax = 64 << 10;
const lineEnd = Buffer.from("\r\n");

export interface MigrationPlan {
  /** Arguments that are keys. */
  readonly keys: readonly number[];
  readonly database: number;
  readonly timeoutMs: number;
  readonly isCopy: boolean;
  readonly replaces: boolean;
  /** Arguments for AUTH; empty without. */
  readonly login: readonly number[];
  readonly restore: "RESTORE" | "RESTORE-ASKING";
}

/** A stream as it was when it was serialized. */
interface SentStream {
  readonly stream: Queue;
  readonly end: number;
  readonly length: number;
}

/** A key that the other server has been sent. */
interface SentKey {
  readonly index: number;
  readonly stream: SentStream | null;
}

export class Migration implements LaterWork, DialEvents {
  readonly isWork = true;
  readonly #context: CommandContext;
  readonly #replies: LaterReplies;
  readonly #plan: MigrationPlan;
  readonly #parser = new ReplyParser();
  readonly #claim: Claim;
  #later!: LaterReply;
  #dialed: Dialed | null = null;
  #isOpen = false;
  #isOver = false;
  #timer: Timer | null = null;
  /** Writes all that the other server is to get; at rest where that takes no more. */
  readonly #sending: Job<void>;
  #isSent = false;
  #sendRun: RunningJob | null = null;
  #readRun: RunningJob | null = null;
  /** What was sent and is not answered yet, from `#answered` on. */
  readonly #sent: SentKey[] = [];
  #answered = 0;
  /** Answers that come before those to keys: of AUTH and SELECT. */
  #greetings: number;
  /** Why the other server refused: of AUTH, else SELECT, else a key. */
  #refusal: string | null = null;
  #isRefusedForAll = false;
  #changedMeanwhile = 0;

  constructor(context: CommandContext, replies: LaterReplies, plan: MigrationPlan) {
    this.#context = context;
    this.#replies = replies;
    this.#plan = plan;
    this.#greetings = plan.login.length > 0 ? 2 : 1;
    this.#claim = new Claim(context.server.claims, madeAside(wantsOf([context], context.database)));
    this.#sending = this.#send();
  }

  begin(): void {
    const { server, request } = this.#context;
    this.#later = this.#replies.beginLater(this);
    server.migrations++;
    this.#claim.hold({ finish: () => this.#giveWay() });
    // As redis reads it: digits as far as they go, and the lowest 16 bits.
    const port = (Number.parseInt(request.latin1(2), 10) || 0) & 0xffff;
    if (server.dial === null || request.size(1) === 0) return this.#cannotConnect();
    this.#dialed = server.dial({ host: request.utf8(1), port }, this);
    this.#arm();
  }

  // Events of the connection

  opened(): void {
    this.#isOpen = true;
    this.#arm();
    this.#sendSome();
  }

  drained(): void {
    this.#arm();
    this.#sendSome();
  }

  received(bytes: Buffer): void {
    this.#parser.feed(Buffer.from(bytes));
    if (this.#parser.pendingBytes > replyBytesMax) return this.#broken();
    this.#readSome();
  }

  closed(isFound: boolean): void {
    this.#dialed = null;
    // Redis notices with the first write that it was refused.
    if (isFound) this.#isOpen = true;
    this.#sendRun?.cancel();
    // What it answered before counts.
    if (this.#readRun === null) this.#broken();
  }

  // The time that one step may take

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = this.#context.broker.timers.after(this.#plan.timeoutMs, () => this.#timeIsUp());
  }

  #timeIsUp(): void {
    // Nothing is expected of the other server while a value is serialized.
    const isAwaited = !this.#isOpen || this.#isSent || (this.#dialed?.unsentBytes ?? 0) > 0;
    if (isAwaited) this.#broken();
    else this.#arm();
  }

  #broken(): void {
    if (!this.#isOpen) return this.#cannotConnect();
    const isWriting = !this.#isSent || (this.#dialed?.unsentBytes ?? 0) > 0;
    this.#fail(`IOERR error or timeout ${isWriting ? "writing" : "reading"} to target instance`);
  }

  #cannotConnect(): void {
    this.#fail("IOERR error or timeout connecting to the client");
  }

  // Writing

  #sendSome(): void {
    if (this.#isOver || this.#isSent || this.#sendRun !== null) return;
    let isOver = false;
    const run = this.#context.broker.work.run(this.#part(this.#sendingUntilFull()), (outcome) => {
      isOver = true;
      this.#sendRun = null;
      if ("error" in outcome) this.#failBy(outcome.error);
      else this.#endIfDone();
    });
    if (!isOver) this.#sendRun = run;
  }

  #part(job: Job<void>): Job<void> {
    return this.#claim.part(slicesOfCommand(this.#context, job));
  }

  get #isFull(): boolean {
    return this.#dialed === null || this.#dialed.unsentBytes > limits.migrationBytesUnsentMax;
  }

  *#sendingUntilFull(): Job<void> {
    while (!this.#isFull && !this.#isOver) {
      const step = this.#sending.next();
      if (step.done === true) {
        this.#isSent = true;
        // The last answer may take its time from now on.
        this.#arm();
        return;
      }
      yield step.value;
    }
  }

  *#send(): Job<void> {
    const { login, database, keys } = this.#plan;
    if (login.length > 0) this.#write(["AUTH", ...login.map((index) => this.#argument(index))]);
    this.#write(["SELECT", String(database)]);
    for (const index of keys) yield* this.#sendKey(index);
    this.#replies.holdLater(0);
  }

  *#sendKey(index: number): Job<void> {
    const context = this.#context;
    const plan = this.#plan;
    const now = context.broker.clock.now();
    const key = keyAt(context, index);
    // It may have been due before, or gone with a stream.
    if (!key.exists || (key.expiry > 0 && key.expiry < now)) return;
    const ttl = key.expiry === 0 ? 0 : Math.max(key.expiry - now, 1);
    const parts = new PartedReply(context.reply.version);
    const payload = new Payload(parts);
    const sent = key.stream === undefined ? null : sentStream(key.stream);
    for (const units of serialize(payload, key)) {
      parts.settle();
      this.#replies.holdLater(parts.bytes);
      yield units;
    }
    const chunks = yield* payload.close();
    const replace = plan.replaces ? ["REPLACE"] : [];
    this.#writeHead(4 + replace.length);
    for (const word of [plan.restore, this.#argument(index), String(ttl)]) this.#writeBulk(word);
    this.#dialed!.write(Buffer.from(`$${chunks.reduce((sum, { length }) => sum + length, 0)}\r\n`));
    this.#sent.push({ index, stream: sent });
    for (const chunk of chunks) {
      this.#dialed!.write(chunk);
      yield unitsOfBytes(chunk.length);
    }
    this.#dialed!.write(lineEnd);
    for (const word of replace) this.#writeBulk(word);
    yield unitsOfKey;
  }

  #argument(index: number): Buffer {
    const { buffer, starts, ends } = this.#context.request;
    return Buffer.from(buffer.subarray(starts[index], ends[index]));
  }

  #write(words: readonly (string | Buffer)[]): void {
    this.#writeHead(words.length);
    for (const word of words) this.#writeBulk(word);
  }

  #writeHead(count: number): void {
    this.#dialed!.write(Buffer.from(`*${count}\r\n`));
  }

  #writeBulk(word: string | Buffer): void {
    const bytes = Buffer.from(word);
    this.#dialed!.write(Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, lineEnd]));
  }

  // Reading

  #readSome(): void {
    if (this.#isOver || this.#readRun !== null) return;
    let isOver = false;
    const run = this.#context.broker.work.run(this.#part(this.#reading()), (outcome) => {
      isOver = true;
      this.#readRun = null;
      if ("error" in outcome) this.#broken();
      else this.#endIfDone();
      if (this.#dialed === null && !this.#isOver) this.#broken();
    });
    if (!isOver) this.#readRun = run;
  }

  *#reading(): Job<void> {
    const piece = new Piece();
    for (let reply = this.#parser.next(); reply !== undefined; reply = this.#parser.next()) {
      // A whole answer is progress: single bytes could hold the keys for ever.
      this.#arm();
      const refusal = reply.type === "error" ? reply.text : null;
      if (this.#greetings > 0) this.#greeted(refusal);
      else if (this.#answered < this.#sent.length) this.#restored(this.#sent[this.#answered++]!, refusal);
      const due = piece.add(unitsOfKey);
      if (due > 0) yield due;
      if (this.#isOver) return;
    }
  }

  #greeted(refusal: string | null): void {
    this.#greetings--;
    if (refusal === null) return;
    this.#isRefusedForAll = true;
    this.#refusal ??= refusal;
  }

  #restored({ index, stream }: SentKey, refusal: string | null): void {
    if (refusal !== null || this.#isRefusedForAll) {
      this.#refusal ??= refusal;
      return;
    }
    if (this.#plan.isCopy) return;
    const key = keyAt(this.#context, index);
    if (stream !== null && hasChanged(stream)) this.#changedMeanwhile++;
    else if (key.remove()) this.#context.notify(keyEvents.del, index);
  }

  // The end

  #endIfDone(): void {
    if (this.#isOver || !this.#isSent || this.#greetings > 0 || this.#answered < this.#sent.length) return;
    if (this.#refusal !== null) this.#fail(`ERR Target instance replied with error: ${this.#refusal}`);
    else if (this.#changedMeanwhile > 0)
      this.#fail(
        `IOERR ${this.#changedMeanwhile} of the keys are streams that changed meanwhile: they stay; try again with REPLACE`,
      );
    else this.#end(() => this.#context.reply.ok());
  }

  #fail(text: string): void {
    this.#failBy(new RedisError(text));
  }

  #failBy(error: unknown): void {
    this.#end(() => {
      throw error;
    });
  }

  /** Somebody needs the keys who cannot wait. The client is told in a later turn, since the reply may let its next request begin. */
  #giveWay(): void {
    if (this.#isOver) return;
    this.abandon();
    this.#context.broker.timers.atTickEnd(() =>
      this.#later.answer(() => {
        throw new RedisError("IOERR a script, or a client that waits, needed the keys; try again");
      }),
    );
  }

  #end(answer: () => void): void {
    if (this.#isOver) return;
    this.abandon();
    this.#later.answer(answer);
  }

  abandon(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#context.server.migrations--;
    this.#timer?.cancel();
    this.#dialed?.destroy();
    this.#sendRun?.cancel();
    this.#readRun?.cancel();
    this.#claim.letGo();
  }
}

function sentStream(stream: Queue): SentStream {
  const { log } = stream;
  log.store.seal();
  return { stream, end: log.nextOffset, length: log.length };
}

function hasChanged({ stream, end, length }: SentStream): boolean {
  const { log } = stream;
  return stream.isDeleted || log.nextOffset !== end || log.length !== length;
}
