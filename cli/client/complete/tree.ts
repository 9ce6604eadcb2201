/** The command line as a tree, for the scripts that complete it. Made of the tables that help and parsing are made of, so it cannot lag behind. */
import type { Argument, Command, Option } from "commander";
import {
  type Accepted,
  flagOf,
  type OptionName,
  optionNames,
  options,
} from "../../../src/base/config/options.ts";
import { type CommandName, commands, isClientCommand } from "../../commands.ts";
import { allDefined } from "../program.ts";

/** What completes a value: these words, files, or names that the broker or the contexts have. */
export type Values = readonly string[] | "files" | "destinations" | "contexts" | "nothing";

export interface CompletedOption {
  /** `--output`, and `-o` where there is one. */
  readonly names: readonly string[];
  readonly help: string;
  /** Null: it takes none. */
  readonly values: Values | null;
}

export interface CompletedCommand {
  readonly name: string;
  readonly help: string;
  readonly commands: readonly CompletedCommand[];
  readonly options: readonly CompletedOption[];
  /** What its arguments may be, whatever their place. */
  readonly values: Values;
}

/** Commands whose first argument is the name of something that holds messages. */
const namesDestination = new Set(["describe", "pub", "sub", "peek", "purge", "replay", "retry"]);
const namesContext = new Set(["use", "rm"]);

function valuesOfArgument(parent: string, command: string, argument: Argument): Values {
  if (argument.argChoices !== undefined) return argument.argChoices;
  if (argument.name() === "file") return "files";
  if (namesDestination.has(command)) return "destinations";
  if (parent === "context" && namesContext.has(command)) return "contexts";
  return "nothing";
}

function completedOption({
  short,
  long,
  description,
  argChoices,
  required,
  optional,
}: Option): CompletedOption {
  const takesValue = required || optional;
  const isFile = long?.endsWith("-file") === true;
  const values = argChoices ?? (isFile ? "files" : long === "--context" ? "contexts" : "nothing");
  return {
    names: [long, short].filter((name) => name !== undefined),
    help: description,
    values: takesValue ? values : null,
  };
}

const helpOption: CompletedOption = { names: ["--help", "-h"], help: "print this", values: null };

function completedCommand(command: Command, parent: string): CompletedCommand {
  const name = command.name();
  const [first] = command.registeredArguments;
  return {
    name,
    help: command.description(),
    commands: command.commands.map((each) => completedCommand(each, name)),
    options: [...command.options.map(completedOption), helpOption],
    values: first === undefined ? "nothing" : valuesOfArgument(parent, name, first),
  };
}

/** A switch takes no value; paths and directories are files. */
function valuesOf(option: OptionName): Values | null {
  const { isSwitch, accepts, placeholder }: { isSwitch?: boolean; accepts: Accepted; placeholder: string } =
    options[option];
  if (isSwitch === true) return null;
  if (["DIR", "FILE", "PATH"].includes(placeholder)) return "files";
  return accepts.words ?? "nothing";
}

/** A command that does not talk to a broker over HTTP. */
function ownCommand(name: CommandName): CompletedCommand {
  const { summary, options: accepted, flags = {} } = commands[name];
  const ofFlags = Object.entries(flags).map(([flag, { help, value }]) => ({
    names: [flag],
    help,
    values: value === undefined ? null : ("nothing" as const),
  }));
  const ofBroker = (accepted === "all" ? optionNames : accepted).map((option) => ({
    names: [flagOf(option)],
    help: options[option].help,
    values: valuesOf(option),
  }));
  return {
    name: name.split(" ").at(-1)!,
    help: summary,
    commands: [],
    options: [...ofFlags, ...ofBroker, helpOption],
    values:
      name === "help"
        ? topNames
        : name === "import"
          ? ["redis"]
          : name === "export redis"
            ? "files"
            : "nothing",
  };
}

const names = Object.keys(commands) as CommandName[];
const topNames = names.filter((name) => !name.includes(" "));

export async function completionTree(): Promise<CompletedCommand> {
  const own = topNames.filter((name) => !isClientCommand(name)).map(ownCommand);
  const ofBrokers: CompletedCommand[] = [];
  for (const command of await allDefined()) {
    const completed = completedCommand(command, "");
    const below = names.filter((each) => each.startsWith(`${completed.name} `)).map(ownCommand);
    ofBrokers.push({ ...completed, commands: [...completed.commands, ...below] });
  }
  return {
    name: "troikamq",
    help: "",
    commands: [...own, ...ofBrokers],
    options: [helpOption, { names: ["--version", "-v"], help: "print the version", values: null }],
    values: "nothing",
  };
}
