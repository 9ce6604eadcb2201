/**
 * Changes of one set by one command: in memory, in the journal and for those who watch the key.
 *
 *     open(entry)  add(...) remove(...) take(...)  close()
 *
 * Nothing else of the keyspace may be changed in between: the members go into one record, which is ended by `close`, or
 * before where it has become long. Invariant: a set that is empty at `close` is removed with its key.
 */
import type { Random } from "../../base/random.ts";
import type { Database } from "../database.ts";
import { operation } from "../key-records.ts";
import type { Keyspace } from "../keyspace.ts";
import { MemberRecords } from "./member-records.ts";
import { MemberCopy } from "./set.ts";

export class SetChanges {
  readonly #database: Database;
  readonly #keyspace: Keyspace;
  readonly #records: MemberRecords;
  #entry = 0;
  #isChanged = false;
  /** Something was added and nothing taken out since: it is not empty, whatever it has. */
  #isFilled = false;
  /** The key went with its last member when the set was closed last. */
  isGone = false;
  /** The member that `take` took. */
  readonly taken = new MemberCopy();

  constructor(database: Database, keyspace: Keyspace) {
    this.#database = database;
    this.#keyspace = keyspace;
    this.#records = new MemberRecords(database, keyspace);
  }

  open(entry: number): void {
    this.#entry = entry;
    this.#isChanged = false;
    this.#isFilled = false;
  }

  /** Adds a member; says whether it is a new one. */
  add(member: Uint8Array, start: number, end: number): boolean {
    const { sets, position, isKept } = this.#keyspace;
    const isNew = sets.add(this.#database.content, this.#entry, position, member, start, end);
    this.#entry = sets.entry;
    this.#isFilled = true;
    if (!isNew) return false;
    this.#isChanged = true;
    if (isKept) this.#records.write(operation.addMembers, this.#entry, member, start, end);
    return true;
  }

  /** Takes a member out; says whether it was there. */
  remove(member: Uint8Array, start: number, end: number): boolean {
    const { sets, isKept } = this.#keyspace;
    if (!sets.remove(this.#database.content, this.#entry, member, start, end)) return false;
    this.#entry = sets.entry;
    this.#isChanged = true;
    this.#isFilled = false;
    if (isKept) this.#records.write(operation.removeMembers, this.#entry, member, start, end);
    return true;
  }

  /** Takes one of the members out, each with the same chance: it is in `taken` then. There must be one. */
  take(random: Random): void {
    const { sets } = this.#keyspace;
    const { taken } = this;
    sets.pick(this.#database.content, this.#entry, random);
    taken.set(sets.bytes, sets.start, sets.end);
    this.remove(taken.bytes, 0, taken.size);
  }

  /** See `SetValues.remake`. */
  remake(): void {
    const { sets, isKept } = this.#keyspace;
    if (!sets.remake(this.#database.content, this.#entry) || !isKept) return;
    this.#records.end();
    this.#database.rewrite(this.#entry);
    this.#keyspace.recorded();
  }

  close(): void {
    this.#records.end();
    const database = this.#database;
    this.isGone = !this.#isFilled && this.#keyspace.sets.count(database.content, this.#entry) === 0;
    if (this.isGone) database.remove(this.#entry);
    else if (this.#isChanged) database.tell(this.#entry);
  }
}
