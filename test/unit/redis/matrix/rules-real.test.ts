/**
 * The rules of commands where they meet, as a matrix: however a command comes to run, everybody who looks on sees the same as of the real
 * redis-server, where each command is one moment: replies, invalidations, keyspace events, MONITOR, WATCH, SLOWLOG, LATENCY and INFO.
 *
 *     way a command runs x how its client tracks keys x command         trial.ts has the looks
 *
 * A run takes cells from all over the matrix; THOROUGH=200 takes them all. What is not compared: the order of members of sets, and into how
 * many messages a client in broadcast mode is told of the many keys of one command. Skipped, and said so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { limits } from "../../../../src/base/limits.ts";
import { noRealRedis, RealRedis } from "../../../support/real-redis.ts";
import { thorough } from "../../../support/thorough.ts";
import { OurSide, RealSide } from "./sides.ts";
import { type Cell, Trial, trackings, wakings, ways, wordsOf } from "./trial.ts";

const commands = `
  get str|get missing|get set|set str 1|set missing 1 get|set str 1 nx get|getset missing 1|getdel missing|getex str persist|mget MANY str
  append str a|incr set|bitop not to missing|bitfield missing get u8 0|bitfield missing set u8 0 1|lcs str missing|pfmerge missing missing2
  sunionstore to set half|sinterstore to set half missing|sdiffstore to set half|sunion set half missing|sintercard 2 set half
  smembers set|smembers missing|smove set other m1|spop set 2000|spop missing 5|sort list alpha store to|sort missing alpha store to
  sort missing alpha|sort list by w_* get v_*|zunionstore to 2 zset missing|zinterstore to 2 zhalf missing|zdiffstore to 2 zset missing
  zrangestore to zset 0 -1|zrangestore to missing 0 -1|zintercard 2 zset zhalf|zrange zset 0 -1|zunion 2 zset missing|zpopmin zset 1050
  zremrangebyrank zset 0 1049|zremrangebyscore zset 20 inf|zadd zset 1 new|geosearchstore to geo fromlonlat 0 0 byradius 900 km
  georadius geo 0 0 900 km store to|georadius missing 0 0 900 km store to|lrange list 0 -1|lpos list LONG7 count 0|lrem list 0 LONG7
  lpop list 1050|lpop missing|linsert list before nothing x|ltrim list 1 2|lmove list missing left right|hgetall hash|hset hash f v
  hdel missing f|dump zset|dump missing|restore missing 0 x|copy missing str|copy str other replace|rename str missing|object encoding missing
  del set zset list hash missing|unlink MANY set|exists MANY set|exists str str|ttl missing|expire str 10|expire str -1|touch missing str
  xread streams missing 0|xread streams log $|xlen missing|xack log g 1-1|xgroup create missing g 0|xreadgroup group g c streams missing >
  blpop missing list 0|bzpopmin zset 0|publish ch x|nosuchcommand|get|flushall
`;

const woken: readonly (readonly [command: string, wakes: string])[] = [
  ["blmpop 0 2 missing m2 left count 2", "rpush m2 a b c"],
  ["blpop missing 0", "rpush missing a"],
  ["brpop missing m2 0", "rpush missing a b c"],
  ["blmove missing m2 left right 0", "rpush missing a"],
  ["bzpopmin missing 0", "zadd missing 1 a 2 b"],
  ["bzmpop 0 1 missing max", "zadd missing 1 a 2 b"],
  ["xread block 0 streams missing 0", "xadd missing 1-1 f v"],
  ["xread block 0 streams log $", "xadd log 2-1 f v"],
];
/** To redis a BLPOP that was woken does not change its list: the push has. A client that has asked for NOLOOP hears of it. */
const popsOfLists = /^(blpop|brpop|blmove)/;

const texts = commands.split(/\n|\|/).flatMap((text) => (text.trim() === "" ? [] : [text.trim()]));

