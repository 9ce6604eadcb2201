/**
 * CONFIG's `timeout`: connections that send nothing for so many seconds are closed. As in redis, not those that wait in a command, are
 * subscribed, or are in MONITOR.
 *
 * Invariant: nothing runs while `timeout` is 0; a round goes on in later turns, whatever the number of connections.
 */
import type { Clock, Timer, Timers } from "../../../base/clock.ts";
import type { Job, RunningJob, TurnWork } from "../../../base/turn-work.ts";

const lookMs = 1000;

interface IdleClient {
  readonly blocked: unknown;
  /** A command waits for keys, or goes on in later turns. */
  readonly isAtWork: boolean;
  readonly isSubscriber: boolean;
  readonly isMonitor: boolean;
  /** Wall time in ms. */
  readonly lastCommandAt: number;
  end(): void;
}

interface Parts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly work: TurnWork;
  readonly sessions: ReadonlyMap<number, IdleClient>;
}

export class IdleClients {
  readonly #parts: Parts;
  #timer: Timer | null = null;
  #looking: RunningJob | null = null;
  #seconds = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** 0 for ever. */
  set seconds(seconds: number) {
    this.#seconds = seconds;
    this.#timer?.cancel();
    this.#looking?.cancel();
    this.#timer = this.#looking = null;
    if (seconds > 0) this.#lookLater();
  }

  #lookLater(): void {
    const { timers, work } = this.#parts;
    this.#timer = timers.after(lookMs, () => {
      this.#looking = work.run(this.#look(), () => this.#lookLater());
    });
  }

  *#look(): Job<void> {
    const { clock, sessions } = this.#parts;
    const idleSince = clock.now() - this.#seconds * 1000;
    for (const client of sessions.values()) {
      const isWaiting = client.blocked !== null || client.isAtWork || client.isSubscriber || client.isMonitor;
      if (client.lastCommandAt < idleSince && !isWaiting) client.end();
      yield 0.2;
    }
  }
}
