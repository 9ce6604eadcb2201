/** LMOVE source destination LEFT|RIGHT LEFT|RIGHT, and RPOPLPUSH source destination. */
import { valueType } from "../../../keyspace/value-type.ts";
import { assertMayPut } from "../acl/key-rights.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { findEntry, writableKeysOf } from "../keys/key-access.ts";
import { findList, isLeftArgument, listsOf, openList } from "./list-key.ts";
import { notifyPopped } from "./pop.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const lmoveCommands: readonly CommandRow[] = [
  {
    name: "lmove",
    arity: 5,
    flags: ["write", "denyoom"],
    keys: [oneKey(1, "RW", "access", "delete"), oneKey(2, "RW", "insert")],
    since: "6.2.0",
    complexity: "O(1)",
    summary: "Moves an element from one end of a list to an end of another.",
    run: lmove,
  },
  {
    name: "rpoplpush",
    arity: 3,
    flags: ["write", "denyoom"],
    keys: [oneKey(1, "RW", "access", "delete"), oneKey(2, "RW", "insert")],
    since: "1.2.0",
    complexity: "O(1)",
    summary: "Moves the last element of a list to the head of another.",
    deprecated: { since: "6.2.0", replacedBy: "`LMOVE` with the `RIGHT` and `LEFT` arguments" },
    run: rpoplpush,
  },
];

/** Which end an element leaves, and which it comes to. */
export interface Ends {
  readonly isFromLeft: boolean;
  readonly isToLeft: boolean;
}

export const tailToHead: Ends = { isFromLeft: false, isToLeft: true };

export function parseEnds(context: CommandContext): Ends {
  return { isFromLeft: isLeftArgument(context, 3), isToLeft: isLeftArgument(context, 4) };
}

function lmove(context: CommandContext): void {
  if (!move(context, parseEnds(context))) context.reply.null();
}

function rpoplpush(context: CommandContext): void {
  if (!move(context, tailToHead)) context.reply.null();
}

/** Moves an element between the lists in arguments 1 and 2, and replies with it. False, without a reply, where there is none. Throws WRONGTYPE. */
export function move(context: CommandContext, ends: Ends): boolean {
  const database = writableKeysOf(context);
  const source = findList(context, database, 1);
  if (source === 0) return false;
  moveOf(context, source, ends);
  return true;
}

/** The same for a client that has waited: a source of another type is none. */
export function moveIfList(context: CommandContext, ends: Ends): boolean {
  const database = writableKeysOf(context);
  const source = findEntry(context, database, 1);
  if (source === 0 || database.table.type(source) !== valueType.list) return false;
  moveOf(context, source, ends);
  return true;
}

function moveOf(context: CommandContext, source: number, ends: Ends): void {
  const { isFromLeft, isToLeft } = ends;
  const { request, reply } = context;
  const database = writableKeysOf(context);
  const { content, list } = database;
  const destination = findList(context, database, 2);
  if (destination === 0) assertMayPut(context, request.latin1(2), context.database);
  const lists = listsOf(context);
  const size = lists.count(content, source);
  lists.get(content, source, isFromLeft ? 0 : size - 1);
  // Its bytes may move when the other list grows.
  const element = list.take(lists.bytes, lists.start, lists.end);
  reply.bulk(element.bytes, 0, element.size);
  if (source === destination) {
    list.open(source);
    try {
      if (size > 1) {
        list.drop(isFromLeft, 1);
        list.push(isToLeft, element.bytes, 0, element.size);
      } else list.touch();
    } finally {
      list.close();
    }
    notifyMoved(context, ends);
    return;
  }
  openList(context, database, 2, destination);
  try {
    list.push(isToLeft, element.bytes, 0, element.size);
  } finally {
    list.close();
  }
  list.open(source);
  try {
    list.drop(isFromLeft, 1);
  } finally {
    list.close();
  }
  notifyMoved(context, ends);
}

/** The source was closed last. */
function notifyMoved(context: CommandContext, { isFromLeft, isToLeft }: Ends): void {
  context.notify(isToLeft ? keyEvents.lpush : keyEvents.rpush, 2);
  notifyPopped(context, writableKeysOf(context), 1, isFromLeft);
}
