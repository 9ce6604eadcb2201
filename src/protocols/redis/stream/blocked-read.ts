/**
 * XREAD or XREADGROUP with BLOCK that waits for entries.
 *
 * It waits on the logs that it reads, in order of arrival, and for streams that do not exist yet. It is served at the end of a tick
 * that brought entries, or in a later turn where that one has no units left: thousands may wait for one entry. A long reply is
 * handed to work in slices. Not here: what is read (read.ts). Invariant: the read is registered with each stream that it names, or
 * with the virtual host for those that do not exist, until it is over.
 */
import type { Timer } from "../../../base/clock.ts";
import type { Job, RunningJob } from "../../../base/turn-work.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { LogWaiter } from "../../../broker/queue/readers.ts";
import type { QueueWaiter, Vhost } from "../../../broker/vhost.ts";
import { refusalOfRead, refusalText } from "../acl/check.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import type { BlockedCommand, LaterReplies, LaterReply } from "../core/later-reply.ts";
import { serve, type StreamRead } from "./read.ts";
import type { CommandSpec } from "../core/command-spec.ts";

/** The longest time of a timer. A read with a longer timeout waits without one. */
const timeoutMsMax = 2 ** 31 - 1;
/** Looking for what there is, and a byte of the reply. */
const unitsOfAttempt = 1;
const unitsOfReplyByte = 1 / 1024;

function* nothing(): Job<void> {}

export class BlockedRead implements BlockedCommand, LogWaiter, QueueWaiter {
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

  constructor(context: CommandContext, read: StreamRead, later: LaterReplies) {
    this.#context = context;
    this.#read = read;
    this.#vhost = context.vhost;
    this.#database = context.database;
    this.#spec = context.spec;
    read.setBlocked();
    this.#later = later.beginBlocked(this);
    if (read.blockMs > 0 && read.blockMs <= timeoutMsMax)
      this.#timer = context.broker.timers.after(read.blockMs, () => this.unblock(null));
  }

  register(): void {
    for (const { key } of this.#read.streams) {
      const queue = this.#vhost.findQueue(key);
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
    // A command is deleting the stream right now. What that means for this read is looked at once the command is over.
    this.#queues.delete(queue);
    this.#context.broker.timers.atTickEnd(() => {
      if (this.#isOver) return;
      this.#unregister();
      this.#serve();
      if (!this.#isOver) this.register();
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
    const { reply, broker } = this.#context;
    const output = reply.out;
    const before = output.length;
    this.#later.attempt(() => this.#tryReply());
    const written = Math.max(output.length - before, 0);
    broker.work.spend(Math.ceil(unitsOfAttempt + unitsOfReplyByte * written));
  }

  #tryReply(): boolean {
    try {
      if (!serve(this.#context, this.#read)) return false;
    } catch (error) {
      // XREAD goes on waiting while its key has another type. XREADGROUP fails: its group is gone.
      if (this.#read.group === undefined) return false;
      const gone = this.#whatIsGone(this.#read.group);
      this.abandon();
      throw gone ?? error;
    }
    this.abandon();
    return true;
  }

  /** As redis 7.0 says it to those who were waiting; undefined where stream and group are there. */
  #whatIsGone(group: string): RedisError | undefined {
    for (const { key } of this.#read.streams) {
      const queue = this.#vhost.findQueue(key);
      if (queue === undefined) return new RedisError("UNBLOCKED the stream key no longer exists");
      if (!queue.groups.has(group))
        return new RedisError("NOGROUP the consumer group this client was blocked on no longer exists");
    }
    return undefined;
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
    const { caller, server } = this.#context;
    const refusal = refusalOfRead(caller, { server, spec: this.#spec, database: this.#database }, keys);
    if (refusal !== null) this.unblockSoon(`NOPERM ${refusalText(refusal)}`);
  }

  /** Ends the wait, without a reply. */
  abandon(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#turnWait?.cancel();
    this.#unregister();
  }
}
