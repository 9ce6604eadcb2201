/**
 * A sorted set that a command makes aside, over several turns if need be, before it is put under its key: nobody sees a part of it.
 *
 * As with sets (set-build.ts): one that is stored is made in the keyspace's scratch database, and once it is large its members are
 * recorded as they come, so that its last step is a rename. One that is only shown is in no journal (`Keyspace.aside`).
 * Not here: which members. Invariants: no record is open after `pause`, which must come before anything else is changed; it ends by
 * `moveTo` or `drop`, once.
 */
import { ageOf } from "../../age.ts";
import type { KeyContent } from "../../content.ts";
import type { Database } from "../../database.ts";
import { operation, writeElementBytes } from "../../key-records.ts";
import type { Keyspace } from "../../keyspace.ts";
import { beyondListpack } from "../../value-type.ts";
import { ChangeRecord } from "../change-record.ts";
import type { LargeSortedSet } from "./large-sorted-set.ts";

/**
 * What redis makes it as: a skiplist, which becomes a listpack in the end if it is small, or the other way round. It shows in scores
 * of -0, which are 0 in a listpack.
 */
export type BuildForm = "skiplist" | "listpack";

export class SortedSetBuild {
  readonly #keyspace: Keyspace;
  readonly content: KeyContent;
  entry: number;
  readonly #record: ChangeRecord | null;
  readonly #form: BuildForm;
  #longest = 0;

  constructor(keyspace: Keyspace, purpose: "stored" | "shown", form: BuildForm) {
    this.#keyspace = keyspace;
    const { scratch } = keyspace;
    this.content = purpose === "stored" ? scratch.content : keyspace.aside;
    this.#record = purpose === "stored" && keyspace.isKept ? new ChangeRecord(scratch, keyspace) : null;
    const key = keyspace.nextAsideKey();
    const age = ageOf(keyspace.position);
    this.entry = keyspace.sortedSets.create(this.content, key, 0, key.length, age);
    this.#form = form;
    if (form === "skiplist") this.content.addFlag(this.entry, beyondListpack);
  }

  get count(): number {
    return this.#keyspace.sortedSets.count(this.content, this.entry);
  }

  /** Roughly. */
  get bytes(): number {
    const { content, entry } = this;
    return this.#large?.liveBytes ?? content.table.valueLength(entry);
  }

  get #large(): LargeSortedSet | null {
    return this.#keyspace.sortedSets.largeOf(this.content, this.entry);
  }

  /** Finds a member's score, in the values of all sorted sets. */
  find(member: Uint8Array, start: number, end: number): boolean {
    return this.#keyspace.sortedSets.find(this.content, this.entry, member, start, end);
  }

  set(score: number, member: Uint8Array, start: number, end: number): void {
    const { sortedSets, position } = this.#keyspace;
    const wasLarge = this.content.isLarge(this.entry);
    if (end - start > this.#longest) this.#longest = end - start;
    sortedSets.set(this.content, this.entry, position, score, member, start, end);
    this.entry = sortedSets.entry;
    if (this.#record === null) return;
    if (wasLarge) this.#recordOne(this.#record, sortedSets.given, member, start, end);
    else if (this.content.isLarge(this.entry)) this.#recordAll(this.#record);
  }

  #recordOne(record: ChangeRecord, score: number, member: Uint8Array, start: number, end: number): void {
    const { changes } = this.#keyspace;
    record.begin(operation.setScores, this.entry);
    changes.float64(score);
    writeElementBytes(changes, member, start, end);
    record.added();
  }

  /** It has just become large. */
  #recordAll(record: ChangeRecord): void {
    const { tree, elements } = this.#large!;
    tree.seek(0);
    while (tree.next()) {
      elements.locateKey(tree.ref);
      this.#recordOne(record, tree.score, elements.bytes, elements.start, elements.end);
    }
  }

  /** Ends what is being recorded. */
  pause(): void {
    this.#record?.end();
  }

  /** It is small enough for a listpack. */
  #becomeListpack(): void {
    const { content } = this;
    const { sortedSets } = this.#keyspace;
    content.table.setTypeWord(this.entry, content.table.typeWord(this.entry) & ~beyondListpack);
    const negative: Buffer[] = [];
    sortedSets.seek(content, this.entry, 0);
    while (sortedSets.next()) {
      if (Object.is(sortedSets.score, -0))
        negative.push(Buffer.from(sortedSets.bytes.subarray(sortedSets.start, sortedSets.end)));
    }
    for (const member of negative) {
      sortedSets.remove(content, this.entry, member, 0, member.length);
      this.entry = sortedSets.entry;
      this.set(0, member, 0, member.length);
    }
  }

  /** Puts a stored one under a key of `target`, which is replaced. */
  moveTo(target: Database, key: Uint8Array, start: number, end: number): void {
    const { sortedSetEntriesMax, sortedSetValueBytesMax } = this.#keyspace.encodings;
    const isSmall = this.count <= sortedSetEntriesMax && this.#longest <= sortedSetValueBytesMax;
    if (this.#form === "skiplist" && isSmall) this.#becomeListpack();
    this.pause();
    const { scratch } = this.#keyspace;
    if (this.content.isLarge(this.entry)) return scratch.renameTo(this.entry, target, key, start, end);
    scratch.copyTo(this.entry, target, key, start, end);
    this.content.remove(this.entry);
  }

  drop(): void {
    this.pause();
    if (this.#record !== null && this.content.isLarge(this.entry)) this.#keyspace.scratch.remove(this.entry);
    else this.content.remove(this.entry);
  }
}
