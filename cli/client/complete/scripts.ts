/**
 * The completion scripts of bash, zsh and fish, from the tree of commands. Pure.
 *
 * All three do the same: walk the words to find the command, then offer the values of the option before the cursor, or else subcommands,
 * values of arguments, and options where a dash is typed. Names of queues come from the broker, by `troikamq ls --names`.
 */
import type { CompletedCommand, Values } from "./tree.ts";

export type Shell = "bash" | "zsh" | "fish";

interface Place {
  /** `troikamq policy set` */
  readonly path: string;
  readonly command: CompletedCommand;
}

function* placesOf(command: CompletedCommand, before = ""): Generator<Place, void> {
  const path = before === "" ? command.name : `${before} ${command.name}`;
  yield { path, command };
  for (const each of command.commands) yield* placesOf(each, path);
}

/** Branches of a `case` over the command and the option before the cursor: `offer` is what offers the option's values. */
function branchesOfOptions(places: readonly Place[], offer: (values: Values) => string): readonly string[] {
  return places.flatMap(({ path, command }) =>
    command.options.flatMap(({ names, values }) => {
      const words = names.map((name) => `"${path}|${name}"`).join("|");
      return values === null ? [] : [`    ${words}) ${offer(values)};;`];
    }),
  );
}

/** In single quotes of any of the shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

const namesBy: Readonly<Record<"destinations" | "contexts", string>> = {
  destinations: "troikamq ls --names 2>/dev/null",
  contexts: "troikamq context ls --names 2>/dev/null",
};

function bashValues(values: Values): string {
  if (values === "nothing") return "words=()";
  if (values === "files") return "compopt -o default 2>/dev/null; COMPREPLY=(); return";
  if (typeof values !== "string") return `words=(${values.map(quoted).join(" ")})`;
  // macOS has bash 3.2, without mapfile.
  return `IFS=$'\\n'; words=($(${namesBy[values]}))`;
}

function bash(tree: CompletedCommand): string {
  const places = [...placesOf(tree)];
  const paths = places.slice(1).map(({ path }) => `"${path}"`);
  const afterOption = branchesOfOptions(places, (values) => `${bashValues(values)}; isValue=1`);
  const plain = places.map(({ path, command: { commands, values } }) => {
    const words = commands.length > 0 ? commands.map(({ name }) => name) : values;
    return `      "${path}") ${bashValues(words)};;`;
  });
  const dashed = places.map(
    ({ path, command: { options } }) =>
      `      "${path}") words=(${options.flatMap(({ names }) => names).join(" ")});;`,
  );
  return `# bash completion of troikamq, by troikamq completion bash
_troikamq() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} path=troikamq isValue= word i IFS=$IFS
  local -a words=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path \${COMP_WORDS[i]}" in
      ${paths.join("|")}) path="$path \${COMP_WORDS[i]}";;
    esac
  done
  case "$path|$before" in
${afterOption.join("\n")}
  esac
  if [[ -z $isValue && $current == -* ]]; then
    case "$path" in
${dashed.join("\n")}
    esac
  elif [[ -z $isValue ]]; then
    case "$path" in
${plain.join("\n")}
    esac
  fi
  COMPREPLY=()
  for word in "\${words[@]}"; do
    if [[ $word == "$current"* ]]; then COMPREPLY+=("$(printf %q "$word")"); fi
  done
}
complete -F _troikamq troikamq
`;
}

/** A colon ends the word in what _describe takes. */
function described(name: string, help: string): string {
  return quoted(`${name.replaceAll(":", String.raw`\:`)}:${help}`);
}

function zshValues(values: Values): string {
  if (values === "nothing") return ":";
  if (values === "files") return "_files";
  if (typeof values !== "string") return `compadd -- ${values.map(quoted).join(" ")}`;
  return `compadd -- "\${(@f)$(${namesBy[values]})}"`;
}

function zsh(tree: CompletedCommand): string {
  const places = [...placesOf(tree)];
  const paths = places.slice(1).map(({ path }) => `"${path}"`);
  const afterOption = branchesOfOptions(places, (values) => `${zshValues(values)}; return`);
  const dashed = places.map(({ path, command: { options } }) => {
    const items = options.flatMap(({ names, help }) => names.map((name) => described(name, help)));
    return `      "${path}") items=(${items.join(" ")}); _describe -o option items;;`;
  });
  const plain = places.map(({ path, command: { commands, values } }) => {
    if (commands.length === 0) return `      "${path}") ${zshValues(values)};;`;
    const items = commands.map(({ name, help }) => described(name, help));
    return `      "${path}") items=(${items.join(" ")}); _describe command items;;`;
  });
  return `#compdef troikamq
# zsh completion of troikamq, by troikamq completion zsh
_troikamq() {
  local at=troikamq word
  local -a items
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
      ${paths.join("|")}) at="$at $word";;
    esac
  done
  case "$at|\${words[CURRENT-1]}" in
${afterOption.join("\n")}
  esac
  if [[ $words[CURRENT] == -* ]]; then
    case "$at" in
${dashed.join("\n")}
    esac
  else
    case "$at" in
${plain.join("\n")}
    esac
  fi
}
if [[ $funcstack[1] == _troikamq ]]; then _troikamq "$@"; else compdef _troikamq troikamq; fi
`;
}

function fishValues(values: Values): string {
  if (values === "nothing") return "";
  if (values === "files") return " -F";
  if (typeof values !== "string") return ` -a ${quoted(values.join(" "))}`;
  return ` -a ${quoted(`(${namesBy[values]})`)}`;
}

function fish(tree: CompletedCommand): string {
  const lines: string[] = [];
  for (const { path, command } of placesOf(tree)) {
    const here = `complete -c troikamq -n ${quoted(`__troikamq_at "${path}"`)}`;
    for (const { name, help } of command.commands)
      lines.push(`${here} -a ${quoted(name)} -d ${quoted(help)}`);
    const values = fishValues(command.commands.length > 0 ? "nothing" : command.values);
    if (values !== "") lines.push(here + values);
    for (const { names, help, values: ofOption } of command.options) {
      const flags = names.map((name) =>
        name.startsWith("--") ? ` -l ${name.slice(2)}` : ` -s ${name.slice(1)}`,
      );
      const taken = ofOption === null ? "" : `${ofOption === "files" ? " -r" : " -x"}${fishValues(ofOption)}`;
      lines.push(`${here}${flags.join("")} -d ${quoted(help)}${taken}`);
    }
  }
  const paths = [...placesOf(tree)].slice(1).map(({ path }) => quoted(path));
  return `# fish completion of troikamq, by troikamq completion fish
set -g __troikamq_paths ${paths.join(" ")}
function __troikamq_at
    set -l at troikamq
    for word in (commandline -opc)[2..]
        contains -- "$at $word" $__troikamq_paths; and set at "$at $word"
    end
    test "$at" = "$argv[1]"
end
complete -c troikamq -f
${lines.join("\n")}
`;
}

export const scripts: Readonly<Record<Shell, (tree: CompletedCommand) => string>> = { bash, zsh, fish };
