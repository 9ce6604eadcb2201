/**
 * Python: a virtual environment for each list of requirements, in which every package is pinned, those that the library itself
 * asks for too. The program is a file of clients/python.
 */
import path from "node:path";
import { run } from "../../bench/peers/command.ts";
import { cachedFolder, clientsFolder, fillOnce } from "../base/cache.ts";
import type { Toolchain } from "../base/row.ts";
import { missingProgram, runsWell } from "./versions.ts";

const folder = path.join(clientsFolder, "python");

/** `name` has its program in NAME.py, and its packages in PACKAGES.requirements.txt, which several programs may share. */
export function python(name: string, packages = name): Toolchain {
  const requirements = `python/${packages}.requirements.txt`;
  const environment = (): string => cachedFolder(`python-${packages}`, [requirements]);
  return {
    debianPackages: ["python3", "python3-venv"],
    missing: () => {
      const missing = missingProgram({ program: "python3", args: ["--version"], least: [3, 10] });
      if (missing !== undefined) return missing;
      return runsWell("python3", ["-c", "import venv, ensurepip"]) ? undefined : "python3 has no venv here";
    },
    fetch: () =>
      fillOnce(environment(), async (directory) => {
        await run({ program: "python3", args: ["-m", "venv", directory], directory });
        const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
        await run({
          program: path.join(directory, "bin/python"),
          args: [...pip, "-r", path.join(clientsFolder, requirements)],
          directory,
        });
      }),
    build: async () => ({
      program: path.join(environment(), "bin/python"),
      args: [path.join(folder, `${name}.py`)],
      directory: folder,
      env: {
        // Workers are started by name, as their users do; nothing is written into the checkout.
        PATH: `${path.join(environment(), "bin")}${path.delimiter}${process.env["PATH"] ?? ""}`,
        PYTHONDONTWRITEBYTECODE: "1",
        PYTHONUNBUFFERED: "1",
      },
    }),
  };
}
