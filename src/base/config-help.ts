/** The options as text for people: the help of a subcommand, and the documentation's table. */
import { environmentNameOf, fileKeyOf, flagOf, optionNames, options } from "./config-options.ts";
import type { OptionName } from "./config-options.ts";

/** One aligned line for each option, as `--help` shows them. */
export function optionsHelp(names: readonly OptionName[]): string {
  const left = names.map((name) => `  ${flagOf(name)} ${options[name].placeholder}`);
  const width = Math.max(...left.map((text) => text.length));
  return names
    .map((name, index) => {
      const { help, default: fallback } = options[name];
      return `${left[index]!.padEnd(width)}  ${help}${fallback === undefined ? "" : ` [${fallback}]`}`;
    })
    .join("\n");
}

/** A Markdown table of all options, for docs/. */
export function optionsTable(): string {
  const rows = optionNames.map((name) => {
    const { help, default: fallback } = options[name];
    const cells = [flagOf(name), environmentNameOf(name), fileKeyOf(name)].map((cell) => `\`${cell}\``);
    return `| ${[...cells, fallback === undefined ? "" : `\`${fallback}\``, help].join(" | ")} |`;
  });
  return ["| flag | environment | file | default | meaning |", "|---|---|---|---|---|", ...rows].join("\n");
}
