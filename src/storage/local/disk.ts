/** The real disk: files of the operating system through `node:fs`, which both runtimes have. */
import fs from "node:fs";
import type { Disk, DiskFile } from "../../base/disk.ts";

class LocalFile implements DiskFile {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  write(bytes: Uint8Array, start: number, end: number, at: number): void {
    let from = start;
    while (from < end) from += fs.writeSync(this.#descriptor, bytes, from, end - from, at + from - start);
  }

  async writeLater(bytes: Uint8Array, start: number, end: number, at: number): Promise<void> {
    let from = start;
    while (from < end) {
      from += await new Promise<number>((resolve, reject) => {
        fs.write(this.#descriptor, bytes, from, end - from, at + from - start, (error, written) =>
          error === null ? resolve(written) : reject(error),
        );
      });
    }
  }

  read(target: Uint8Array, targetAt: number, size: number, at: number): number {
    let got = 0;
    while (got < size) {
      const read = fs.readSync(this.#descriptor, target, targetAt + got, size - got, at + got);
      if (read === 0) break;
      got += read;
    }
    return got;
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#descriptor, (error) => (error === null ? resolve() : reject(error)));
    });
  }

  size(): number {
    return fs.fstatSync(this.#descriptor).size;
  }

  truncate(size: number): void {
    fs.ftruncateSync(this.#descriptor, size);
  }

  close(): void {
    fs.closeSync(this.#descriptor);
  }
}

const openFlags = { create: "wx+", existing: "r+", read: "r" } as const;

export const localDisk: Disk = {
  makeDirectory(path) {
    fs.mkdirSync(path, { recursive: true });
  },
  list(path) {
    return fs.existsSync(path) ? fs.readdirSync(path).toSorted() : [];
  },
  open(path, mode) {
    return new LocalFile(fs.openSync(path, openFlags[mode], 0o640));
  },
  rename(from, to) {
    fs.renameSync(from, to);
  },
  remove(path) {
    fs.unlinkSync(path);
  },
  removeLater(path) {
    return new Promise((resolve, reject) => {
      fs.unlink(path, (error) => (error === null ? resolve() : reject(error)));
    });
  },
  space(path) {
    try {
      const { bsize, bavail, blocks } = fs.statfsSync(path);
      return { freeBytes: bsize * bavail, totalBytes: bsize * blocks };
    } catch {
      return null;
    }
  },
  syncDirectory(path) {
    return new Promise((resolve, reject) => {
      fs.open(path, "r", (openError, descriptor) => {
        if (openError !== null) return reject(openError);
        fs.fsync(descriptor, (error) => {
          fs.closeSync(descriptor);
          if (error === null) resolve();
          else reject(error);
        });
      });
    });
  },
};
