/**
 * One database: every change of a key in memory, in the journal and for those who watch it, in one call.
 *
 * Commands find an entry, look at it through `table`, and change it by the methods here only. Not here: what the
 * streams of the database are (they are logs), replies, commands' rules. Invariants: a key that is due is never found, but by a command that began before;
 * whatever changes a value or an expiry writes a record and tells the watchers.
 */
import { copyBytes } from "../base/bytes.ts";
import { ageOf } from "./age.ts";
import type { KeyContent } from "./content.ts";
import {
  operation,
  writeDelete,
  writeExpire,
  writeFlush,
  writeHead,
  writeNamed,
  writePatch,
  writeSet,
} from "./key-records.ts";
import type { KeyTable } from "./key-table.ts";
import type { EncodingBounds } from "./bounds.ts";
import type { Keyspace } from "./keyspace.ts";
import { patchValue } from "./patch.ts";
import { hasExpiringFields, largeLayout, typeNameOf, valueType } from "./value-type.ts";
import { HashChanges } from "./values/hash-changes.ts";
import { SortedSetChanges } from "./values/sorted/sorted-set-changes.ts";
import { SetChanges } from "./values/set-changes.ts";
import { ListChanges } from "./values/list/list-changes.ts";

/** As an expiry to `put`: the one that the key has stays. */
export const keepExpiry = -1;

export class Database {
  readonly number: number;
  readonly #keyspace: Keyspace;
  content: KeyContent;
  /** How a command changes the fields of a hash. */
  readonly hash: HashChanges;
  /** How a command changes the members of a sorted set. */
  readonly sortedSet: SortedSetChanges;
  /** The same for the members of a set. */
  readonly set: SetChanges;
  /** How a command changes the elements of a list. */
  readonly list: ListChanges;

  get encodings(): Readonly<EncodingBounds> {
    return this.#keyspace.encodings;
  }

  constructor(keyspace: Keyspace, number: number) {
    this.#keyspace = keyspace;
    this.number = number;
    this.content = keyspace.newContent();
    this.hash = new HashChanges(this, keyspace);
    this.sortedSet = new SortedSetChanges(this, keyspace);
    this.set = new SetChanges(this, keyspace);
    this.list = new ListChanges(this, keyspace);
  }

  get table(): KeyTable {
    return this.content.table;
  }

  get size(): number {
    return this.table.count;
  }

  /** The entry of a key, or 0. A key whose time has come is removed instead. */
  find(key: Uint8Array, start: number, end: number): number {
    const table = this.table;
    const entry = table.find(table.hash(key, start, end), key, start, end);
    return entry === 0 || !this.isDue(entry) ? entry : this.#expire(entry);
  }

  /** Whether the key has an entry, though that may be due: one that a long command keeps is none to others, but has the name. */
  hasName(key: Uint8Array, start: number, end: number): boolean {
    if (this.find(key, start, end) !== 0) return true;
    const { table } = this;
    return table.find(table.hash(key, start, end), key, start, end) !== 0;
  }

  isDue(entry: number): boolean {
    const expiry = this.table.expiry(entry);
    return expiry !== 0 && expiry <= this.#keyspace.now();
  }

  #expire(entry: number): number {
    if (this.#isHeld(entry)) return this.#keyspace.held!.isAtWork ? entry : 0;
    if (this.#keyspace.keepsDue) return 0;
    const { listener } = this.#keyspace;
    this.#keyspace.expired++;
    if (listener?.hearsExpired === true && !this.#isScratch) {
      const { table, number } = this;
      table.locateKey(entry);
      listener.keyExpired(number, table.bytes, table.start, table.end);
    }
    this.#removeUnasked(entry);
    return 0;
  }

  /**
   * Removes an entry to make room: the only way in which a key goes that nobody asked to go and whose time has not come. Returns false
   * where a command goes on that needs it.
   */
  evict(entry: number): boolean {
    if (this.#isHeld(entry)) return false;
    const { eviction, listener } = this.#keyspace;
    eviction.evicted++;
    if (listener?.hearsEvicted === true) {
      const { table, number } = this;
      table.locateKey(entry);
      listener.keyEvicted(number, table.bytes, table.start, table.end);
    }
    this.#removeUnasked(entry);
    return true;
  }

  #removeUnasked(entry: number): void {
    const { watcher } = this.#keyspace;
    if (watcher === null) return this.remove(entry);
    watcher.isUnasked = true;
    this.remove(entry);
    watcher.isUnasked = false;
  }

  get #isScratch(): boolean {
    return this === this.#keyspace.scratch;
  }

