/**
 * WAIT replicas timeout: replies how many replicas have the writes of the connection, which is none, as there are no replicas.
 *
 * As in redis whoever waits for a replica waits until the timeout (for ever with 0), except in MULTI.
 */
import type { Timer } from "../../../base/clock.ts";
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

/** The longest time of a timer. With a longer timeout there is none. */
const timeoutMsMax = 2 ** 31 - 1;

function wait(context: CommandContext): void {
  const { request, reply, caller } = context;
  const replicas = request.integer(1);
  if (Number.isNaN(replicas)) throw new RedisError(errorTexts.notInteger);
  const timeoutMs = request.integer(2);
  if (Number.isNaN(timeoutMs)) throw new RedisError("ERR timeout is not an integer or out of range");
  if (timeoutMs < 0) throw new RedisError("ERR timeout is negative");
  if (replicas <= 0 || caller.later === null) reply.integer(0);
  else new WaitForReplicas(context, caller.later).begin(timeoutMs);
}

class WaitForReplicas implements BlockedCommand {
  readonly #context: CommandContext;
  readonly #later: LaterReply;
  #timer: Timer | null = null;
  #isOver = false;

  constructor(context: CommandContext, replies: LaterReplies) {
    this.#context = context;
    this.#later = replies.beginBlocked(this);
  }

  begin(timeoutMs: number): void {
    if (timeoutMs > 0 && timeoutMs <= timeoutMsMax)
      this.#timer = this.#context.broker.timers.after(timeoutMs, () => this.unblock(null));
  }

  unblock(error: string | null): void {
    if (this.#isOver) return;
    this.abandon();
    const { reply } = this.#context;
    this.#later.answer(() => (error === null ? reply.integer(0) : reply.error(error)));
  }

  /** It reads nothing. */
  rulesChanged(): void {}

  abandon(): void {
    this.#isOver = true;
    this.#timer?.cancel();
  }
}
