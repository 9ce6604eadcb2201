/** Ends a connection that does not log in, within `loginMsMax`. */
import type { Connection } from "../../../base/connection.ts";
import type { Timer, Timers } from "../../../base/clock.ts";
import { limits } from "../../../base/limits.ts";

export class LoginDeadline {
  readonly #timers: Timers;
  readonly #connection: Connection;
  #timer: Timer | null = null;

  constructor(timers: Timers, connection: Connection) {
    this.#timers = timers;
    this.#connection = connection;
  }

  begin(): void {
    this.#timer ??= this.#timers.after(limits.loginMsMax, () => this.#connection.destroy());
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