  /** The key, which had nothing, has an entry. */
  #wasMade(key: Uint8Array, start: number, end: number): void {
    const { listener } = this.#keyspace;
    if (listener?.hearsMade !== true || this.#isScratch) return;
    listener.keyMade(this.number, Buffer.from(key.buffer, key.byteOffset, key.byteLength), start, end);
  }

  /** Moves some entries together, but those that a command needs as they are. Returns how many were looked at; 0: there are no more. */
  moveSome(most: number): number {
    return this.content.moveSome(most, this.#mayMove);
  }

  /** The same for the blocks of the large value `id`, if there is one: see `LargeValue.moveSome`. */
  moveBlocks(id: number, cursor: number, most: number): number {
    const { values } = this.content;
    const value = values.at(id);
    return value === null || this.#isHeld(values.entryOf(id)) ? 0 : value.moveSome(cursor, most);
  }

  readonly #mayMove = (entry: number): boolean => !this.#isHeld(entry);

  /** A command goes on that needs the key as it is. */
  #isHeld(entry: number): boolean {
    const { held } = this.#keyspace;
    if (held === null || !held.isAny) return false;
    const { table } = this;
    table.locateKey(entry);
    return held.holds(this.number, table.bytes.latin1Slice(table.start, table.end));
  }

  /** Removes the entry if its time has come; says whether it is due, and so is none. */
  expireIfDue(entry: number): boolean {
    if (!this.isDue(entry)) return false;
    this.#expire(entry);
    return true;
  }

  /**
   * The hash of `entry` without the fields that are due; 0 where none is left, and the key is gone. Every command on hashes begins
   * with it.
   */
  freshHash(entry: number): number {
    if (!hasExpiringFields(this.table.typeWord(entry))) return entry;
    return this.#keyspace.expireFields(this, entry);
  }

  /**
   * Sets a key to the string `value[from, to)`, of whatever type it was. `expiry` is wall time in ms, 0 for never, or
   * `keepExpiry`; `flags` are those of strings (value-type.ts). Returns its entry.
   */
  put(
    key: Uint8Array,
    start: number,
    end: number,
    value: Uint8Array,
    from: number,
    to: number,
    expiry: number,
    flags = 0,
  ): number {
    return this.#putWhole(valueType.string | flags, key, start, end, value, from, to, expiry);
  }

