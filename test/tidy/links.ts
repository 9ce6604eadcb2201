/**
 * Where the documents point: links, and paths and names of the code in back quotes. Pure over a view of the project's files.
 *
 *     [text](path), [text](path#heading)   the file is there, and has the heading
 *     [`name`](path.ts)                    the file also has the name
 *     `src/base/limits.ts`, `base/sizes.ts`  such a file or folder is there; `src/` may be left out
 *
 *     `limits.ts`, and in comments of the code too: limits.ts, base/limits.ts   a file of that name is somewhere
 *
 * Not here: words that stand for others, as in `protocols/X` and `test/unit/ROOM`, and addresses of the web.
 */
import { posix } from "node:path";

export interface Project {
  /** Whether there is such a file or folder. */
  has(path: string): boolean;
  read(path: string): string;
  /** Whether a file's path ends with that name, or with that folder and name. */
  hasNamed(name: string): boolean;
}

const folders =
  "src|test|docs|sim|scripts|faults|bench|fuzz|mutants|differential|load|cli|bin|base|message|storage|broker|keyspace|protocols|net|admin";
const pathInText = new RegExp(String.raw`^(?:${folders})/[\w./-]*$`);
/** A part of a path that stands for others. */
const placeholder = /(?:^|\/)(?:X|[A-Z]{3,})(?:[./]|$)/;

/** What the page names and the project lacks; one line each. */
export function deadPointers(page: string, text: string, project: Project): string[] {
  const prose = text.replaceAll(/```[^]*?```/g, "");
  return [
    ...deadLinks(page, prose, project),
    ...deadPaths(page, prose, project),
    ...[...prose.matchAll(/`([\w-]+\.ts)`/g)]
      .filter(([, name]) => !project.hasNamed(name!))
      .map(([, name]) => `${page}: names ${name}, which is not there`),
  ];
}

/** Files that comments name, as in "see limits.ts", and that are not there. */
export function deadNames(path: string, source: string, project: Project): string[] {
  const found: string[] = [];
  for (const [at, line] of source.split("\n").entries()) {
    if (!/^\s*(?:\*|\/\/|\/\*)/.test(line)) continue;
    for (const [name] of line.matchAll(/(?<![\w*{},/.-])\w[\w-]*(?:\/[\w-]+)*\.ts\b/g)) {
      if (placeholder.test(name) || project.hasNamed(name)) continue;
      found.push(`${path}:${at + 1}: names ${name}, which is not there`);
    }
  }
  return found;
}

function deadLinks(page: string, prose: string, project: Project): string[] {
  const found: string[] = [];
  for (const [, shown, target] of prose.matchAll(/\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target!)) continue;
    const [file, heading] = target!.split("#") as [string, string | undefined];
    const path = file === "" ? page : posix.join(posix.dirname(page), file);
    if (!project.has(path)) found.push(`${page}: links ${path}, which is not there`);
    else if (heading !== undefined && !headingsOf(project.read(path)).has(heading)) {
      found.push(`${page}: links ${path}#${heading}, a heading that is not there`);
    } else if (path.endsWith(".ts")) {
      const name = /^`([\w.]+)`$/.exec(shown!)?.[1];
      const isName = name !== undefined && !name.endsWith(".ts");
      if (isName && !hasWord(project.read(path), name)) found.push(`${page}: ${path} has no ${name}`);
    }
  }
  return found;
}

function deadPaths(page: string, prose: string, project: Project): string[] {
  const found: string[] = [];
  for (const [, code] of prose.matchAll(/`([^`\n]+)`/g)) {
    const path = code!;
    if (!pathInText.test(path) || placeholder.test(path)) continue;
    if (!project.has(path) && !project.has(`src/${path}`))
      found.push(`${page}: names ${path}, which is not there`);
  }
  return found;
}

/** `Queue.catchUp` is there where both words are. */
function hasWord(source: string, name: string): boolean {
  return name.split(".").every((word) => new RegExp(String.raw`(?<![\w$])${word}(?![\w$])`).test(source));
}

/** The anchors that GitHub gives to headings. */
function headingsOf(page: string): Set<string> {
  const headings = page.replaceAll(/```[^]*?```/g, "").matchAll(/^#+ +(.*)$/gm);
  return new Set(
    [...headings].map(([, text]) =>
      text!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
