/**
 * HRANDFIELD key [count [WITHVALUES]]: one field; up to `count` different ones; or, for a negative count, so many that may
 * repeat.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { Random } from "../../../base/random.ts";
import type { KeyContent } from "../../../keyspace/content.ts";
import type { Ref } from "../../../keyspace/values/element-table.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError, syntaxError } from "../core/errors.ts";
import { type Picks, PickWriter } from "../core/random-picks.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { keysOf } from "../keys/key-access.ts";
import { findHash, hashesOf } from "./hash-key.ts";
import { ElementWalk, writeElement } from "../core/element-walk.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const hrandfieldCommand: CommandRow = {
  name: "hrandfield",
  arity: -2,
  flags: ["readonly"],
  keys: [oneKey(1, "RO", "access")],
  tips: ["nondeterministic_output"],
  since: "6.2.0",
  complexity: "O(N), N fields returned",
  summary: "Picks fields of a hash at random.",
  run: hrandfield,
};

const int64Max = 2n ** 63n - 1n;

function hrandfield(context: CommandContext): void {
  const { request, reply } = context;
  if (request.argumentCount === 2) return replyOne(context);
  const { count, hasValues } = parse(context);
  const database = keysOf(context);
  const entry = findHash(context, database);
  if (entry === 0 || count === 0) return reply.array(0);
  const { content } = database;
  const picks = content.isLarge(entry)
    ? new LargePicks(context, content, entry)
    : new PackedPicks(context, entry);
  answerInSlices(context, (parts) => {
    const writer = new PickWriter(context, parts, picks, hasValues);
    return count < 0 ? writer.repeated(-count) : writer.different(count);
  });
}

function replyOne(context: CommandContext): void {
  const { reply, broker } = context;
  const database = keysOf(context);
  const { content } = database;
  const entry = findHash(context, database);
  if (entry === 0) return reply.null();
  if (content.isLarge(entry)) {
    const table = content.elementsOf(entry);
    return writeElement(context, table, table.random(broker.random), "fields");
  }
  const hashes = hashesOf(context);
  let left = broker.random.below(hashes.count(content, entry));
  hashes.begin(content, entry);
  while (hashes.next()) if (left-- === 0) return reply.bulk(hashes.bytes, hashes.fieldStart, hashes.fieldEnd);
}

function parse({ request }: CommandContext): { count: number; hasValues: boolean } {
  const { argumentCount } = request;
  const count = request.bigInteger(2);
  if (count === undefined) throw new RedisError(errorTexts.notInteger);
  if (count < -int64Max)
    throw new RedisError(`ERR value is out of range, value must between -${int64Max} and ${int64Max}`);
  if (argumentCount > 4 || (argumentCount === 4 && !request.is(3, "WITHVALUES"))) throw syntaxError();
  const hasValues = argumentCount === 4;
  if (hasValues && (count < -(int64Max / 2n) || count > int64Max / 2n))
    throw new RedisError("ERR value is out of range");
  return { count: Number(count), hasValues };
}

class LargePicks implements Picks<Ref> {
  readonly #context: CommandContext;
  readonly #walk: ElementWalk;

  constructor(context: CommandContext, content: KeyContent, entry: number) {
    this.#context = context;
    this.#walk = new ElementWalk(content, entry);
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

  all(visit: (name: Ref) => void): Job<void> {
    return this.#walk.go(Infinity, visit);
  }

  write(ref: Ref, hasValue: boolean): void {
    writeElement(this.#context, this.#walk.table, ref, hasValue ? "both" : "fields");
  }
}

/** A packed hash is small: it is copied, so that it stays as it is. */
class PackedPicks implements Picks<number> {
  readonly #context: CommandContext;
  readonly #pairs: { field: Buffer; value: Buffer }[] = [];
  readonly isThere = true;

  constructor(context: CommandContext, entry: number) {
    this.#context = context;
    const hashes = hashesOf(context);
    hashes.begin(keysOf(context).content, entry);
    while (hashes.next()) {
      const { bytes } = hashes;
      const field = Buffer.from(bytes.subarray(hashes.fieldStart, hashes.fieldEnd));
      this.#pairs.push({ field, value: Buffer.from(bytes.subarray(hashes.start, hashes.end)) });
    }
  }

  get count(): number {
    return this.#pairs.length;
  }

  pick(random: Random): number {
    return random.below(this.#pairs.length);
  }

  *all(visit: (name: number) => void): Job<void> {
    for (let i = 0; i < this.#pairs.length; i++) visit(i);
    yield this.#pairs.length;
  }

  write(name: number, hasValue: boolean): void {
    const { field, value } = this.#pairs[name]!;
    this.#context.reply.bulk(field);
    if (hasValue) this.#context.reply.bulk(value);
  }
}
