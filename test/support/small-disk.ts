/**
 * A disk of a few mebibytes for one test, and something else on it that fills it. Needs the right to mount (root on Linux).
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { TestBroker } from "./broker.ts";

/** False, or why tests that need such a disk are skipped. */
export const noSmallDisk: string | false = canMount()
  ? false
  : "NOT TESTED: needs the right to mount a tmpfs (root on Linux)";

function canMount(): boolean {
  const probe = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-probe-"));
  const isMounted = mount(probe, 1);
  if (isMounted) spawnSync("umount", ["-l", probe]);
  fs.rmSync(probe, { recursive: true, force: true });
  return isMounted;
}

function mount(directory: string, mebibytes: number): boolean {
  return spawnSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", directory]).status === 0;
}

export class SmallDisk {
  readonly path: string;
  readonly dataDir: string;
  readonly #ballast: string;

  constructor(mebibytes: number) {
    this.path = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-disk-"));
    if (!mount(this.path, mebibytes)) throw new Error(`no tmpfs can be mounted on ${this.path}`);
    this.dataDir = path.join(this.path, "data");
    this.#ballast = path.join(this.path, "ballast");
  }

  get freeBytes(): number {
    const { bavail, bsize } = fs.statfsSync(this.path);
    return bavail * bsize;
  }

  /** Another program takes all but so many bytes. */
  fill(leftBytes: number): void {
    const piece = Buffer.alloc(1 << 16, "b");
    const descriptor = fs.openSync(this.#ballast, "a");
    try {
      for (let left = this.freeBytes - leftBytes; left > 0; left -= piece.length)
        fs.writeSync(descriptor, piece, 0, Math.min(piece.length, left));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      fs.closeSync(descriptor);
    }
  }

  /** And gives it back. */
  empty(): void {
    fs.rmSync(this.#ballast, { force: true });
  }

  /** A broker that fills the disk to its last byte: one mebibyte has no room for a reserve, and publishers are not stopped before. */
  brokerWithoutReserve(): TestBroker {
    this.fill(1 << 20);
    return new TestBroker({ dataDir: this.dataDir, args: ["--disk-free-bytes-min", "0"] });
  }

  remove(): void {
    spawnSync("umount", ["-l", this.path]);
    fs.rmSync(this.path, { recursive: true, force: true });
  }
}
