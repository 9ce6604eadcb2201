/** LPUSH, RPUSH, LPUSHX and RPUSHX key element [element ...]. All at once, as HSET: nobody sees a part of it. */
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { findList, openList } from "./list-key.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const lpushCommands: readonly CommandRow[] = [
  {
    name: "lpush",
    arity: -3,
    flags: ["write", "denyoom", "fast"],
    keys: [oneKey(1, "RW", "insert")],
    since: "1.0.0",
    complexity: "O(N), N elements",
    summary: "Adds elements to the head of a list.",
    makesValues: true,
    run: (context) => push(context, true, false),
  },
  {
    name: "lpushx",
    arity: -3,
    flags: ["write", "denyoom", "fast"],
    keys: [oneKey(1, "RW", "insert")],
    since: "2.2.0",
    complexity: "O(N), N elements",
    summary: "Adds elements to the head of a list that exists.",
    run: (context) => push(context, true, true),
  },
  {
    name: "rpush",
    arity: -3,
    flags: ["write", "denyoom", "fast"],
    keys: [oneKey(1, "RW", "insert")],
    since: "1.0.0",
    complexity: "O(N), N elements",
    summary: "Adds elements to the tail of a list.",
    makesValues: true,
    run: (context) => push(context, false, false),
  },
  {
    name: "rpushx",
    arity: -3,
    flags: ["write", "denyoom", "fast"],
    keys: [oneKey(1, "RW", "insert")],
    since: "2.2.0",
    complexity: "O(N), N elements",
    summary: "Adds elements to the tail of a list that exists.",
    run: (context) => push(context, false, true),
  },
];

function push(context: CommandContext, isLeft: boolean, mustExist: boolean): void {
  const { buffer, starts, ends, argumentCount } = context.request;
  const database = writableKeysOf(context);
  const entry = findList(context, database, 1);
  if (entry === 0 && mustExist) return context.reply.integer(0);
  const { list } = database;
  openList(context, database, 1, entry);
  let count = 0;
  try {
    for (let i = 2; i < argumentCount; i++) list.push(isLeft, buffer, starts[i]!, ends[i]!);
    ({ count } = list);
  } finally {
    list.close();
  }
  context.notify(isLeft ? keyEvents.lpush : keyEvents.rpush, 1);
  context.reply.integer(count);
}
