/**
 * Which JavaScript runtime runs the broker. Plain JavaScript for Node >= 18, since it is what runs before a
 * runtime is chosen. Not here: starting it.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** The platform packages that may hold a Bun for this machine, the best first. */
export function bunPackages(platform, architecture, isPresent = existsSync) {
  const machine = { x64: "x64", arm64: "aarch64" }[architecture];
  if (machine === undefined) return [];
  const system = { win32: "windows" }[platform] ?? platform;
  const glibc = `@oven/bun-${system}-${machine}`;
  if (platform !== "linux") return [glibc];
  // npm before 9.6 installs both; each starts only where its own loader is.
  const hasGlibc = isPresent(
    { x64: "/lib64/ld-linux-x86-64.so.2", aarch64: "/lib/ld-linux-aarch64.so.1" }[machine],
  );
  const hasMusl = isPresent(`/lib/ld-musl-${machine === "x64" ? "x86_64" : machine}.so.1`);
  return hasMusl && !hasGlibc ? [`${glibc}-musl`, glibc] : [glibc, `${glibc}-musl`];
}

/** The path of a file in an installed package, or undefined. */
function fileInPackage(name, ...path) {
  try {
    const file = join(dirname(require.resolve(`${name}/package.json`)), ...path);
    return existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

/** The Bun that came with `npm install`, or undefined. */
export function findBun() {
  const file = process.platform === "win32" ? "bun.exe" : "bun";
  for (const name of bunPackages(process.platform, process.arch)) {
    const found = fileInPackage(name, "bin", file);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether a Node of this version runs TypeScript without a flag: 22.18, 23.6 and later. */
export function stripsTypes(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  return major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
}

/** A Node that runs TypeScript: the one that runs this, else the `node` package's; or undefined. */
export function findNode() {
  if (process.versions.bun === undefined && stripsTypes(process.version)) return process.execPath;
  return process.platform === "win32"
    ? fileInPackage("node", "bin", "node.exe")
    : fileInPackage("node", "bin", "node");
}

/** Node's arguments before the program: no warnings about what we know, and types below node_modules too. */
const nodeArguments = [
  "--disable-warning=ExperimentalWarning",
  "--import",
  new URL("typescript.js", import.meta.url).href,
];

/**
 * The runtime that `wanted` (the value of TROIKAMQ_RUNTIME) asks for, and its arguments before the program:
 * `{ path, args }`, or `{ problem }` in one line.
 */
export function chooseRuntime(wanted, find = { bun: findBun, node: findNode }) {
  if (wanted !== undefined && wanted !== "" && wanted !== "bun" && wanted !== "node") {
    return { problem: `TROIKAMQ_RUNTIME: "${wanted}" is not a runtime; give bun or node` };
  }
  const bun = wanted === "node" ? undefined : find.bun();
  if (bun !== undefined) return { path: bun, args: [] };
  if (wanted === "bun") {
    return { problem: "TROIKAMQ_RUNTIME=bun, but no @oven/bun-* package for this machine is installed" };
  }
  const node = find.node();
  if (node !== undefined) return { path: node, args: nodeArguments };
  const version = process.versions.node;
  return {
    problem:
      wanted === "node"
        ? `TROIKAMQ_RUNTIME=node, but Node ${version} is too old; 22.18 or later is needed`
        : "found neither Bun nor a recent Node; " +
          "install again without --omit=optional, or run it with Node 22.18 or later",
  };
}
