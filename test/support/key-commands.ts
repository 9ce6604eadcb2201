/**
 * Random commands that change keys of all types, for comparisons with the real server: what they do to keys does not depend on chance
 * or time, so that two servers which get the same commands hold the same keys.
 *
 * Not here: what is compared.
 */
import type { Word } from "./raw-redis.ts";

/** In [0, 1). */
type Random = () => number;

/** Forms by family. Letters: K key, V value, F field or member, N small integer, D score, I growing entry id, G group, C consumer, R one that reads, B bit offset. */
const writes = `
string: set K V|set K V nx|set K V xx|set K V get|set K V ex 1000|set K V px 1000000|set K V keepttl|set K V nx get|set K V exat 33177117420
string: setex K 1000 V|psetex K 1000000 V|setnx K V|getset K V|getdel K|getex K|getex K ex 1000|getex K persist|getex K exat 1
string: append K V|setrange K N V|setrange K 0|incr K|incrby K N|decr K|decrby K N|incrbyfloat K D|mset K V K V K V|msetnx K V K V|set K 10
string: setbit K B 1|setbit K B 0|bitop and K K K|bitop or K K K|bitop not K K|bitop xor K K K
string: bitfield K set u8 B N|bitfield K incrby i5 B N|bitfield K overflow fail incrby u2 B 3|bitfield K get u8 0
hash: hset K F V|hset K F V F V F V|hmset K F V|hsetnx K F V|hdel K F|hdel K F F F F|hincrby K F N|hincrbyfloat K F D
list: lpush K V|rpush K V V V|lpushx K V|rpushx K V|lpop K|rpop K|lpop K N|rpop K 100|lset K N V|linsert K before V V|linsert K after V V
list: lrem K N V|lrem K 0 V|ltrim K N N|ltrim K 0 -1|ltrim K 5 1|lmove K K left right|lmove K K right left|rpoplpush K K|lmpop 2 K K left count N|lmpop 1 K right
set: sadd K F|sadd K F F F|sadd K N N N|srem K F|srem K F F F F F|smove K K F|spop K 100|sinterstore K K K|sunionstore K K K|sdiffstore K K K
sortedSet: zadd K D F|zadd K D F D F D F|zadd K nx D F|zadd K xx D F|zadd K gt ch D F|zadd K incr D F|zadd K xx incr D F|zincrby K D F|zrem K F|zrem K F F F F F
sortedSet: zpopmin K|zpopmax K N|zpopmin K 100|zmpop 2 K K min|zmpop 1 K max count N|zremrangebyrank K 0 N|zremrangebyscore K -inf D|zremrangebylex K - +|zremrangebyrank K 0 -1
sortedSet: zunionstore K 2 K K|zinterstore K 2 K K|zdiffstore K 2 K K|zrangestore K K 0 -1|zrangestore K K 0 D byscore
geo: geoadd K N N F|geosearchstore K K fromlonlat 1 1 byradius 500 km|georadius K 1 1 500 km store K|georadiusbymember K F 500 km store K
sketch: pfadd K V|pfadd K|pfmerge K K K|pfcount K|pfcount K K
stream: xadd K I f V|xadd K maxlen 2 I f V|xadd K nomkstream I f V|xadd K minid = I I f V|xdel K 1-1|xtrim K maxlen N|xsetid K I
stream: xgroup create K G $ mkstream|xgroup create K G 0|xgroup setid K G 0|xgroup destroy K G|xgroup createconsumer K G C|xgroup delconsumer K G C
stream: xreadgroup group G R count N streams K >|xreadgroup group G R streams K 0|xclaim K G C 0 1-1 justid|xautoclaim K G C 0 0 count 5|xack K G 1-1
any: del K|del K K K|unlink K K|expire K 1000|expire K 1000 nx|expire K 1000 gt|expire K -1|pexpire K 100000|expireat K 1|pexpireat K 33177117420000|persist K
any: rename K K|renamenx K K|copy K K|copy K K replace|copy K K db 1|copy K K db 1 replace|move K 1|sort K store K|sort K alpha store K|sort K by w* get K store K
`;

/** Of keys that may be missing. */
const reads = `
string: get K|mget K K K|strlen K|getrange K 0 1|getbit K B|bitcount K|bitpos K 1|lcs K K|substr K 0 1|bitfield_ro K get u8 0
any: exists K K|ttl K|pttl K|type K|touch K K|dump K|object encoding K|expiretime K|sort K alpha|sort_ro K alpha|sort K by w* get v* alpha
hash: hget K F|hmget K F F|hgetall K|hlen K|hexists K F|hstrlen K F|hkeys K|hvals K|hscan K 0|hrandfield K 0
list: llen K|lindex K 0|lrange K 0 -1|lpos K V|scard K|sismember K F|smismember K F F|smembers K|sscan K 0|srandmember K 0|sinter K K|sunion K K|sdiff K K|sintercard 2 K K
sortedSet: zcard K|zscore K F|zmscore K F F|zrank K F|zrevrank K F|zrange K 0 -1|zcount K 0 1|zlexcount K - +|zscan K 0|zrandmember K 0|zunion 2 K K|zinter 2 K K|zdiff 2 K K|zintercard 2 K K
geo: zrangebyscore K 0 1|zrevrange K 0 1|zrangebylex K - +|geopos K F|geodist K F F|geohash K F|geosearch K fromlonlat 1 1 byradius 5 km|georadius_ro K 1 1 5 km
stream: xlen K|xrange K - +|xrevrange K + -|xread streams K 0|xread streams K $|xinfo stream K|xinfo groups K|xpending K G|scan 0
`;

interface Form {
  readonly family: string;
  readonly words: readonly string[];
}

function formsOf(text: string): Form[] {
  return text
    .trim()
    .split("\n")
    .flatMap((line) => {
      const [family, forms] = line.split(": ") as [string, string];
      return forms.split("|").map((form) => ({ family, words: form.split(" ") }));
    });
}

const writeForms = formsOf(writes);
const readForms = formsOf(reads);
const families = [...new Set(writeForms.map(({ family }) => family))].filter((family) => family !== "any");
/** Else it is a key of another family, which mostly holds a value of another type. */
const ownKeyShare = 0.8;

export class KeyCommands {
  readonly #random: Random;
  #entries = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random() * items.length)]!;
  }

  key(family = "any"): string {
    const isOwn = family !== "any" && this.#random() < ownKeyShare;
    return (isOwn ? family : this.pick(families)) + this.pick(["1", "2", "3"]);
  }

  /** `readShare`: how many of the commands only read. */
  next(readShare: number): Word[] {
    const form = this.pick(this.#random() < readShare ? readForms : writeForms);
    return form.words.map((word) => this.#word(word, form.family));
  }

  #word(word: string, family: string): string {
    switch (word) {
      case "K":
        return this.key(family);
      case "V":
        return this.pick(["a", "b", "1", "2.5", "xyz"]);
      case "F":
        return this.pick(["f", "g", "h", "1", "2"]);
      case "N":
        return this.pick(["0", "1", "2", "3"]);
      case "D":
        return this.pick(["1", "2.5", "-3"]);
      case "I":
        return `${++this.#entries}-1`;
      case "G":
        return this.pick(["g1", "g2"]);
      case "C":
        return this.pick(["c1", "c2"]);
      case "R":
        return this.pick(["r1", "r2"]);
      case "B":
        return this.pick(["0", "7", "8", "20"]);
      default:
        return word;
    }
  }
}
