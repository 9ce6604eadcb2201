/** MODULE LIST | LOAD | LOADEX | UNLOAD | HELP: there are no modules, and none can be loaded. */
import type { CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { writeHelp } from "../core/help.ts";

export const moduleCommand: CommandRow = {
  name: "module",
  arity: -2,
  flags: [],
  since: "4.0.0",
  complexity: "Depends on the subcommand",
  summary: "Manages modules.",
  subcommands: [
    {
      name: "help",
      arity: 2,
      flags: ["loading", "stale"],
      since: "5.0.0",
      complexity: "O(1)",
      summary: "Lists the MODULE subcommands.",
      run: moduleHelp,
    },
    {
      name: "list",
      arity: 2,
      flags: ["admin", "noscript"],
      tips: ["nondeterministic_output_order"],
      since: "4.0.0",
      complexity: "O(N), N modules",
      summary: "Lists the loaded modules.",
      run: moduleList,
    },
    {
      name: "load",
      arity: -3,
      flags: ["admin", "noscript", "no_async_loading"],
      since: "4.0.0",
      complexity: "O(1)",
      summary: "Loads a module.",
      run: moduleRefused,
    },
    {
      name: "loadex",
      arity: -3,
      flags: ["admin", "noscript", "no_async_loading"],
      since: "7.0.0",
      complexity: "O(1)",
      summary: "Loads a module with settings.",
      run: moduleRefused,
    },
    {
      name: "unload",
      arity: 3,
      flags: ["admin", "noscript", "no_async_loading"],
      since: "4.0.0",
      complexity: "O(1)",
      summary: "Unloads a module.",
      run: moduleRefused,
    },
  ],
};

function moduleList({ reply }: CommandContext): void {
  reply.array(0);
}

function moduleRefused(): void {
  throw new RedisError(
    "ERR MODULE command not allowed. This server loads no modules: write functions in Lua (FUNCTION LOAD) in their place.",
  );
}

function moduleHelp(context: CommandContext): void {
  writeHelp(context, [
    "LIST",
    "    Return a list of loaded modules.",
    "LOAD <path> [<arg> ...]",
    "    Load a module library from <path>, passing to it any optional arguments.",
    "LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]",
    "    Load a module library from <path>, while passing it module configurations and optional arguments.",
    "UNLOAD <name>",
    "    Unload a module.",
  ]);
}
