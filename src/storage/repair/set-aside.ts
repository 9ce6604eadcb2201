/**
 * Where a repair puts what it takes out of a data directory: `<data-dir>/set-aside/<time>/`, never deleted by any program.
 *
 * It decides nothing. Invariant: what is set aside is on stable storage, with its line in `WHY`, before `copy` or `move`
 * resolves: so nothing is changed in the data directory that could not be put back.
 */
import { basename } from "node:path";
import type { Disk, DiskFile } from "../../base/disk.ts";

const copiedAtOnce = 1 << 20;

export class SetAside {
  readonly directory: string;
  readonly #disk: Disk;
  readonly #parent: string;
  readonly #names = new Set<string>();
  #why: DiskFile | null = null;
  #whyBytes = 0;

  /** `time` names this repair: it must be new. */
  constructor(disk: Disk, dataDirectory: string, time: string) {
    this.#disk = disk;
    this.#parent = dataDirectory;
    this.directory = `${dataDirectory}/set-aside/${time}`;
  }

  get isEmpty(): boolean {
    return this.#why === null;
  }

  /** Keeps the file as it is now: the caller will change or replace it. A second time changes nothing. */
  async copy(path: string, why: string): Promise<void> {
    const name = basename(path);
    if (this.#names.has(name)) return;
    await this.#note(name, why);
    const from = this.#disk.open(path, "read");
    const to = this.#disk.open(`${this.directory}/${name}`, "create");
    try {
      const buffer = Buffer.allocUnsafeSlow(copiedAtOnce);
      for (let at = 0; ;) {
        const got = from.read(buffer, 0, buffer.length, at);
        if (got === 0) break;
        to.write(buffer, 0, got, at);
        at += got;
      }
      await to.sync();
    } finally {
      from.close();
      to.close();
    }
    await this.#disk.syncDirectory(this.directory);
  }

  /** Takes the file out of the data directory. */
  async move(path: string, why: string): Promise<void> {
    const name = basename(path);
    if (this.#names.has(name)) return this.#disk.remove(path);
    await this.#note(name, why);
    this.#disk.rename(path, `${this.directory}/${name}`);
    await this.#disk.syncDirectory(this.directory);
    await this.#disk.syncDirectory(path.slice(0, path.lastIndexOf("/")));
  }

  async #note(name: string, why: string): Promise<void> {
    this.#names.add(name);
    if (this.#why === null) {
      this.#disk.makeDirectory(this.directory);
      this.#why = this.#disk.open(`${this.directory}/WHY`, "create");
      await this.#disk.syncDirectory(`${this.#parent}/set-aside`);
      await this.#disk.syncDirectory(this.#parent);
    }
    const line = Buffer.from(`${name}: ${why}\n`);
    this.#why.write(line, 0, line.length, this.#whyBytes);
    this.#whyBytes += line.length;
    await this.#why.sync();
  }

  close(): void {
    this.#why?.close();
  }
}
