/** MEMORY DOCTOR | HELP | MALLOC-STATS | PURGE | STATS | USAGE key [SAMPLES count] */
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { writeHelp } from "../core/help.ts";
import { keyAt } from "../keys/key-ref.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { memoryFigures, ratio, tableOverhead } from "./memory-figures.ts";

const tips = ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"] as const;

export const memoryCommand: CommandRow = {
  name: "memory",
  arity: -2,
  flags: [],
  since: "4.0.0",
  complexity: "Depends on the subcommand",
  summary: "Shows what memory is used for.",
  subcommands: [
    {
      name: "doctor",
      arity: 2,
      flags: [],
      tips,
      since: "4.0.0",
      complexity: "O(1)",
      summary: "Explains memory use in words.",
      run: memoryDoctor,
    },
    {
      name: "help",
      arity: 2,
      flags: ["loading", "stale"],
      since: "4.0.0",
      complexity: "O(1)",
      summary: "Lists the MEMORY subcommands.",
      run: memoryHelp,
    },
    {
      name: "malloc-stats",
      arity: 2,
      flags: [],
      tips,
      since: "4.0.0",
      complexity: "Depends on the memory in use",
      summary: "Shows the allocator's own figures.",
      run: memoryMallocStats,
    },
    {
      name: "purge",
      arity: 2,
      flags: [],
      tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
      since: "4.0.0",
      complexity: "Depends on the memory in use",
      summary: "Asks the allocator to give memory back.",
      run: memoryPurge,
    },
    {
      name: "stats",
      arity: 2,
      flags: [],
      tips,
      since: "4.0.0",
      complexity: "O(1)",
      summary: "Shows memory use in numbers.",
      run: memoryStats,
    },
    {
      name: "usage",
      arity: -3,
      flags: ["readonly"],
      keys: [oneKey(2, "RO")],
      since: "4.0.0",
      complexity: "O(N), N samples",
      summary: "Estimates the memory of a key.",
      use: "unseen",
      run: memoryUsage,
    },
  ],
};

/** Of a key in the table of buckets. */
const bucketBytes = 4;

/** Memory of a value is known, or summed over a bounded part (keyspace/values/sum-of-many.ts), so SAMPLES changes nothing. A stream's is what its log holds, on disk or in memory. */
function memoryUsage(context: CommandContext): void {
  const { request, reply } = context;
  for (let index = 3; index < request.argumentCount; index++) {
    if (!request.is(index, "SAMPLES") || index + 1 === request.argumentCount) throw syntaxError();
    const samples = request.integer(++index);
    if (Number.isNaN(samples)) throw new RedisError(errorTexts.notInteger);
    if (samples < 0) throw syntaxError();
  }
  const { exists, entry, stream, database } = keyAt(context, 2);
  if (!exists) return reply.null();
  if (stream !== undefined) return reply.integer(stream.log.bytes);
  const { content, table } = database;
  const large = content.isLarge(entry) ? content.largeOf(entry).heldBytes : 0;
  reply.integer(bucketBytes + table.entryBytes(entry) + large);
}

function memoryStats({ reply, server }: CommandContext): void {
  const figures = memoryFigures(server);
  const { used, peak, dataset, overhead, active, resident, keys } = figures;
  const databases = server.keyspace.databases.filter(({ size }) => size > 0);
  const numbers: [name: string, value: number][] = [
    ["peak.allocated", peak],
    ["total.allocated", used],
    ["startup.allocated", 0],
    ["replication.backlog", 0],
    ["clients.slaves", 0],
    ["clients.normal", figures.connections],
    ["cluster.links", 0],
    ["aof.buffer", figures.changes],
    ["lua.caches", figures.scripts],
    ["functions.caches", figures.functions],
  ];
  const later: [name: string, value: number][] = [
    ["overhead.total", overhead],
    ["keys.count", keys],
    ["keys.bytes-per-key", Math.floor(ratio(used, keys))],
    ["dataset.bytes", dataset],
  ];
  const shares: [name: string, value: number][] = [
    ["dataset.percentage", ratio(dataset, used) * 100],
    ["peak.percentage", ratio(used, peak) * 100],
  ];
  reply.map(numbers.length + databases.length + later.length + shares.length + 11);
  for (const [name, value] of numbers) {
    reply.bulkLatin1(name);
    reply.integer(value);
  }
  for (const database of databases) {
    reply.bulkLatin1(`db.${database.number}`);
    reply.map(3);
    reply.bulkLatin1("overhead.hashtable.main");
    reply.integer(tableOverhead(database));
    reply.bulkLatin1("overhead.hashtable.expires");
    reply.integer(0);
    reply.bulkLatin1("overhead.hashtable.slot-to-keys");
    reply.integer(0);
  }
  for (const [name, value] of later) {
    reply.bulkLatin1(name);
    reply.integer(value);
  }
  for (const [name, value] of shares) {
    reply.bulkLatin1(name);
    reply.double(value);
  }
  for (const [name, value] of [
    ["allocator.allocated", used],
    ["allocator.active", active],
    ["allocator.resident", active],
  ] as const) {
    reply.bulkLatin1(name);
    reply.integer(value);
  }
  for (const [name, share, part] of [
    ["allocator-fragmentation", ratio(active, used), active - used],
    ["allocator-rss", 1, 0],
    ["rss-overhead", ratio(resident, active), resident - active],
  ] as const) {
    reply.bulkLatin1(`${name}.ratio`);
    reply.double(share);
    reply.bulkLatin1(`${name}.bytes`);
    reply.integer(part);
  }
  reply.bulkLatin1("fragmentation");
  reply.double(ratio(resident, used));
  reply.bulkLatin1("fragmentation.bytes");
  reply.integer(resident - used);
}

