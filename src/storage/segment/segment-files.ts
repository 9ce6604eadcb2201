/**
 * The open files of segments: at most `openSegmentsMax` at once, whatever the number of logs.
 *
 * Invariant: a file that is closed has no block left in the read cache.
 */
import { sizes } from "../../base/sizes.ts";
import { BrokerError } from "../../base/errors.ts";
import type { Disk, DiskFile } from "../../base/disk.ts";
import type { ReadCache } from "../log/read-cache.ts";
import type { SegmentFile } from "./segment-file.ts";

export class SegmentFiles {
  readonly disk: Disk;
  readonly directory: string;
  readonly cache: ReadCache;
  /** Least recently used first. */
  readonly #open = new Map<SegmentFile, DiskFile>();
  readonly #removals = new Set<Promise<void>>();
  #last: SegmentFile | null = null;
  #lastFile: DiskFile | null = null;

  constructor(disk: Disk, directory: string, cache: ReadCache) {
    this.disk = disk;
    this.directory = directory;
    this.cache = cache;
  }

  /** The segment's file, to be used before the caller returns to the event loop. Throws CORRUPT when it is missing. */
  open(segment: SegmentFile): DiskFile {
    if (segment === this.#last) return this.#lastFile!;
    let file = this.#open.get(segment);
    if (file === undefined) {
      file = this.openToCheck(segment.path);
      if (this.#open.size >= sizes.openSegmentsMax) this.close(this.#open.keys().next().value!);
    } else this.#open.delete(segment);
    this.#open.set(segment, file);
    this.#last = segment;
    this.#lastFile = file;
    return file;
  }

  /** Opens a file that the caller closes. */
  openToCheck(path: string): DiskFile {
    try {
      return this.disk.open(path, "read");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      throw new BrokerError("CORRUPT", `${path}: the segment is missing; restore it from a backup`);
    }
  }

  close(segment: SegmentFile): void {
    const file = this.#open.get(segment);
    if (file === undefined) return;
    this.#open.delete(segment);
    if (this.#last === segment) {
      this.#last = null;
      this.#lastFile = null;
    }
    this.cache.forget(file);
    file.close();
  }

  /** Closes and deletes the file of a segment that no state names any more. */
  remove(segment: SegmentFile): Promise<void> {
    segment.isGone = true;
    this.close(segment);
    const removal = this.disk.removeLater(segment.path).finally(() => this.#removals.delete(removal));
    this.#removals.add(removal);
    return removal;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** How many files are being deleted. */
  get removing(): number {
    return this.#removals.size;
  }

  /** Also waits for files that are being deleted: the next owner of the directory must not meet them half done. */
  async closeAll(): Promise<void> {
    for (const segment of this.#open.keys()) this.close(segment);
    await Promise.allSettled(this.#removals);
  }
}
