/**
 * Gives memory back after keys or elements were deleted: what is left lies in chunks that are nearly empty, and is moved together. The
 * entries of a database have an arena of their own; the blocks of all large values share one.
 *
 * Looked at with each sweep; the moving goes on over several turns (base/turn-work.ts). Not here: which chunks (arena.ts), what points
 * at an entry (content.ts) or a block (values/). Invariants: entries and blocks move between commands only; what a command holds over
 * several turns stays.
 */
import { type Job, Piece, type RunningJob, type TurnWork } from "../base/turn-work.ts";
import type { Arena } from "./arena.ts";
import type { KeyContent } from "./content.ts";
import type { Database } from "./database.ts";

/** Memory that is left as it is, */
const wastedBytesMin = 1 << 20;
/** or that is a smaller part of what lives. */
const wastedPart = 4;
/** Moved in one piece: about 50 us. */
const entriesOfPiece = 128;
const entriesOfUnit = 3;
/** Of a large value in one piece. Few of them move, and each is 2 KiB or so. */
const blocksOfPiece = 16;
const unitsOfLook = 0.2;
const unitsOfMove = 32;

export class Compaction {
  readonly #databases: readonly Database[];
  /** Of large values. */
  readonly #arena: Arena;
  /** Waste that was left when it was last compacted: nothing to do before there is more. */
  readonly #left = new WeakMap<KeyContent | Arena, number>();
  #job: RunningJob | null = null;

  constructor(databases: readonly Database[], arena: Arena) {
    this.#databases = databases;
    this.#arena = arena;
  }

  /** Begins where a database has become sparse. */
  look(work: Pick<TurnWork, "run">): void {
    if (this.#job?.isRunning === true) return;
    for (const database of this.#databases) {
      const { content } = database;
      if (!this.#isSparse(content, content.table)) continue;
      this.#job = work.run(this.#compact(database), () => {});
      return;
    }
    if (this.#isSparse(this.#arena, this.#arena)) this.#job = work.run(this.#compactValues(), () => {});
  }

  stop(): void {
    this.#job?.cancel();
    this.#job = null;
  }

  #isSparse(
    of: KeyContent | Arena,
    { wastedBytes, liveBytes }: Pick<Arena, "wastedBytes" | "liveBytes">,
  ): boolean {
    const left = Math.min(this.#left.get(of) ?? 0, wastedBytes);
    this.#left.set(of, left);
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

  /** Values that are made or read aside are left out; their chunks go when they do. */
  *#compactValues(): Job<void> {
    const arena = this.#arena;
    if (arena.beginLeaving() > 0) {
      try {
        for (const database of this.#databases) yield* this.#moveValues(database);
      } finally {
        arena.endLeaving();
      }
    }
    this.#left.set(arena, arena.wastedBytes);
  }

  *#moveValues(database: Database): Job<void> {
    const piece = new Piece();
    for (let id = 0; id < database.content.values.end; id++) {
      let cursor = 0;
      do {
        const due = piece.add(unitsOfLook + (cursor > 0 ? unitsOfMove : 0));
        if (due > 0) yield due;
        cursor = database.moveBlocks(id, cursor, blocksOfPiece);
      } while (cursor > 0);
    }
  }
}