/** Below this redis has nothing to say. */
const doctorBytesLeast = 5 << 20;
const peakRatioMax = 1.5;
const fragmentRatioMax = 1.4;
const fragmentBytesLeast = 10 << 20;

const nothingToSay =
  "Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used in these conditions. " +
  "Please, leave for your mission on Earth and fill it with some data. The new Sam and I will be back to our programming " +
  "as soon as I finished rebooting.\n";
const noIssue =
  "Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this base.\n";

/** In redis's words, and as redis judges where the figure is one of ours. */
function memoryDoctor({ reply, server }: CommandContext): void {
  const { used, peak, active } = memoryFigures(server);
  if (used < doctorBytesLeast) return reply.verbatim("txt", nothingToSay);
  const issues: string[] = [];
  if (ratio(peak, used) > peakRatioMax)
    issues.push(
      "Peak memory: In the past this instance used more than 150% the memory that is currently using. The allocator is normally " +
        "not able to release memory after a peak, so you can expect to see a big fragmentation ratio, however this is actually " +
        "harmless and is only due to the memory peak, and if the Redis instance Resident Set Size (RSS) is currently bigger than " +
        "expected, the memory will be used as soon as you fill the Redis instance with more data. If the memory peak was only " +
        "occasional and you want to try to reclaim memory, please try the MEMORY PURGE command, otherwise the only other option " +
        "is to shutdown and restart the instance.",
    );
  if (ratio(active, used) > fragmentRatioMax && active - used > fragmentBytesLeast)
    issues.push(
      "High total fragmentation: blocks of deleted and changed values lie among those in use, and are used again by values of " +
        "about the same size. If it is no longer needed, delete what has many small values, or restart the instance.",
    );
  if (issues.length === 0) return reply.verbatim("txt", noIssue);
  const list = issues.map((issue) => ` * ${issue}\n\n`).join("");
  reply.verbatim(
    "txt",
    `Sam, I detected a few issues in this Redis instance memory implants:\n\n${list}I'm here to keep you safe, Sam. I want to help you.\n`,
  );
}

/** What redis says where its allocator has no figures of its own: those of the arenas are in MEMORY STATS. */
function memoryMallocStats({ reply }: CommandContext): void {
  reply.verbatim("txt", "Stats not supported for the current allocator");
}

/** Gives back what dropped values still hold; chunks without a value go back by themselves. */
function memoryPurge({ reply, server }: CommandContext): void {
  server.keyspace.giveBack();
  reply.ok();
}

function memoryHelp(context: CommandContext): void {
  writeHelp(context, [
    "DOCTOR",
    "    Return memory problems reports.",
    "MALLOC-STATS",
    "    Return internal statistics report from the memory allocator.",
    "PURGE",
    "    Attempt to purge dirty pages for reclamation by the allocator.",
    "STATS",
    "    Return information about the memory usage of the server.",
    "USAGE <key> [SAMPLES <count>]",
    "    Return memory in bytes used by <key> and its value. Nested values are",
    "    sampled up to <count> times (default: 5, 0 means sample all).",
  ]);
}
