/** Go: the module clients/go with pinned versions, in Go's own caches. Each program is a folder of it with a package main. */
import path from "node:path";
import { run } from "../../bench/peers/command.ts";
import { cachedFolder, clientsFolder } from "../base/cache.ts";
import type { Toolchain } from "../base/row.ts";
import { missingProgram } from "./versions.ts";

const directory = path.join(clientsFolder, "go");

export function go(name: string): Toolchain {
  return {
    debianPackages: ["golang-go"],
    // From 1.21 on it brings the version that go.mod asks for by itself, or says that it may not.
    missing: () => missingProgram({ program: "go", args: ["env", "GOVERSION"], least: [1, 21] }),
    fetch: async () => {
      await run({ program: "go", args: ["mod", "download"], directory });
    },
    build: async () => {
      const program = path.join(cachedFolder("go", ["go/go.sum"]), name);
      await run({ program: "go", args: ["build", "-o", program, `./${name}`], directory });
      return { program, args: [], directory };
    },
  };
}
