/**
 * Some members of a set in memory of their own, so that they stay as they are while a job goes on in later turns; and a set as
 * batches of its members.
 *
 * Not here: what is done with them. Invariant: a batch of a large set has about 64 KiB at most, unless one member has more; a
 * packed set is one batch, as it is at one moment, and so is an intset, in the order of its integers.
 */
import { copyBytes } from "../../../base/bytes.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { KeyContent } from "../../../keyspace/content.ts";
import { orderedRefs, type SetValues } from "../../../keyspace/values/set.ts";
import { ElementWalk } from "../core/element-walk.ts";

const membersWanted = 64;
const batchBytes = 64 << 10;

export class MemberBatch {
  #bytes: Buffer = Buffer.allocUnsafe(1024);
  #ends = new Int32Array(32);
  count = 0;

  get size(): number {
    return this.count === 0 ? 0 : this.#ends[this.count - 1]!;
  }

  clear(): void {
    this.count = 0;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    const from = this.size;
    const size = from + end - start;
    if (size > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(size, 2 * this.#bytes.length));
      copyBytes(grown, 0, this.#bytes, 0, from);
      this.#bytes = grown;
    }
    if (this.count === this.#ends.length) {
      const grown = new Int32Array(2 * this.count);
      grown.set(this.#ends);
      this.#ends = grown;
    }
    copyBytes(this.#bytes, from, bytes, start, end);
    this.#ends[this.count++] = size;
  }

  each(visit: (bytes: Buffer, start: number, end: number) => void): void {
    const bytes = this.#bytes;
    let start = 0;
    for (let i = 0; i < this.count; i++) {
      const end = this.#ends[i]!;
      visit(bytes, start, end);
      start = end;
    }
  }

  /** Keeps the members of which this is true, in their order. */
  retain(isKept: (bytes: Buffer, start: number, end: number) => boolean): void {
    const bytes = this.#bytes;
    const count = this.count;
    let start = 0;
    let kept = 0;
    this.count = 0;
    for (let i = 0; i < count; i++) {
      const end = this.#ends[i]!;
      if (isKept(bytes, start, end)) {
        if (kept < start) bytes.copyWithin(kept, start, end);
        kept += end - start;
        this.#ends[this.count++] = kept;
      }
      start = end;
    }
  }
}

/**
 * Has `use` see all members of a set, batch by batch, until it returns false. Of a large set that `use` changes, what is there
 * throughout is met exactly once; where it goes, the walk ends.
 */
export function* eachBatch(
  sets: SetValues,
  content: KeyContent,
  entry: number,
  use: (batch: MemberBatch) => Job<boolean>,
): Job<void> {
  const batch = new MemberBatch();
  const large = sets.tableOf(content, entry);
  if (large === null) {
    sets.begin(content, entry);
    while (sets.next()) batch.add(sets.bytes, sets.start, sets.end);
    yield* use(batch);
    return;
  }
  const add = (ref: number): void => {
    large.locateKey(ref);
    batch.add(large.bytes, large.start, large.end);
  };
  if (sets.isIntset(content, entry)) {
    for (const ref of orderedRefs(large)) add(ref);
    yield* use(batch);
    return;
  }
  const walk = new ElementWalk(content, entry);
  const fitting = Math.floor((batchBytes * large.count) / (large.liveBytes + 1));
  const wanted = Math.max(1, Math.min(membersWanted, fitting));
  do {
    batch.clear();
    yield* walk.go(wanted, add);
    if (!(yield* use(batch))) return;
  } while (walk.cursor !== 0);
}
