/**
 * Gives memory back after keys were deleted: what a database has left lies in chunks that are nearly empty, and is moved together.
 *
 * Looked at with each sweep; the moving goes on over several turns (base/turn-work.ts). Not here: which chunks (arena.ts), what points
 * at an entry (content.ts). Invariants: entries move between commands only; one that a command holds over several turns stays.
 */
import type { RunningJob, TurnWork, Job } from "../base/turn-work.ts";
import type { KeyContent } from "./content.ts";
import type { Database } from "./database.ts";

/** Memory that is left as it is, */
const wastedBytesMin = 1 << 20;
/** or that is a smaller part of what lives. */
const wastedPart = 4;
/** Moved in one piece: about 50 us. */
const entriesOfPiece = 128;
const entriesOfUnit = 3;

export class Compaction {
  readonly #databases: readonly Database[];
  /** Waste that was left when a content was last compacted: nothing to do before there is more. */
  readonly #left = new WeakMap<KeyContent, number>();
  #job: RunningJob | null = null;

  constructor(databases: readonly Database[]) {
    this.#databases = databases;
  }

  /** Begins where a database has become sparse. */
  look(work: Pick<TurnWork, "run">): void {
    if (this.#job?.isRunning === true) return;
    for (const database of this.#databases) {
      if (!this.#isSparse(database.content)) continue;
      this.#job = work.run(this.#compact(database), () => {});
      return;
    }
  }

  stop(): void {
    this.#job?.cancel();
    this.#job = null;
  }

  #isSparse(content: KeyContent): boolean {
    const { wastedBytes, liveBytes } = content.table;
    const left = Math.min(this.#left.get(content) ?? 0, wastedBytes);
    this.#left.set(content, left);
    return wastedBytes - left > wastedBytesMin + liveBytes / wastedPart;
  }

  *#compact(database: Database): Job<void> {
    const { content } = database;
    const { table } = content;
    if (table.beginMoving() > 0) {
      try {
        // FLUSHDB or SWAPDB may give the database another content.
        for (;;) {
          yield Math.ceil(entriesOfPiece / entriesOfUnit);
          if (database.content !== content || database.moveSome(entriesOfPiece) === 0) break;
        }
      } finally {
        table.endMoving();
      }
    }
    this.#left.set(content, table.wastedBytes);
  }
}
