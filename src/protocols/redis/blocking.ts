/**
 * A connection that waits in XREAD or XREADGROUP with BLOCK.
 *
 * It waits on the logs it reads, in order of arrival, and for streams that are not there yet; it is served when a tick
 * ends that brought entries, or in a later turn where that one has no units left: thousands may wait for one entry. What is
 * long to write is handed to work in slices. Not here: what is read (stream-read.ts). Invariant: it is registered with
 * every stream it names, or with the virtual host for those that do not exist, until it is over.
 */
import type { Timer } from "../../base/clock.ts";
import type { Job, RunningJob } from "../../base/turn-work.ts";
import type { LogWaiter, Queue } from "../../broker/queue.ts";
import type { QueueWaiter, Vhost } from "../../broker/vhost.ts";
import { refusalOfRead, refusalText } from "./acl/check.ts";
import type { CommandContext } from "./context.ts";
import type { LaterReply, LaterWork } from "./later-reply.ts";
import { serve, type StreamRead } from "./stream-read.ts";
import type { CommandSpec } from "./table-spec.ts";

/** A timer cannot be set for longer; who waits longer waits for ever. */
const timeoutMsMax = 2 ** 31 - 1;
/** Looking for what there is, and a byte of the reply. */
const unitsOfAttempt = 1;
const unitsOfReplyByte = 1 / 1024;

function* nothing(): Job<void> {}

export class BlockedRead implements LaterWork, LogWaiter, QueueWaiter {
  readonly #context: CommandContext;
  readonly #read: StreamRead;
  readonly #vhost: Vhost;
  readonly #database: number;
  readonly #spec: CommandSpec;
  readonly #queues = new Set<Queue>();
  readonly #later: LaterReply;
  #timer: Timer | null = null;
  /** There may be something for it, for which the turn had no units. */
  #turnWait: RunningJob | null = null;
  #isOver = false;

  constructor(context: CommandContext, read: StreamRead) {
    this.#context = context;
    this.#read = read;
    this.#vhost = context.vhost;
    this.#database = context.database;
    this.#spec = context.spec;
    read.setBlocked();
    this.#later = context.session.beginLater(this);
    if (read.blockMs > 0 && read.blockMs <= timeoutMsMax)
      this.#timer = context.broker.timers.after(read.blockMs, () => this.unblock(null));
    this.#register();
  }

  #register(): void {
    for (const { key } of this.#read.streams) {
      const queue = this.#vhost.queues.get(key);
      if (queue === undefined) this.#vhost.awaitQueue(key, this);
      else this.#waitOn(queue);
    }
  }

  #waitOn(queue: Queue): void {
    this.#queues.add(queue);
    queue.waiters.add(this);
  }

  #unregister(): void {
    for (const queue of this.#queues) queue.waiters.delete(this);
    this.#queues.clear();
    for (const { key } of this.#read.streams) this.#vhost.stopAwaitingQueue(key, this);
  }

  queueMade(queue: Queue): void {
    if (!this.#isOver) this.#waitOn(queue);
  }

  logChanged(queue: Queue): void {
    if (!queue.isDeleted) return this.#serve();
    // Somebody's command deletes the stream just now: what that means here is seen once the command is over.
    this.#queues.delete(queue);
    this.#context.broker.timers.atTickEnd(() => {
      if (this.#isOver) return;
      this.#unregister();
      this.#serve();
      if (!this.#isOver) this.#register();
    });
  }

  #serve(): void {
    if (this.#isOver || this.#turnWait !== null) return;
    const { work } = this.#context.broker;
    if (!work.isSpent) return this.#serveNow();
    this.#turnWait = work.run(nothing(), () => {
      this.#turnWait = null;
      this.#serveNow();
    });
  }

  #serveNow(): void {
    const { session, broker } = this.#context;
    const { output } = session.connection;
    const before = output.length;
    this.#later.attempt(() => this.#tryReply());
    const written = Math.max(output.length - before, 0);
    broker.work.spend(Math.ceil(unitsOfAttempt + unitsOfReplyByte * written));
  }

  #tryReply(): boolean {
    try {
      if (!serve(this.#context, this.#read)) return false;
    } catch (error) {
      // A plain reader waits on while its key is something else; a group's reader has lost what it waits for.
      if (this.#read.group === undefined) return false;
      this.abandon();
      throw error;
    }
    this.abandon();
    return true;
  }

  /** Answers as at a timeout, or with an error (CLIENT UNBLOCK). */
  unblock(error: string | null): void {
    if (this.#isOver) return;
    this.abandon();
    const { reply } = this.#context;
    this.#later.answer(() => (error === null ? reply.nullArray() : reply.error(error)));
  }

  /** The same once the command at work is over: another connection asks for it. */
  unblockSoon(error: string | null): void {
    this.#context.broker.timers.atTickEnd(() => this.unblock(error));
  }

  rulesChanged(): void {
    const keys = this.#read.streams.map(({ key }) => key);
    const { session, server } = this.#context;
    const refusal = refusalOfRead(session, { server, spec: this.#spec, database: this.#database }, keys);
    if (refusal !== null) this.unblockSoon(`NOPERM ${refusalText(refusal)}`);
  }

  /** It is over: answered, or the connection ends. */
  abandon(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#turnWait?.cancel();
    this.#unregister();
  }
}
