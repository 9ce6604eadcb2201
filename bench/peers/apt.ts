/**
 * apt with its lists, downloads and, where asked for, source packages in a folder of their own, so that neither root nor
 * what the system knows of packages is needed.
 *
 * Not here: which packages. Invariant: nothing outside the folder is written.
 */
import fs from "node:fs";
import path from "node:path";
import { findProgram, ignoresInstalled } from "../base/programs.ts";
import { run } from "./command.ts";

const systemSources = "/etc/apt";

export class AptFolder {
  readonly downloads: string;
  readonly #folder: string;
  readonly #options: readonly string[];
  #isUpdated = false;

  /** With `hasSources`, Debian's source packages are known too, though the machine names only its binary ones. */
  constructor(folder: string, { hasSources = false }: { hasSources?: boolean } = {}) {
    this.#folder = folder;
    this.downloads = path.join(folder, "downloads");
    this.#options = [
      `Dir::State::Lists=${path.join(folder, "lists")}`,
      `Dir::Cache=${path.join(folder, "cache")}`,
      "Debug::NoLocking=true",
      // An unreachable source is otherwise a warning, and a package that nobody knows.
      "APT::Update::Error-Mode=any",
      // Its own user for downloads may not write here.
      "APT::Sandbox::User=root",
      ...(ignoresInstalled ? ["Dir::State::status=/dev/null"] : []),
      ...(hasSources
        ? ["Dir::Etc::SourceList=/dev/null", `Dir::Etc::SourceParts=${path.join(folder, "sources")}`]
        : []),
    ].flatMap((option) => ["-o", option]);
    if (hasSources) this.#writeSources();
  }

  run(...args: readonly string[]): Promise<string> {
    return run({ program: "apt-get", args: [...args, ...this.#options], directory: this.downloads });
  }

  async update(): Promise<void> {
    if (process.platform !== "linux") throw new Error("Debian's packages are for Linux; install it by hand");
    if (findProgram("apt-get") === undefined && !fs.existsSync("/usr/bin/apt-get"))
      throw new Error("no apt here; install it by hand");
    if (this.#isUpdated) return;
    for (const folder of ["lists/partial", "cache/archives/partial", "downloads"])
      fs.mkdirSync(path.join(this.#folder, folder), { recursive: true });
    await this.run("update", "-qq");
    this.#isUpdated = true;
  }

  #writeSources(): void {
    const folder = path.join(this.#folder, "sources");
    fs.mkdirSync(folder, { recursive: true });
    for (const file of systemSourceFiles()) {
      const text = fs.readFileSync(file, "utf8");
      const written = file.endsWith(".list") ? withSourceLines(text) : withSourceStanzas(text);
      fs.writeFileSync(path.join(folder, path.basename(file)), written);
    }
  }
}

function systemSourceFiles(): string[] {
  const parts = path.join(systemSources, "sources.list.d");
  const names = fs.existsSync(parts)
    ? fs.readdirSync(parts).filter((name) => /\.(list|sources)$/.test(name))
    : [];
  const files = [path.join(systemSources, "sources.list"), ...names.map((name) => path.join(parts, name))];
  return files.filter((file) => fs.existsSync(file));
}

/** Debian's mirrors have it in their paths; other archives often have no source packages. */
const isDebians = /\/debian\b/;

/** `deb [options] URI suite component…` */
function withSourceLines(text: string): string {
  const lines = text.split("\n").filter((line) => /^deb\s/.test(line) && isDebians.test(line));
  return lines.map((line) => `${line.replace(/^deb/, "deb-src")}\n`).join("");
}

/** Stanzas of deb822, with an empty line between them. */
function withSourceStanzas(text: string): string {
  const stanzas = text.split(/\n\s*\n/).filter((stanza) => isDebians.test(stanza));
  return stanzas.map((stanza) => `${stanza.replace(/^Types:.*$/m, "Types: deb-src").trim()}\n\n`).join("");
}
