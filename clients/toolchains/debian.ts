/**
 * Ruby and PHP, whose own registries many machines do not reach: their libraries are what the system has, by Debian's packages or
 * otherwise, so their versions are not pinned. Programs are files of clients/ruby and clients/php.
 */
import path from "node:path";
import { clientsFolder } from "../base/cache.ts";
import type { Toolchain } from "../base/row.ts";
import { runsWell, versionOf } from "./versions.ts";

interface Installed {
  readonly program: string;
  /** The file's name without its ending. */
  readonly name: string;
  /** Code that fails where a library is missing. */
  readonly probe: readonly string[];
  readonly debianPackages: readonly string[];
}

function installed({ program, name, probe, debianPackages }: Installed, ending: string): Toolchain {
  const directory = path.join(clientsFolder, program);
  const hint = `apt-get install ${debianPackages.join(" ")}, or --install`;
  return {
    debianPackages,
    missing: () => {
      if (versionOf(program, ["--version"]) === undefined) return `no ${program} here: ${hint}`;
      return runsWell(program, probe) ? undefined : `${program} has not all it needs here: ${hint}`;
    },
    fetch: async () => {},
    build: async () => ({ program, args: [path.join(directory, `${name}.${ending}`)], directory }),
  };
}

export function ruby(
  name: string,
  libraries: readonly string[],
  debianPackages: readonly string[],
): Toolchain {
  const probe = libraries.flatMap((library) => ["-r", library]).concat("-e", "");
  return installed({ program: "ruby", name, probe, debianPackages: ["ruby", ...debianPackages] }, "rb");
}

/** `condition` is an expression of PHP that is true where the libraries are there. */
export function php(name: string, condition: string, debianPackages: readonly string[]): Toolchain {
  const probe = ["-r", `error_reporting(0); exit((${condition}) ? 0 : 1);`];
  return installed({ program: "php", name, probe, debianPackages: ["php-cli", ...debianPackages] }, "php");
}
