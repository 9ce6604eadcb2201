/**
 * A disk in memory that behaves as badly as a real one may: full, failing, flipping bits.
 *
 * What takes time (sync, background writes) waits until the test lets it happen, so that a test can stop the world at
 * any point. `crash("kill")` keeps all that was written; `crash("power")` keeps what was synced and, of the rest, a
 * random part: writes get lost, torn, or done out of order, and so do creations, renames and removals of names.
 */
import type { Disk, DiskFile, DiskSpace } from "../src/base/disk.ts";

export type Random = () => number;

/** Numbers in [0, 1) from a seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A write (bytes at a place) or a truncation (bytes null, at = new size). */
interface Change {
  at: number;
  bytes: Buffer | null;
}

/** The bytes of a file. */
class Content {
  bytes: Buffer = Buffer.alloc(256);
  size = 0;

  apply({ at, bytes }: Change): void {
    if (bytes === null) {
      if (at < this.size) this.bytes.fill(0, at, this.size);
      // What it was to cut off may have been lost.
      else this.#grow(at);
      this.size = at;
      return;
    }
    const end = at + bytes.length;
    this.#grow(end);
    this.bytes.set(bytes, at);
    this.size = Math.max(this.size, end);
  }

  #grow(end: number): void {
    if (end <= this.bytes.length) return;
    const grown = Buffer.alloc(Math.max(end, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.size));
    this.bytes = grown;
  }

  content(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.size));
  }

  set(content: Buffer): void {
    this.bytes = Buffer.from(content);
    this.size = content.length;
  }
}

/** What programs see of a file, as the page cache has it, and what the disk has. */
class Inode extends Content {
  readonly durable = new Content();
  /** Dirty pages: what a sync brings to the disk. What a failed sync has dropped is seen, but is not among them. */
  unsynced: Change[] = [];

  change(change: Change): void {
    this.apply(change);
    this.unsynced.push(change);
  }

  reset(content: Buffer): void {
    this.set(content);
    this.durable.set(content);
    this.unsynced = [];
  }
}

interface NameChange {
  directory: string;
  set: [path: string, inode: Inode] | null;
  removed: string | null;
}

const sectorBytes = 512;

/** What it says of its size: little, so that the broker's bounds are little too. */
const totalBytes = 1 << 20;

function noSpace(): Error {
  return Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
}

/** Of journal files; those of segments are shorter. */
const headerBytes = 48;

function flipBit(bytes: Uint8Array, random: Random): void {
  bytes[Math.floor(random() * bytes.length)]! ^= 1 << Math.floor(random() * 8);
}

export class SimDisk implements Disk {
  readonly #random: Random;
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #nameChanges: NameChange[] = [];
  /** Asynchronous work that the test lets happen. */
  #waiting: (() => void)[] = [];
  #era = 0;
  /** Chance that a write or creation fails with ENOSPC. */
  fullness = 0;
  /** Bytes that all files may have together while others have filled the rest of the disk. */
  #capacity = Infinity;
  /** Chances of EIO. */
  readErrors = 0;
  writeErrors = 0;
  syncErrors = 0;
  /** Chance that a read finds one bit other than it was written; the next read may find it right. */
  readFlips = 0;
  /** For tests: of the reads from now on, the one of this number fails; 0 is none. */
  failingRead = 0;
  /** Writes that failed so far. */
  refusedWrites = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Others fill the disk but for so many bytes. */
  fill(leftBytes: number): void {
    this.#capacity = this.#usedBytes + leftBytes;
  }

  /** Others have given the disk back. */
  empty(): void {
    this.#capacity = Infinity;
  }

  get isFilled(): boolean {
    return this.#capacity !== Infinity;
  }

  get #usedBytes(): number {
    let used = 0;
    for (const { size } of this.#names.values()) used += size;
    return used;
  }

