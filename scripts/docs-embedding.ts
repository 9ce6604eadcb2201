/** What derives from the options of `startBroker()`: its declarations (bin/embed.d.ts, embed.d.cts) and its table. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { options, portOptions } from "../src/base/config/options.ts";
import type { OptionName } from "../src/base/config/options.ts";
import { embeddedDefaults, embeddedNames, typeText } from "../src/base/config/embedding.ts";
import { portNameOf, portNames } from "../src/base/config/listeners.ts";
import { code, root, type Sections, table } from "./docs-markdown.ts";

function defaultOf(name: OptionName): string | undefined {
  return embeddedDefaults[name] ?? options[name].default;
}

function optionTable(): string {
  const rows = embeddedNames.map((name) => row(name, name));
  const ports = portOptions.map((name) => row(name, `ports.${portNameOf(name)}`));
  return table(["option", "type", "default", "meaning"], [...rows, ...ports]);
}

function row(name: OptionName, shown: string): string[] {
  const fallback = defaultOf(name);
  const type = typeText(options[name].accepts);
  return [code(shown), code(type), fallback === undefined ? "" : code(fallback), options[name].help];
}

export const embeddingSections: Sections = { options: optionTable };

const lineLengthMax = 110;

/** On one line where there is room, as the formatter has it. */
function typed(indent: string, key: string, type: string): string {
  const line = `${indent}${key}?: ${type};`;
  if (line.length <= lineLengthMax) return line;
  const lines = type.split(" | ").map((each) => `${indent}  | ${each}`);
  return `${indent}${key}?:\n${lines.join("\n")};`;
}

/** One option in an interface, with what the help says of it. */
function declaration(name: OptionName, key: string, indent: string): string {
  const fallback = defaultOf(name);
  const comment = `${options[name].help}${fallback === undefined ? "" : ` [${fallback}]`}`;
  return `${indent}/** ${comment} */\n${typed(indent, key, `${typeText(options[name].accepts)} | undefined`)}\n`;
}

/**
 * Written out rather than made of the source by a compiler: the source's types are those of the whole broker, and of
 * TypeScript's latest forms. test/unit/embed-types.test.ts holds it to the source.
 */
export function declarations(): string {
  const source = readFileSync(join(root, "src/embed.ts"), "utf8");
  const running = /export interface RunningBroker \{[^]*?\n\}\n/.exec(source)?.[0];
  if (running === undefined) throw new Error("src/embed.ts has no interface RunningBroker");
  return `/** Types of the package \`troikamq\`. Written by \`npm run docs\` from src/base/config/options.ts and src/embed.ts. */

export type PortName = ${portNames.map((name) => JSON.stringify(name)).join(" | ")};
/** \`redisTls\` and so on: the same protocol over TLS. */
export type AnyPortName = PortName | \`\${PortName}Tls\`;

/** In brackets what is taken where nothing is given. */
export interface StartOptions {
${embeddedNames.map((name) => declaration(name, name, "  ")).join("")}  /** A number, 0 for a free port, or "off". */
  ports?:
    | {
${portOptions.map((name) => declaration(name, portNameOf(name), "        ")).join("")}      }
    | undefined;
}

${running}
/** Starts a broker. Rejects with an error of one line when an option is wrong or a port or the directory is taken. */
export function startBroker(options?: StartOptions): Promise<RunningBroker>;
`;
}
