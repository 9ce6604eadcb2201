/**
 * An RDB file, read in windows: as much of it is in memory as the largest thing that has to be whole, and 1 MiB at least.
 *
 * Not here: what is in it (src/protocols/redis/wire/rdb). Invariants: every byte is summed once, when it has been passed; what is not
 * all there is told as `damaged`, with the place in the file.
 */
import { type FileHandle, open } from "node:fs/promises";
import { Crc64 } from "../../../src/base/checksum/crc64.ts";
import {
  fileHeadBytes,
  FileItems,
  fileVersion,
  fileVersions,
} from "../../../src/protocols/redis/wire/rdb/file-items.ts";
import { RdbReader } from "../../../src/protocols/redis/wire/rdb/reader.ts";
import { BadData, CutOff } from "../../../src/protocols/redis/wire/rdb/types.ts";
import { TransferError } from "../transfer-error.ts";

const windowBytes = 1 << 20;
const sumBytes = 8;
const noSum = Buffer.alloc(sumBytes);

export class DumpFile {
  readonly path: string;
  readonly size: number;
  readonly reader: RdbReader;
  readonly items: FileItems;
  version = 0;
  readonly #handle: FileHandle;
  readonly #sum: Crc64 | null;
  /** Of the file, behind the window. */
  #readTo = 0;
  /** Of the window: what is before it is summed. */
  #summedTo = 0;
  #missing = 0;

  private constructor(path: string, handle: FileHandle, size: number, isSummed: boolean) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
    this.#sum = isSummed ? new Crc64() : null;
    this.reader = new RdbReader(Buffer.allocUnsafeSlow(windowBytes), 0, 0);
    this.items = new FileItems(this.reader);
  }

  static async open(path: string, { isSummed }: { readonly isSummed: boolean }): Promise<DumpFile> {
    const handle = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
      throw new TransferError("failed", `${path}: cannot be read: ${error.message}`);
    });
    try {
      const stat = await handle.stat();
      if (!stat.isFile())
        throw new TransferError("failed", `${path}: is not a file; give a file, it is read more than once`);
      const file = new DumpFile(path, handle, stat.size, isSummed);
      await file.#readHead();
      return file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #readHead(): Promise<void> {
    const isNone = new TransferError(
      "damaged",
      `${this.path}: is not an RDB file: it does not begin with REDIS and a version`,
    );
    if (this.size < fileHeadBytes) throw isNone;
    await this.more(fileHeadBytes);
    const at = this.reader.skip(fileHeadBytes);
    this.version = fileVersion(this.reader.buffer.subarray(at, at + fileHeadBytes));
    if (Number.isNaN(this.version)) throw isNone;
    if (this.version < fileVersions.first || this.version > fileVersions.last) {
      const known = `${fileVersions.first} to ${fileVersions.last} are known`;
      throw new TransferError("damaged", `${this.path}: is an RDB file of version ${this.version}; ${known}`);
    }
  }

  /** Where the reader is in the file. */
  get position(): number {
    return this.#readTo - this.reader.remaining;
  }

  /** What `read` gives; undefined where it needs more of the file: the reader stands as before then, and `more` comes next. */
  attempt<Result>(read: () => Result): Result | undefined {
    const { reader } = this;
    const from = reader.position;
    try {
      return read();
    } catch (error) {
      if (error instanceof CutOff) {
        reader.position = from;
        this.#missing = error.missing;
        return undefined;
      }
      throw this.damage(error);
    }
  }

  /** How many bytes more `attempt` has asked for, at least. */
  get missing(): number {
    return this.#missing;
  }

  /** An error of the format, told with the place; others as they are. */
  damage(error: unknown): unknown {
    if (!(error instanceof BadData || error instanceof RangeError)) return error;
    return new TransferError(
      "damaged",
      `${this.path}: is damaged at byte ${this.position}: ${error.message}`,
    );
  }

  /** The same as `attempt`, for what has to be whole. */
  async whole<Result>(read: () => Result): Promise<Result> {
    for (;;) {
      const result = this.attempt(read);
      if (result !== undefined) return result;
      await this.more();
    }
  }

  /** Reads on. What the reader has not passed stays in the window, at another place. */
  async more(missing = this.#missing): Promise<void> {
    const { reader } = this;
    const left = this.size - this.#readTo;
    if (missing > left)
      throw new TransferError(
        "damaged",
        `${this.path}: is cut off: it ends at byte ${this.size}, before what it holds does`,
      );
    this.#sumPassed();
    const kept = reader.remaining;
    // What is in pieces all over again costs no more than twice the bytes.
    const wanted = Math.max(windowBytes, kept + missing, 2 * kept);
    const old = reader.buffer;
    const buffer = old.length === wanted ? old : Buffer.allocUnsafeSlow(wanted);
    old.copy(buffer, 0, reader.position, reader.limit);
    let end = kept;
    while (end < kept + missing) {
      const length = Math.min(buffer.length - end, this.size - this.#readTo);
      const { bytesRead } = await this.#handle.read(buffer, end, length, this.#readTo);
      if (bytesRead === 0)
        throw new TransferError("damaged", `${this.path}: became shorter while it was read`);
      end += bytesRead;
      this.#readTo += bytesRead;
    }
    reader.slide(buffer, 0, end);
    this.#summedTo = 0;
  }

  #sumPassed(): void {
    const { reader } = this;
    this.#sum?.update(reader.buffer, this.#summedTo, reader.position);
    this.#summedTo = reader.position;
  }

  /** Reads what stands behind the last item. */
  async end(): Promise<void> {
    if (this.version < fileVersions.firstWithSum) return;
    this.#sumPassed();
    const sum = this.#sum;
    const at = await this.whole(() => this.reader.skip(sumBytes));
    if (sum === null) return;
    const { buffer } = this.reader;
    // A server that was told to leave it out has written 0.
    if (!sum.isAt(buffer, at) && !buffer.subarray(at, at + sumBytes).equals(noSum))
      throw new TransferError(
        "damaged",
        `${this.path}: is damaged: its sum (CRC-64) is another than that of its bytes`,
      );
  }

  /** The same file from another place on, without a sum. Close it too. */
  async at(position: number): Promise<DumpFile> {
    const file = await DumpFile.open(this.path, { isSummed: false });
    file.#readTo = position;
    file.reader.slide(file.reader.buffer, 0, 0);
    return file;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
