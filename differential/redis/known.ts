/**
 * When two replies are the same, and what may differ, with the reason. What a reply is about is the text of all commands in it: of a
 * transaction those that were queued.
 */

/**
 * Not sent, since it is as in redis 7.2 here: what XREADGROUP makes of a consumer that is not there when there is nothing to read, and
 * what XINFO CONSUMERS and XINFO STREAM FULL say of consumers; a further argument of ZRANK and ZREVRANK (pool.ts).
 */

/**
 * Nor what would show this: once no client tracks keys, those that were read are forgotten, while in redis a client that turns tracking on
 * again is told of what it had read before. BITFIELD that only makes a string longer, since its operation overflows, tells caches of that;
 * redis changes the string without a word. After a CONFIG SET of several settings that fails, redis puts `notify-keyspace-events` back from
 * its own text, which leaves out `n` beside `A`; here it stays what it was.
 */

/** Redis gives elements of hashes and sets in the order of its hash tables, which is chance. */
const unordered =
  /\b(smembers|sunion|sinter|sdiff|hgetall|hkeys|hvals|keys|sscan|hscan|config get|function list|hrandfield|srandmember|zrandmember|spop|sort|sort_ro|exists)\b/i;
/** Times since something, and until something, go on between the two. */
const timed = /\b(ttl|pttl|expiretime|pexpiretime|xpending|xinfo|idletime)\b/i;
const nearMs = 5000;
/** Connections have ids of their own on each side. */
const withIds = /\bclient getredir\b/i;
/**
 * `DUMP`: the nodes of a list are cut otherwise, and fields and members beyond listpack limits have another order (docs/redis.md, "What
 * differs from Redis"). What is in a payload is compared by its own tests (redis-dump-values-real).
 */
const dumped = /\bdump\b/i;

/** `SORT` makes a skiplist of a sorted set in redis 7.0, until the restart; here it is a read (docs/redis.md). */
const encodings = /\bobject encoding\b/i;

/** Wrong arguments are an error as in redis 7.4; 7.0 looks the key up first, and replies for what it finds. */
const bitRanges = /\bbit(count|pos)\b/i;
const wrongRange = /^-ERR (syntax error|value is not an integer)/;

export function isSame(about: string, ours: string, theirs: string): boolean {
  if (ours === theirs) return true;
  if (bitRanges.test(about) && wrongRange.test(ours)) return /^(:0|:-1|-WRONGTYPE)/.test(theirs);
  if (encodings.test(about) && ours.includes("listpack"))
    return theirs === ours.replace(/\$8\r\nlistpack/g, "$8\r\nskiplist");
  if (dumped.test(about)) return ours[0] === theirs[0] && ours.startsWith("$-1") === theirs.startsWith("$-1");
  if (withIds.test(about) && /^:[1-9]/.test(ours) && /^:[1-9]/.test(theirs)) return true;
  if (unordered.test(about) && sorted(ours) === sorted(theirs)) return true;
  return timed.test(about) && isNear(ours, theirs);
}

/** What was pushed, without the ids of connections. */
export function pushedText(frames: readonly string[], about: string): string {
  // SORT misses keys in the order of a set, which is chance.
  const texts = /\bsort/i.test(about) ? frames.toSorted() : frames;
  return texts.join("").replace(/(tracking-redir-broken\r\n):\d+/g, "$1:id");
}

function sorted(reply: string): string {
  return reply.split("\r\n").toSorted().join("\r\n");
}

function isNear(ours: string, theirs: string): boolean {
  const [a, b] = [ours.split("\r\n"), theirs.split("\r\n")];
  return (
    a.length === b.length &&
    a.every((line, i) => {
      const other = b[i]!;
      if (line === other) return true;
      if (line[0] !== ":" || other[0] !== ":") return false;
      return Math.abs(Number(line.slice(1)) - Number(other.slice(1))) < nearMs;
    })
  );
}
