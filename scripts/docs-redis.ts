/** What docs/redis.md derives: which commands have a handler, of all that the command table knows, and how they are called. */
import { loadCommandDocs } from "../src/protocols/redis/command-docs.ts";
import { commandTable } from "../src/protocols/redis/command-table.ts";
import type { CommandArgument } from "../src/protocols/redis/core/command-docs.ts";
import { ServerSettings, type Treatment } from "../src/protocols/redis/core/settings.ts";
import type { CommandSpec } from "../src/protocols/redis/core/command-spec.ts";
import { clientVersions, code, codes, type Sections, table } from "./docs-markdown.ts";

/** The commands and subcommands that the table knows and nobody answers. */
export function missingCommands(): readonly CommandSpec[] {
  return commandTable.all.filter((spec) => spec.subcommandSpecs.length === 0 && spec.run === undefined);
}

/** `NAME`, or `NAME (SUB, SUB)` of those subcommands that are meant; null for none. */
function shown(spec: CommandSpec, isMeant: (spec: CommandSpec) => boolean): string | null {
  const name = spec.fullName.toUpperCase();
  if (spec.subcommandSpecs.length === 0) return isMeant(spec) ? code(name) : null;
  const meant = spec.subcommandSpecs.filter(isMeant);
  if (meant.length === 0) return null;
  const names = meant.map((each) => each.name.toUpperCase()).toSorted();
  return `${code(name)} (${names.join(", ")})`;
}

function supportedCommands(): string {
  const { topLevel } = commandTable;
  const isThere = (spec: CommandSpec): boolean => spec.run !== undefined;
  const groups = [...new Set(topLevel.map(({ group }) => group))];
  const inGroup = (group: string): readonly CommandSpec[] =>
    topLevel.filter((spec) => spec.group === group).toSorted((a, b) => (a.fullName < b.fullName ? -1 : 1));
  const list = (specs: readonly CommandSpec[], isMeant: (spec: CommandSpec) => boolean): string =>
    specs
      .map((spec) => shown(spec, isMeant))
      .filter((text) => text !== null)
      .join(", ");
  const rows = groups.map((group) => {
    const specs = inGroup(group);
    return [group, list(specs, isThere), list(specs, (spec) => !isThere(spec))];
  });
  const count = topLevel.filter((spec) => spec.isImplemented).length;
  const head = ["group", "supported", "known, not there yet"];
  return `${count} of the ${topLevel.length} commands that redis 7.0 has, or later versions that are looked at here:\n\n${table(head, rows)}`;
}

const docs = await loadCommandDocs();
/** What is longer is not written twice to say that it may be repeated. */
const repeatedLengthMax = 40;

/** `[NX | XX]`, `key [key ...]`: an argument in the notation of redis's own pages. */
function argumentText(argument: CommandArgument): string {
  const { type, name, token, isOptional, isMany, hasManyTokens } = argument;
  let text = name;
  if (type === "oneof") text = alternatives(argument, isOptional === true && token === undefined && !isMany);
  else if (type === "block") text = sequence(argument);
  if (type === "pure-token") text = token!;
  else if (hasManyTokens) text = `${token!} ${text} [${token!} ${text} ...]`;
  else {
    if (isMany) text = text.length > repeatedLengthMax ? `${text} [...]` : `${text} [${text} ...]`;
    if (token !== undefined) text = `${token} ${text}`;
  }
  return isOptional ? `[${text}]` : text;
}

function alternatives({ arguments: parts = [] }: CommandArgument, isInBrackets: boolean): string {
  const text = parts.map(argumentText).join(" | ");
  return isInBrackets ? text : `<${text}>`;
}

function sequence({ arguments: parts = [] }: CommandArgument): string {
  return parts.map(argumentText).join(" ");
}

/** How each command is called that has a handler, by group. */
function syntax(): string {
  const { all, topLevel } = commandTable;
  const groups = [...new Set(topLevel.map(({ group }) => group))];
  return groups
    .flatMap((group) => {
      const lines = all
        .filter((spec) => spec.group === group && spec.run !== undefined)
        .toSorted((a, b) => (a.fullName < b.fullName ? -1 : 1))
        .map((spec) => {
          const words = spec.fullName.toUpperCase().replace("|", " ");
          const call = [words, ...(docs[spec.fullName]?.arguments ?? []).map(argumentText)].join(" ");
          return `- ${code(call)}: ${spec.row.summary}`;
        });
      return lines.length === 0 ? [] : [`**${group}**\n\n${lines.join("\n")}`];
    })
    .join("\n\n");
}

/** Every parameter of redis 7.0, by what `CONFIG SET` does with it. */
function settings(): string {
  const all = new ServerSettings();
  const names = [...all.values.keys()].toSorted();
  const those = (isMeant: (name: string) => boolean): string => codes(names.filter(isMeant));
  const isFixed = (name: string): boolean => all.fixedProblem(name) !== null;
  const isTreated = (name: string, treatment: Treatment): boolean => all.treatmentOf(name) === treatment;
  return table(
    ["parameters", "`CONFIG SET`"],
    [
      [those((name) => isTreated(name, "acts")), "acts at once, until the restart"],
      [
        those((name) => isTreated(name, "advice")),
        "advice to machinery that is not here: taken and read back, and changes nothing",
      ],
      [
        those((name) => isTreated(name, "shown") && !isFixed(name)),
        "another value than the one shown is refused: it would do nothing",
      ],
      [those(isFixed), "refused, as in Redis: set at the start only"],
    ],
  );
}

export const redisSections: Sections = {
  clients: () => `Tested with ${clientVersions(["ioredis", "redis"])}.`,
  commands: supportedCommands,
  syntax,
  settings,
};
