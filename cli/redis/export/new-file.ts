/**
 * A file that gets its name once it is complete and on the disk: until then it has another one beside it.
 *
 * Invariants: what was `finish`ed survives a power cut; what was not leaves nothing but, after a kill, the temporary file.
 */
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { TransferError } from "../transfer-error.ts";

export class NewFile {
  readonly path: string;
  readonly temporaryPath: string;
  readonly #handle: FileHandle;
  #bytes = 0;
  #written: Promise<void> = Promise.resolve();

  private constructor(path: string, temporaryPath: string, handle: FileHandle) {
    this.path = path;
    this.temporaryPath = temporaryPath;
    this.#handle = handle;
  }

  static async open(path: string, isReplaced: boolean): Promise<NewFile> {
    if (!isReplaced && (await stat(path).catch(() => null)) !== null)
      throw new TransferError("alreadyThere", `${path}: is there already; give another name, or --replace`);
    const temporaryPath = `${path}.tmp-${process.pid}`;
    const handle = await open(temporaryPath, "w+").catch((error: NodeJS.ErrnoException) => {
      throw new TransferError("failed", `${path}: cannot be written: ${error.message}`);
    });
    return new NewFile(path, temporaryPath, handle);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Appends, behind what is being written. */
  write(bytes: Uint8Array): Promise<void> {
    const at = this.#bytes;
    this.#bytes += bytes.length;
    this.#written = this.#written.then(() => this.writeAt(bytes, at));
    return this.#written;
  }

  async writeAt(bytes: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await this.#handle
        .write(bytes, at, bytes.length - at, position + at)
        .catch((error: NodeJS.ErrnoException) => {
          throw new TransferError("failed", `${this.path}: cannot be written: ${error.message}`);
        });
      at += bytesWritten;
    }
  }

  /** Reads from `position` on; returns how many bytes there were. */
  async read(into: Buffer, position: number): Promise<number> {
    return (await this.#handle.read(into, 0, into.length, position)).bytesRead;
  }

  /** What was written is on the disk. */
  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  /** Gives it its name. */
  async finish(): Promise<void> {
    await this.#handle.close();
    await rename(this.temporaryPath, this.path);
    // Systems that cannot sync a folder need not.
    const folder = await open(dirname(this.path), "r").catch(() => null);
    await folder?.sync().catch(() => {});
    await folder?.close();
  }

  async drop(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await rm(this.temporaryPath, { force: true });
  }
}
