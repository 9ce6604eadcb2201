/**
 * One client's command that waits: ends when it is served, when its time is over, when CLIENT UNBLOCK or a change of its user's
 * rights ends it, or with the connection.
 *
 * Not here: who is served next (blocked-clients.ts), what the command finds (its `Wait`). Invariant: it stands in the line of each of
 * its keys until it is over, and in none after that.
 */
import { RedisError } from "../core/errors.ts";
import type { Timer } from "../../../base/clock.ts";
import { limits } from "../../../base/limits.ts";
import { refusalOf, refusalText } from "../acl/check.ts";
import { finishClaims } from "../core/claims/call-claims.ts";
import type { CommandContext } from "../core/context.ts";
import type { BlockedCommand, LaterReplies, LaterReply } from "../core/later-reply.ts";
import type { BlockedClients } from "./blocked-clients.ts";
import type { Wait } from "./wait.ts";
import type { WaitingKey } from "./waiting-key.ts";

/** Looking for what there is, and a byte of the reply. */
const unitsOfAttempt = 1;
const unitsOfReplyByte = 1 / 1024;

export class BlockedClient implements BlockedCommand {
  readonly wait: Wait;
  /** Grows with each client that begins to wait. */
  readonly arrival: number;
  /** Where it waits. Filled and emptied by `BlockedClients`. */
  readonly keys: WaitingKey[] = [];
  isOver = false;
  readonly #clients: BlockedClients;
  readonly #context: CommandContext;
  readonly #later: LaterReply;
  readonly #endsAtMs: number;
  #timer: Timer | null = null;

  constructor(
    clients: BlockedClients,
    context: CommandContext,
    later: LaterReplies,
    wait: Wait,
    arrival: number,
  ) {
    this.#clients = clients;
    this.#context = context;
    this.wait = wait;
    this.arrival = arrival;
    this.#later = later.beginBlocked(this);
    this.#endsAtMs = wait.timeoutMs === 0 ? Infinity : context.broker.clock.monotonic() + wait.timeoutMs;
    if (wait.timeoutMs > 0) this.#setTimer(wait.timeoutMs);
  }

  get hasTimeout(): boolean {
    return this.#endsAtMs !== Infinity;
  }

  #setTimer(leftMs: number): void {
    const { timers, clock } = this.#context.broker;
    this.#timer = timers.after(Math.min(leftMs, limits.timerMsMax), () => {
      const left = leftMs > limits.timerMsMax ? this.#endsAtMs - clock.monotonic() : 0;
      if (left > 0) this.#setTimer(left);
      else this.unblock(null);
    });
  }

  /** Tries the command again for a key that may have got something. Returns the units of work that it took. */
  serve(key: string): number {
    const { out } = this.#context.reply;
    const before = out.length;
    this.#later.attempt(() => this.#attempt(key));
    return unitsOfAttempt + unitsOfReplyByte * Math.max(out.length - before, 0);
  }

  #attempt(key: string): boolean {
    let isAnswered = true;
    finishClaims(this.#context);
    try {
      isAnswered = this.wait.attempt(this.#context, key);
    } finally {
      // What is thrown is the answer.
      if (isAnswered) this.abandon();
    }
    return isAnswered;
  }

  unblock(error: string | null): void {
    if (this.isOver) return;
    this.abandon();
    const { reply } = this.#context;
    this.#later.answer(() => {
      // Thrown, an error is counted.
      if (error !== null) throw new RedisError(error);
      reply.nullArray();
    });
  }

  rulesChanged(): void {
    const { caller, server, spec, request, database } = this.#context;
    const asked = { server, spec, request, database, isQueued: false };
    const refusal = refusalOf({ login: caller.login, host: caller.host }, asked).refusal;
    if (refusal !== null) this.unblock(`NOPERM ${refusalText(refusal)}`);
  }

  abandon(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#timer?.cancel();
    this.wait.ended?.();
    this.#clients.remove(this);
  }
}
