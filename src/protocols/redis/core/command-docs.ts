/**
 * How COMMAND DOCS describes the arguments of a command: a grammar, of which a client can make help, completion or checks.
 *
 *     SET key value [NX | XX] [EX seconds | KEEPTTL]
 *
 *     [key(0), string("value"), optional(oneOf("condition", flag("NX"), flag("XX"))),
 *      optional(oneOf("expiration", token("EX", integer("seconds")), flag("KEEPTTL")))]
 *
 * The names, types and versions are those of redis 7.0. Not here: the descriptions themselves (command-docs.ts of each family),
 * which are loaded when somebody asks for them (../command-docs.ts). Nothing that runs commands reads them.
 */

type ArgumentType =
  | "string"
  | "integer"
  | "double"
  | "key"
  | "pattern"
  | "unix-time"
  | "pure-token"
  | "oneof"
  | "block";

export interface CommandArgument {
  readonly name: string;
  readonly type: ArgumentType;
  /** Which of the command's key rules finds it. */
  readonly keyRule?: number;
  /** The word that stands before the argument; of a `pure-token`, the argument itself. */
  readonly token?: string;
  readonly since?: string;
  readonly deprecatedSince?: string;
  readonly isOptional?: true;
  /** It may be repeated; with `hasManyTokens` its token is repeated too. */
  readonly isMany?: true;
  readonly hasManyTokens?: true;
  /** The alternatives of `oneof`, the sequence of `block`. */
  readonly arguments?: readonly CommandArgument[];
}

/** By the command's full name. A command without arguments and history is left out. */
export type CommandDocs = Readonly<
  Record<
    string,
    {
      readonly arguments?: readonly CommandArgument[];
      /** What changed, and in which version. */
      readonly history?: readonly (readonly [version: string, change: string])[];
    }
  >
>;

/** A key, found by the command's key rule of that number. */
export function key(keyRule: number, name = "key"): CommandArgument {
  return { name, type: "key", keyRule };
}

export function string(name: string): CommandArgument {
  return { name, type: "string" };
}

export function integer(name: string): CommandArgument {
  return { name, type: "integer" };
}

export function double(name: string): CommandArgument {
  return { name, type: "double" };
}

export function pattern(name: string): CommandArgument {
  return { name, type: "pattern" };
}

export function unixTime(name: string): CommandArgument {
  return { name, type: "unix-time" };
}

/** A word by itself. */
export function flag(word: string, name = word.toLowerCase()): CommandArgument {
  return { name, type: "pure-token", token: word };
}

/** An argument behind a word. */
export function token(word: string, argument: CommandArgument): CommandArgument {
  return { ...argument, token: word };
}

export function oneOf(name: string, ...alternatives: CommandArgument[]): CommandArgument {
  return { name, type: "oneof", arguments: alternatives };
}

/** Arguments that follow each other. */
export function block(name: string, ...sequence: CommandArgument[]): CommandArgument {
  return { name, type: "block", arguments: sequence };
}

export function optional(argument: CommandArgument): CommandArgument {
  return { ...argument, isOptional: true };
}

export function many(argument: CommandArgument): CommandArgument {
  return { ...argument, isMany: true };
}

export function manyTokens(argument: CommandArgument): CommandArgument {
  return { ...argument, isMany: true, hasManyTokens: true };
}

/** What names keys without being one: a pattern of SORT. */
export function ofKeyRule(keyRule: number, argument: CommandArgument): CommandArgument {
  return { ...argument, keyRule };
}

export function since(version: string, argument: CommandArgument): CommandArgument {
  return { ...argument, since: version };
}

export function deprecated(version: string, argument: CommandArgument): CommandArgument {
  return { ...argument, deprecatedSince: version };
}
