/**
 * Numbers at the edges of their types, and what is hardly a number, at the integer and float arguments of many commands: the same replies
 * as the real redis-server. Skipped, and said so, where there is no redis-server 7.0.
 */
import { after, before, test } from "node:test";
import { BesideRedis } from "../../support/beside-redis.ts";
import { noRealRedis } from "../../support/real-redis.ts";

let beside: BesideRedis;

before(async () => {
  if (noRealRedis === false) beside = await BesideRedis.start([]);
});

after(async () => {
  if (noRealRedis === false) await beside.stop();
});

const edges = [31n, 32n, 53n, 63n, 64n].flatMap((bits) =>
  [1n, -1n].flatMap((sign) => [-1n, 0n, 1n].map((by) => String(sign * 2n ** bits + by))),
);
const odd = [
  ...edges,
  "0",
  "-1",
  "",
  " 1",
  "1 ",
  "+1",
  "-0",
  "01",
  "0x1",
  "0x1p3",
  "1e1",
  "nan",
  "inf",
  "-inf",
  "1.",
  ".5",
  "1\0",
];

const keys = `
  flushall
  rpush l a b a c a
  sadd s a
  hset h a 1 n 5 f 1.5
  zadd z 1 a 2 b 3 c
  set k hello
  set n 5
  set f 1.5
  set b abcdef`;

/** \`@\` is the number. */
const templates = `
  lpos l a rank @|lpos l a count @|lpos l a maxlen @|lindex l @|lrange l @ 1|lrange l 0 @|ltrim l @ 5|lrem l @ a|lpop l @
  sscan nokey @|hscan h @|zscan z @|select @|select 0|move nokey @|copy k k2 db @|swapdb @ 0|swapdb 0 @
  getrange k @ 3|getrange k 0 @|getbit b @|bitcount b @ 1|bitcount b 0 @ bit|bitpos b 1 @|bitpos b 1 0 @|bitpos b @
  bitfield b get u8 #@|bitfield b get i5 @|bitfield b get u@ 0|bitfield b incrby i64 0 @|bitfield b set u8 0 @
  incrby n @|decrby n @|incrbyfloat f @|hincrby h n @|hincrbyfloat h f @|set x v px @|getex k exat @|expire nokey @|expire k @
  sintercard 1 s limit @|sintercard @ s|zadd z @ m|zincrby z @ m|zrange z 0 @|zrange z @ 5 byscore|zrangebyscore z 0 (@
  zrangebyscore z 0 3 limit @ 2|zcount z @ 2|zremrangebyrank z 0 @|zpopmin z @|zunionstore d @ z|zunion 1 z weights @ withscores
  zlexcount z @ +|geoadd g @ 1 m|geoadd g 1 @ m|geoadd g @ 91 m|georadius g 0 0 @ km|georadius g 0 0 1 km count @
  sort l limit @ 1 alpha|client list id @|object freq @|lcs k b idx minmatchlen @|eval_ro x @|zrandmember nokey @`
  .split(/[|\n]/)
  .map((template) => template.trim())
  .filter((template) => template !== "");

test("odd numbers at every argument that is one", { skip: noRealRedis }, async () => {
  for (const template of templates) {
    await beside.sameAll(keys);
    for (const number of odd) {
      const words = template.split(" ").map((word) => word.replace("@", number));
      // An id of ours may be one of theirs.
      if (template.startsWith("client") && Number(number) > 0) continue;
      await beside.same(2, words);
    }
  }
});
