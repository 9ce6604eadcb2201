/**
 * The end of a run: all was seen, something failed, or nothing moved any more.
 *
 * Invariant: `done` always settles: a run in which nothing arrives for `stallMsMax` is ended, and says what is missing.
 */
const stallMsMax = 20_000;
const lookMs = 1000;
/** After the last message that was expected, so long is waited for one too many. */
const lingerMs = 30;

export class Progress {
  readonly done: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;
  #isOver = false;

  /** @param count grows while the run goes on @param missing what a run that stalls still waits for */
  constructor(count: () => number, missing: () => string) {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    let last = -1;
    let stalledMs = 0;
    const timer = setInterval(() => {
      const now = count();
      stalledMs = now === last ? stalledMs + lookMs : 0;
      last = now;
      if (this.#isOver) clearInterval(timer);
      else if (stalledMs >= stallMsMax)
        this.fail(new Error(`nothing arrived for ${stallMsMax} ms; missing: ${missing()}`));
    }, lookMs);
    timer.unref();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  complete(): void {
    this.#isOver = true;
    this.#resolve();
  }

  readonly fail = (error: unknown): void => {
    this.#isOver = true;
    this.#reject(error);
  };
}

export function linger(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, lingerMs));
}

/** Says how much of its core the generator took, so that a reader sees whether it, not the server, was the limit. */
export class BusyMeter {
  readonly #startMs = performance.now();
  readonly #start = process.cpuUsage();

  text(): string {
    const { user, system } = process.cpuUsage(this.#start);
    const share = (user + system) / 1000 / (performance.now() - this.#startMs);
    return `generator ${Math.round(share * 100)}% busy`;
  }
}
