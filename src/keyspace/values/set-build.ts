/**
 * A set that a command makes aside, over several turns if need be, before it is put under its key: nobody sees a part of it.
 *
 * While it is packed, and where it is only shown, it is in no journal (`Keyspace.aside`). One that is to be stored goes to the
 * scratch database once it is large, and from then on its members are recorded as they come and go. So its last step is
 * small, a rename, however many members there are. What a start finds of unfinished ones is dropped.
 * Not here: which members. Invariants: what is in the scratch database has all its records, since the cleaner sees it there;
 * no record is open after `pause`, which must come before anything else is changed or looked up; it ends by `moveTo` or
 * `drop`, once.
 */
import { ageOf } from "../age.ts";
import type { KeyContent } from "../content.ts";
import type { Database } from "../database.ts";
import { operation } from "../key-records.ts";
import type { Keyspace } from "../keyspace.ts";
import type { Ref } from "./element-table.ts";
import { MemberRecords } from "./member-records.ts";

export class SetBuild {
  readonly #keyspace: Keyspace;
  readonly #isStored: boolean;
  content: KeyContent;
  entry: number;
  /** Of one in the scratch database. */
  readonly #records: MemberRecords;

  constructor(keyspace: Keyspace, purpose: "stored" | "shown") {
    this.#keyspace = keyspace;
    this.#isStored = purpose === "stored";
    this.content = keyspace.aside;
    this.#records = new MemberRecords(keyspace.scratch, keyspace);
    const key = keyspace.nextAsideKey();
    this.entry = keyspace.sets.create(this.content, key, 0, key.length, ageOf(keyspace.position));
  }

  get count(): number {
    return this.#keyspace.sets.count(this.content, this.entry);
  }

  get bytes(): number {
    return this.#keyspace.sets.memberBytes(this.content, this.entry);
  }

  get #isInScratch(): boolean {
    return this.content !== this.#keyspace.aside;
  }

  add(member: Uint8Array, start: number, end: number): void {
    const { sets, position } = this.#keyspace;
    const isNew = sets.add(this.content, this.entry, position, member, start, end);
    this.entry = sets.entry;
    if (!isNew) return;
    if (this.#isInScratch) this.#record(operation.addMembers, member, start, end);
    else if (this.#isStored && this.content.isLarge(this.entry)) this.#toScratch();
  }

  remove(member: Uint8Array, start: number, end: number): void {
    const { sets } = this.#keyspace;
    if (!sets.remove(this.content, this.entry, member, start, end)) return;
    this.entry = sets.entry;
    if (this.#isInScratch) this.#record(operation.removeMembers, member, start, end);
  }

  #record(
    code: typeof operation.addMembers | typeof operation.removeMembers,
    member: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (this.#keyspace.isKept) this.#records.write(code, this.entry, member, start, end);
  }

  /** It has just become large. */
  #toScratch(): void {
    const { scratch } = this.#keyspace;
    const key = this.#keyspace.nextAsideKey();
    this.entry = this.content.rename(this.entry, scratch.content, key, 0, key.length);
    this.content = scratch.content;
    const table = this.content.elementsOf(this.entry);
    const refs: Ref[] = [];
    table.scan(0, Infinity, refs);
    for (const ref of refs) {
      table.locateKey(ref);
      this.#record(operation.addMembers, table.bytes, table.start, table.end);
    }
  }

  /** Ends what is being recorded. */
  pause(): void {
    this.#records.end();
  }

  /** Puts a stored one under a key of `target`, which is replaced. */
  moveTo(target: Database, key: Uint8Array, start: number, end: number): void {
    this.pause();
    if (this.#isInScratch) return this.#keyspace.scratch.renameTo(this.entry, target, key, start, end);
    target.putPacked(this.content.table, this.entry, key, start, end);
    this.content.remove(this.entry);
  }

  drop(): void {
    this.pause();
    if (this.#isInScratch) this.#keyspace.scratch.remove(this.entry);
    else this.content.remove(this.entry);
  }
}
