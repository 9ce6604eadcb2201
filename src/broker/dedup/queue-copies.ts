/**
 * Says of a client's message whether its destination has accepted the same one before, by what the policy `dedup-by` names.
 *
 * Not here: the ids that are remembered (dedup-window.ts), who asks (intake/intake.ts). Invariants: a message without such an id is never a
 * copy; `taken` is about the message that `isCopy` was asked for last.
 */
import type { OutgoingMessage } from "../exchange/outgoing-message.ts";
import type { Copies } from "../intake/intake.ts";
import type { DedupWindow } from "./dedup-window.ts";
import type { DedupWindows } from "./dedup-windows.ts";

/** The destination, which counts its copies. */
interface Counted {
  deduplicated: number;
}

export class QueueCopies implements Copies {
  readonly #windows: DedupWindows;
  readonly #window: DedupWindow;
  readonly #queue: Counted;
  #hasId = false;
  /** Looked at once for a message. */
  #now = 0;

  constructor(windows: DedupWindows, window: DedupWindow, queue: Counted) {
    this.#windows = windows;
    this.#window = window;
    this.#queue = queue;
  }

  isCopy(message: OutgoingMessage): boolean {
    const id = message.idBy(this.#window.by);
    this.#hasId = id !== null;
    if (id === null) return false;
    this.#now = this.#windows.now();
    return this.#window.isCopy(id, this.#now);
  }

  dropped(): void {
    this.#queue.deduplicated++;
    this.#windows.copies++;
  }

  taken(offset: number): void {
    if (this.#hasId) this.#window.accept(offset, this.#now);
  }

  get offsetOfFirst(): number {
    return this.#window.offsetOfFirst;
  }
}
