/**
 * The words of ACL SETUSER: each changes a user a little. What they make is a new user; the old one stays as it is if
 * one of the words is wrong.
 *
 * Not here: keeping users (broker/access). A selector in parentheses takes the words that are about commands, keys and channels.
 */
import { BrokerError } from "../../../base/errors.ts";
import { compileGlob } from "../../../base/patterns/glob.ts";
import { limits } from "../../../base/limits.ts";
import type { Access } from "../../../broker/access/access.ts";
import { passwordDigest } from "../../../broker/access/password-hash.ts";
import type { RedisSelector, User } from "../../../broker/access/users.ts";
import { RedisError } from "../core/errors.ts";
import type { CommandTable } from "../core/command-table.ts";
import { commandRuleFault, commandRulesOf, withCommandRule } from "./command-rules.ts";

/** A word as it came: names and patterns are bytes, passwords are texts. */
export interface Modifier {
  readonly latin1: string;
  readonly utf8: string;
}

/** What the words of a selector see and change. */
interface SelectorDraft {
  commands: readonly string[];
  keys: readonly string[];
  channels: readonly string[];
}

/** What a modifier sees and changes. */
interface Draft extends SelectorDraft {
  isEnabled: boolean;
  needsNoPassword: boolean;
  passwords: User["passwords"];
  selectors: readonly RedisSelector[];
}

const nothing: RedisSelector = { commands: ["-@all"], keys: [], channels: [] };
const digestSize = 64;

/** What a modifier is checked against. */
interface Known {
  readonly access: Access;
  readonly commands: CommandTable;
  /** The channels of new users and new selectors: `acl-pubsub-default`. */
  readonly newChannels: readonly string[];
}

/** The user after all modifiers. @throws redis's error for the first that is wrong */
export function modifiedUser(known: Known, user: User, modifiers: readonly Modifier[]): User {
  const rules = user.redis ?? { ...nothing, commands: commandRulesOf(user) };
  const { isEnabled, needsNoPassword, passwords } = user;
  const draft: Draft = { isEnabled, needsNoPassword, passwords, selectors: [], ...rules };
  for (const modifier of joinSelectors(modifiers)) {
    const fault = apply(known, draft, modifier);
    if (fault !== null) {
      // A password, right or wrong, must not appear in an error or in a log of errors.
      const shown = isSecret(modifier.latin1) ? modifier.latin1[0] : modifier.utf8;
      throw new RedisError(`ERR Error in ACL SETUSER modifier '${shown}': ${fault}`);
    }
  }
  const { commands, keys, channels, selectors, ...rest } = draft;
  const redis = { commands, keys, channels, ...(selectors.length === 0 ? {} : { selectors }) };
  return { ...user, ...rest, redis };
}

/** A selector may be one word or several: it ends with the next word that ends with `)`. */
function joinSelectors(modifiers: readonly Modifier[]): Modifier[] {
  const joined: Modifier[] = [];
  let open: Modifier[] = [];
  for (const modifier of modifiers) {
    const { latin1 } = modifier;
    // As in redis, a selector that begins within another one takes its place.
    if (latin1.startsWith("(") && !latin1.endsWith(")")) open = [modifier];
    else if (open.length === 0) joined.push(modifier);
    else {
      open.push(modifier);
      if (!latin1.endsWith(")")) continue;
      joined.push({
        latin1: open.map((part) => part.latin1).join(" "),
        utf8: open.map(({ utf8 }) => utf8).join(" "),
      });
      open = [];
    }
  }
  if (open.length > 0)
    throw new RedisError(`ERR Unmatched parenthesis in acl selector starting at '${open[0]!.utf8}'.`);
  return joined;
}

function isSecret(text: string): boolean {
  return ">#<!".includes(text[0] ?? " ");
}

/** The fault, or null. */
function apply(known: Known, draft: Draft, { latin1: text, utf8 }: Modifier): string | null {
  const { access, commands } = known;
  const word = words[text.toLowerCase()];
  if (word !== undefined) {
    word(draft, known);
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
    case "(":
      if (!text.endsWith(")")) return "Syntax error";
      return addSelector(known, draft, text);
    default:
      return applyToSelector(commands, draft, text);
  }
}

/** The fault of a word that may also stand within a selector, or null. */
function applyToSelector(commands: CommandTable, draft: SelectorDraft, text: string): string | null {
  const word = selectorWords[text.toLowerCase()];
  if (word !== undefined) {
    word(draft);
    return null;
  }
  switch (text[0]) {
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
    default:
      return "Syntax error";
  }
}

function addSelector({ commands, newChannels }: Known, draft: Draft, text: string): string | null {
  if (draft.selectors.length >= limits.aclSelectorsMax)
    return `a user has at most ${limits.aclSelectorsMax} selectors`;
  const selector: SelectorDraft = { ...nothing, channels: newChannels };
  for (const word of text.slice(1, -1).split(" ")) {
    const fault = word === "" ? null : applyToSelector(commands, selector, word);
    if (fault !== null) return fault;
  }
  draft.selectors = [...draft.selectors, selector];
  return null;
}

const selectorWords: Readonly<Record<string, (draft: SelectorDraft) => void>> = {
  allkeys: (draft) => (draft.keys = ["~*"]),
  resetkeys: (draft) => (draft.keys = []),
  allchannels: (draft) => (draft.channels = ["&*"]),
  resetchannels: (draft) => (draft.channels = []),
  allcommands: (draft) => (draft.commands = ["+@all"]),
  nocommands: (draft) => (draft.commands = ["-@all"]),
};

const words: Readonly<Record<string, (draft: Draft, known: Known) => void>> = {
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
  // About payloads of RESTORE, which are always checked: there is nothing to change.
  "sanitize-payload": () => {},
  "skip-sanitize-payload": () => {},
  clearselectors: (draft) => (draft.selectors = []),
  reset: (draft, { newChannels }) =>
    Object.assign(draft, {
      isEnabled: false,
      needsNoPassword: false,
      passwords: [],
      selectors: [],
      ...nothing,
      channels: newChannels,
    }),
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

function addKeyPattern(draft: SelectorDraft, text: string): string | null {
  const [, flags, pattern] = /^(?:~|%(R|W|RW|WR)(?:~|$))([^]*)$/i.exec(text) ?? [];
  if (pattern === undefined) return "Syntax error";
  if (draft.keys.includes("~*")) return afterAll("allkeys", "resetkeys", "patterns");
  const isBoth = flags === undefined || (/r/i.test(flags) && /w/i.test(flags));
  const rule = isBoth ? `~${pattern}` : `%${flags[0]!.toUpperCase()}~${pattern}`;
  if (/[\0 ]/.test(pattern)) return "Syntax error";
  const fault = patternFault(draft.keys, pattern);
  if (fault !== null) return fault;
  if (text === "~*") {
    draft.keys = [text];
    return null;
  }
  // A pattern has one place, with all that was given of it.
  const forms = [`~${pattern}`, `%R~${pattern}`, `%W~${pattern}`];
  const at = draft.keys.findIndex((known) => forms.includes(known));
  if (at < 0) draft.keys = [...draft.keys, rule];
  else if (draft.keys[at] !== rule) draft.keys = draft.keys.with(at, forms[0]!);
  return null;
}

function addChannelPattern(draft: SelectorDraft, text: string): string | null {
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
