/** OBJECT ENCODING | FREQ | IDLETIME | REFCOUNT key, OBJECT HELP. How a value would be kept by redis. */
import { beyondListpack, valueType } from "../../../keyspace/value-type.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { findEntry, keysOf, streamAt } from "./key-access.ts";
import { parseBigInteger } from "../wire/numbers.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const objectCommand: CommandRow = {
  name: "object",
  arity: -2,
  flags: [],
  categories: [],
  since: "2.2.3",
  complexity: "Depends on the subcommand",
  summary: "Looks into how a value is stored.",
  subcommands: [
    {
      name: "encoding",
      arity: 3,
      flags: ["readonly"],
      keys: [oneKey(2, "RO")],
      tips: ["nondeterministic_output"],
      since: "2.2.3",
      complexity: "O(1)",
      summary: "Tells how a value is stored.",
      run: objectEncoding,
    },
    {
      name: "freq",
      arity: 3,
      flags: ["readonly"],
      keys: [oneKey(2, "RO")],
      tips: ["nondeterministic_output"],
      since: "4.0.0",
      complexity: "O(1)",
      summary: "Tells how often a key is used.",
      run: objectFreq,
    },
    {
      name: "help",
      arity: 2,
      flags: ["loading", "stale"],
      since: "6.2.0",
      complexity: "O(1)",
      summary: "Lists the OBJECT subcommands.",
      run: objectHelp,
    },
    {
      name: "idletime",
      arity: 3,
      flags: ["readonly"],
      keys: [oneKey(2, "RO")],
      tips: ["nondeterministic_output"],
      since: "2.2.3",
      complexity: "O(1)",
      summary: "Tells for how long a key was not used.",
      run: objectIdletime,
    },
    {
      name: "refcount",
      arity: 3,
      flags: ["readonly"],
      keys: [oneKey(2, "RO")],
      tips: ["nondeterministic_output"],
      since: "2.2.3",
      complexity: "O(1)",
      summary: "Tells how many references a value has.",
      run: objectRefcount,
    },
  ],
};

const embeddedBytesMax = 44;

const helpLines = [
  "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
  "ENCODING <key>",
  "    Return the kind of internal representation used in order to store the value",
  "    associated with a <key>.",
  "FREQ <key>",
  "    Return the access frequency index of the <key>. The returned integer is",
  "    proportional to the logarithm of the recent access frequency of the key.",
  "IDLETIME <key>",
  "    Return the idle time of the <key>, that is the approximated number of",
  "    seconds elapsed since the last access to the key.",
  "REFCOUNT <key>",
  "    Return the number of references of the value associated with the specified",
  "    <key>.",
  "HELP",
  "    Prints this help.",
];

function objectHelp({ reply }: CommandContext): void {
  reply.array(helpLines.length);
  for (const line of helpLines) reply.simple(line);
}

function objectEncoding(context: CommandContext): void {
  const { reply } = context;
  const database = keysOf(context);
  const entry = findEntry(context, database, 2);
  if (entry === 0) return streamAt(context, 2) === undefined ? reply.null() : reply.bulkLatin1("stream");
  const { table } = database;
  const word = table.typeWord(entry);
  if (table.type(entry) === valueType.hash)
    return reply.bulkLatin1((word & beyondListpack) === 0 ? "listpack" : "hashtable");
  // Of redis 7.0; 7.2 has listpacks for small ones.
  if (table.type(entry) === valueType.list) return reply.bulkLatin1("quicklist");
  table.locate(entry);
  if (parseBigInteger(table.bytes, table.start, table.end) !== undefined) reply.bulkLatin1("int");
  else reply.bulkLatin1(table.end - table.start <= embeddedBytesMax ? "embstr" : "raw");
}

function objectRefcount(context: CommandContext): void {
  if (isThere(context)) context.reply.integer(1);
  else context.reply.null();
}

/** When a key was used last is not kept: it is always in use. */
function objectIdletime(context: CommandContext): void {
  if (isThere(context)) context.reply.integer(0);
  else context.reply.null();
}

function objectFreq(context: CommandContext): void {
  if (!isThere(context)) return context.reply.null();
  throw new RedisError(
    "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching " +
      "between policies at runtime LRU and LFU data will take some time to adjust.",
  );
}

function isThere(context: CommandContext): boolean {
  return findEntry(context, keysOf(context), 2) !== 0 || streamAt(context, 2) !== undefined;
}
