/** The options as text for people: the help of a subcommand, and the documentation's page. */
import { environmentNameOf, fileKeyOf, flagOf, optionNames, options } from "./options.ts";
import type { OptionName } from "./options.ts";

/** One aligned line for each option, as `--help` shows them. */
export function optionsHelp(names: readonly OptionName[]): string {
  const left = names.map((name) => `  ${flagOf(name)} ${options[name].placeholder}`.trimEnd());
  const width = Math.max(...left.map((text) => text.length));
  return names
    .map((name, index) => {
      const { help, default: fallback } = options[name];
      return `${left[index]!.padEnd(width)}  ${help}${fallback === undefined ? "" : ` [${fallback}]`}`;
    })
    .join("\n");
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
