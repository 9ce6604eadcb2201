/**
 * Markdown for the generated parts of the documentation: tables, and where they stand in a page.
 *
 *     <!-- begin NAME -->  what `npm run docs` writes  <!-- end NAME -->
 *
 * The formatter leaves these parts as they are. Invariant: a page is changed between its markers only, and each of its
 * sections is there once.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..");

/** Each generated part of a page, by the name in its markers. */
export type Sections = Readonly<Record<string, () => string>>;

export function code(text: string): string {
  return `\`${text}\``;
}

export function codes(names: readonly string[]): string {
  return names.map(code).join(", ");
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", String.raw`\|`)).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

/** The page with its sections written anew. Throws where a marker and a section do not belong together. */
export function withSections(page: string, sections: Sections): string {
  const found = [...page.matchAll(/<!-- begin (\S+) -->/g)].map(([, name]) => name!);
  const wanted = Object.keys(sections);
  if (found.toSorted().join() !== wanted.toSorted().join()) {
    throw new Error(`the page has the sections ${found.join(", ")}; there are ${wanted.join(", ")}`);
  }
  let text = page;
  for (const [name, write] of Object.entries(sections)) {
    const begin = `<!-- begin ${name} -->`;
    const from = text.indexOf(begin) + begin.length;
    const to = text.indexOf(`<!-- end ${name} -->`, from);
    if (to < 0) throw new Error(`the section ${name} does not end`);
    const body = `<!-- prettier-ignore-start -->\n\n${write()}\n\n<!-- prettier-ignore-end -->`;
    text = `${text.slice(0, from)}\n${body}\n${text.slice(to)}`;
  }
  return text;
}

/** The client libraries that the tests run, with the versions that package.json pins. */
export function clientVersions(names: readonly string[]): string {
  const packageJson = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    devDependencies: Readonly<Record<string, string>>;
  };
  return names.map((name) => `${code(name)} ${packageJson.devDependencies[name]!}`).join(", ");
}