function allCells(): Cell[] {
  const cells: Cell[] = [];
  for (const text of texts)
    for (const way of ways)
      for (const tracking of trackings) cells.push({ command: wordsOf(text), way, tracking });
  for (const text of texts)
    for (const way of ways) cells.push({ command: wordsOf(text), way, tracking: "on", isOutOfMemory: true });
  for (const [text, wakes] of woken)
    for (const way of wakings)
      for (const tracking of trackings) {
        if (tracking === "on bcast noloop" && popsOfLists.test(text)) continue;
        cells.push({ command: wordsOf(text), way, tracking, wakes: wordsOf(wakes) });
      }
  // PUBLISH has no keys, and streams are not claimed: these do not wait.
  const neverWaits = /^(publish|x|nosuchcommand|get$)/;
  // Of two thousand missed keys the real server's events come for longer than the test waits.
  const tellsMuch = /^sort list by/;
  return cells.filter(({ command, way }) => {
    const text = command.join(" ");
    if (way === "waiting" && neverWaits.test(text)) return false;
    const isLong = way === "waiting" || way === "sliced" || way === "behind the cleaner";
    return !isLong || !tellsMuch.test(text);
  });
}

const parts = 4;
const cellsOfPart = 14;

let real: RealRedis;
let ours: OurSide;
let theirs: RealSide;
/** Little work in a turn, so that not much more than what is done at once takes several. */
const { turnWorkUnits, turnWorkSliceUnits } = limits;

before(async () => {
  if (noRealRedis !== false) return;
  Object.assign(limits, { turnWorkUnits: 100, turnWorkSliceUnits: 100 });
  real = await RealRedis.start();
  ours = await OurSide.open();
  theirs = await RealSide.open(real);
});

after(async () => {
  // On Bun all files run in one process.
  Object.assign(limits, { turnWorkUnits, turnWorkSliceUnits });
  if (noRealRedis !== false) return;
  await theirs.closeAll();
  await real.stop();
});

function shown({ command, way, tracking, wakes, isOutOfMemory }: Cell): string {
  const text = command.length > 100 ? `${command.slice(0, 3).join(" ")} ...` : command.join(" ");
  const waking = wakes === undefined ? "" : ` < ${wakes.join(" ")}`;
  return `${text.slice(0, 100)}${waking}: ${way}, tracking ${tracking}${isOutOfMemory === true ? ", out of memory" : ""}`;
}

const unordered = /^(smembers|sunion|spop|hgetall)$/;

/** The lines of each who looks on, without what is not compared. */
function compared(lines: readonly string[], { command, tracking }: Cell): string {
  const isUnordered = unordered.test(String(command[0]));
  const isBroadcast = (who: string): boolean =>
    who === "broadcast" || (who === "caller" && tracking.includes("bcast"));
  return lines
    .map((line) => {
      const who = line.slice(0, line.indexOf(":"));
      if (isUnordered && who === "caller" && !line.includes("invalidate"))
        return line.split(" ").toSorted().join(" ");
      return isBroadcast(who) && line.includes("invalidate") ? `${who}: ${keysTold(line)}` : line;
    })
    .join("\n");
}

function keysTold(line: string): string {
  const keys = [...line.matchAll(/invalidate \*\d+ ([^>|]*)/g)].flatMap(([, list]) =>
    list!.split(" ").filter((word) => word !== "" && !word.startsWith("$")),
  );
  return keys.toSorted().join(" ");
}

const cells = allCells();
/** Has no divisor in common with the number of cells, so that all are come to, and far apart. */
const stride = 1_000_003;

for (let part = 0; part < parts; part++) {
  test(`cells of the matrix, part ${part + 1} of ${parts}`, { skip: noRealRedis }, async () => {
    const count = Math.min(cellsOfPart * thorough, Math.ceil(cells.length / parts));
    for (let i = 0; i < count; i++) {
      const cell = cells[((part + parts * i) * stride) % cells.length]!;
      const [got, wanted] = await Promise.all([new Trial(ours, cell).run(), new Trial(theirs, cell).run()]);
      assert.equal(compared(got, cell), compared(wanted, cell), shown(cell));
      assert.equal(ours.server.claims.isAny, false);
    }
    assert.deepEqual(ours.rig.errors, []);
  });
}
