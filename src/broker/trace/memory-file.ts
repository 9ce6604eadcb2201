/** A file of the ring of traces for a broker that keeps nothing on the disk. */
import type { DiskFile } from "../../base/disk.ts";

const initialBytes = 4096;

export class MemoryFile implements Pick<DiskFile, "write" | "read" | "size" | "close"> {
  #bytes = Buffer.allocUnsafeSlow(initialBytes);
  #size = 0;

  write(bytes: Uint8Array, start: number, end: number, at: number): void {
    const size = at + end - start;
    if (size > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(size, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = grown;
    }
    this.#bytes.set(bytes.subarray(start, end), at);
    this.#size = Math.max(this.#size, size);
  }

  read(target: Uint8Array, targetAt: number, size: number, at: number): number {
    const end = Math.min(at + size, this.#size);
    if (end <= at) return 0;
    target.set(this.#bytes.subarray(at, end), targetAt);
    return end - at;
  }

  size(): number {
    return this.#size;
  }

  close(): void {
    this.#bytes = Buffer.alloc(0);
    this.#size = 0;
  }
}
