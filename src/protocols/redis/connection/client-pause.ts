/**
 * CLIENT PAUSE and UNPAUSE: commands of clients wait until the pause is over, then run in the order in which they came.
 *
 * A pause holds back all commands, or those that write. Clients of other protocols go on. Not here: whether a command may run at
 * all, which is asked before it waits and again when it goes on (core/dispatch.ts). Invariant: a command that waits is in `#waiting`
 * until it runs, or its connection ends.
 */
import type { Timer } from "../../../base/clock.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { ClientConnection } from "../core/client-connection.ts";
import type { CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { dispatch } from "../core/dispatch.ts";
import { RedisError } from "../core/errors.ts";
import { subcommandSyntaxError } from "../core/help.ts";
import type { BlockedCommand, LaterReply } from "../core/later-reply.ts";

export const clientPauseCommands: readonly CommandRow[] = [
  {
    name: "pause",
    arity: -3,
    flags: ["admin", "noscript", "loading", "stale"],
    since: "2.9.50",
    complexity: "O(1)",
    summary: "Holds back the commands of all clients for a while.",
    run: clientPause,
  },
  {
    name: "unpause",
    arity: 2,
    flags: ["admin", "noscript", "loading", "stale"],
    since: "6.2.0",
    complexity: "O(N), N paused clients",
    summary: "Lets paused clients go on.",
    run: clientUnpause,
  },
];

type PauseMode = "none" | "write" | "all";

/** A pause without end in practice: timers reach no further. */
const timerMsMax = 2 ** 31 - 1;
const unitsOfCommand = 4;

/** A command that has not run yet. */
class Postponed implements BlockedCommand {
  readonly isPostponed = true;
  readonly #waiting: Set<Postponed>;
  readonly #run: () => void;
  readonly #later: LaterReply;

  constructor(waiting: Set<Postponed>, context: CommandContext, client: ClientConnection) {
    this.#waiting = waiting;
    this.#run = () => dispatch(context, client);
    waiting.add(this);
    this.#later = client.postpone(this);
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

  /** Keeps the command in `context` if the pause is for it. */
  holds(context: CommandContext, client: ClientConnection): boolean {
    if (client.isMonitor) return false;
    if (this.#mode === "write" && !mayWrite(context, client)) return false;
    new Postponed(this.#waiting, context, client);
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

function mayWrite({ spec }: CommandContext, { transaction }: ClientConnection): boolean {
  return spec.write || spec.mayReplicate || (spec.fullName === "exec" && transaction?.mayReplicate === true);
}

/** CLIENT PAUSE milliseconds [WRITE | ALL] */
function clientPause(context: CommandContext): void {
  const { request, reply, server } = context;
  if (request.argumentCount > 4) throw subcommandSyntaxError(context);
  let mode: PauseMode = "all";
  if (request.argumentCount > 3) {
    if (request.is(3, "WRITE")) mode = "write";
    else if (!request.is(3, "ALL")) throw new RedisError("ERR CLIENT PAUSE mode must be WRITE or ALL");
  }
  const milliseconds = request.integer(2);
  if (Number.isNaN(milliseconds)) throw new RedisError("ERR timeout is not an integer or out of range");
  if (milliseconds < 0) throw new RedisError("ERR timeout is negative");
  server.pause.begin(mode, milliseconds);
  reply.ok();
}

function clientUnpause({ reply, server }: CommandContext): void {
  server.pause.end();
  reply.ok();
}
