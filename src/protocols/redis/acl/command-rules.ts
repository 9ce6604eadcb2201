/**
 * Which commands a user may run: rules such as `-@all`, `+get`, `-config|set`, taken one after the other, come to a flag
 * for each command and subcommand. `+select|0` allows a command that is otherwise forbidden with one first argument.
 *
 * Not here: keys and channels, which other protocols share (broker/access). Invariant: a list of rules begins with
 * `+@all` or `-@all`, and names each command, category or first argument once; it has at most `aclRulesMax` of them.
 */
import { limits } from "../../../base/limits.ts";
import type { User } from "../../../broker/access/users.ts";
import { administratorTag } from "../../../broker/access/users.ts";
import { type AclCategory, aclCategories, type CommandSpec } from "../core/command-spec.ts";
import type { CommandTable } from "../core/command-table.ts";
import { RedisError } from "../core/errors.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

/** For users without rules of their own: all commands that are not for administrators. */
const ordinaryRules: readonly string[] = ["+@all", "-@admin", "-@dangerous"];
const everyCommand: readonly string[] = ["+@all"];

const unknownRule = "Unknown command or category name in ACL";

/** Why there can be no such rule, in redis's words; null where it names what is there, or allows a first argument of a command. */
export function commandRuleFault(commands: CommandTable, rule: string): string | null {
  const target = rule.slice(1).toLowerCase();
  if (target.startsWith("@")) return target === "@all" || isCategory(target.slice(1)) ? null : unknownRule;
  if (commands.findByName(target) !== undefined) return null;
  const bar = target.lastIndexOf("|");
  const spec = bar < 0 || rule.startsWith("-") ? undefined : commands.findByName(target.slice(0, bar));
  if (spec === undefined) return unknownRule;
  if (spec.container !== undefined) return "Allowing first-arg of a subcommand is not supported";
  if (bar === target.length - 1) return "Syntax error";
  return spec.subcommandSpecs.length === 0 ? null : unknownRule;
}

function isCategory(name: string): name is AclCategory {
  return (aclCategories as readonly string[]).includes(name);
}

/** The rules with one more. Earlier rules that it makes void are left out. */
export function withCommandRule(rules: readonly string[], given: string): string[] {
  const rule = given.toLowerCase();
  const target = rule.slice(1);
  if (target === "@all") return [rule];
  const next = [
    ...rules.filter((one) => one.slice(1) === "@all" || !isWithin(one.slice(1), target)),
    // A rule that only repeats `+@all` or `-@all` is not kept.
    ...(rules.length === 1 && rules[0] === `${rule[0]}@all` ? [] : [rule]),
  ];
  if (next.length > limits.aclRulesMax)
    throw new RedisError(`ERR a user has at most ${limits.aclRulesMax} rules of commands; use categories`);
  return next;
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
  /** Of commands that are otherwise forbidden, by `spec.id`; null for most users. */
  #firstArguments: Map<number, Set<string>> | null = null;

  constructor(commands: CommandTable, rules: readonly string[]) {
    this.#commands = commands;
    this.#allowed = new Uint8Array(commands.all.length);
    for (const rule of rules) this.#apply(rule.startsWith("+") ? 1 : 0, rule.slice(1));
    this.allowsAll = this.#allowed.every((flag) => flag === 1);
  }

  #apply(flag: 0 | 1, target: string): void {
    if (target === "@all") {
      this.#allowed.fill(flag);
      this.#firstArguments = null;
    } else if (target.startsWith("@")) {
      const category = target.slice(1) as AclCategory;
      for (const spec of this.#commands.all) if (spec.categories.includes(category)) this.#setOne(spec, flag);
    } else {
      const spec = this.#commands.findByName(target);
      // A rule stored by a later version may name a command that this one does not have.
      if (spec !== undefined) this.#set(spec, flag);
      else if (flag === 1 && commandRuleFault(this.#commands, `+${target}`) === null)
        this.#addFirstArgument(target);
    }
  }

  /** `select|0` */
  #addFirstArgument(target: string): void {
    const bar = target.lastIndexOf("|");
    const { id } = this.#commands.findByName(target.slice(0, bar))!;
    this.#firstArguments ??= new Map();
    const words = this.#firstArguments.get(id) ?? new Set();
    this.#firstArguments.set(id, words.add(target.slice(bar + 1)));
  }

  #setOne(spec: CommandSpec, flag: 0 | 1): void {
    this.#allowed[spec.id] = flag;
    this.#firstArguments?.delete(spec.id);
  }

  #set(spec: CommandSpec, flag: 0 | 1): void {
    this.#setOne(spec, flag);
    for (const subcommand of spec.subcommandSpecs) this.#allowed[subcommand.id] = flag;
  }

  /** Commands for logging in and leaving cannot be forbidden. */
  allows(spec: CommandSpec, request: RequestArguments): boolean {
    if (this.#allowed[spec.id] === 1 || spec.noAuth) return true;
    const words = this.#firstArguments?.get(spec.id);
    return words !== undefined && request.argumentCount > 1 && words.has(request.latin1(1).toLowerCase());
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
