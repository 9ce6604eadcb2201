/** BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout, and BRPOPLPUSH source destination timeout. */
import { secondsArgument } from "../blocking/timeout-argument.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { type Ends, move, moveIfList, parseEnds, tailToHead } from "./lmove.ts";

export const blmoveCommands: readonly CommandRow[] = [
  {
    name: "blmove",
    arity: 6,
    flags: ["write", "denyoom", "noscript", "blocking"],
    keys: [oneKey(1, "RW", "access", "delete"), oneKey(2, "RW", "insert")],
    since: "6.2.0",
    complexity: "O(1)",
    summary: "Moves an element between lists, waiting until there is one.",
    run: blmove,
  },
  {
    name: "brpoplpush",
    arity: 4,
    flags: ["write", "denyoom", "noscript", "blocking"],
    keys: [oneKey(1, "RW", "access", "delete"), oneKey(2, "RW", "insert")],
    since: "2.2.0",
    complexity: "O(1)",
    summary: "Moves the last element of a list to the head of another, waiting for it.",
    deprecated: { since: "6.2.0", replacedBy: "`BLMOVE` with the `RIGHT` and `LEFT` arguments" },
    run: brpoplpush,
  },
];

function blmove(context: CommandContext): void {
  const ends = parseEnds(context);
  moveOrWait(context, ends, secondsArgument(context, 5));
}

function brpoplpush(context: CommandContext): void {
  moveOrWait(context, tailToHead, secondsArgument(context, 3));
}

function moveOrWait(context: CommandContext, ends: Ends, timeoutMs: number): void {
  const { caller, reply, request, server } = context;
  if (move(context, ends)) return;
  // Not the null of a timeout, which is that of a list.
  if (caller.later === null) return reply.null();
  server.blocking.block(context, {
    type: "list",
    keys: [request.latin1(1)],
    timeoutMs,
    share: "",
    attempt: (again) => moveIfList(again, ends),
  });
}
