/**
 * A wall clock that is set while the broker runs: libfaketime under it, told by a file. The monotonic clock goes on.
 *
 * Taken from where Debian installs it, or downloaded and unpacked there by apt and dpkg, which needs no rights.
 */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

const library = "libfaketimeMT.so.1";
const downloadMsMax = 60_000;

function findIn(root: string): string | undefined {
  const folder = path.join(root, "usr/lib");
  if (!fs.existsSync(folder)) return undefined;
  return fs
    .readdirSync(folder)
    .map((machine) => path.join(folder, machine, "faketime", library))
    .find((candidate) => fs.existsSync(candidate));
}

function download(scratch: string): string | undefined {
  const run = (command: string, ...args: string[]): void =>
    void spawnSync(command, args, { cwd: scratch, timeout: downloadMsMax, stdio: "ignore" });
  run("apt-get", "download", "-o", "APT::Sandbox::User=root", "libfaketime");
  const found = fs.readdirSync(scratch).find((name) => name.startsWith("libfaketime_"));
  if (found === undefined) return undefined;
  run("dpkg", "-x", found, "faketime");
  return findIn(path.join(scratch, "faketime"));
}

export class FakeClock {
  readonly environment: Readonly<Record<string, string>>;
  readonly #file: string;

  private constructor(file: string, found: string) {
    this.#file = file;
    this.environment = {
      LD_PRELOAD: found,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
    this.set("+0");
  }

  /** Undefined: there is no libfaketime, and none can be had. */
  static find(scratch: string): FakeClock | undefined {
    const found = findIn("/") ?? download(scratch);
    return found === undefined ? undefined : new FakeClock(path.join(scratch, "clock"), found);
  }

  /** In libfaketime's words: `+1d`, `-30m`, `+0`. Whole or not at all, as the broker reads it all the time. */
  set(offset: string): void {
    fs.writeFileSync(`${this.#file}.new`, `${offset}\n`);
    fs.renameSync(`${this.#file}.new`, this.#file);
  }
}
