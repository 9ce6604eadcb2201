/**
 * What becomes of a set that a command makes of others: it is shown, or stored under the key in argument 1, where it appears at
 * once however long it took to make.
 *
 * Not here: how it is made (algebra.ts). Invariant: a build that was begun is moved to its key or dropped.
 */
import { finishNow, type Job } from "../../../base/turn-work.ts";
import { SetBuild } from "../../../keyspace/values/set-build.ts";
import { assertMayPut } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { assertReplaceable, findEntry, makeWay, writableKeysOf } from "../keys/key-access.ts";
import { answerMembers, writeMembers } from "./set-reply.ts";

/** Adds members to the build. */
type Make = (build: SetBuild) => Job<void>;

export function showResult(context: CommandContext, isShort: boolean, make: Make): void {
  answerMembers(context, isShort, (parts) => show(context, parts, make));
}

function* show(context: CommandContext, parts: PartedReply | null, make: Make): Job<number> {
  const build = new SetBuild(context.server.keyspace, "shown");
  try {
    for (const units of make(build)) {
      if (parts !== null) parts.bytesAside = build.bytes;
      yield units;
    }
    return yield* writeMembers(context, build.content, build.entry);
  } finally {
    build.drop();
    if (parts !== null) parts.bytesAside = 0;
  }
}

/** Replies with how many members the stored set has. Without any there is no key. */
export function storeResult(context: CommandContext, isShort: boolean, make: Make): void {
  assertMayStore(context);
  if (isShort) finishNow(store(context, make));
  else answerInSlices(context, () => store(context, make));
}

function* store(context: CommandContext, make: Make): Job<void> {
  const build = new SetBuild(context.server.keyspace, "stored");
  let count = 0;
  let isMoved = false;
  try {
    yield* make(build);
    count = build.count;
    // Things may have changed since the first turn.
    assertMayStore(context);
    if (count > 0) {
      const { buffer, starts, ends } = context.request;
      makeWay(context, 1);
      build.moveTo(writableKeysOf(context), buffer, starts[1]!, ends[1]!);
      isMoved = true;
    }
  } finally {
    if (!isMoved) build.drop();
  }
  if (count === 0) removeDestination(context);
  context.reply.integer(count);
}

function assertMayStore(context: CommandContext): void {
  writableKeysOf(context);
  assertMayPut(context, context.request.latin1(1), context.database);
  assertReplaceable(context, 1);
}

function removeDestination(context: CommandContext): void {
  const database = writableKeysOf(context);
  const entry = findEntry(context, database, 1);
  if (entry !== 0) return database.remove(entry);
  if (assertReplaceable(context, 1) === undefined) return;
  makeWay(context, 1);
  context.keyChanged(1);
}
