/** ZPOPMIN and ZPOPMAX key [count] */
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { RedisError, syntaxError } from "../core/errors.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { type End, replyPopped } from "./pop.ts";
import { findSortedSet } from "./sorted-set-key.ts";

export const zpopCommands: readonly CommandRow[] = [
  {
    name: "zpopmax",
    arity: -2,
    flags: ["write", "fast"],
    keys: [oneKey(1, "RW", "access", "delete")],
    since: "5.0.0",
    complexity: "O(M*log(N)), M members taken of N",
    summary: "Takes the members with the highest scores.",
    run: (context) => pop(context, "max"),
  },
  {
    name: "zpopmin",
    arity: -2,
    flags: ["write", "fast"],
    keys: [oneKey(1, "RW", "access", "delete")],
    since: "5.0.0",
    complexity: "O(M*log(N)), M members taken of N",
    summary: "Takes the members with the lowest scores.",
    run: (context) => pop(context, "min"),
  },
];

function pop(context: CommandContext, end: End): void {
  const { request, reply } = context;
  if (request.argumentCount > 3) throw syntaxError();
  const hasCount = request.argumentCount === 3;
  const count = hasCount ? request.integer(2) : 1;
  if (Number.isNaN(count) || count < 0) throw new RedisError("ERR value is out of range, must be positive");
  const database = writableKeysOf(context);
  const entry = findSortedSet(context, database, 1);
  if (entry === 0 || count === 0) return reply.array(0);
  const isPaired = hasCount && reply.version === 3;
  replyPopped(context, database, entry, {
    index: 1,
    end,
    count,
    isPaired,
    writeHead: (head, popped) => head.array(isPaired ? popped : 2 * popped),
  });
}
