/**
 * SRANDMEMBER key [count]: one member; up to `count` different ones; or, for a negative count, so many that may repeat.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { Random } from "../../../base/random.ts";
import type { KeyContent } from "../../../keyspace/content.ts";
import type { Ref } from "../../../keyspace/values/element-table.ts";
import { orderedRefs } from "../../../keyspace/values/set.ts";
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { ElementWalk, writeElement } from "../core/element-walk.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { type Picks, PickWriter } from "../core/random-picks.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { findSet, setsOf } from "./set-key.ts";

export const srandmemberCommand: CommandRow = {
  name: "srandmember",
  arity: -2,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  tips: ["nondeterministic_output"],
  since: "1.0.0",
  complexity: "O(N), N members asked for",
  summary: "Picks members of a set at random.",
  run: srandmember,
};

const int64Max = 2n ** 63n - 1n;

function srandmember(context: CommandContext): void {
  const { request, reply, broker } = context;
  if (request.argumentCount > 3) throw syntaxError();
  const count = request.argumentCount === 3 ? countArgument(context) : null;
  const database = keysOf(context);
  const { content } = database;
  const entry = findSet(context, database, 1);
  if (count === null) {
    if (entry === 0) return reply.null();
    const sets = setsOf(context);
    sets.pick(content, entry, broker.random);
    return reply.bulk(sets.bytes, sets.start, sets.end);
  }
  if (entry === 0 || count === 0) return reply.array(0);
  const picks = content.isLarge(entry)
    ? new LargePicks(context, content, entry)
    : new PackedPicks(context, content, entry);
  answerInSlices(context, (parts) => {
    const writer = new PickWriter(context, parts, picks, false);
    return count < 0 ? writer.repeated(-count) : writer.different(count);
  });
}

function countArgument({ request }: CommandContext): number {
  const count = request.bigInteger(2);
  if (count === undefined) throw new RedisError(errorTexts.notInteger);
  if (count < -int64Max)
    throw new RedisError(`ERR value is out of range, value must between -${int64Max} and ${int64Max}`);
  return Number(count);
}

class LargePicks implements Picks<Ref> {
  readonly #context: CommandContext;
  readonly #walk: ElementWalk;
  readonly #isIntset: boolean;

  constructor(context: CommandContext, content: KeyContent, entry: number) {
    this.#context = context;
    this.#walk = new ElementWalk(content, entry);
    this.#isIntset = setsOf(context).isIntset(content, entry);
  }

  get count(): number {
    return this.#walk.table.count;
  }

  get isThere(): boolean {
    return this.#walk.isThere;
  }

  pick(random: Random): Ref {
    return this.#walk.table.random(random);
  }

  *all(visit: (name: Ref) => void): Job<void> {
    if (this.#isIntset) for (const ref of orderedRefs(this.#walk.table)) visit(ref);
    else yield* this.#walk.go(Infinity, visit);
  }

  write(ref: Ref): void {
    writeElement(this.#context, this.#walk.table, ref, "fields");
  }
}

/** A packed set is small: it is copied, so that it stays as it is. */
class PackedPicks implements Picks<number> {
  readonly #context: CommandContext;
  readonly #members: Buffer[] = [];
  readonly isThere = true;

  constructor(context: CommandContext, content: KeyContent, entry: number) {
    this.#context = context;
    const sets = setsOf(context);
    sets.begin(content, entry);
    while (sets.next()) this.#members.push(Buffer.from(sets.bytes.subarray(sets.start, sets.end)));
  }

  get count(): number {
    return this.#members.length;
  }

  pick(random: Random): number {
    return random.below(this.#members.length);
  }

  *all(visit: (name: number) => void): Job<void> {
    for (let i = 0; i < this.#members.length; i++) visit(i);
    yield this.#members.length;
  }

  write(name: number): void {
    this.#context.reply.bulk(this.#members[name]!);
  }
}
