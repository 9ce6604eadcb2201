/**
 * The rules of the house, as a pure function over the sources: which room may import which, who may touch time,
 * chance and the runtime, and how long a file may be.
 *
 * Invariant: a file that belongs to no known room is itself a violation, so that a new room must be entered here.
 */
import { posix } from "node:path";
import { circlesIn, importGraph } from "./circles.ts";
import { importsOf, lineAt, maskSource } from "./scan.ts";

const fileLinesMax = 500;
/** Beyond it nobody sees at a glance what a folder is about. */
const folderFilesMax = 25;
/** Modules that know one another by types. What is larger has a part that should be an interface. */
const typeCircleMax = 25;

/** The doors of each room. A protocol's name is read from its path; `wire` and `protocol` stand for the own one. */
const doors = {
  base: [],
  message: ["base"],
  storage: ["message", "base"],
  broker: ["storage index", "message", "base"],
  keyspace: ["broker", "message", "base"],
  contract: ["broker", "message", "base"],
  protocol: ["contract", "broker", "storage logs", "message", "base", "own wire"],
  wire: ["message", "base"],
  net: ["contract", "base"],
  admin: ["broker", "base"],
  wiring: "all",
  cli: ["wiring", "storage index", "redis wire", "amqp wire", "message", "base"],
} as const satisfies Record<string, readonly string[] | "all">;

type RoomName = keyof typeof doors;

export interface Room {
  readonly name: RoomName;
  /** For protocol and wire: which protocol. */
  readonly protocol?: string;
}

/** Doors that one protocol has and the others have not. */
const extraDoors: Readonly<Record<string, readonly string[]>> = { redis: ["keyspace"] };

/** Files outside the rooms that one file may import. */
const extraFiles: Readonly<Record<string, readonly string[]>> = {
  "src/base/version.ts": ["package.json"],
  "cli/parent.ts": ["bin/parents.js"],
};

export function roomOf(path: string): Room | undefined {
  const [top, second, third, fourth] = path.split("/");
  if (top === "cli") return { name: "cli" };
  if (top !== "src" || second === undefined) return undefined;
  if (path === "src/embed.ts" || path === "src/main.ts") return { name: "wiring" };
  if (path === "src/protocols/contract.ts") return { name: "contract" };
  if (second === "protocols" && third !== undefined && fourth !== undefined) {
    return { name: fourth === "wire" ? "wire" : "protocol", protocol: third };
  }
  const rooms = ["base", "message", "storage", "broker", "keyspace", "net", "admin"] as const;
  return third === undefined ? undefined : rooms.flatMap((name) => (name === second ? [{ name }] : []))[0];
}

function mayImport(fromPath: string, toPath: string): boolean {
  if (extraFiles[fromPath]?.includes(toPath) === true) return true;
  const from = roomOf(fromPath);
  const to = roomOf(toPath);
  if (from === undefined || to === undefined) return false;
  if (from.name === to.name && from.protocol === to.protocol) return true;
  const open: readonly string[] | "all" = doors[from.name];
  if (open === "all") return to.name !== "cli";
  const isOwn = from.protocol !== undefined && from.protocol === to.protocol;
  const names = [
    // Nobody passes through the door of a protocol or its wire but those named `own`.
    to.protocol === undefined ? to.name : isOwn ? `own ${to.name}` : "",
    ...(toPath === "src/storage/index.ts" ? ["storage index"] : []),
    ...(toPath === "src/storage/logs.ts" ? ["storage logs"] : []),
    ...(to.name === "wire" ? [`${to.protocol} wire`] : []),
  ];
  const extra = from.name === "protocol" ? extraDoors[from.protocol!] : undefined;
  return names.some((name) => open.includes(name) || extra?.includes(name) === true);
}

interface Ban {
  readonly pattern: RegExp;
  readonly instead: string;
}

function ban(names: string, instead: string): Ban {
  return {
    pattern: new RegExp(String.raw`(?:(?<![\w$])globalThis\.|(?<![.\w$]))(?:${names})`, "g"),
    instead,
  };
}

