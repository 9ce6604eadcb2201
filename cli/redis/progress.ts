/**
 * How far an import or export is, on stderr: a bar on a terminal, else a line every few seconds.
 *
 * Not here: results, which go to stdout. Invariant: what it prints is in proportion to the time, not to the keys.
 */
const barMs = 100;
const lineMs = 5000;
const barWidth = 24;
const looksBetweenClocks = 256;

export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export class Progress {
  readonly #out: ProgressOutput;
  readonly #isBar: boolean;
  readonly #now: () => number;
  readonly #startedAt: number;
  #shownAt: number;
  #looks = 0;
  #isOpen = false;

  constructor(out: ProgressOutput, now: () => number) {
    this.#out = out;
    this.#isBar = out.isTTY === true;
    this.#now = now;
    this.#startedAt = this.#shownAt = now();
  }

  /** Call it as often as there is something: `share` is from 0 to 1. */
  look(what: string, share: number, count: number): void {
    if (++this.#looks % looksBetweenClocks !== 0) return;
    const now = this.#now();
    if (now - this.#shownAt < (this.#isBar ? barMs : lineMs)) return;
    this.#shownAt = now;
    const percent = `${Math.floor(Math.min(share, 1) * 100)} %`;
    const text = `${what}: ${percent}, ${count.toLocaleString("en")} keys, ${this.seconds} s`;
    if (!this.#isBar) {
      this.#out.write(`${text}\n`);
      return;
    }
    const full = Math.round(Math.min(share, 1) * barWidth);
    this.#out.write(`\r[${"#".repeat(full)}${".".repeat(barWidth - full)}] ${text}\u001b[K`);
    this.#isOpen = true;
  }

  get seconds(): string {
    return ((this.#now() - this.#startedAt) / 1000).toFixed(1);
  }

  /** Clears the bar: something else is printed next. */
  end(): void {
    if (this.#isOpen) this.#out.write("\r\u001b[K");
    this.#isOpen = false;
  }
}
