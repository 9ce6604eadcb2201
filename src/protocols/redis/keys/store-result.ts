/**
 * A value that a command makes aside and stores under a key, where it appears at once however long it took to make.
 *
 * Not here: how it is made. Invariant: a build that was begun is moved to its key or dropped.
 */
import { finishNow, type Job } from "../../../base/turn-work.ts";
import type { Database } from "../../../keyspace/database.ts";
import { assertMayPut } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { keyAt } from "./key-ref.ts";
import { assertReplaceable, findEntry, makeWay, writableKeysOf } from "./key-access.ts";
import { type KeyEvent, keyEvents } from "../notifications/key-events.ts";

/**
 * Has `make` put a value under a name of the scratch database, in slices, and gives it the key in argument `index` in one step. `assertStill` is
 * asked right before. Where nothing was made, or it has expired meanwhile, the key goes.
 */
export function* storeAside(
  context: CommandContext,
  index: number,
  make: (scratch: Database, name: Buffer) => Job<void>,
  assertStill: () => void,
): Job<void> {
  const { keyspace } = context.server;
  const { scratch } = keyspace;
  const name = Buffer.from(keyspace.nextAsideKey());
  try {
    for (const units of make(scratch, name)) {
      // The disk may be full by now.
      writableKeysOf(context);
      yield units;
    }
    const database = writableKeysOf(context);
    assertStill();
    const made = scratch.find(name, 0, name.length);
    if (made === 0) {
      keyAt(context, index).remove();
      return;
    }
    makeWay(context, index);
    const { buffer, starts, ends } = context.request;
    scratch.renameTo(made, database, buffer, starts[index]!, ends[index]!);
  } finally {
    const left = scratch.find(name, 0, name.length);
    if (left !== 0) scratch.remove(left);
  }
}

/** What a command makes, of any type. */
interface Build {
  /** Its elements. */
  readonly count: number;
  moveTo(target: Database, key: Uint8Array, start: number, end: number): void;
  drop(): void;
}

interface Storing<Made extends Build> {
  /** The argument whose key it is stored under. */
  readonly index: number;
  /** It is made at once. */
  readonly isShort: boolean;
  /** What happens to the key. */
  readonly event: KeyEvent;
  readonly begin: () => Made;
  readonly make: (build: Made) => Job<void>;
}

/** Replies with how many elements the value has that was stored. Without any there is no key. */
export function storeResult<Made extends Build>(context: CommandContext, storing: Storing<Made>): void {
  assertMayStore(context, storing.index);
  if (storing.isShort) finishNow(store(context, storing));
  else answerInSlices(context, () => store(context, storing));
}

function* store<Made extends Build>(
  context: CommandContext,
  { index, event, begin, make }: Storing<Made>,
): Job<void> {
  const build = begin();
  let count = 0;
  let isMoved = false;
  try {
    for (const units of make(build)) {
      // The disk may be full by now.
      writableKeysOf(context);
      yield units;
    }
    count = build.count;
    // Rights and names may have changed since the first turn.
    assertMayStore(context, index);
    if (count > 0) {
      const { buffer, starts, ends } = context.request;
      makeWay(context, index);
      build.moveTo(writableKeysOf(context), buffer, starts[index]!, ends[index]!);
      isMoved = true;
      context.notify(event, index);
    }
  } finally {
    if (!isMoved) build.drop();
  }
  if (count === 0) removeDestination(context, index);
  context.reply.integer(count);
}

function assertMayStore(context: CommandContext, index: number): void {
  writableKeysOf(context);
  assertMayPut(context, context.request.latin1(index), context.database);
  assertReplaceable(context, index);
}

/** The key in argument `index` goes, where the result is nothing: there may be none. */
export function removeDestination(context: CommandContext, index: number): void {
  const database = writableKeysOf(context);
  const entry = findEntry(context, database, index);
  if (entry !== 0) database.remove(entry);
  else {
    const stream = assertReplaceable(context, index);
    if (stream === undefined) return;
    stream.vhost.deleteQueue(stream);
    context.keyChanged(index);
  }
  context.notify(keyEvents.del, index);
}
