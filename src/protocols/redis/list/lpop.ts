/** LPOP and RPOP key [count] */
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError, wrongArity } from "../core/errors.ts";
import { writableKeysOf } from "../keys/key-access.ts";
import { findList } from "./list-key.ts";
import { replyOne, replyPopped } from "./pop.ts";

export const lpopCommands: readonly CommandRow[] = [
  {
    name: "lpop",
    arity: -2,
    flags: ["write", "fast"],
    keys: [oneKey(1, "RW", "access", "delete")],
    since: "1.0.0",
    complexity: "O(N), N elements returned",
    summary: "Takes elements from the head of a list.",
    run: (context) => pop(context, true),
  },
  {
    name: "rpop",
    arity: -2,
    flags: ["write", "fast"],
    keys: [oneKey(1, "RW", "access", "delete")],
    since: "1.0.0",
    complexity: "O(N), N elements returned",
    summary: "Takes elements from the tail of a list.",
    run: (context) => pop(context, false),
  },
];

function pop(context: CommandContext, isLeft: boolean): void {
  const { request, reply, spec } = context;
  const { argumentCount } = request;
  if (argumentCount > 3) throw wrongArity(spec.fullName);
  const count = argumentCount === 3 ? request.integer(2) : 1;
  if (!(count >= 0)) throw new RedisError("ERR value is out of range, must be positive");
  const database = writableKeysOf(context);
  const entry = findList(context, database, 1);
  if (argumentCount === 2) {
    if (entry === 0) return reply.null();
    return replyOne(context, database, entry, isLeft);
  }
  if (entry === 0) return reply.nullArray();
  if (count === 0) return reply.array(0);
  replyPopped(context, database, entry, {
    index: 1,
    isLeft,
    count,
    writeHead: (out, popped) => out.array(popped),
    writeNone: (out) => out.nullArray(),
  });
}
