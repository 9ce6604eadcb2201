/**
 * Commands that may take long run as jobs (base/turn-work.ts) over several turns, while other clients are served. Their reply is
 * gathered first, then written to the connection as fast as the client reads.
 *
 * Not here: what the jobs do. A job writes to `context.reply`, and yields where other clients may be served; the keys that its command
 * names stay as they are meanwhile (claims/claims.ts), streams and other keys may change.
 * A caller whose commands must answer at once (EXEC, a script) has the job run to its end. What was gathered is in the account of
 * bytes in flight, beside the request. Invariant: nothing of the reply is in the connection's output before all of it is known, so
 * an error can still be the reply; once a part is in there, the rest follows with nothing in between.
 */
import type { ByteWriter } from "../../../base/bytes.ts";
import { finishNow, type Job, type JobOutcome, type RunningJob } from "../../../base/turn-work.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { Claim } from "./claims/claims.ts";
import type { KeyWant } from "./claims/key-modes.ts";
import { slicesOfCommand } from "./claims/command-slices.ts";
import { madeAside, wantsOf } from "./claims/key-wants.ts";
import { wholeEffect } from "./claims/whole-effect.ts";
import { limits } from "../../../base/limits.ts";
import type { CommandContext } from "./context.ts";
import { replyError } from "./dispatch.ts";
import { RedisError } from "./errors.ts";
import type { LaterReplies, LaterReply, LaterWork } from "./later-reply.ts";
import { PartedReply } from "./parted-reply.ts";

const bytesOfUnit = 1024;
/** A command over this many arguments or entries, or fewer, runs at once, without the cost of a job. */
export const directItemsMax = 1000;
/** A reply that grows above this size while it is written at once is written by a job instead. */
export const directBytesMax = 1 << 20;

export function unitsOfBytes(bytes: number): number {
  return bytes / bytesOfUnit;
}

export interface SliceOptions {
  /** Pub/Sub messages are kept back until the reply was sent: they may come from channels that it confirms. */
  readonly holdsPushes?: boolean;
  /** The job begins once this has ended; the job of a caller that cannot wait begins at once. */
  readonly loading?: Promise<unknown> | null;
  /**
   * The job changes values in its slices; any other does so in one step, at its end. The changes are in the journal all at once, at its end, and it goes on to that end though its
   * client has gone. It must not fail once it has changed something.
   */
  readonly isWhole?: boolean;
}

/** Answers by a job, in slices. The request in `context` stays valid until the job ends. */
export function answerInSlices(
  context: CommandContext,
  start: (parts: PartedReply) => Job<void>,
  options: SliceOptions = {},
): void {
  const parts = new PartedReply(context.reply.version);
  const { later } = context.caller;
  if (later === null) {
    // The job itself throws when what it needs is not loaded.
    options.loading?.catch(() => {});
    return answerNow(
      context,
      bounded(start(parts), parts, () => {}),
      parts,
    );
  }
  // Before the job is made, so that what it takes from `context.request` lasts.
  later.keepRequest();
  const { isWhole = false } = options;
  const reply = new SlicedReply(context, parts, later, isWhole);
  const job = slicesOfCommand(context, start(parts));
  if (isWhole)
    return reply.start(
      wholeJob(context, parts, job, () => reply.account()),
      options,
    );
  const hold = (): void => holdReply(context.broker, later, parts.bytes);
  reply.start(bounded(job, parts, hold), options);
}

/** The changes that are kept back are in the account too. */
function wholeJob(
  { server }: CommandContext,
  parts: PartedReply,
  job: Job<void>,
  account: () => void,
): Job<void> {
  return wholeEffect(server.keyspace, job, (bytes) => {
    parts.bytesAside = bytes;
    parts.cutIfLong();
    account();
  });
}

function answerNow({ reply }: CommandContext, job: Job<void>, parts: PartedReply): void {
  const { out } = reply;
  reply.out = parts.out;
  try {
    finishNow(job);
  } finally {
    reply.out = out;
  }
  for (const part of parts.take()) out.bytes(part);
}

/** The same job, which fails once its reply is too large. */
function* bounded(job: Job<void>, parts: PartedReply, hold: () => void): Job<void> {
  for (const units of job) {
    parts.settle();
    hold();
    yield units;
  }
  hold();
}

/** Accounts for the bytes gathered. Throws while other connections hold so much memory that theirs has to be sent first. */
function holdReply({ inFlight }: Broker, later: LaterReplies, bytes: number): void {
  later.holdLater(bytes);
  if (bytes <= inFlight.fairBytes) return;
  const others = inFlight.total - later.memoryBytes;
  if (others <= inFlight.bytesMax / 2) return;
  throw new RedisError(
    "OOM too much memory is held for other connections to gather a long reply; ask for less, or again",
  );
}

class SlicedReply implements LaterWork {
  readonly isWork = true;
  readonly #context: CommandContext;
  readonly #parts: PartedReply;
  readonly #replies: LaterReplies;
  /** Where the reply goes in the end. */
  readonly #output: ByteWriter;
  #later!: LaterReply;
  #request!: RequestArguments;
  #run: RunningJob | null = null;
  #rest: Generator<Buffer> | null = null;
  #isWaitingForClient = false;
  #isAbandoned = false;
  readonly #isWhole: boolean;
  #claim: Claim | null = null;
  /** The job waits, for its keys or for the cleaner. */
  #leaveLine: (() => void) | null = null;