  /** Returns its entry. */
  #putWhole(
    word: number,
    key: Uint8Array,
    start: number,
    end: number,
    value: Uint8Array,
    from: number,
    to: number,
    expiry: number,
  ): number {
    const table = this.table;
    const hash = table.hash(key, start, end);
    let entry = table.find(hash, key, start, end);
    if (entry !== 0 && this.isDue(entry)) entry = this.#expire(entry);
    if (entry === 0) {
      entry = table.insert(hash, key, start, end, word, to - from);
      if (expiry > 0) table.setExpiry(entry, expiry);
      this.#wasMade(key, start, end);
    } else {
      entry = this.content.replace(entry, word, to - from);
      table.touch(entry);
      if (expiry !== keepExpiry) table.setExpiry(entry, expiry);
    }
    copyBytes(table.bytes, table.start, value, from, to);
    this.#wasSet(entry);
    return entry;
  }

  /** Sets a key to what the packed `entry` of another table has, with its expiry. Returns its entry. */
  putPacked(source: KeyTable, entry: number, key: Uint8Array, start: number, end: number): number {
    source.locate(entry);
    const { bytes, start: from, end: to } = source;
    if (hasExpiringFields(source.typeWord(entry))) this.content.seenFieldExpiries();
    return this.#putWhole(source.typeWord(entry), key, start, end, bytes, from, to, source.expiry(entry));
  }

  /** Gives a string that is there another value; its expiry stays. */
  replace(entry: number, value: Uint8Array, from: number, to: number, flags = 0): void {
    const table = this.table;
    const place = table.resize(entry, to - from, false);
    table.setTypeWord(place, valueType.string | flags);
    copyBytes(table.bytes, table.start, value, from, to);
    this.#wasSet(place);
  }

  #wasSet(entry: number): void {
    const keyspace = this.#keyspace;
    const table = this.table;
    if (keyspace.isKept) {
      table.setAge(entry, ageOf(keyspace.position));
      writeSet(keyspace.changes, this.number, table, entry);
      keyspace.recorded();
    }
    this.tell(entry);
  }

  /** Tells those who watch the key that it has changed. */
  tell(entry: number): void {
    const keyspace = this.#keyspace;
    // What is built aside has no name that a client knows.
    if (!keyspace.isWatched || this.#isScratch) return;
    const table = this.table;
    table.locateKey(entry);
    const key = table.bytes.latin1Slice(table.start, table.end);
    const isAgain = keyspace.isToldAgain(this.number, key);
    keyspace.watcher!.keyChanged(this.number, key, typeNameOf(table.type(entry)), isAgain);
  }

  /** Overwrites a part of a string that is there; it grows if needed, with zeros between. Returns where the entry is. */
  patch(entry: number, offset: number, source: Uint8Array, from: number, to: number): number {
    const keyspace = this.#keyspace;
    const place = patchValue(this.table, entry, offset, source, from, to);
    if (keyspace.isKept) {
      writePatch(keyspace.changes, this.number, this.table, place, offset, to - from);
      keyspace.recorded();
    }
    this.tell(place);
    return place;
  }

  /** Changes when a key expires; 0 for never. */
  setExpiry(entry: number, at: number): void {
    const keyspace = this.#keyspace;
    this.table.setExpiry(entry, at);
    if (keyspace.isKept) {
      writeExpire(keyspace.changes, this.number, this.table, entry);
      keyspace.recorded();
    }
    this.tell(entry);
  }

  remove(entry: number): void {
    const keyspace = this.#keyspace;
    if (keyspace.isKept) {
      writeDelete(keyspace.changes, this.number, this.table, entry);
      keyspace.recorded();
    }
    this.tell(entry);
    this.content.remove(entry);
  }

  /** An empty hash for a key that has nothing: fields are to follow at once, by `hash`. */
  createHash(key: Uint8Array, start: number, end: number): number {
    const keyspace = this.#keyspace;
    this.#wasMade(key, start, end);
    return keyspace.hashes.create(this.content, key, start, end, ageOf(keyspace.position));
  }

  /** An empty sorted set for a key that has nothing: members are to follow at once, by `sortedSet`. */
  createSortedSet(key: Uint8Array, start: number, end: number): number {
    const keyspace = this.#keyspace;
    this.#wasMade(key, start, end);
    return keyspace.sortedSets.create(this.content, key, start, end, ageOf(keyspace.position));
  }

  /** The same for a set: members are to follow, by `set`. */
  createSet(key: Uint8Array, start: number, end: number): number {
    const keyspace = this.#keyspace;
    this.#wasMade(key, start, end);
    return keyspace.sets.create(this.content, key, start, end, ageOf(keyspace.position));
  }

  /** Removes an entry, whose value lives on in `Keyspace.aside` for a command that reads it in slices; returns its entry there. */
  setAside(entry: number): number {
    const keyspace = this.#keyspace;
    if (keyspace.isKept) {
      writeDelete(keyspace.changes, this.number, this.table, entry);
      keyspace.recorded();
    }
    this.tell(entry);
    const key = keyspace.nextAsideKey();
    return this.content.rename(entry, keyspace.aside, key, 0, key.length);
  }

  /** The same for a list: elements are to follow, by `list`. */
  createList(key: Uint8Array, start: number, end: number): number {
    const keyspace = this.#keyspace;
    this.#wasMade(key, start, end);
    return keyspace.lists.create(this.content, key, start, end, ageOf(keyspace.position));
  }

  /** Copies an entry with its expiry to a key of `target`, which is replaced. */
  copyTo(entry: number, target: Database, key: Uint8Array, start: number, end: number): void {
    if (!this.content.isLarge(entry)) {
      const place = target.putPacked(this.table, entry, key, start, end);
      // Whatever it replaces, it is new.
      target.table.setUse(place, this.#keyspace.uses.freshUse);
      return;
    }
    const isNew = target.find(key, start, end) === 0;
    this.#writeNamed(operation.copy, entry, target, key, start, end);
    target.#wasNamed(this.content.copyLarge(entry, target.content, key, start, end));
    if (isNew) target.#wasMade(key, start, end);
  }

  /** Gives an entry the name of a key of `target`, which is replaced; its expiry goes with it. */
  renameTo(entry: number, target: Database, key: Uint8Array, start: number, end: number): void {
    if (!this.content.isLarge(entry)) {
      // Of the old name before the new one, as redis does.
      this.tell(entry);
      const place = target.putPacked(this.table, entry, key, start, end);
      target.table.setUse(place, this.table.use(entry));
      return this.remove(entry);
    }
    const isNew = target.find(key, start, end) === 0;
    this.#writeNamed(operation.rename, entry, target, key, start, end);
    this.tell(entry);
    target.#wasNamed(this.content.rename(entry, target.content, key, start, end));
    if (isNew) target.#wasMade(key, start, end);
  }

  #writeNamed(
    code: typeof operation.rename | typeof operation.copy,
    entry: number,
    target: Database,
    key: Uint8Array,
    start: number,
    end: number,
  ): void {
    const keyspace = this.#keyspace;
    if (!keyspace.isKept) return;
    const from = { database: this.number, table: this.table, entry };
    writeNamed(keyspace.changes, code, from, { database: target.number, key, start, end });
    keyspace.recorded();
  }

  /** A large value has this name now. The journal gets its head again, since that of the old name may go; not its elements. */
  #wasNamed(entry: number): void {
    const keyspace = this.#keyspace;
    if (keyspace.isKept) {
      this.rewrite(entry);
      keyspace.recorded();
      keyspace.largeMoved();
    }
    this.tell(entry);
  }

  /** Removes all keys: one record, and the memory is given back at once. */
  flush(): void {
    const keyspace = this.#keyspace;
    if (this.table.count === 0) return;
    if (keyspace.isKept) {
      writeFlush(keyspace.changes, this.number);
      keyspace.recorded();
    }
    this.content.free();
    this.content = keyspace.newContent();
  }

  /** Writes an entry into the journal again, for the cleaner; of a large value all but its elements. */
  rewrite(entry: number): void {
    const keyspace = this.#keyspace;
    const { table } = this;
    table.setAge(entry, ageOf(keyspace.position));
    if ((table.typeWord(entry) & largeLayout) === 0) writeSet(keyspace.changes, this.number, table, entry);
    else writeHead(keyspace.changes, this.number, table, entry);
  }

  /**
   * Writes the elements of one segment of the large value `id` into the journal again, if there is one that has some below
   * position `below`; says whether there was.
   */
  rewriteElements(id: number, below: number): boolean {
    const { changes, position, kinds } = this.#keyspace;
    const { content } = this;
    if (content.values.at(id) === null) return false;
    const kind = kinds.ofType(content.table.type(content.values.entryOf(id)))!;
    return kind.rewriteElements(changes, { database: this.number, content, id }, below, position);
  }
}