/** What only net/ may name. `new Date(instant)` is a conversion and is not among them. */
const bans: readonly Ban[] = [
  ban(String.raw`Date\.now\b|new Date\b(?!\s*\()|new Date\(\s*\)|(?<!new\s)Date\(`, "base/clock.ts"),
  ban(String.raw`performance\b|process\.hrtime\b|process\.uptime\b`, "base/clock.ts"),
  ban(String.raw`(?:setTimeout|setInterval|setImmediate)\b`, "base/clock.ts"),
  ban(String.raw`Math\.random\b|crypto\.(?:random\w+|getRandomValues)\b`, "base/random.ts"),
  ban(String.raw`(?:randomBytes|randomUUID|randomInt|randomFillSync|getRandomValues)\b`, "base/random.ts"),
  ban(
    String.raw`RegExp\(`,
    "base/patterns/regex.ts, whose matching is bounded, for patterns that are not our own",
  ),
  ban(String.raw`Bun\b`, "node: or web interfaces"),
];

/** Modules that only net/ may import. */
const runtimeModules = /^(?:bun(?::.*)?|(?:node:)?timers(?:\/promises)?|(?:node:)?perf_hooks)$/;

/** Uses that no pure input can replace, each with its reason. */
const pardons: Readonly<Record<string, readonly string[]>> = {
  // The age of the process is what is asked for.
  "src/admin/process-metrics.ts": ["process.uptime"],
  // The same sum on both, which Node has in node:zlib; that costs an idle Bun half a megabyte.
  "src/base/checksum/crc32.ts": ["Bun"],
};

/** What is wrong in these sources, by path; one line each. */
export function violationsIn(files: ReadonlyMap<string, string>): string[] {
  return [...fileViolations(files), ...folderViolations(files), ...circleViolations(files)];
}

function folderViolations(files: ReadonlyMap<string, string>): string[] {
  const counts = new Map<string, number>();
  for (const path of files.keys()) {
    const folder = posix.dirname(path);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > folderFilesMax)
    .map(([folder, count]) => `${folder}: has ${count} files; past ${folderFilesMax} it is two rooms`);
}

/** Modules that import one another have no order in which they can be read, or evaluated. */
function circleViolations(files: ReadonlyMap<string, string>): string[] {
  const runTime = circlesIn(importGraph(files, true)).map(
    (circle) => `${circle.join(", ")}: import one another at run time`,
  );
  const large = circlesIn(importGraph(files, false)).filter(({ length }) => length > typeCircleMax);
  return [
    ...runTime,
    ...large.map(
      (circle) =>
        `${circle[0]} and ${circle.length - 1} others: know one another by types; past ${typeCircleMax} an interface is missing`,
    ),
  ];
}

function fileViolations(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([path, source]) => {
    const room = roomOf(path);
    if (room === undefined) return [`${path}: is in no room that test/tidy/rules.ts knows`];
    const found = importViolations(path, room, source);
    if (room.name !== "net" && room.name !== "cli") found.push(...banViolations(path, source));
    const lines = source.split("\n").length - 1;
    if (lines > fileLinesMax) found.push(`${path}: has ${lines} lines; past ${fileLinesMax} it is two rooms`);
    return found;
  });
}

function importViolations(path: string, room: Room, source: string): string[] {
  const found: string[] = [];
  for (const { specifier, line } of importsOf(source)) {
    const where = `${path}:${line}`;
    if (specifier === undefined) found.push(`${where}: imports what is computed; no one can tell the room`);
    else if (specifier.startsWith(".")) {
      const target = posix.join(posix.dirname(path), specifier);
      if (!mayImport(path, target)) found.push(`${where}: ${roomText(room)} may not import ${target}`);
    } else if (room.name === "wire") {
      found.push(`${where}: wire imports nothing but message and base, so not ${specifier}`);
    } else if (room.name !== "net" && runtimeModules.test(specifier)) {
      found.push(`${where}: only net may import ${specifier}`);
    }
  }
  return found;
}

function banViolations(path: string, source: string): string[] {
  const masked = maskSource(source);
  return bans.flatMap(({ pattern, instead }) =>
    [...masked.matchAll(pattern)]
      .filter(([name]) => pardons[path]?.includes(name) !== true)
      .map(
        ({ 0: name, index }) => `${path}:${lineAt(source, index)}: only net may name ${name}; use ${instead}`,
      ),
  );
}

function roomText({ name, protocol }: Room): string {
  return protocol === undefined ? name : `${protocol}'s ${name}`;
}
