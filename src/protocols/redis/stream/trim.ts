/**
 * The bounds of XADD and XTRIM: `MAXLEN | MINID [= | ~] threshold [LIMIT count]`, and what becomes of what groups refer to
 * (references.ts).
 *
 * `~` takes whole blocks of `stream-node-max-entries` entries, counted from the stream's first one, as redis does; that
 * lets the storage drop whole frames. Not here: parsing of ids. Invariant: trimming only takes entries from the front.
 */
import { finishNow, type Job } from "../../../base/turn-work.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { EntryId } from "../../../message/entry-id.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { strictIdArgument } from "./id.ts";
import { type ReferencedTrim, type References, referencesOption, trimReferenced } from "./references.ts";
import { countPresent, seal } from "./stream.ts";
import { removeBelow } from "../../../broker/queue/removal.ts";
import { keyEvents } from "../notifications/key-events.ts";

export class TrimOptions {
  strategy: "none" | "maxlen" | "minid" = "none";
  isApproximate = false;
  maxLength = 0;
  readonly minId = new EntryId();
  /** How many entries may go at most; 0 is no bound. */
  limit = 0;
  hasLimit = false;
  noMakeStream = false;
  references: References = "keep";
  hasReferences = false;

  copyFrom(other: TrimOptions): this {
    this.strategy = other.strategy;
    this.isApproximate = other.isApproximate;
    this.maxLength = other.maxLength;
    this.minId.copyFrom(other.minId);
    this.limit = other.limit;
    this.hasLimit = other.hasLimit;
    this.noMakeStream = other.noMakeStream;
    this.references = other.references;
    this.hasReferences = other.hasReferences;
    return this;
  }

  reset(): void {
    this.strategy = "none";
    this.isApproximate = false;
    this.limit = 0;
    this.hasLimit = false;
    this.noMakeStream = false;
    this.references = "keep";
    this.hasReferences = false;
  }
}