  space(): DiskSpace {
    const freeBytes = this.isFilled ? Math.max(0, this.#capacity - this.#usedBytes) : totalBytes;
    return { freeBytes: Math.min(freeBytes, totalBytes), totalBytes };
  }

  /** How many of these bytes fit. */
  #roomFor(inode: Inode, at: number, size: number): number {
    if (!this.isFilled) return size;
    const grows = Math.max(0, at + size - inode.size);
    return size - Math.min(grows, Math.max(0, grows - (this.#capacity - this.#usedBytes)));
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Names were changed and are not synced: the worst moments for a power failure. */
  get hasUnsyncedNames(): boolean {
    return this.#nameChanges.length > 0;
  }

  /** Joins the queue of what the test lets happen: for pauses. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Lets one waiting operation happen, a random one; then all that follows from it at once. */
  async step(): Promise<void> {
    const index = Math.floor(this.#random() * this.#waiting.length);
    this.#waiting.splice(index, 1)[0]?.();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** The process or the machine dies: old handles are dead, nothing that waits happens any more. */
  crash(kind: "kill" | "power"): void {
    this.#era++;
    this.#waiting = [];
    if (kind === "kill") return;
    for (const change of this.#nameChanges)
      if (this.#random() < 0.5) this.#applyName(this.#durableNames, change);
    this.#nameChanges = [];
    this.#names = new Map(this.#durableNames);
    for (const inode of this.#names.values()) this.#lose(inode);
  }

  #lose(inode: Inode): void {
    const { unsynced } = inode;
    inode.set(inode.durable.content());
    const keep = this.#random();
    for (const change of unsynced) {
      if (this.#random() > keep) continue;
      const { at, bytes } = change;
      if (bytes === null || bytes.length === 0 || this.#random() < 0.5) inode.apply(change);
      else this.#tear(inode, at, bytes);
    }
    inode.reset(inode.content());
  }

  /** Of a write that was not synced a part is there: one or two pieces, some of whole sectors; a bit of them may be wrong. */
  #tear(inode: Inode, at: number, bytes: Buffer): void {
    const unit = this.#random() < 0.5 ? sectorBytes : 1;
    const place = (): number => Math.floor((this.#random() * (bytes.length + unit)) / unit) * unit;
    const [a, b] = [place(), place()].toSorted((one, other) => one - other) as [number, number];
    const pieces = this.#random() < 0.5 ? [bytes.subarray(a, b)] : [bytes.subarray(0, a), bytes.subarray(b)];
    for (const piece of pieces) {
      if (piece.length === 0) continue;
      const kept = Buffer.from(piece);
      const begin = at + piece.byteOffset - bytes.byteOffset;
      // In a file's header a wrong bit is damage, and refused: nothing tells it from a bit that was right and durable.
      if (this.#random() < 0.1 && begin >= headerBytes) flipBit(kept, this.#random);
      inode.apply({ at: begin, bytes: kept });
    }
  }

  #applyName(names: Map<string, Inode>, { set, removed }: NameChange): void {
    if (removed !== null) names.delete(removed);
    if (set !== null) names.set(...set);
  }

  #changeName(path: string, set: NameChange["set"], removed: string | null): void {
    const change = { directory: path.slice(0, path.lastIndexOf("/")), set, removed };
    this.#applyName(this.#names, change);
    this.#nameChanges.push(change);
  }

  /** All files with their bytes, to damage or to copy. */
  files(): Map<string, Buffer> {
    return new Map([...this.#names].map(([path, inode]) => [path, inode.content()]));
  }

  /** Puts a file there as if it had always been. */
  plant(path: string, content: Buffer): void {
    const inode = new Inode();
    inode.reset(Buffer.from(content));
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
  }

  /** A disk of its own with the same files. */
  copy(random: Random): SimDisk {
    const copied = new SimDisk(random);
    for (const [path, content] of this.files()) copied.plant(path, content);
    return copied;
  }

  makeDirectory(): void {}

  list(path: string): string[] {
    const start = `${path}/`;
    return [...this.#names.keys()]
      .filter((name) => name.startsWith(start) && !name.includes("/", start.length))
      .map((name) => name.slice(start.length))
      .toSorted();
  }

  #failWhenFull(): void {
    if (this.#random() < this.fullness) {
      throw noSpace();
    }
  }

  open(path: string, mode: "create" | "existing" | "read"): DiskFile {
    let inode = this.#names.get(path);
    if (mode === "create") {
      if (inode !== undefined) throw Object.assign(new Error(`EEXIST: ${path}`), { code: "EEXIST" });
      this.#failWhenFull();
      inode = new Inode();
      this.#changeName(path, [path, inode], null);
    }
    if (inode === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    return this.#handle(inode, mode === "read");
  }

  #failAtTimes(chance: number, what: string): void {
    if (chance > 0 && this.#random() < chance)
      throw Object.assign(new Error(`EIO: i/o error, ${what}`), { code: "EIO" });
  }

  #flipAtTimes(target: Uint8Array, at: number, size: number): void {
    if (this.readFlips === 0 || this.#random() >= this.readFlips) return;
    flipBit(target.subarray(at, at + size), this.#random);
  }

  /** Flips one bit of what is kept, in a file whose path holds `text`; says where, or undefined when none is there. */
  rot(text: string): string | undefined {
    const found = [...this.#names].filter(([path, inode]) => path.includes(text) && inode.size > 0);
    if (found.length === 0) return undefined;
    const [path, inode] = found[Math.floor(this.#random() * found.length)]!;
    const at = Math.floor(this.#random() * inode.size);
    this.#flip(inode, at);
    return `${path} byte ${at}`;
  }

  /** The same in the last bytes of the newest of these files, by their names. */
  rotTail(text: string, bytesMax: number): { path: string; at: number } | undefined {
    const found = [...this.#names].filter(([path, inode]) => path.includes(text) && inode.size > 0);
    const newest = found.toSorted(([a], [b]) => (a < b ? -1 : 1)).at(-1);
    if (newest === undefined) return undefined;
    const [path, inode] = newest;
    const at = inode.size - 1 - Math.floor(this.#random() * Math.min(bytesMax, inode.size));
    this.#flip(inode, at);
    return { path, at };
  }

  #flip(inode: Inode, at: number): void {
    const mask = 1 << Math.floor(this.#random() * 8);
    inode.bytes[at]! ^= mask;
    if (at < inode.durable.size) inode.durable.bytes[at]! ^= mask;
  }

  #handle(inode: Inode, isReadOnly: boolean): DiskFile {
    const era = this.#era;
    let isOpen = true;
    const alive = () => {
      if (!isOpen) throw new Error("EBADF: the file is closed");
      if (era !== this.#era) throw new Error("the process that opened this file died");
    };
    const write = (bytes: Uint8Array, start: number, end: number, at: number) => {
      alive();
      if (isReadOnly) throw new Error("EBADF: opened for reading");
      try {
        this.#failWhenFull();
        this.#failAtTimes(this.writeErrors, "write");
        if (this.#roomFor(inode, at, end - start) < end - start) throw noSpace();
      } catch (error) {
        this.refusedWrites++;
        // A part is taken.
        const part = start + Math.floor(this.#random() * this.#roomFor(inode, at, end - start));
        if (part > start) inode.change({ at, bytes: Buffer.from(bytes.subarray(start, part)) });
        throw error;
      }
      inode.change({ at, bytes: Buffer.from(bytes.subarray(start, end)) });
    };
    return {
      write,
      writeLater: async (bytes, start, end, at) => {
        alive();
        await this.wait();
        write(bytes, start, end, at);
      },
      read: (target, targetAt, size, at) => {
        alive();
        this.#failAtTimes(this.failingRead > 0 && --this.failingRead === 0 ? 1 : this.readErrors, "read");
        const end = Math.min(inode.size, at + size);
        if (end <= at) return 0;
        target.set(inode.bytes.subarray(at, end), targetAt);
        this.#flipAtTimes(target, targetAt, end - at);
        return end - at;
      },
      sync: async () => {
        alive();
        const until = inode.unsynced.length;
        await this.wait();
        const changes = inode.unsynced.splice(0, until);
        try {
          this.#failAtTimes(this.syncErrors, "fsync");
        } catch (error) {
          // The pages count as clean from now on, and no later sync brings them to the disk. Some had got there.
          for (const change of changes) if (this.#random() < 0.5) inode.durable.apply(change);
          throw error;
        }
        for (const change of changes) inode.durable.apply(change);
      },
      size: () => inode.size,
      truncate: (size) => {
        alive();
        inode.change({ at: size, bytes: null });
      },
      close: () => {
        alive();
        isOpen = false;
      },
    };
  }

  rename(from: string, to: string): void {
    const inode = this.#names.get(from);
    if (inode === undefined) throw new Error(`ENOENT: ${from}`);
    this.#changeName(to, [to, inode], from);
  }

  remove(path: string): void {
    if (!this.#names.has(path)) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    this.#changeName(path, null, path);
  }

  async removeLater(path: string): Promise<void> {
    await this.wait();
    this.remove(path);
  }

  async syncDirectory(path: string): Promise<void> {
    const changes = this.#nameChanges.filter(({ directory }) => directory === path);
    await this.wait();
    for (const change of changes) {
      const index = this.#nameChanges.indexOf(change);
      if (index < 0) continue;
      this.#nameChanges.splice(index, 1);
      this.#applyName(this.#durableNames, change);
    }
  }
}
