/**
 * Memory of Lua machines that were given up, which the runtime has not freed yet.
 *
 * WebAssembly gives no memory back, so a machine that has taken much is dropped as a whole. Nothing may refer to it then: compiled
 * scripts name their machine by its number. Invariant: together with the machines in use there are at most
 * `luaMemoryGivenUpBytesMax` more than one machine may take.
 */
import type { Timers } from "../../../../base/clock.ts";
import { limits } from "../../../../base/limits.ts";

/** Long enough that one collection frees the machines of several scripts that came together. */
const freeDelayMs = 100;

export class GivenUpMemory {
  readonly #timers: Timers;
  #bytes = 0;
  #isTimed = false;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** A machine of that size was dropped. It may still be on the stack. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#isTimed || bytes <= limits.luaMemoryBytesKept) return;
    this.#isTimed = true;
    this.#timers.after(freeDelayMs, () => {
      this.#isTimed = false;
      this.#free();
    });
  }

  /** Before another machine is made. */
  makeRoom(): void {
    if (this.#bytes > limits.luaMemoryGivenUpBytesMax) this.#free();
  }

  #free(): void {
    if (this.#bytes === 0) return;
    this.#bytes = 0;
    this.#timers.collectGarbage?.();
  }
}
