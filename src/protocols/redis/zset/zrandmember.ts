/** ZRANDMEMBER key [count [WITHSCORES]]: one member; up to `count` different ones; or, for a negative count, so many that may repeat. */
import type { Job } from "../../../base/turn-work.ts";
import type { Random } from "../../../base/random.ts";
import type { KeyContent } from "../../../keyspace/content.ts";
import type { Ref } from "../../../keyspace/values/element-table.ts";
import type { LargeSortedSet } from "../../../keyspace/values/sorted/large-sorted-set.ts";
import type { CommandContext } from "../core/context.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { ElementWalk } from "../core/element-walk.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { type Picks, PickWriter } from "../core/random-picks.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { findSortedSet, sortedSetsOf } from "./sorted-set-key.ts";

export const zrandmemberCommand: CommandRow = {
  name: "zrandmember",
  arity: -2,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  tips: ["nondeterministic_output"],
  since: "6.2.0",
  complexity: "O(N), N members returned",
  summary: "Picks members of a sorted set at random.",
  run: zrandmember,
};

const int64Max = 2n ** 63n - 1n;

function zrandmember(context: CommandContext): void {
  const { request, reply } = context;
  if (request.argumentCount === 2) return replyOne(context);
  const { count, withScores } = parse(context);
  const { content } = keysOf(context);
  const entry = findSortedSet(context, keysOf(context), 1);
  if (entry === 0 || count === 0) return reply.array(0);
  const picks = content.isLarge(entry)
    ? new LargePicks(context, content, entry)
    : new PackedPicks(context, content, entry);
  answerInSlices(context, (parts) => {
    const writer = new PickWriter<number>(context, parts, picks, withScores);
    return count < 0 ? writer.repeated(-count) : writer.different(count);
  });
}

function replyOne(context: CommandContext): void {
  const { reply, broker } = context;
  const { content } = keysOf(context);
  const entry = findSortedSet(context, keysOf(context), 1);
  if (entry === 0) return reply.null();
  const sets = sortedSetsOf(context);
  sets.seek(content, entry, broker.random.below(sets.count(content, entry)));
  sets.next();
  reply.bulk(sets.bytes, sets.start, sets.end);
}

function parse({ request }: CommandContext): { count: number; withScores: boolean } {
  const { argumentCount } = request;
  const count = request.bigInteger(2);
  if (count === undefined) throw new RedisError(errorTexts.notInteger);
  if (count < -int64Max)
    throw new RedisError(`ERR value is out of range, value must between -${int64Max} and ${int64Max}`);
  if (argumentCount > 4 || (argumentCount === 4 && !request.is(3, "WITHSCORES"))) throw syntaxError();
  const withScores = argumentCount === 4;
  if (withScores && (count < -(int64Max / 2n) || count > int64Max / 2n))
    throw new RedisError("ERR value is out of range");
  return { count: Number(count), withScores };
}

class LargePicks implements Picks<Ref> {
  readonly #context: CommandContext;
  readonly #large: LargeSortedSet;
  readonly #walk: ElementWalk;

  constructor(context: CommandContext, content: KeyContent, entry: number) {
    this.#context = context;
    this.#large = sortedSetsOf(context).largeOf(content, entry)!;
    this.#walk = new ElementWalk(content, entry, this.#large.elements);
  }

  get count(): number {
    return this.#large.count;
  }

  get isThere(): boolean {
    return this.#walk.isThere;
  }

  pick(random: Random): Ref {
    return this.#large.elements.random(random);
  }

  all(visit: (name: Ref) => void): Job<void> {
    return this.#walk.go(Infinity, visit);
  }

  write(ref: Ref, withScore: boolean): void {
    const { reply } = this.#context;
    const { elements } = this.#large;
    elements.locateKey(ref);
    reply.bulk(elements.bytes, elements.start, elements.end);
    if (withScore) reply.double(this.#large.scoreOf(ref));
  }
}

/** A packed sorted set is small: it is copied, so that it stays as it is. */
class PackedPicks implements Picks<number> {
  readonly #context: CommandContext;
  readonly #members: { readonly member: Buffer; readonly score: number }[] = [];
  readonly isThere = true;

  constructor(context: CommandContext, content: KeyContent, entry: number) {
    this.#context = context;
    const sets = sortedSetsOf(context);
    sets.seek(content, entry, 0);
    while (sets.next()) {
      const member = Buffer.from(sets.bytes.subarray(sets.start, sets.end));
      this.#members.push({ member, score: sets.score });
    }
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

  write(name: number, withScore: boolean): void {
    const { member, score } = this.#members[name]!;
    this.#context.reply.bulk(member);
    if (withScore) this.#context.reply.double(score);
  }
}
