/**
 * Rust: the package clients/rust, whose Cargo.lock pins every crate, in Cargo's own cache. Each program is a folder of it with a
 * main.rs, named in Cargo.toml.
 */
import path from "node:path";
import { run } from "../../bench/peers/command.ts";
import { cachedFolder, clientsFolder } from "../base/cache.ts";
import type { Toolchain } from "../base/row.ts";
import { missingProgram } from "./versions.ts";

const directory = path.join(clientsFolder, "rust");

/** `least` is what the library's own Cargo.toml asks for. */
export function rust(name: string, least: readonly [number, number]): Toolchain {
  return {
    debianPackages: ["cargo"],
    missing: () => missingProgram({ program: "cargo", args: ["--version"], least }),
    fetch: async () => {
      await run({ program: "cargo", args: ["fetch", "--quiet", "--locked"], directory });
    },
    build: async () => {
      const target = cachedFolder("rust", ["rust/Cargo.lock"]);
      const args = ["build", "--quiet", "--locked", "--offline", "--target-dir", target, "--bin", name];
      await run({ program: "cargo", args, directory });
      return { program: path.join(target, "debug", name), args: [], directory };
    },
  };
}
