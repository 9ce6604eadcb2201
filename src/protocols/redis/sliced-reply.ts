/**
 * Commands that may be long: they are jobs (base/turn-work.ts) that go on in later turns, while other clients are served.
 * What they write is gathered, and then handed to the connection as fast as the client reads.
 *
 * Not here: what the jobs do. A job writes to `context.reply`, and yields where the state that it looks at may change.
 * Within EXEC it runs to its end. What it has gathered is in the account of bytes in flight, beside its request.
 * Invariant: nothing of the reply is in the connection's output before all of it is known, so an error can still be the
 * reply; once a part is in there, the rest follows with nothing in between.
 */
import { finishNow, type Job, type JobOutcome, type RunningJob } from "../../base/turn-work.ts";
import type { CommandContext } from "./context.ts";
import { RedisError } from "./errors.ts";
import { LaterReply, type LaterWork } from "./later-reply.ts";
import { PartedReply } from "./parted-reply.ts";

const bytesOfUnit = 1024;
const unitsOfPiece = 64;
/** Commands over so many arguments or entries at most run at once, without the cost of a job. */
export const directItemsMax = 1000;
/** Once so much of a reply is written and more is to come, a job goes on with it. */
export const directBytesMax = 1 << 20;

/** Adds up the work of small steps, so that a job yields once for many of them. */
export class Piece {
  #units = 0;

  /** What is to be yielded now; 0 is to go on. Units may be fractions. */
  add(units: number): number {
    this.#units += units;
    if (this.#units < unitsOfPiece) return 0;
    const due = this.#units;
    this.#units = 0;
    return due;
  }
}

export function unitsOfBytes(bytes: number): number {
  return bytes / bytesOfUnit;
}

export interface SliceOptions {
  /** Messages of Pub/Sub are kept back until the reply has been sent: they may be of what it confirms. */
  readonly holdsPushes?: boolean;
}

/** Answers by a job, in slices. The request is kept as long as it needs: read it from `context`. */
export function answerInSlices(
  context: CommandContext,
  start: (parts: PartedReply) => Job<void>,
  options: SliceOptions = {},
): void {
  const parts = new PartedReply(context.reply.version);
  if (context.isInTransaction)
    return answerNow(
      context,
      bounded(start(parts), parts, () => {}),
      parts,
    );
  // First: what the job takes from `context.request` when it is made is to last.
  context.session.keepRequest();
  const hold = (): void => holdReply(context, parts.bytes);
  new SlicedReply(context, parts).start(bounded(start(parts), parts, hold), options);
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

/** The same job, ended with an error once its reply is too large. */
function* bounded(job: Job<void>, parts: PartedReply, hold: () => void): Job<void> {
  for (const units of job) {
    parts.settle();
    hold();
    yield units;
  }
  hold();
}

/** So much is gathered. Throws where other connections hold so much that theirs must leave first. */
function holdReply({ session, broker }: CommandContext, bytes: number): void {
  session.holdLater(bytes);
  const { inFlight } = broker;
  if (bytes <= inFlight.fairBytes) return;
  const others = inFlight.total - session.heldBytes - session.connection.output.buffer.length;
  if (others <= inFlight.bytesMax / 2) return;
  throw new RedisError(
    "OOM too much memory is held for other connections to gather a long reply; ask for less, or again",
  );
}

class SlicedReply implements LaterWork {
  readonly #context: CommandContext;
  readonly #parts: PartedReply;
  #later!: LaterReply;
  #run: RunningJob | null = null;
  #rest: Generator<Buffer> | null = null;
  #isWaitingForClient = false;

  constructor(context: CommandContext, parts: PartedReply) {
    this.#context = context;
    this.#parts = parts;
  }

  start(job: Job<void>, { holdsPushes = false }: SliceOptions): void {
    const { session, reply, broker } = this.#context;
    this.#later = session.beginLater(this);
    if (holdsPushes) session.holdsPushes = true;
    reply.out = this.#parts.out;
    this.#started(broker.work.run(job, (outcome) => this.#written(outcome)));
  }

  /** One that has ended may have been followed by another already. */
  #started(run: RunningJob): void {
    if (run.isRunning) this.#run = run;
  }

  #written(outcome: JobOutcome<void>): void {
    const { session, reply } = this.#context;
    reply.out = session.connection.output;
    if ("error" in outcome) {
      this.#later.answer(() => {
        throw outcome.error;
      });
    } else if (this.#later.isWanted) {
      session.holdsPushes = true;
      this.#rest = this.#parts.take();
      this.#hand();
    } else this.#later.answer(() => {});
  }

  /** Hands over what is left, until the client has more than it reads. */
  #hand(): void {
    const { broker } = this.#context;
    const handing = broker.work.run(this.#handing(), () => {
      if (this.#rest === null) this.#later.answer(() => {});
      else this.#isWaitingForClient = true;
    });
    this.#started(handing);
  }

  *#handing(): Job<void> {
    const { session } = this.#context;
    const { connection } = session;
    const { output } = connection;
    for (;;) {
      if (session.isOutputFull) return;
      const next = this.#rest!.next();
      if (next.done === true) {
        this.#rest = null;
        return;
      }
      const bytes = next.value;
      connection.answerTo(this.#later.answerMark, () => {
        output.bytes(bytes);
        connection.touch();
      });
      session.holdLater(this.#parts.bytes);
      yield unitsOfBytes(bytes.length);
    }
  }

  outputDrained(): void {
    if (!this.#isWaitingForClient) return;
    this.#isWaitingForClient = false;
    this.#hand();
  }

  abandon(): void {
    const { session, reply } = this.#context;
    this.#run?.cancel();
    reply.out = session.connection.output;
  }
}
