/** The options as text for people: the help of a subcommand, and the documentation's page. */
import { environmentNameOf, fileKeyOf, flagOf, optionNames, options } from "./options.ts";
import type { OptionName } from "./options.ts";

/** Terminals are mostly this wide or wider. */
const columns = 100;
const leftColumns = 34;

/** Each option with what it does beside it, or below it where its name and values are long. */
export function optionsHelp(names: readonly OptionName[]): string {
  return names.flatMap(optionLines).join("\n");
}

function optionLines(name: OptionName): readonly string[] {
  const { help, default: fallback, placeholder } = options[name];
  const left = `  ${flagOf(name)} ${placeholder}`.trimEnd();
  const [first, ...others] = wrapped(`${help}${fallback === undefined ? "" : ` [${fallback}]`}`);
  const indented = (line: string): string => `${" ".repeat(leftColumns)}  ${line}`;
  if (left.length <= leftColumns) return [`${left.padEnd(leftColumns)}  ${first}`, ...others.map(indented)];
  return [...wrappedValues(left), indented(first!), ...others.map(indented)];
}

/** Values that a bar stands between may be too many for a line. */
function wrappedValues(left: string): readonly string[] {
  if (left.length <= columns) return [left];
  const cut = left.lastIndexOf("|", columns) + 1;
  return cut === 0 ? [left] : [left.slice(0, cut), ...wrappedValues(`      ${left.slice(cut)}`)];
}

function wrapped(text: string): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns - leftColumns - 2) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** The page docs/configuration.md; `npm run docs` writes it. */
export function configurationPage(): string {
  return `# Configuration

<!-- Written by \`npm run docs\` from src/base/config/options.ts. -->

A flag takes precedence over the environment, the environment over the file that \`--config\` names, and the file over the default. An
unknown flag, an unknown key in the file or an invalid value ends the start with one line on stderr and exit code 2. An unknown environment
variable is reported in one line on stderr and ignored; the variables that Kubernetes sets for a service named \`troikamq\` are ignored without
a line. An empty environment variable counts as not set. Sizes are in bytes, or with \`KiB\`, \`MiB\` or \`GiB\`, or a share of memory
such as \`40%\`: of the container's memory if that is less than the machine's.

${optionsTable()}

\`TROIKAMQ_RUNTIME\` (\`bun\` or \`node\`) chooses the runtime of the command \`troikamq\`. By default it is the Bun that came
with the package, else Node 22.18 or later. A program that embeds the broker gives its options itself:
[embedding.md](embedding.md).
`;
}

function optionsTable(): string {
  const rows = optionNames.map((name) => {
    const { help, default: fallback } = options[name];
    const key = name === "config" ? undefined : fileKeyOf(name);
    const cells = [flagOf(name), environmentNameOf(name), key, fallback].map(code);
    return `| ${[...cells, help].join(" | ")} |`;
  });
  return ["| flag | environment | file | default | meaning |", "|---|---|---|---|---|", ...rows].join("\n");
}

function code(text: string | undefined): string {
  return text === undefined ? "" : `\`${text}\``;
}
