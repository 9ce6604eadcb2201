/**
 * Elements of a value picked at random: up to `count` different ones, or so many that may repeat. HRANDFIELD and SRANDMEMBER
 * share it.
 *
 * Not here: what an element is (`Picks`). Invariant: each element has the same chance.
 */
import type { Random } from "../../../base/random.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { CommandContext } from "./context.ts";
import type { PartedReply } from "./parted-reply.ts";
import { directItemsMax, unitsOfBytes } from "./sliced-reply.ts";

/** A pick costs about two places looked at in vain. */
const unitsOfPick = 0.5;

/** The elements of a value, by whatever names one; `pick` and `all` give names. */
export interface Picks<Name> {
  readonly count: number;
  pick(random: Random): Name;
  /** All of them, in slices. */
  all(visit: (name: Name) => void): Job<void>;
  /** A name is of use until the next turn only. */
  readonly isThere: boolean;
  write(name: Name, hasValue: boolean): void;
}

export class PickWriter<Name> {
  readonly #context: CommandContext;
  readonly #parts: PartedReply;
  readonly #picks: Picks<Name>;
  readonly #hasValues: boolean;
  #written = 0;

  constructor(context: CommandContext, parts: PartedReply, picks: Picks<Name>, hasValues: boolean) {
    this.#context = context;
    this.#parts = parts;
    this.#picks = picks;
    this.#hasValues = hasValues;
  }

  #write(name: Name): void {
    const { reply } = this.#context;
    // RESP3 has a pair as an array of its own.
    if (this.#hasValues && reply.version === 3) reply.array(2);
    this.#picks.write(name, this.#hasValues);
    this.#written++;
  }

  #close(list: number): void {
    const isFlat = this.#hasValues && this.#context.reply.version === 2;
    this.#parts.closeList(list, isFlat ? 2 * this.#written : this.#written);
  }

  *repeated(count: number): Job<void> {
    const { random } = this.#context.broker;
    const list = this.#parts.openList();
    const piece = new Piece();
    for (let left = count; left > 0 && this.#picks.isThere; left--) {
      const before = this.#parts.bytes;
      this.#write(this.#picks.pick(random));
      const due = piece.add(unitsOfPick + unitsOfBytes(this.#parts.bytes - before));
      if (due > 0) yield due;
    }
    this.#close(list);
  }

  *different(count: number): Job<void> {
    const picks = this.#picks;
    const { random } = this.#context.broker;
    const list = this.#parts.openList();
    // The value may have gone before the first turn in which there was room for this.
    const { isThere } = picks;
    if (isThere && count <= directItemsMax && count * 3 < picks.count) {
      // Few of many: at once, since names do not outlive the turn.
      const names = new Set<Name>();
      while (names.size < count) names.add(picks.pick(random));
      for (const name of names) this.#write(name);
    } else if (isThere) {
      // Each in its turn has the chance that as many as are wanted come out of those that are left.
      let left = picks.count;
      let wanted = Math.min(count, left);
      yield* picks.all((name) => {
        if (wanted > 0 && (wanted >= left || random.below(left) < wanted)) {
          this.#write(name);
          wanted--;
        }
        left = Math.max(left - 1, 1);
      });
    }
    this.#close(list);
  }
}
