/**
 * What becomes of a set that a command makes of others: it is shown, or stored under the key in argument 1, where it appears at
 * once however long it took to make.
 *
 * Not here: how it is made (algebra.ts), how it is stored (keys/store-result.ts). Invariant: a build that was begun is moved to its key
 * or dropped.
 */
import type { Job } from "../../../base/turn-work.ts";
import { SetBuild } from "../../../keyspace/values/set-build.ts";
import type { CommandContext } from "../core/context.ts";
import type { PartedReply } from "../core/parted-reply.ts";
import type { KeyEvent } from "../notifications/key-events.ts";
import { storeResult as storeBuild } from "../keys/store-result.ts";
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
export function storeResult(context: CommandContext, event: KeyEvent, isShort: boolean, make: Make): void {
  storeBuild(context, {
    index: 1,
    event,
    isShort,
    begin: () => new SetBuild(context.server.keyspace, "stored"),
    make,
  });
}
