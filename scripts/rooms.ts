/**
 * `node scripts/rooms.ts [COMMIT…]`: a table of the rooms for the working tree and for each commit that is named: files, the
 * fullest folder, the longest file, import circles. docs/rooms.md shows two of them.
 *
 * Not here: which numbers are allowed (test/tidy/rules.ts).
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { circlesIn, importGraph, type ImportGraph } from "../test/tidy/circles.ts";
import { root, table } from "./docs-markdown.ts";

type Sources = ReadonlyMap<string, string>;

const tops = ["src", "cli", "test"];
const isSource = (path: string): boolean => /\.[cm]?[jt]s$/.test(path);

/** A room is the first folder of these that a file is in; those of one protocol come before all of them. */
const rooms = [
  "src/base",
  "src/message",
  "src/storage",
  "src/broker",
  "src/keyspace",
  "src/protocols/redis",
  "src/protocols/amqp",
  "src/protocols/kafka",
  "src/net",
  "src/admin",
  "cli",
  "test/unit",
  "test/clients",
];

function workingTree(): Sources {
  const files = new Map<string, string>();
  for (const top of tops) {
    for (const entry of readdirSync(join(root, top), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !isSource(entry.name)) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(path.slice(root.length + 1).replaceAll("\\", "/"), readFileSync(path, "utf8"));
    }
  }
  return files;
}

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 });
}

function treeOf(commit: string): Sources {
  const paths = git("ls-tree", "-r", "--name-only", commit, ...tops).split("\n");
  return new Map(paths.filter(isSource).map((path) => [path, git("show", `${commit}:${path}`)]));
}

function within(graph: ImportGraph, room: string): string[][] {
  return circlesIn(graph).filter((circle) => circle.some((path) => path.startsWith(`${room}/`)));
}

/** How many there are, and how many modules the largest has. */
function shownCircles(circles: string[][]): string {
  return circles.length === 0 ? "0" : `${circles.length}, largest ${circles[0]!.length}`;
}

function row(room: string, files: Sources, runTime: ImportGraph, byTypes: ImportGraph): string[] {
  const inside = [...files].filter(([path]) => path.startsWith(`${room}/`));
  const folders = new Map<string, number>();
  for (const [path] of inside) {
    const folder = posix.dirname(path);
    folders.set(folder, (folders.get(folder) ?? 0) + 1);
  }
  const [fullest, most] = [...folders].toSorted((one, other) => other[1] - one[1])[0] ?? ["", 0];
  const lengths = inside.map(([path, source]) => ({ path, lines: source.split("\n").length - 1 }));
  const longest = lengths.toSorted((one, other) => other.lines - one.lines)[0];
  const short = (path: string) => path.slice(room.length + 1);
  return [
    room,
    String(inside.length),
    String(folders.size),
    fullest === room ? String(most) : `${most} (${short(fullest)}/)`,
    longest === undefined ? "" : `${longest.lines} (${short(longest.path)})`,
    shownCircles(within(runTime, room)),
    shownCircles(within(byTypes, room)),
  ];
}

function roomsTable(files: Sources): string {
  const runTime = importGraph(files, true);
  const byTypes = importGraph(files, false);
  const header = [
    "room",
    "files",
    "folders",
    "most files in one folder",
    "lines of the longest file",
    "circles at run time",
    "circles by types",
  ];
  return table(
    header,
    rooms.map((room) => row(room, files, runTime, byTypes)),
  );
}

process.stdout.write(`working tree\n\n${roomsTable(workingTree())}\n`);
for (const commit of process.argv.slice(2))
  process.stdout.write(`\n${commit}\n\n${roomsTable(treeOf(commit))}\n`);
