/**
 * A fault that is planted by hand, and the copy of the sources that it is planted in.
 *
 * Not here: who looks for it (index.ts). Invariant: `find` stands in its file exactly once, or the list is out of date and
 * that is an error; test/unit/project/mutants.test.ts looks at all of them.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A fault that tests have to find, rather than the simulator. */
export interface RoomMutant extends Mutant {
  /** Test files beside the unit tests of its room: beginnings of paths under test/. */
  readonly also?: readonly string[];
  /** The simulator may see it too, in its first seeds. */
  readonly isSimulated?: true;
}

export const root: string = path.join(import.meta.dirname, "..");

/** The file with the fault in it. Throws where the list is out of date. */
export function withFault({ name, file, find, replace }: Mutant): string {
  const source = fs.readFileSync(path.join(root, file), "utf8");
  if (source.split(find).length !== 2)
    throw new Error(`"${name}": what is to be replaced is not once in ${file}; mend the list of mutants`);
  return source.replace(find, () => replace);
}

/** All that is in the repository may be what a test looks at. */
const left = new Set(["node_modules", ".git"]);

/** A copy of the sources and tests, for one fault after the other. */
export class Copy {
  readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-mutant-"));
  #planted: string | null = null;

  constructor() {
    for (const part of fs.readdirSync(root))
      if (!left.has(part))
        fs.cpSync(path.join(root, part), path.join(this.directory, part), { recursive: true });
    fs.symlinkSync(path.join(root, "node_modules"), path.join(this.directory, "node_modules"));
  }

  plant(mutant: Mutant): void {
    const source = withFault(mutant);
    this.mend();
    fs.writeFileSync(path.join(this.directory, mutant.file), source);
    this.#planted = mutant.file;
  }

  /** As it was before anything was planted. */
  mend(): void {
    if (this.#planted === null) return;
    fs.copyFileSync(path.join(root, this.#planted), path.join(this.directory, this.#planted));
    this.#planted = null;
  }

  remove(): void {
    fs.rmSync(this.directory, { recursive: true });
  }
}
