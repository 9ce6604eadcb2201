/**
 * ACL SETUSER name [modifier ...]      ACL GETUSER name      ACL DELUSER name [name ...]      ACL LIST      ACL USERS
 *
 * Users are kept as durably as definitions, where redis keeps them until it ends or writes a file. Where redis shows the
 * SHA-256 of a password, scrypt's hash of it is shown, of the same length: nothing can be got from it.
 */
import { sortedInSlices } from "../../../base/sliced-sort.ts";
import { type Job, Piece } from "../../../base/turn-work.ts";
import { defaultUserName, newUser, type RedisSelector, type User } from "../../../broker/access/users.ts";
import type { CommandContext } from "../core/context.ts";
import { commandRulesOf } from "./command-rules.ts";
import { modifiedUser } from "./user-modifiers.ts";
import { RedisError } from "../core/errors.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import type { CommandRow } from "../core/command-spec.ts";
import { argumentsFrom } from "../observe/redaction.ts";

export const aclUserCommands: readonly CommandRow[] = [
  {
    name: "deluser",
    arity: -3,
    flags: ["admin", "noscript", "loading", "stale"],
    since: "6.0.0",
    complexity: "O(1) amortized",
    summary: "Removes users and closes their connections.",
    run: aclDelUser,
  },
  {
    name: "getuser",
    arity: 3,
    flags: ["admin", "noscript", "loading", "stale"],
    since: "6.0.0",
    complexity: "O(N), N rules of the user",
    summary: "Shows one user's rules.",
    run: aclGetUser,
  },
  {
    name: "list",
    arity: 2,
    flags: ["admin", "noscript", "loading", "stale"],
    since: "6.0.0",
    complexity: "O(N), N users",
    summary: "Lists every user as a line of the ACL file.",
    run: aclList,
  },
  {
    name: "setuser",
    arity: -3,
    flags: ["admin", "noscript", "loading", "stale"],
    since: "6.0.0",
    complexity: "O(N), N rules given",
    summary: "Creates a user or changes its rules.",
    secrets: (request) => argumentsFrom(request, 2),
    run: aclSetUser,
  },
  {
    name: "users",
    arity: 2,
    flags: ["admin", "noscript", "loading", "stale"],
    since: "6.0.0",
    complexity: "O(N), N users",
    summary: "Lists the names of all users.",
    run: aclUsers,
  },
];

const unitsOfUser = 10;

function aclSetUser(context: CommandContext): void {
  const { request, reply, broker, server } = context;
  const { access } = broker;
  const { commands } = server;
  const newChannels = server.settings.values.get("acl-pubsub-default") === "allchannels" ? ["&*"] : [];
  const name = request.utf8(2);
  if (/[\0 ]/.test(name)) throw new RedisError("ERR Usernames can't contain spaces or null characters");
  // A user that SETUSER creates is disabled and has no permissions, as in redis.
  const user =
    access.users.get(name) ??
    newUser(name, { isEnabled: false, redis: { commands: ["-@all"], keys: [], channels: newChannels } });
  const modifiers = [];
  for (let at = 3; at < request.argumentCount; at++) {
    modifiers.push({ latin1: request.latin1(at), utf8: request.utf8(at) });
  }
  const next = modifiedUser({ access, commands, newChannels }, user, modifiers);
  refuseLockOut(access.lockOutFault(name, next));
  access.users.set(next);
  holdUntilDurable(context);
  reply.ok();
}

/** A change that was confirmed must not be undone by a crash. */
function holdUntilDurable({ caller }: CommandContext): void {
  caller.holdUntilDurable();
}

/** Redis has no such rule: its users can always be restored from a file. */
function refuseLockOut(fault: string | null): void {
  if (fault !== null) throw new RedisError(`ERR ${fault}`);
}

function aclDelUser(context: CommandContext): void {
  const { request, reply, broker } = context;
  const names = [];
  for (let at = 2; at < request.argumentCount; at++) names.push(request.utf8(at));
  if (names.includes(defaultUserName)) throw new RedisError("ERR The 'default' user cannot be removed");
  for (const name of names) refuseLockOut(broker.access.lockOutFault(name, null));
  const deleted = names.filter((name) => broker.access.users.delete(name)).length;
  holdUntilDurable(context);
  reply.integer(deleted);
}

function aclUsers(context: CommandContext): void {
  answerInSlices(context, () => writeUsers(context, ({ name }) => context.reply.bulkText(name)));
}

function aclList(context: CommandContext): void {
  answerInSlices(context, () => writeUsers(context, (user) => context.reply.bulkLatin1(userLine(user))));
}

function* writeUsers({ reply, broker }: CommandContext, write: (user: User) => void): Job<void> {
  const users = yield* sortedInSlices(broker.access.users.all(), (a, b) => (a.name < b.name ? -1 : 1));
  const piece = new Piece();
  reply.array(users.length);
  for (const user of users) {
    write(user);
    const due = piece.add(unitsOfUser);
    if (due > 0) yield due;
  }
}

function hashText(hash: string): string {
  return Buffer.from(hash, "base64").toString("hex");
}

/** A selector's rules as text; a user's own are one too. */
interface SelectorText {
  readonly commands: string;
  readonly keys: string;
  readonly channels: string;
}

function textOf({ commands, keys, channels }: RedisSelector): SelectorText {
  return { commands: commands.join(" "), keys: keys.join(" "), channels: channels.join(" ") };
}

/** The user's own rules. */
function rulesOf(user: User): SelectorText {
  const { keys, channels } = user.redis ?? { keys: [], channels: [] };
  return textOf({ commands: commandRulesOf(user), keys, channels });
}

function selectorsOf({ redis }: User): readonly RedisSelector[] {
  return redis?.selectors ?? [];
}

function wordsOf({ commands, keys, channels }: SelectorText): string[] {
  return [
    ...(keys === "" ? [] : [keys]),
    ...(channels === "&*" ? [] : ["resetchannels"]),
    ...(channels === "" ? [] : [channels]),
    commands,
  ];
}

/** Latin1, since patterns are bytes. */
function userLine(user: User): string {
  return [
    "user",
    Buffer.from(user.name).toString("latin1"),
    user.isEnabled ? "on" : "off",
    ...(user.needsNoPassword ? ["nopass"] : []),
    ...user.passwords.map(({ hash }) => `#${hashText(hash)}`),
    ...wordsOf(rulesOf(user)),
    ...selectorsOf(user).map((selector) => `(${wordsOf(textOf(selector)).join(" ")})`),
  ].join(" ");
}

function aclGetUser({ request, reply, broker }: CommandContext): void {
  const user = broker.access.users.get(request.utf8(2));
  if (user === undefined) return reply.null();
  reply.map(6);
  reply.bulkLatin1("flags");
  const flags = [user.isEnabled ? "on" : "off", ...(user.needsNoPassword ? ["nopass"] : [])];
  reply.set(flags.length);
  for (const flag of flags) reply.bulkLatin1(flag);
  reply.bulkLatin1("passwords");
  reply.array(user.passwords.length);
  for (const { hash } of user.passwords) reply.bulkLatin1(hashText(hash));
  writeRules(reply, rulesOf(user));
  reply.bulkLatin1("selectors");
  const selectors = selectorsOf(user);
  reply.array(selectors.length);
  for (const selector of selectors) {
    reply.map(3);
    writeRules(reply, textOf(selector));
  }
}

function writeRules(reply: CommandContext["reply"], rules: SelectorText): void {
  for (const name of ["commands", "keys", "channels"] as const) {
    reply.bulkLatin1(name);
    reply.bulkLatin1(rules[name]);
  }
}
