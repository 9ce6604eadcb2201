/** SLOWLOG GET [count] | LEN | RESET | HELP */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { subcommandSyntaxError, writeHelp } from "../core/help.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const slowlogCommand: CommandRow = {
  name: "slowlog",
  arity: -2,
  flags: [],
  since: "2.2.12",
  complexity: "Depends on the subcommand",
  summary: "Shows the commands that took long.",
  subcommands: [
    {
      name: "get",
      arity: -2,
      flags: ["admin", "loading", "stale"],
      tips: ["request_policy:all_nodes", "nondeterministic_output"],
      since: "2.2.12",
      complexity: "O(N), N entries returned",
      summary: "Lists slow commands.",
      run: slowlogGet,
    },
    {
      name: "help",
      arity: 2,
      flags: ["loading", "stale"],
      since: "6.2.0",
      complexity: "O(1)",
      summary: "Lists the SLOWLOG subcommands.",
      run: slowlogHelp,
    },
    {
      name: "len",
      arity: 2,
      flags: ["admin", "loading", "stale"],
      tips: ["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
      since: "2.2.12",
      complexity: "O(1)",
      summary: "Counts the slow commands that are kept.",
      run: slowlogLen,
    },
    {
      name: "reset",
      arity: 2,
      flags: ["admin", "loading", "stale"],
      tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
      since: "2.2.12",
      complexity: "O(N), N entries kept",
      summary: "Forgets the slow commands.",
      run: slowlogReset,
    },
  ],
};

const shownByDefault = 10;
const unitsOfEntry = 4;

function slowlogGet(context: CommandContext): void {
  const { request, server } = context;
  if (request.argumentCount > 3) throw subcommandSyntaxError(context);
  let count = shownByDefault;
  if (request.argumentCount === 3) {
    count = request.integer(2);
    if (!(count >= -1)) throw new RedisError("ERR count should be greater than or equal to -1");
    if (count === -1) count = server.observer.slowlog.length;
  }
  answerInSlices(context, () => writeEntries(context, count));
}

function* writeEntries({ reply, server }: CommandContext, count: number): Job<void> {
  const entries = server.observer.slowlog.newest(count);
  const piece = new Piece();
  reply.array(entries.length);
  for (const entry of entries) {
    reply.array(6);
    reply.integer(entry.id);
    reply.integer(entry.time);
    reply.integer(entry.microseconds);
    reply.array(entry.arguments.length);
    for (const argument of entry.arguments) reply.bulk(argument);
    reply.bulkText(entry.address);
    reply.bulkText(entry.name);
    const due = piece.add(unitsOfEntry);
    if (due > 0) yield due;
  }
}

function slowlogLen({ reply, server }: CommandContext): void {
  reply.integer(server.observer.slowlog.length);
}

function slowlogReset({ reply, server }: CommandContext): void {
  server.observer.slowlog.reset();
  reply.ok();
}

function slowlogHelp(context: CommandContext): void {
  writeHelp(context, [
    "GET [<count>]",
    "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
    "    Entries are made of:",
    "    id, timestamp, time in microseconds, arguments array, client IP and port,",
    "    client name",
    "LEN",
    "    Return the length of the slowlog.",
    "RESET",
    "    Reset the slowlog.",
  ]);
}
