/**
 * Which commands a user may run: rules such as `-@all`, `+get`, `-config|set`, taken one after the other, come to a flag
 * for each command and subcommand.
 *
 * Not here: keys and channels, which other protocols share (broker/access). Invariant: a list of rules begins with
 * `+@all` or `-@all`, and names each command or category once, so it is no longer than the table of commands.
 */
import type { User } from "../../../broker/access/users.ts";
import { administratorTag } from "../../../broker/access/users.ts";
import { allCommands, commandLookup } from "../core/command-table.ts";
import { type AclCategory, aclCategories, type CommandSpec } from "../core/command-spec.ts";

/** Of users who were never told any: what is not for administrators. */
const ordinaryRules: readonly string[] = ["+@all", "-@admin", "-@dangerous"];
const everyCommand: readonly string[] = ["+@all"];

/** Whether it may be said of a command, a subcommand or a category. */
export function isCommandRule(rule: string): boolean {
  const target = rule.slice(1).toLowerCase();
  if (target.startsWith("@")) return target === "@all" || isCategory(target.slice(1));
  return commandLookup.findByName(target) !== undefined;
}

function isCategory(name: string): name is AclCategory {
  return (aclCategories as readonly string[]).includes(name);
}

/** The rules with one more; what it makes void is left out. */
export function withCommandRule(rules: readonly string[], given: string): string[] {
  const rule = given.toLowerCase();
  const target = rule.slice(1);
  if (target === "@all") return [rule];
  return [
    ...rules.filter((one) => one.slice(1) === "@all" || !isWithin(one.slice(1), target)),
    // What everything allows already need not be said.
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

export class CommandRules {
  /** By `spec.id`; 1 where the command is allowed. */
  readonly #allowed = new Uint8Array(allCommands.length);
  readonly allowsAll: boolean;

  constructor(rules: readonly string[]) {
    for (const rule of rules) this.#apply(rule.startsWith("+") ? 1 : 0, rule.slice(1));
    this.allowsAll = this.#allowed.every((flag) => flag === 1);
  }

  #apply(flag: 0 | 1, target: string): void {
    if (target === "@all") this.#allowed.fill(flag);
    else if (target.startsWith("@")) {
      const category = target.slice(1) as AclCategory;
      for (const spec of allCommands) if (spec.categories.includes(category)) this.#allowed[spec.id] = flag;
    } else {
      const spec = commandLookup.findByName(target);
      // A rule from a later version's data: what it names is not there to be run.
      if (spec !== undefined) this.#set(spec, flag);
    }
  }

  #set(spec: CommandSpec, flag: 0 | 1): void {
    this.#allowed[spec.id] = flag;
    for (const subcommand of spec.subcommandSpecs) this.#allowed[subcommand.id] = flag;
  }

  /** Logging in and leaving are nobody's to forbid. */
  allows(spec: CommandSpec): boolean {
    return this.#allowed[spec.id] === 1 || spec.noAuth;
  }
}

const compiled = new WeakMap<User, CommandRules>();

export function compiledRulesOf(user: User): CommandRules {
  let rules = compiled.get(user);
  if (rules === undefined) {
    rules = new CommandRules(commandRulesOf(user));
    compiled.set(user, rules);
  }
  return rules;
}
