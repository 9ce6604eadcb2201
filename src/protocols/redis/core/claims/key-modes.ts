/**
 * Which keys are read and which are written, by how many: a table to ask whether one more would be in somebody's way.
 *
 * Not here: who they are. Invariant: two that read are not in each other's way; one that writes is in everybody's. What is made aside and
 * then written in one step is not in the way of who only looks for a moment. A whole database is in the way of each of its keys.
 */

/** `aside`: the key is written when the command is at its end, in one step. */
export type KeyMode = "read" | "written" | "aside";

/** A key that a command needs, or a whole database where `key` is null. */
export interface KeyWant {
  readonly database: number;
  readonly key: string | null;
  readonly mode: KeyMode;
}

type Counts = Record<KeyMode, number>;

interface DatabaseModes {
  readonly keys: Map<string, Counts>;
  /** Of those who want all of it. */
  readonly whole: Counts;
  /** Of those who want single keys. */
  readonly single: Counts;
}

export class KeyModes {
  readonly #databases: (DatabaseModes | undefined)[] = [];
  /** How many wants are in the table. */
  count = 0;

  add(wants: readonly KeyWant[]): void {
    for (const want of wants) this.#count(want, 1);
  }

  remove(wants: readonly KeyWant[]): void {
    for (const want of wants) this.#count(want, -1);
  }

  #count({ database, key, mode }: KeyWant, by: 1 | -1): void {
    this.count += by;
    const modes = (this.#databases[database] ??= {
      keys: new Map<string, Counts>(),
      whole: noCounts(),
      single: noCounts(),
    });
    if (key === null) {
      modes.whole[mode] += by;
      return;
    }
    modes.single[mode] += by;
    let counts = modes.keys.get(key);
    if (counts === undefined) modes.keys.set(key, (counts = noCounts()));
    counts[mode] += by;
    if (total(counts) === 0) modes.keys.delete(key);
  }

  /** Whether one of the wants cannot be had beside what is in the table. */
  areInTheWay(wants: readonly KeyWant[]): boolean {
    return this.count > 0 && wants.some((want) => this.#isInTheWay(want, isTaken));
  }

  /** The same for a command that reads and is over in this turn. */
  areInTheWayOfALook(wants: readonly KeyWant[]): boolean {
    return this.count > 0 && wants.some((want) => this.#isInTheWay(want, isHalfWritten));
  }

  #isInTheWay(
    { database, key, mode }: KeyWant,
    isBarred: (counts: Counts, mode: KeyMode) => boolean,
  ): boolean {
    const modes = this.#databases[database];
    if (modes === undefined) return false;
    if (isBarred(modes.whole, mode)) return true;
    const counts = key === null ? modes.single : modes.keys.get(key);
    return counts !== undefined && isBarred(counts, mode);
  }

  has(database: number, key: string): boolean {
    const modes = this.#databases[database];
    if (modes === undefined) return false;
    return total(modes.whole) > 0 || modes.keys.has(key);
  }
}

function noCounts(): Counts {
  return { read: 0, written: 0, aside: 0 };
}

function total({ read, written, aside }: Counts): number {
  return read + written + aside;
}

function isTaken(counts: Counts, mode: KeyMode): boolean {
  return mode === "read" ? counts.written + counts.aside > 0 : total(counts) > 0;
}

function isHalfWritten({ written }: Counts): boolean {
  return written > 0;
}
