/**
 * ACL WHOAMI | CAT [category] | DRYRUN user command [arg ...] | GENPASS [bits] | LOAD | SAVE.
 *
 * Users are in commands-users.ts, LOG in commands-log.ts.
 */
import { refusalOf } from "./check.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, wrongArity } from "../core/errors.ts";
import { subcommandSyntaxError, writeHelp } from "../core/help.ts";
import { isArityMet } from "../core/command-table.ts";
import { type AclCategory, aclCategories } from "../core/command-spec.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const aclSubcommands: readonly CommandRow[] = [
  {
    name: "cat",
    arity: -2,
    flags: ["noscript", "loading", "stale"],
    since: "6.0.0",
    complexity: "O(1)",
    summary: "Lists the permission categories, or the commands of one.",
    run: aclCat,
  },
  {
    name: "dryrun",
    arity: -4,
    flags: ["admin", "noscript", "loading", "stale"],
    since: "7.0.0",
    complexity: "O(1)",
    summary: "Tells whether a user could run a command, without running it.",
    run: aclDryRun,
  },
  {
    name: "genpass",
    arity: -2,
    flags: ["noscript", "loading", "stale"],
    since: "6.0.0",
    complexity: "O(1)",
    summary: "Makes a random password.",
    run: aclGenPass,
  },
  {
    name: "help",
    arity: 2,
    flags: ["loading", "stale"],
    since: "6.0.0",
    complexity: "O(1)",
    summary: "Lists the ACL subcommands.",
    run: aclHelp,
  },
  {
    name: "load",
    arity: 2,
    flags: ["admin", "noscript", "loading", "stale"],
    since: "6.0.0",
    complexity: "O(N), N users",
    summary: "Reads the users from the ACL file again.",
    run: aclLoadOrSave,
  },
  {
    name: "save",
    arity: 2,
    flags: ["admin", "noscript", "loading", "stale"],
    since: "6.0.0",
    complexity: "O(N), N users",
    summary: "Writes the users to the ACL file.",
    run: aclLoadOrSave,
  },
  {
    name: "whoami",
    arity: 2,
    flags: ["noscript", "loading", "stale"],
    since: "6.0.0",
    complexity: "O(1)",
    summary: "Names the user of this connection.",
    run: aclWhoAmI,
  },
];

function aclWhoAmI({ reply, caller }: CommandContext): void {
  reply.bulkText(caller.user);
}

function aclCat(context: CommandContext): void {
  const { request, reply, server } = context;
  if (request.argumentCount > 3) throw subcommandSyntaxError(context);
  if (request.argumentCount === 2) return writeNames(reply, aclCategories);
  const category = request.utf8(2).toLowerCase() as AclCategory;
  if (!aclCategories.includes(category)) throw new RedisError(`ERR Unknown category '${request.utf8(2)}'`);
  // A container is listed by its subcommands.
  const listed = server.commands.all.filter(
    (spec) => spec.subcommandSpecs.length === 0 && spec.categories.includes(category),
  );
  writeNames(
    reply,
    listed.map(({ fullName }) => fullName),
  );
}

function writeNames(reply: CommandContext["reply"], names: readonly string[]): void {
  reply.array(names.length);
  for (const name of names) reply.bulkLatin1(name);
}

function aclDryRun(context: CommandContext): void {
  const { request, reply, broker, server, caller, database } = context;
  const name = request.utf8(2);
  if (broker.access.users.get(name) === undefined) throw new RedisError(`ERR User '${name}' not found`);
  const tail = request.tail(3);
  const spec = server.commands.findRequested(tail);
  if (spec === undefined) throw new RedisError(`ERR Command '${request.utf8(3)}' not found`);
  if (!isArityMet(spec, tail.argumentCount)) throw wrongArity(spec.fullName);
  const user = { login: broker.access.permissions.of(name), host: caller.host };
  const { refusal } = refusalOf(user, { server, spec, request: tail, database, isQueued: false });
  if (refusal === null) return reply.ok();
  const to = refusal.what === "command" ? "run" : "access";
  reply.bulkLatin1(`This user has no permissions to ${to} the '${refusal.name}' ${refusal.what}`);
}

const genpassBits = { default: 256, max: 4096 } as const;

function aclGenPass(context: CommandContext): void {
  const { request, reply, broker } = context;
  if (request.argumentCount > 3) throw subcommandSyntaxError(context);
  const bits = request.argumentCount === 3 ? request.integer(2) : genpassBits.default;
  if (Number.isNaN(bits)) throw new RedisError(errorTexts.notInteger);
  if (bits <= 0 || bits > genpassBits.max) {
    throw new RedisError(
      "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to " +
        `${genpassBits.max}`,
    );
  }
  const digits = Math.ceil(bits / 4);
  const bytes = broker.random.bytes(Math.ceil(digits / 2));
  reply.bulkLatin1(Buffer.from(bytes).toString("hex").slice(0, digits));
}

/** redis keeps users in a file if it has one configured, and says the first sentence otherwise. Here users are always kept with the data, at once. */
function aclLoadOrSave(): void {
  throw new RedisError(
    "ERR This Redis instance is not configured to use an ACL file. Users of ACL SETUSER are stored with the data at once: " +
      "there is nothing to save or to load.",
  );
}

function aclHelp(context: CommandContext): void {
  writeHelp(context, [
    "CAT [<category>]",
    "    List all commands that belong to <category>, or all command categories.",
    "DELUSER <username> [<username> ...]",
    "    Delete users and close their connections.",
    "DRYRUN <username> <command> [<arg> ...]",
    "    Tell whether the user may run the command, without running it.",
    "GETUSER <username>",
    "    Get the user's details.",
    "GENPASS [<bits>]",
    "    Generate a password of <bits> random bits (256 by default).",
    "LIST",
    "    Show users in the form of their rules.",
    "LOG [<count> | RESET]",
    "    Show what was refused to whom, the newest first, or forget it.",
    "SETUSER <username> <attribute> [<attribute> ...]",
    "    Create or modify a user with the specified attributes.",
    "USERS",
    "    List all the registered usernames.",
    "WHOAMI",
    "    Return the current connection username.",
  ]);
}
