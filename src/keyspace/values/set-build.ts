/**
 * A set that a command makes aside, over several turns if need be, before it is put under its key: nobody sees a part of it.
 *
 * One that is stored is made in the keyspace's scratch database, and once it is large its members are recorded as they come.
 * So its last step is small, a rename, however many members there are. What a start finds of unfinished ones is dropped. One
 * that is only shown is in no journal (`Keyspace.aside`).
 * Not here: which members. Invariants: no record is open after `pause`, which must come before anything else is changed or
 * looked up; a packed one that is stored has no record of its own; it ends by `moveTo` or `drop`, once.
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
  readonly content: KeyContent;
  entry: number;
  readonly #records: MemberRecords | null;

  constructor(keyspace: Keyspace, purpose: "stored" | "shown") {
    this.#keyspace = keyspace;
    const { scratch } = keyspace;
    this.content = purpose === "stored" ? scratch.content : keyspace.aside;
    this.#records = purpose === "stored" && keyspace.isKept ? new MemberRecords(scratch, keyspace) : null;
    const key = keyspace.nextAsideKey();
    this.entry = keyspace.sets.create(this.content, key, 0, key.length, ageOf(keyspace.position));
  }

  get count(): number {
    return this.#keyspace.sets.count(this.content, this.entry);
  }

  get bytes(): number {
    return this.#keyspace.sets.memberBytes(this.content, this.entry);
  }

  add(member: Uint8Array, start: number, end: number): void {
    const { sets, position } = this.#keyspace;
    const { content } = this;
    const wasLarge = content.isLarge(this.entry);
    const isNew = sets.add(content, this.entry, position, member, start, end);
    this.entry = sets.entry;
    if (!isNew || this.#records === null) return;
    if (wasLarge) this.#records.write(operation.addMembers, this.entry, member, start, end);
    else if (content.isLarge(this.entry)) this.#recordAll(this.#records);
  }

  /** It has just become large. */
  #recordAll(records: MemberRecords): void {
    const table = this.content.elementsOf(this.entry);
    const refs: Ref[] = [];
    table.scan(0, Infinity, refs);
    for (const ref of refs) {
      table.locateKey(ref);
      records.write(operation.addMembers, this.entry, table.bytes, table.start, table.end);
    }
  }

  remove(member: Uint8Array, start: number, end: number): void {
    const { sets } = this.#keyspace;
    if (!sets.remove(this.content, this.entry, member, start, end)) return;
    this.entry = sets.entry;
    if (this.#records !== null && this.content.isLarge(this.entry))
      this.#records.write(operation.removeMembers, this.entry, member, start, end);
  }

  /** Ends what is being recorded. */
  pause(): void {
    this.#records?.end();
  }

  /** Puts a stored one under a key of `target`, which is replaced. */
  moveTo(target: Database, key: Uint8Array, start: number, end: number): void {
    this.pause();
    const { scratch } = this.#keyspace;
    if (this.content.isLarge(this.entry)) return scratch.renameTo(this.entry, target, key, start, end);
    scratch.copyTo(this.entry, target, key, start, end);
    this.content.remove(this.entry);
  }

  drop(): void {
    this.pause();
    if (this.#records !== null && this.content.isLarge(this.entry)) this.#keyspace.scratch.remove(this.entry);
    else this.content.remove(this.entry);
  }
}