  constructor(context: CommandContext, parts: PartedReply, replies: LaterReplies, isWhole: boolean) {
    this.#context = context;
    this.#parts = parts;
    this.#replies = replies;
    this.#output = context.reply.out;
    this.#isWhole = isWhole;
  }

  start(job: Job<void>, { holdsPushes = false, loading = null }: SliceOptions): void {
    this.#request = this.#context.request;
    this.#later = this.#replies.beginLater(this);
    if (holdsPushes) this.#replies.holdsPushes = true;
    if (loading === null) return this.#begin(job);
    void loading.then(
      () => this.#begin(job),
      (error: unknown) => this.#written({ error }),
    );
  }

  /** The keys are claimed in the turn in which the command has looked at them, or it waits in line for them. */
  #begin(job: Job<void>): void {
    if (this.#isAbandoned) return;
    const { claims, keyspace } = this.#context.server;
    const wants = wantsOf([this.#context], this.#context.database);
    if (this.#isWhole && keyspace.cleanerTurns.isCleanersTurn) return this.#letCleanerFirst(job, wants);
    if (wants.length === 0) return this.#runHolding(job, null);
    const go = (): void => this.#runHolding(job, new Claim(claims, this.#isWhole ? wants : madeAside(wants)));
    if (claims.mustWaitAsLong(wants)) this.#leaveLine = claims.wait(wants, go);
    else go();
  }

  /**
   * Changes that are kept back keep the cleaner waiting too (keyspace/cleaner-turns.ts). The keys are claimed meanwhile; what is not
   * written yet does not show.
   */
  #letCleanerFirst(job: Job<void>, wants: readonly KeyWant[]): void {
    const { server, broker } = this.#context;
    const { timers } = broker;
    const claim = new Claim(server.claims, madeAside(wants));
    const go = (): void => {
      if (this.#leaveLine === null) return;
      this.#leaveLine();
      claim.letGo();
      this.#runHolding(job, new Claim(server.claims, wants), true);
    };
    // Not within the cleaner's work.
    const leave = server.keyspace.cleanerTurns.wait(() => timers.atTickEnd(go));
    const timer = timers.after(limits.cleanerTurnsMsMax, go);
    this.#leaveLine = () => {
      leave();
      timer.cancel();
    };
    this.#claim = claim;
    claim.hold({
      finish: () => {
        go();
        this.#run?.finish();
      },
    });
  }

  /** `isLater`: not a step of it is done now, nor is the reply given. */
  #runHolding(job: Job<void>, claim: Claim | null, isLater = false): void {
    this.#leaveLine = null;
    const { reply, broker } = this.#context;
    reply.out = this.#parts.out;
    const { work } = broker;
    const held = claim === null ? job : claim.over(job);
    const ended = (outcome: JobOutcome<void>): void => this.#written(outcome);
    const run = isLater ? work.runLater(held, ended) : work.run(held, ended);
    this.#started(run);
    if (!run.isRunning || claim === null) return;
    this.#claim = claim;
    claim.hold(run);
  }

  /** Tells how much is gathered, while somebody is there to whom it counts. */
  account(): void {
    if (!this.#isAbandoned) this.#replies.holdLater(this.#parts.bytes);
  }

  /** A job that ends within its first slice may have started the next one already. */
  #started(run: RunningJob): void {
    if (run.isRunning) this.#run = run;
  }

  #written(outcome: JobOutcome<void>): void {
    if (this.#isAbandoned) {
      // It is written down, if it was a fault of ours.
      if ("error" in outcome) replyError(this.#context, outcome.error);
      this.#parts.drop();
      this.#context.reply.out = this.#output;
      return;
    }
    this.#context.reply.out = this.#output;
    if ("error" in outcome) {
      this.#later.answer(() => {
        throw outcome.error;
      });
    } else if (this.#later.isWanted) {
      this.#replies.holdsPushes = true;
      this.#rest = this.#parts.take();
      this.#hand();
    } else this.#later.answer(() => {});
  }

  /** Writes the rest of the reply, until the client has too much unread output. */
  #hand(): void {
    const handing = this.#context.broker.work.run(this.#handing(), () => {
      if (this.#rest === null) this.#later.answer(() => {});
      else this.#isWaitingForClient = true;
    });
    this.#started(handing);
  }

  *#handing(): Job<void> {
    const replies = this.#replies;
    for (;;) {
      if (replies.isOutputFull) return;
      const next = this.#rest!.next();
      if (next.done === true) {
        this.#rest = null;
        return;
      }
      const bytes = next.value;
      this.#later.answerPart(() => {
        replies.touch();
        this.#output.bytes(bytes);
      });
      replies.holdLater(this.#parts.bytes);
      yield unitsOfBytes(bytes.length);
    }
  }

  outputDrained(): void {
    if (!this.#isWaitingForClient) return;
    this.#isWaitingForClient = false;
    this.#hand();
  }

  abandon(): void {
    this.#isAbandoned = true;
    const context = this.#context;
    if (this.#isWhole && this.#rest === null && this.#run?.isRunning === true) {
      // The connection runs nothing any more: what the job needs stays where the job looks for it.
      context.request = this.#request;
      this.#parts.drop();
      return;
    }
    this.#run?.cancel();
    this.#leaveLine?.();
    this.#leaveLine = null;
    this.#claim?.letGo();
    context.reply.out = this.#output;
  }
}
