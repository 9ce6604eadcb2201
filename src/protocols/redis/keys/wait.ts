/**
 * WAIT replicas timeout: replies how many replicas have the writes of the connection, which is none, as there are no replicas.
 * WAITAOF local replicas timeout (redis 7.2): also whether they are on stable storage here, by the journal's durable watermark.
 *
 * As in redis whoever waits for a replica waits until the timeout (for ever with 0), except in MULTI.
 */
import type { Timer } from "../../../base/clock.ts";
import type { DurableWaiter } from "../../../broker/ticker.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import type { BlockedCommand, LaterReplies, LaterReply } from "../core/later-reply.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const waitCommand: CommandRow = {
  name: "wait",
  arity: 3,
  flags: ["noscript"],
  categories: ["connection"],
  tips: ["request_policy:all_shards", "response_policy:agg_min"],
  since: "3.0.0",
  complexity: "O(1)",
  summary: "Waits until replicas have the writes of this connection.",
  run: wait,
};

export const waitaofCommand: CommandRow = {
  name: "waitaof",
  arity: 4,
  flags: ["blocking"],
  categories: ["connection"],
  tips: ["request_policy:all_shards", "response_policy:agg_min"],
  since: "7.2.0",
  complexity: "O(1)",
  summary: "Waits until the writes of this connection are on stable storage, here and at replicas.",
  run: waitaof,
};

/** The longest time of a timer. With a longer timeout there is none. */
const timeoutMsMax = 2 ** 31 - 1;

function wait(context: CommandContext): void {
  const { request, reply, caller } = context;
  const replicas = request.integer(1);
  if (Number.isNaN(replicas)) throw new RedisError(errorTexts.notInteger);
  const timeoutMs = timeoutArgument(context, 2);
  if (replicas <= 0 || caller.later === null) reply.integer(0);
  else new WaitForWrites(context, caller.later, Infinity, () => reply.integer(0)).begin(timeoutMs);
}

function timeoutArgument({ request }: CommandContext, index: number): number {
  const timeoutMs = request.integer(index);
  if (Number.isNaN(timeoutMs)) throw new RedisError("ERR timeout is not an integer or out of range");
  if (timeoutMs < 0) throw new RedisError("ERR timeout is negative");
  return timeoutMs;
}

function waitaof(context: CommandContext): void {
  const { request, reply, caller, broker } = context;
  const local = request.integer(1);
  if (Number.isNaN(local)) throw new RedisError(errorTexts.notInteger);
  if (local < 0 || local > 1) throw new RedisError("ERR value is out of range, value must between 0 and 1");
  const replicas = request.integer(2);
  if (!(replicas >= 0)) throw new RedisError("ERR value is out of range, must be positive");
  const timeoutMs = timeoutArgument(context, 3);
  const { storage } = broker;
  if (local > 0 && storage.journal === null)
    throw new RedisError("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
  const position = storage.pending;
  const answer = (): void => {
    reply.array(2);
    reply.integer(storage.journal !== null && storage.durable >= position ? 1 : 0);
    reply.integer(0);
  };
  const isDone = replicas === 0 && (local === 0 || storage.durable >= position);
  if (isDone || caller.later === null) return answer();
  new WaitForWrites(context, caller.later, replicas === 0 ? position : Infinity, answer).begin(timeoutMs);
}

class WaitForWrites implements BlockedCommand, DurableWaiter {
  readonly #context: CommandContext;
  readonly #later: LaterReply;
  /** It is over once the journal is durable up to here; Infinity for never. */
  readonly #position: number;
  readonly #answer: () => void;
  #timer: Timer | null = null;
  #isOver = false;

  constructor(context: CommandContext, replies: LaterReplies, position: number, answer: () => void) {
    this.#context = context;
    this.#position = position;
    this.#answer = answer;
    this.#later = replies.beginBlocked(this);
  }

  begin(timeoutMs: number): void {
    const { broker } = this.#context;
    if (timeoutMs > 0 && timeoutMs <= timeoutMsMax)
      this.#timer = broker.timers.after(timeoutMs, () => this.unblock(null));
    if (this.#position === Infinity) return;
    broker.ticker.awaitDurable(this);
    // Once this tick has been written. Else the sync of each second would do.
    broker.timers.atTickEnd(() => broker.storage.startSync());
  }

  durableMoved(position: number): void {
    if (this.#isOver) return;
    if (position >= this.#position) return this.unblock(null);
    const { broker } = this.#context;
    broker.ticker.awaitDurable(this);
    broker.storage.startSync();
  }

  unblock(error: string | null): void {
    if (this.#isOver) return;
    this.abandon();
    this.#later.answer(() => {
      // Thrown, an error is counted.
      if (error !== null) throw new RedisError(error);
      this.#answer();
    });
  }

  /** It reads nothing. */
  rulesChanged(): void {}

  abandon(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }
}