/** Reads one option at argument `index` and returns the index after it; `index` itself when it is none. */
export function parseTrimOption(context: CommandContext, index: number, into: TrimOptions): number {
  const { request } = context;
  const more = request.argumentCount - 1 - index;
  if (more > 0 && (request.is(index, "MAXLEN") || request.is(index, "MINID"))) {
    if (into.strategy !== "none")
      throw new RedisError("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
    const isLength = request.is(index, "MAXLEN");
    let at = index + 1;
    into.isApproximate = false;
    if (more >= 2 && (request.is(at, "~") || request.is(at, "="))) {
      into.isApproximate = request.is(at, "~");
      at++;
    }
    if (isLength) into.maxLength = boundArgument(context, at, "MAXLEN");
    else strictIdArgument(request, at, into.minId);
    into.strategy = isLength ? "maxlen" : "minid";
    return at + 1;
  }
  if (more > 0 && request.is(index, "LIMIT")) {
    into.limit = boundArgument(context, index + 1, "LIMIT");
    into.hasLimit = true;
    return index + 2;
  }
  const references = into.hasReferences ? null : referencesOption(request, index);
  if (references === null) return index;
  into.references = references;
  into.hasReferences = true;
  return index + 1;
}

function boundArgument(context: CommandContext, index: number, name: string): number {
  const value = context.request.integer(index);
  if (Number.isNaN(value)) throw new RedisError(errorTexts.notInteger);
  if (value < 0) throw new RedisError(`ERR The ${name} argument must be >= 0.`);
  return value;
}

/** Checks what the options are together, and sets redis's default for LIMIT. */
export function settleTrimOptions(context: CommandContext, options: TrimOptions): void {
  if (options.limit > 0 && options.strategy === "none") {
    throw new RedisError("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
  }
  if (options.hasLimit && !options.isApproximate && options.strategy !== "none")
    throw new RedisError("ERR syntax error, LIMIT cannot be used without the special ~ option");
  if (options.isApproximate && !options.hasLimit)
    options.limit = 100 * context.server.settings.streamNodeEntriesMax;
}

/** Takes entries off the front and returns how many. */
export function trim(context: CommandContext, queue: Queue, options: TrimOptions): number {
  if (options.strategy === "none") return 0;
  const { log } = queue;
  const target = trimTarget(context, queue, options);
  const { length } = log;
  if (target <= log.firstOffset) return 0;
  removeBelow(queue, target);
  return length - log.length;
}

/** What is to go where groups have a say in it. */
export function planTrim(context: CommandContext, queue: Queue, options: TrimOptions): ReferencedTrim {
  const { log } = queue;
  const { references, strategy, isApproximate, limit } = options;
  const target = trimTarget(context, queue, options);
  const most = strategy === "maxlen" ? log.length - options.maxLength : Infinity;
  // Behind what stays others go instead.
  const isOpen = references === "acked" && strategy === "maxlen" && !isApproximate && most > 0;
  return {
    references,
    target: isOpen ? log.stableEnd : target,
    most: Math.min(most, limit > 0 ? limit : Infinity),
  };
}

/** Streams that are being trimmed over several turns, with the bounds that were asked for meanwhile. */
const trimmedStreams = new WeakMap<Queue, TrimOptions[]>();

/** Bounds of one kind: of several the strictest is enough. */
function areAlike(one: TrimOptions, other: TrimOptions): boolean {
  return (
    one.strategy === other.strategy &&
    one.references === other.references &&
    one.isApproximate === other.isApproximate
  );
}

/** Keeps the bound for when the trim that is at work has ended: one of each kind, of which there are eight. */
function keepFor(later: TrimOptions[], options: TrimOptions): void {
  const known = later.find((kept) => areAlike(kept, options));
  if (known === undefined) {
    later.push(new TrimOptions().copyFrom(options));
    return;
  }
  known.maxLength = Math.min(known.maxLength, options.maxLength);
  if (options.minId.compare(known.minId) > 0) known.minId.copyFrom(options.minId);
  known.limit = known.limit === 0 || options.limit === 0 ? 0 : Math.max(known.limit, options.limit);
}

/** Trims as far as this turn allows, then in later ones; a caller that cannot wait has it done at once. */
export function trimLater(context: CommandContext, queue: Queue, options: TrimOptions): void {
  const running = trimmedStreams.get(queue);
  if (running !== undefined && context.caller.later !== null) return keepFor(running, options);
  trimBy(context, queue, planTrim(context, queue, options));
}

function trimBy(context: CommandContext, queue: Queue, plan: ReferencedTrim): void {
  const { broker, caller, database, server } = context;
  const { name } = queue;
  const tell = (trimmed: number): void => {
    if (trimmed > 0) server.notices.tellNamed(keyEvents.xtrim, database, name);
  };
  // Of what is trimmed before it is answered the command tells.
  if (caller.later === null) return tell(finishNow(trimReferenced(queue, plan)));
  let isAnswered = false;
  const changed = (): void => {
    if (isAnswered) server.streamChanged(database, name);
  };
  const later: TrimOptions[] = [];
  trimmedStreams.set(queue, later);
  const trims = function* (): Job<number> {
    let trimmed = yield* trimReferenced(queue, plan, changed);
    for (let next = later.shift(); next !== undefined && !queue.isDeleted; next = later.shift())
      trimmed += yield* trimReferenced(queue, planTrim(context, queue, next), changed);
    return trimmed;
  };
  // Entries that cannot be read now stay: the command has been answered.
  broker.work.run(trims(), (outcome) => {
    trimmedStreams.delete(queue);
    if ("result" in outcome) tell(outcome.result);
  });
  isAnswered = true;
}

/** Below which offset all entries are to go; the queue is sealed where there is anything. */
function trimTarget(context: CommandContext, queue: Queue, options: TrimOptions): number {
  const { log } = queue;
  const before = log.length;
  // The cheap case of every XADD with a bound: nothing to do, and no frame to close.
  const open = log.store.hasOpenFrame ? openRecords(queue) : 0;
  if (options.strategy === "maxlen" && before + open <= options.maxLength) return 0;
  seal(queue);
  let target: number;
  if (options.strategy === "maxlen")
    target = log.removed.offsetAfter(log.length - options.maxLength, log.stableEnd);
  else target = log.offsetOfEntryId(options.minId);
  if (options.isApproximate) target = wholeBlocks(context, queue, target, options.limit);
  return target;
}

/** Records of the queue's log in the frame that is still open. */
function openRecords(queue: Queue): number {
  const { store } = queue.log;
  const end = store.reservedOffset + 1;
  return end > queue.log.nextOffset ? end - queue.log.nextOffset : 0;
}

/** Lowers a target to a block's border, and to what `limit` allows. */
function wholeBlocks(context: CommandContext, queue: Queue, target: number, limit: number): number {
  const block = context.server.settings.streamNodeEntriesMax;
  if (!(block > 0)) return target;
  const { log } = queue;
  let border = Math.floor(log.firstOffset / block) * block;
  let deleted = 0;
  for (;;) {
    // The last block may not be full.
    const next = Math.min(border + block, log.stableEnd);
    if (next > target || next === border) return border;
    const from = Math.max(border, log.firstOffset);
    const entries = countPresent(log, from, next);
    if (limit > 0 && deleted + entries > limit) return border;
    deleted += entries;
    border = next;
  }
}
