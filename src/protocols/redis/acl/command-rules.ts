/**
 * Which commands a user may run: rules such as `-@all`, `+get`, `-config|set`, taken one after the other, come to a flag
 * for each command and subcommand.
 *
 * Not here: keys and channels, which other protocols share (broker/access). Invariant: a list of rules begins with
 * `+@all` or `-@all`, and names each command or category once, so it is no longer than the table of commands.
 */
import type { User } from "../../../broker/access/users.ts";
import { administratorTag } from "../../../broker/access/users.ts";
import { type AclCategory, aclCategories, type CommandSpec } from "../core/command-spec.ts";
import type { CommandTable } from "../core/command-table.ts";

/** For users without rules of their own: all commands that are not for administrators. */
const ordinaryRules: readonly string[] = ["+@all", "-@admin", "-@dangerous"];
const everyCommand: readonly string[] = ["+@all"];

/** Whether the rule names a command, a subcommand or a category that exists. */
export function isCommandRule(commands: CommandTable, rule: string): boolean {
  const target = rule.slice(1).toLowerCase();
  if (target.startsWith("@")) return target === "@all" || isCategory(target.slice(1));
  return commands.findByName(target) !== undefined;
}

function isCategory(name: string): name is AclCategory {
  return (aclCategories as readonly string[]).includes(name);
}

/** The rules with one more. Earlier rules that it makes void are left out. */
export function withCommandRule(rules: readonly string[], given: string): string[] {
  const rule = given.toLowerCase();
  const target = rule.slice(1);
  if (target === "@all") return [rule];
  return [
    ...rules.filter((one) => one.slice(1) === "@all" || !isWithin(one.slice(1), target)),
    // A rule that only repeats `+@all` or `-@all` is not kept.
    ...(rules.length === 1 && rules[0] === `${rule[0]}@all` ? [] : [rule]),
  ];
}

/** A command's subcommands are within it. */
function isWithin(one: string, target: string): boolean {
  return one === target || one.startsWith(`${target}|`);
}

export function commandRulesOf({ redis, tags }: User): readonly string[] {
  if (redis !== null) return redis.commands;
  return tags.includes(administratorTag) ? everyCommand : ordinaryRules;
}

class CommandRules {
  readonly #commands: CommandTable;
  /** By `spec.id`; 1 where the command is allowed. */
  readonly #allowed: Uint8Array;
  readonly allowsAll: boolean;

  constructor(commands: CommandTable, rules: readonly string[]) {
    this.#commands = commands;
    this.#allowed = new Uint8Array(commands.all.length);
    for (const rule of rules) this.#apply(rule.startsWith("+") ? 1 : 0, rule.slice(1));
    this.allowsAll = this.#allowed.every((flag) => flag === 1);
  }

  #apply(flag: 0 | 1, target: string): void {
    if (target === "@all") this.#allowed.fill(flag);
    else if (target.startsWith("@")) {
      const category = target.slice(1) as AclCategory;
      for (const spec of this.#commands.all)
        if (spec.categories.includes(category)) this.#allowed[spec.id] = flag;
    } else {
      const spec = this.#commands.findByName(target);
      // A rule stored by a later version may name a command that this one does not have.
      if (spec !== undefined) this.#set(spec, flag);
    }
  }

  #set(spec: CommandSpec, flag: 0 | 1): void {
    this.#allowed[spec.id] = flag;
    for (const subcommand of spec.subcommandSpecs) this.#allowed[subcommand.id] = flag;
  }

  /** Commands for logging in and leaving cannot be forbidden. */
  allows(spec: CommandSpec): boolean {
    return this.#allowed[spec.id] === 1 || spec.noAuth;
  }
}

/** The rules of each user as flags, made when they are first asked about. */
export class CompiledRules {
  readonly #commands: CommandTable;
  readonly #rules = new WeakMap<User, CommandRules>();

  constructor(commands: CommandTable) {
    this.#commands = commands;
  }

  of(user: User): CommandRules {
    let rules = this.#rules.get(user);
    if (rules === undefined) {
      rules = new CommandRules(this.#commands, commandRulesOf(user));
      this.#rules.set(user, rules);
    }
    return rules;
  }
}
