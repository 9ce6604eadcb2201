/**
 * The named consumers of a Redis consumer group: who they are, when they came by last, how many entries each holds.
 *
 *     owners = u32 count, { u32 id, i64 seen at, i64 active at, u32 size, name }
 *
 * Not here: which entries (cursor/pending-table.ts). Invariant: no two have one name or one id, and ids are not used again
 * while the group knows a higher one.
 */
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";

export interface CursorOwner {
  readonly id: number;
  readonly name: string;
  /** When it last asked, and when it last got something, ms. */
  seenAt: number;
  activeAt: number;
  pending: number;
}

export class GroupOwners {
  readonly byName = new Map<string, CursorOwner>();
  readonly #byId = new Map<number, CursorOwner>();
  #nextId = 1;

  byId(id: number): CursorOwner | undefined {
    return this.#byId.get(id);
  }

  /** A new one, under the next id. */
  make(name: string, now: number): CursorOwner {
    return this.add(this.#nextId, name, now);
  }

  add(id: number, name: string, now: number): CursorOwner {
    const owner: CursorOwner = { id, name, seenAt: now, activeAt: -1, pending: 0 };
    this.byName.set(name, owner);
    this.#byId.set(id, owner);
    this.#nextId = Math.max(this.#nextId, id + 1);
    return owner;
  }

  remove(id: number): void {
    const owner = this.#byId.get(id);
    if (owner === undefined) return;
    this.#byId.delete(id);
    this.byName.delete(owner.name);
  }

  encode(writer: ByteWriter): void {
    writer.uint32(this.byName.size);
    for (const { id, seenAt, activeAt, name } of this.byName.values()) {
      writer.uint32(id).int64(seenAt).int64(activeAt).uint32(name.length).latin1(name);
    }
  }

  decode(reader: ByteReader): void {
    this.byName.clear();
    this.#byId.clear();
    for (let left = reader.uint32(); left > 0; left--) {
      const id = reader.uint32();
      const seenAt = reader.int64();
      const activeAt = reader.int64();
      const name = reader.latin1(reader.uint32());
      this.add(id, name, seenAt).activeAt = activeAt;
    }
  }
}
