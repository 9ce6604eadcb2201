/**
 * The state sources of one storage: whose changes a frame of the journal holds, and what all of them would take.
 *
 * Not here: what the changes say (their owners). Invariant: with owners, no change in the journal is passed over.
 */
import { BrokerError } from "../../base/errors.ts";
import { isKnownSource, type StateSource } from "./state-source.ts";

export class StateSources {
  readonly all: readonly StateSource[];
  /** There is an owner for each source: what the journal has of another one would be lost. */
  readonly #hasOwners: boolean;

  /** `sources` is absent where nobody wants the values (check, repair). */
  constructor(sources: readonly StateSource[] | undefined) {
    this.all = sources ?? [];
    this.#hasOwners = sources !== undefined;
  }

  /** About how much the values of all sources would take if written again. */
  get liveBytes(): number {
    let total = 0;
    for (const { liveBytes } of this.all) total += liveBytes;
    return total;
  }

  /** Recovery met the body of a source's frame at `position`. Throws CORRUPT where nobody here knows the source. */
  replayed(buffer: Buffer, start: number, end: number, position: number): void {
    const id = buffer[start]!;
    for (const source of this.all) {
      if (source.sourceId === id) return source.replayed(buffer, start + 1, end, position);
    }
    if (!this.#hasOwners && isKnownSource(id)) return;
    throw new BrokerError(
      "CORRUPT",
      `journal: position ${position}: values of source ${id}, which this program does not know; start the version of TroikaMQ that wrote them`,
    );
  }
}
