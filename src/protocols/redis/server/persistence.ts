/**
 * SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE. The journal always has everything that was answered, so there is no snapshot to write: to save
 * is to have all of it on stable storage.
 *
 * Invariant: LASTSAVE is a time at which everything written before was, or became, durable.
 */
import type { Broker } from "../../../broker/broker.ts";
import type { CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError, syntaxError } from "../core/errors.ts";

export const persistenceCommands = {
  bgrewriteaof: {
    name: "bgrewriteaof",
    arity: 1,
    flags: ["admin", "noscript", "no_async_loading"],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Compacts the append-only file in the background.",
    run: bgrewriteaof,
  },
  bgsave: {
    name: "bgsave",
    arity: -1,
    flags: ["admin", "noscript", "no_async_loading"],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Writes a snapshot in the background.",
    run: bgsave,
  },
  lastsave: {
    name: "lastsave",
    arity: 1,
    flags: ["loading", "stale", "fast"],
    categories: ["admin", "dangerous"],
    tips: ["nondeterministic_output"],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Tells when the last snapshot was written.",
    run: lastsave,
  },
  save: {
    name: "save",
    arity: 1,
    flags: ["admin", "noscript", "no_async_loading", "no_multi"],
    since: "1.0.0",
    complexity: "O(N), N keys of all databases",
    summary: "Writes a snapshot while all wait.",
    run: save,
  },
} as const satisfies Record<string, CommandRow>;

/** When everything was last known to be on stable storage, because somebody asked for that. */
export class Saves {
  readonly #broker: Broker;
  /** Unix time in seconds. */
  lastAt: number;
  count = 0;
  /** Journal position that a save in the background waits for; 0 for none. */
  #wanted = 0;

  constructor(broker: Broker) {
    this.#broker = broker;
    this.lastAt = this.#seconds;
  }

  get isRunning(): boolean {
    return this.#wanted > 0;
  }

  saved(): void {
    this.count++;
    this.lastAt = this.#seconds;
  }

  /** Has everything of this turn synced. */
  begin(): void {
    this.#wanted = this.#broker.storage.pending + 1;
    this.#broker.timers.atTickEnd(() => {
      this.#wanted = this.#broker.storage.written;
      this.#look();
    });
  }

  #look(): void {
    const { storage, ticker } = this.#broker;
    if (storage.durable < this.#wanted) return ticker.awaitDurable({ durableMoved: () => this.#look() });
    this.#wanted = 0;
    this.saved();
  }

  get #seconds(): number {
    return Math.floor(this.#broker.clock.now() / 1000);
  }
}

function save({ caller, reply, server }: CommandContext): void {
  assertKept(server.broker);
  if (server.saves.isRunning) throw new RedisError("ERR Background save already in progress");
  caller.holdUntilDurable();
  server.saves.saved();
  reply.ok();
}

function bgsave({ caller, request, reply, server }: CommandContext): void {
  if (request.argumentCount > 1 && !(request.argumentCount === 2 && request.is(1, "SCHEDULE")))
    throw syntaxError();
  assertKept(server.broker);
  if (server.saves.isRunning) throw new RedisError("ERR Background save already in progress");
  server.saves.begin();
  reply.simple(caller.later === null ? "Background saving scheduled" : "Background saving started");
}

/** The cleaner compacts the journal all the time; what is left to do is to sync. */
function bgrewriteaof({ caller, reply, server }: CommandContext): void {
  assertKept(server.broker);
  if (!server.saves.isRunning) server.saves.begin();
  const how = caller.later === null ? "scheduled" : "started";
  reply.simple(`Background append only file rewriting ${how}`);
}

function lastsave({ reply, server }: CommandContext): void {
  reply.integer(server.saves.lastAt);
}

function assertKept({ options }: Broker): void {
  if (options.disk === null)
    throw new RedisError("ERR nothing is kept: the broker was started with --data-dir memory");
}
