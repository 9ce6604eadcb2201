/**
 * The words of ACL SETUSER: each changes a user a little. What they make is a new user; the old one stays as it is if
 * one of the words is wrong.
 *
 * Not here: keeping users (broker/access). Selectors in parentheses are refused, since no other protocol could say them.
 */
import { BrokerError } from "../../../base/errors.ts";
import { compileGlob } from "../../../base/patterns/glob.ts";
import { limits } from "../../../base/limits.ts";
import type { Access } from "../../../broker/access/access.ts";
import { passwordDigest } from "../../../broker/access/password-hash.ts";
import type { RedisRules, User } from "../../../broker/access/users.ts";
import { RedisError } from "../core/errors.ts";
import type { CommandTable } from "../core/command-table.ts";
import { commandRuleFault, commandRulesOf, withCommandRule } from "./command-rules.ts";

/** A word as it came: names and patterns are bytes, passwords are texts. */
export interface Modifier {
  readonly latin1: string;
  readonly utf8: string;
}

/** What a modifier sees and changes. */
interface Draft {
  isEnabled: boolean;
  needsNoPassword: boolean;
  passwords: User["passwords"];
  commands: readonly string[];
  keys: readonly string[];
  channels: readonly string[];
}

const nothing: RedisRules = { commands: ["-@all"], keys: [], channels: [] };
const digestSize = 64;

/** What a modifier is checked against. */
interface Known {
  readonly access: Access;
  readonly commands: CommandTable;
}

/** The user after all modifiers. @throws redis's error for the first that is wrong */
export function modifiedUser(known: Known, user: User, modifiers: readonly Modifier[]): User {
  const rules = user.redis ?? { ...nothing, commands: commandRulesOf(user) };
  const { isEnabled, needsNoPassword, passwords } = user;
  const draft: Draft = { isEnabled, needsNoPassword, passwords, ...rules };
  for (const modifier of modifiers) {
    const fault = apply(known, draft, modifier);
    if (fault !== null) {
      // A password, right or wrong, must not appear in an error or in a log of errors.
      const shown = isSecret(modifier.latin1) ? modifier.latin1[0] : modifier.utf8;
      throw new RedisError(`ERR Error in ACL SETUSER modifier '${shown}': ${fault}`);
    }
  }
  const { commands, keys, channels, ...rest } = draft;
  return { ...user, ...rest, redis: { commands, keys, channels } };
}

function isSecret(text: string): boolean {
  return ">#<!".includes(text[0] ?? " ");
}

/** The fault, or null. */
function apply({ access, commands }: Known, draft: Draft, { latin1: text, utf8 }: Modifier): string | null {
  const word = words[text.toLowerCase()];
  if (word !== undefined) {
    word(draft);
    return null;
  }
  switch (text[0]) {
    case ">":
      return addPassword(access, draft, passwordDigest(utf8.slice(1)));
    case "<":
      return removePassword(access, draft, passwordDigest(utf8.slice(1)));
    case "#":
      return isDigest(text.slice(1)) ? addPassword(access, draft, text.slice(1)) : badDigest;
    case "!":
      return isDigest(text.slice(1)) ? removePassword(access, draft, text.slice(1)) : badDigest;
    case "~":
    case "%":
      return addKeyPattern(draft, text);
    case "&":
      return addChannelPattern(draft, text);
    case "+":
    case "-": {
      const fault = commandRuleFault(commands, text);
      if (fault !== null) return fault;
      draft.commands = withCommandRule(draft.commands, text);
      return null;
    }
    case "(":
      return "selectors are not supported; give the rules of the user itself";
    default:
      return "Syntax error";
  }
}

const words: Readonly<Record<string, (draft: Draft) => void>> = {
  on: (draft) => (draft.isEnabled = true),
  off: (draft) => (draft.isEnabled = false),
  nopass: (draft) => {
    draft.needsNoPassword = true;
    draft.passwords = [];
  },
  resetpass: (draft) => {
    draft.needsNoPassword = false;
    draft.passwords = [];
  },
  allkeys: (draft) => (draft.keys = ["~*"]),
  resetkeys: (draft) => (draft.keys = []),
  allchannels: (draft) => (draft.channels = ["&*"]),
  resetchannels: (draft) => (draft.channels = []),
  allcommands: (draft) => (draft.commands = ["+@all"]),
  nocommands: (draft) => (draft.commands = ["-@all"]),
  // About payloads of RESTORE and about selectors, which are not there: there is nothing to change.
  "sanitize-payload": () => {},
  "skip-sanitize-payload": () => {},
  clearselectors: () => {},
  reset: (draft) =>
    Object.assign(draft, { isEnabled: false, needsNoPassword: false, passwords: [], ...nothing }),
};

const badDigest =
  "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters";

function isDigest(text: string): boolean {
  return text.length === digestSize && /^[0-9a-f]+$/.test(text);
}

const passwordsMax = 16;

function addPassword(access: Access, draft: Draft, digest: string): string | null {
  draft.needsNoPassword = false;
  if (access.findStoredPassword(draft.passwords, digest) !== undefined) return null;
  if (draft.passwords.length >= passwordsMax) return `a user has at most ${passwordsMax} passwords`;
  draft.passwords = [...draft.passwords, access.storedPassword(digest, draft.passwords)];
  return null;
}

function removePassword(access: Access, draft: Draft, digest: string): string | null {
  const found = access.findStoredPassword(draft.passwords, digest);
  if (found === undefined) return "The password you are trying to remove from the user does not exist";
  draft.passwords = draft.passwords.filter((stored) => stored !== found);
  return null;
}

function addKeyPattern(draft: Draft, text: string): string | null {
  const [, flags, pattern] = /^(?:~|%([RW]{1,2})~)([^]*)$/i.exec(text) ?? [];
  if (pattern === undefined) return "Syntax error";
  if (draft.keys.includes("~*")) return afterAll("allkeys", "resetkeys", "patterns");
  const isBoth = flags === undefined || (/r/i.test(flags) && /w/i.test(flags));
  const rule = isBoth ? `~${pattern}` : `%${flags[0]!.toUpperCase()}~${pattern}`;
  if (/[\0 ]/.test(pattern)) return "Syntax error";
  const fault = patternFault(draft.keys, pattern);
  if (fault !== null) return fault;
  if (!draft.keys.includes(rule)) draft.keys = rule === "~*" ? [rule] : [...draft.keys, rule];
  return null;
}

function addChannelPattern(draft: Draft, text: string): string | null {
  if (draft.channels.includes("&*")) return afterAll("allchannels", "resetchannels", "channels");
  if (/[\0 ]/.test(text)) return "Syntax error";
  const fault = patternFault(draft.channels, text.slice(1));
  if (fault !== null) return fault;
  if (!draft.channels.includes(text)) draft.channels = text === "&*" ? [text] : [...draft.channels, text];
  return null;
}

/** Bounds that redis has not: each pattern may be held against each key. */
function patternFault(given: readonly string[], pattern: string): string | null {
  if (given.length >= limits.aclPatternsMax) {
    return `a user has at most ${limits.aclPatternsMax} patterns of keys, and as many of channels`;
  }
  try {
    compileGlob(Buffer.from(pattern, "latin1"));
    return null;
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    return error.message;
  }
}

function afterAll(all: string, reset: string, what: string): string {
  return (
    `Adding a pattern after the * pattern (or the '${all}' flag) is not valid and does not have any effect. ` +
    `Try '${reset}' to start with an empty list of ${what}`
  );
}
