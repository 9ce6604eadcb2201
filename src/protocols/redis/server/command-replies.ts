/**
 * What COMMAND INFO and COMMAND DOCS say about one command, written from its row.
 *
 * COMMAND DOCS has the fields of redis 7.0, in its order. Summaries and complexities are our own words. Not here: which commands are
 * asked for. Invariant: what is written for a command is one whole reply.
 */
import type { CommandArgument, CommandDocs } from "../core/command-docs.ts";
import type { CommandSpec, KeyRule } from "../core/command-spec.ts";
import type { ReplyWriter } from "../wire/reply-writer.ts";

/** One element of COMMAND's reply: ten fields, with the subcommands nested in the same form. */
export function writeCommandInfo(reply: ReplyWriter, spec: CommandSpec): void {
  reply.array(10);
  reply.bulkLatin1(spec.fullName);
  reply.integer(spec.arity);
  writeSet(reply, spec.flags, "");
  reply.integer(spec.firstKey);
  reply.integer(spec.lastKey);
  reply.integer(spec.keyStep);
  writeSet(reply, spec.categories, "@");
  reply.set(spec.tips.length);
  for (const tip of spec.tips) reply.bulkLatin1(tip);
  reply.set(spec.keys.length);
  for (const rule of spec.keys) writeKeyRule(reply, rule);
  // An array if there are any, an empty set if not: so says redis 7.0.
  if (spec.subcommandSpecs.length > 0) reply.array(spec.subcommandSpecs.length);
  else reply.set(0);
  for (const subcommand of spec.subcommandSpecs) writeCommandInfo(reply, subcommand);
}

/** Name and description, as one pair of COMMAND DOCS's map (whose header the caller writes). */
export function writeCommandDocs(reply: ReplyWriter, spec: CommandSpec, docs: CommandDocs): void {
  const { row, subcommandSpecs: subcommands } = spec;
  const { arguments: grammar = [], history = [] } = docs[spec.fullName] ?? {};
  const docFlags: string[] = [];
  if (row.deprecated !== undefined) docFlags.push("deprecated");
  if (row.internal) docFlags.push("syscmd");
  reply.bulkLatin1(spec.fullName);
  reply.map(
    3 +
      (row.complexity === undefined ? 0 : 1) +
      (docFlags.length > 0 ? 1 : 0) +
      (row.deprecated === undefined ? 0 : 2) +
      (history.length > 0 ? 1 : 0) +
      (grammar.length > 0 ? 1 : 0) +
      (subcommands.length > 0 ? 1 : 0),
  );
  writeText(reply, "summary", row.summary);
  writeText(reply, "since", row.since);
  writeText(reply, "group", spec.group);
  if (row.complexity !== undefined) writeText(reply, "complexity", row.complexity);
  if (docFlags.length > 0) {
    reply.bulkLatin1("doc_flags");
    writeSet(reply, docFlags, "");
  }
  if (row.deprecated !== undefined) {
    writeText(reply, "deprecated_since", row.deprecated.since);
    writeText(reply, "replaced_by", row.deprecated.replacedBy);
  }
  if (history.length > 0) {
    reply.bulkLatin1("history");
    reply.set(history.length);
    for (const [version, change] of history) {
      reply.array(2);
      reply.bulkLatin1(version);
      reply.bulkLatin1(change);
    }
  }
  if (grammar.length > 0) {
    reply.bulkLatin1("arguments");
    writeArguments(reply, grammar);
  }
  if (subcommands.length > 0) {
    reply.bulkLatin1("subcommands");
    reply.map(subcommands.length);
    for (const subcommand of subcommands) writeCommandDocs(reply, subcommand, docs);
  }
}

function writeArguments(reply: ReplyWriter, grammar: readonly CommandArgument[]): void {
  reply.array(grammar.length);
  for (const argument of grammar) writeArgument(reply, argument);
}

function writeArgument(reply: ReplyWriter, argument: CommandArgument): void {
  const { name, type, keyRule, token, since, deprecatedSince, arguments: parts } = argument;
  const flags: string[] = [];
  if (argument.isOptional) flags.push("optional");
  if (argument.isMany) flags.push("multiple");
  if (argument.hasManyTokens) flags.push("multiple_token");
  const fields = [keyRule, token, since, deprecatedSince, parts].filter((field) => field !== undefined);
  reply.map(2 + fields.length + (flags.length > 0 ? 1 : 0));
  writeText(reply, "name", name);
  writeText(reply, "type", type);
  if (keyRule !== undefined) writeNumber(reply, "key_spec_index", keyRule);
  if (token !== undefined) writeText(reply, "token", token);
  if (since !== undefined) writeText(reply, "since", since);
  if (deprecatedSince !== undefined) writeText(reply, "deprecated_since", deprecatedSince);
  if (flags.length > 0) {
    reply.bulkLatin1("flags");
    writeSet(reply, flags, "");
  }
  if (parts !== undefined) {
    reply.bulkLatin1("arguments");
    writeArguments(reply, parts);
  }
}

function writeKeyRule(reply: ReplyWriter, rule: KeyRule): void {
  const { begin, find } = rule;
  reply.map(3);
  reply.bulkLatin1("flags");
  writeSet(reply, rule.flags, "");
  reply.bulkLatin1("begin_search");
  reply.map(2);
  writeText(reply, "type", begin.type);
  reply.bulkLatin1("spec");
  if (begin.type === "index") {
    reply.map(1);
    writeNumber(reply, "index", begin.index);
  } else if (begin.type === "keyword") {
    reply.map(2);
    writeText(reply, "keyword", begin.keyword);
    writeNumber(reply, "startfrom", begin.startFrom);
  } else reply.map(0);
  reply.bulkLatin1("find_keys");
  reply.map(2);
  writeText(reply, "type", find.type);
  reply.bulkLatin1("spec");
  if (find.type === "range") {
    reply.map(3);
    writeNumber(reply, "lastkey", find.lastKey);
    writeNumber(reply, "keystep", find.keyStep);
    writeNumber(reply, "limit", find.limit);
  } else if (find.type === "keynum") {
    reply.map(3);
    writeNumber(reply, "keynumidx", find.keyNumIndex);
    writeNumber(reply, "firstkey", find.firstKey);
    writeNumber(reply, "keystep", find.keyStep);
  } else reply.map(0);
}

function writeSet(reply: ReplyWriter, words: readonly string[], prefix: string): void {
  reply.set(words.length);
  for (const word of words) reply.simple(prefix + word);
}

function writeText(reply: ReplyWriter, name: string, text: string): void {
  reply.bulkLatin1(name);
  reply.bulkLatin1(text);
}

function writeNumber(reply: ReplyWriter, name: string, value: number): void {
  reply.bulkLatin1(name);
  reply.integer(value);
}
