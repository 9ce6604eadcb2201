/**
 * A pause of all clients (CLIENT PAUSE): their commands wait until it is over, then run in the order in which they came.
 *
 * A pause holds back all commands, or those that write. Clients of other protocols go on. Not here: whether a command may run at
 * all, which is asked before it waits and again when it goes on (core/dispatch.ts). Invariant: a command that waits is in `#waiting`
 * until it runs, or its connection ends.
 */
import type { Timer } from "../../../base/clock.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { BlockedCommand, LaterReplies, LaterReply } from "../core/later-reply.ts";

export type PauseMode = "none" | "write" | "all";

/** A pause without end in practice: timers reach no further. */
const timerMsMax = 2 ** 31 - 1;
const unitsOfCommand = 4;

/** A command that has not run yet. */
class Postponed implements BlockedCommand {
  readonly isPostponed = true;
  readonly #waiting: Set<Postponed>;
  readonly #run: () => void;
  readonly #later: LaterReply;

  constructor(waiting: Set<Postponed>, replies: LaterReplies, run: () => void) {
    this.#waiting = waiting;
    this.#run = run;
    this.#later = replies.beginBlocked(this);
  }

  goOn(): void {
    this.#waiting.delete(this);
    this.#later.answer(this.#run);
  }

  abandon(): void {
    this.#waiting.delete(this);
  }

  /** Only the end of the pause ends it. */
  unblock(): void {}

  /** They are asked again when it runs. */
  rulesChanged(): void {}
}

export class ClientPause {
  readonly #broker: Broker;
  #mode: PauseMode = "none";
  #endsAt = 0;
  #timer: Timer | null = null;
  #waiting = new Set<Postponed>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  get isActive(): boolean {
    return this.#mode !== "none";
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** It holds back only commands that write, or may reach replicas. */
  get isOfWrites(): boolean {
    return this.#mode === "write";
  }

  /** Keeps the command, unless its client counts as a replica: `run` runs it then. */
  holds(client: { readonly isMonitor: boolean }, replies: LaterReplies, run: () => void): boolean {
    if (client.isMonitor) return false;
    replies.keepRequest();
    const command = new Postponed(this.#waiting, replies, run);
    this.#waiting.add(command);
    return true;
  }

  /** Of two pauses the one that holds back more counts, and the one that ends later. */
  begin(mode: PauseMode, milliseconds: number): void {
    const { clock, timers } = this.#broker;
    if (this.#mode !== "all") this.#mode = mode;
    this.#endsAt = Math.max(this.#endsAt, clock.monotonic() + milliseconds);
    this.#timer?.cancel();
    const left = this.#endsAt - clock.monotonic();
    this.#timer = left > timerMsMax ? null : timers.after(left, () => this.end());
  }

  end(): void {
    this.#mode = "none";
    this.#endsAt = 0;
    this.#timer?.cancel();
    this.#timer = null;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    if (waiting.size > 0) this.#broker.work.run(resume(waiting), () => {});
  }
}

/** A command that is held back again waits in the set of the new pause. */
function* resume(waiting: ReadonlySet<Postponed>): Job<void> {
  for (const command of waiting) {
    command.goOn();
    yield unitsOfCommand;
  }
}
