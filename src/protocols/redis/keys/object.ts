/** OBJECT ENCODING | FREQ | IDLETIME | REFCOUNT key, OBJECT HELP. How a value would be kept by redis. */
import {
  beyondIntset,
  beyondListpack,
  expiringFields,
  rawString,
  textString,
  valueType,
} from "../../../keyspace/value-type.ts";
import type { KeyTable } from "../../../keyspace/key-table.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { keyAt } from "./key-ref.ts";
import { parseBigInteger, parseInteger } from "../wire/numbers.ts";
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
      use: "quiet",
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
      use: "quiet",
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
      use: "quiet",
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
      use: "quiet",
      run: objectRefcount,
    },
  ],
};

const embeddedBytesMax = 44;
const sharedIntegersEnd = 10_000;
const sharedReferences = 2 ** 31 - 1;

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
  const { exists, stream, entry, database } = keyAt(context, 2);
  if (!exists) return reply.null();
  if (stream !== undefined) return reply.bulkLatin1("stream");
  const { table } = database;
  const word = table.typeWord(entry);
  if (table.type(entry) === valueType.hash) return reply.bulkLatin1(hashEncoding(word));
  if (table.type(entry) === valueType.set)
    return reply.bulkLatin1((word & beyondIntset) === 0 ? "intset" : "hashtable");
  if (table.type(entry) === valueType.sortedSet)
    return reply.bulkLatin1((word & beyondListpack) === 0 ? "listpack" : "skiplist");
  // Of redis 7.0; 7.2 has listpacks for small ones.
  if (table.type(entry) === valueType.list) return reply.bulkLatin1("quicklist");
  table.locate(entry);
  if (isIntegerEncoded(table, word)) reply.bulkLatin1("int");
  else {
    const isEmbedded = (word & rawString) === 0 && table.end - table.start <= embeddedBytesMax;
    reply.bulkLatin1(isEmbedded ? "embstr" : "raw");
  }
}

function hashEncoding(word: number): string {
  if ((word & beyondListpack) !== 0) return "hashtable";
  // Of redis 7.4.
  return (word & expiringFields) === 0 ? "listpack" : "listpackex";
}

/** Whether redis would keep the located value, a string of that type word, as an integer. */
function isIntegerEncoded({ bytes, start, end }: KeyTable, word: number): boolean {
  return (word & (rawString | textString)) === 0 && parseBigInteger(bytes, start, end) !== undefined;
}

/** Redis has one object for all values that are the same small integer, and gives it a number of references of its own. */
function objectRefcount(context: CommandContext): void {
  const { reply } = context;
  const { exists, entry, database } = keyAt(context, 2);
  if (!exists) return reply.null();
  const { table } = database;
  if (entry === 0 || table.type(entry) !== valueType.string) return reply.integer(1);
  table.locate(entry);
  const isShared =
    isIntegerEncoded(table, table.typeWord(entry)) &&
    parseInteger(table.bytes, table.start, table.end) >= 0 &&
    parseInteger(table.bytes, table.start, table.end) < sharedIntegersEnd;
  reply.integer(isShared ? sharedReferences : 1);
}

const untilAdjusted =
  "Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";

/** A stream, which is never evicted, counts as in use all the time. */
const streamFrequency = 255;

function objectIdletime(context: CommandContext): void {
  const { reply, server } = context;
  const { uses } = server.keyspace;
  const { exists, entry, database } = keyAt(context, 2);
  if (!exists) return reply.null();
  if (uses.isLfu)
    throw new RedisError(`ERR An LFU maxmemory policy is selected, idle time not tracked. ${untilAdjusted}`);
  reply.integer(entry === 0 ? 0 : uses.idleSeconds(database.table.use(entry)));
}

function objectFreq(context: CommandContext): void {
  const { reply, server } = context;
  const { uses } = server.keyspace;
  const { exists, entry, database } = keyAt(context, 2);
  if (!exists) return reply.null();
  if (!uses.isLfu)
    throw new RedisError(
      `ERR An LFU maxmemory policy is not selected, access frequency not tracked. ${untilAdjusted}`,
    );
  reply.integer(entry === 0 ? streamFrequency : uses.frequency(database.table.use(entry)));
}
