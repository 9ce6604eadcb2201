/**
 * The tests of Python libraries: of those whose source distribution on PyPI has them, and of a checkout that the command line
 * names. Each has a virtual environment of its own, in which every package that the tests import is pinned.
 */
import fs from "node:fs";
import path from "node:path";
import { run } from "../../../bench/peers/command.ts";
import { fillOnce } from "../../../clients/base/cache.ts";
import { missingProgram } from "../../../clients/toolchains/versions.ts";
import type { Checkouts, OpenSuite, Suite } from "../suite.ts";
import { reportFile, suiteFolder } from "./cache.ts";

const missingPython = (): string | undefined =>
  missingProgram({ program: "python3", args: ["--version"], least: [3, 10] });

async function makeEnvironment(folder: string, packages: readonly string[]): Promise<void> {
  await run({ program: "python3", args: ["-m", "venv", path.join(folder, "venv")], directory: folder });
  await pip(folder, ["install", ...packages]);
}

async function pip(folder: string, [action, ...args]: readonly string[]): Promise<void> {
  const options = ["-m", "pip", action!, "--quiet", "--disable-pip-version-check"];
  await run({
    program: path.join(folder, "venv/bin/python"),
    args: [...options, ...args],
    directory: folder,
  });
}

interface Pytest {
  readonly name: string;
  readonly folder: string;
  readonly directory: string;
  readonly args: readonly string[];
}

function pytest({ name, folder, directory, args }: Pytest): OpenSuite {
  const report = reportFile(name);
  // Nothing is written where the sources lie; a test that hangs is ended with its stack.
  const options = ["-p", "no:cacheprovider", "-o", "addopts=", "--timeout=120", `--junitxml=${report}`];
  return {
    command: {
      program: path.join(folder, "venv/bin/python"),
      args: ["-B", "-m", "pytest", ...options, ...args],
      directory,
    },
    report,
  };
}

const testPackages = ["pytest==8.4.2", "pytest-timeout==2.4.0"];

interface SdistSuite {
  readonly library: string;
  readonly version: string;
  readonly packages: readonly string[];
  readonly args: readonly string[];
}

function sdistSuite({ library, version, packages, args }: SdistSuite): Suite {
  const name = `${library === "amqp" ? "py-amqp" : library}-${version}`;
  return {
    name,
    missing: missingPython,
    open: async () => {
      const folder = suiteFolder(name);
      await fillOnce(folder, async () => {
        await makeEnvironment(folder, [...testPackages, ...packages]);
        await pip(folder, ["download", "--no-deps", "--no-binary", library, `${library}==${version}`]);
        await run({ program: "tar", args: ["xzf", `${library}-${version}.tar.gz`], directory: folder });
      });
      return pytest({ name, folder, directory: path.join(folder, `${library}-${version}`), args });
    },
  };
}

/** Its tests over TLS need a server on the port 5671 with the suite's own certificates. */
export const pyAmqp = sdistSuite({
  library: "amqp",
  version: "5.4.2",
  packages: ["vine==5.1.0", "pytest-rerunfailures==16.1"],
  args: ["t/integration", "-k", "not tls"],
});

export const kombu = sdistSuite({
  library: "kombu",
  version: "5.7.0",
  packages: ["amqp==5.4.2", "vine==5.1.0", "tzdata==2025.2", "packaging==26.3", "pytest-rerunfailures==16.1"],
  args: ["t/integration/test_py_amqp.py"],
});

const pikaName = "pika-1.4.0";

export function pika({ pika: checkout }: Checkouts): Suite {
  return {
    name: pikaName,
    missing: () => {
      if (checkout === undefined)
        return "no registry has pika's tests: --from pika=FOLDER names a checkout of its repository";
      if (!fs.existsSync(path.join(checkout, "tests/acceptance")))
        return `${checkout} has no tests/acceptance`;
      return missingPython();
    },
    open: async () => {
      const folder = suiteFolder(pikaName);
      await fillOnce(folder, () =>
        makeEnvironment(folder, [...testPackages, "gevent==25.9.1", "tornado==6.5.2", "twisted==25.5.0"]),
      );
      return pytest({ name: pikaName, folder, directory: checkout!, args: ["tests/acceptance"] });
    },
  };
}
