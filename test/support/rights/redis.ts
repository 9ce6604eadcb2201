/** The matrix of rights: Redis's commands. `@` is a name that begins with `m-`, `@2` another. */
import assert from "node:assert/strict";
import type { RawRedis } from "../raw-redis.ts";
import type { Operation, Outcome } from "./cell.ts";

/**
 * What is under the names before: nothing, a string, a hash `f 1`, a list `a b`, a set of 1 and 2, a sorted set of `m` and `n`, a HyperLogLog, or a
 * stream with a group and a pending entry.
 */
type Before =
  | "none"
  | "string"
  | "hash"
  | "list"
  | "set"
  | "sets"
  | "zset"
  | "zsets"
  | "sketch"
  | "stream"
  | "both";

/** The string `v` as DUMP has it, for RESTORE. */
const serialized = "\0\x01v\x0a\0\x91\x08\xce\xb2\x19\x38\x8a\xce";

/** Of the row before the command: `both` is a string under `@` and one under `@2`, `sets` a set, `zsets` a sorted set. */
const rows: readonly [before: Before, command: string, needs: string][] = [
  ["string", "APPEND @ x", "write"],
  ["none", "APPEND @ x", "write create"],
  ["string", "BITCOUNT @", "read"],
  ["string", "BITFIELD @ GET u8 0", "read"],
  ["string", "BITFIELD @ SET u8 0 1", "read write"],
  ["none", "BITFIELD @ INCRBY u8 0 1", "read write create"],
  ["string", "BITFIELD_RO @ GET u8 0", "read"],
  ["both", "BITOP NOT @2 @", "read write"],
  ["string", "BITOP NOT @2 @", "read write create"],
  ["string", "BITPOS @ 1", "read"],
  ["string", "COPY @ @2", "read write create"],
  ["both", "COPY @ @2 REPLACE", "read write"],
  ["string", "COPY @ @ DB 1", "read write create redis:elsewhere"],
  ["stream", "COPY @ @2", "read write create"],
  ["stream", "COPY @ @ DB 1", "read write create redis:elsewhere"],
  ["string", "DECR @", "write read"],
  ["none", "DECR @", "write read create"],
  ["string", "DECRBY @ 1", "write read"],
  ["string", "DEL @", "delete"],
  ["stream", "DEL @", "delete"],
  ["both", "DEL @ @2", "delete"],
  ["string", "DUMP @", "read"],
  ["stream", "DUMP @", "read"],
  ["string", "EVAL return'x' 1 @", "read write"],
  ["string", "EVAL_RO return'x' 1 @", "read"],
  ["string", "EVALSHA e3dac64e665973fab5c5a16c7378011a9a847dcf 1 @", "read write"],
  ["string", "EVALSHA_RO e3dac64e665973fab5c5a16c7378011a9a847dcf 1 @", "read"],
  ["string", "EXISTS @", "describe"],
  ["string", "EXPIRE @ 100", "delete"],
  ["stream", "EXPIRE @ 100", "delete"],
  ["stream", "PEXPIREAT @ 1", "delete"],
  ["stream", "PERSIST @", "alter"],
  ["stream", "TTL @", "read"],
  ["stream", "MOVE @ 1", "read delete write create redis:elsewhere"],
  ["stream", "RENAME @ @2", "read delete write create"],
  ["stream", "RENAMENX @ @2", "read delete write create"],
  ["string", "EXPIREAT @ 9999999999", "delete"],
  ["string", "EXPIRETIME @", "read"],
  ["string", "FCALL reads 1 @", "read write"],
  ["string", "FCALL_RO reads 1 @", "read"],
  ["stream", "FLUSHALL", "redis:dangerous delete"],
  ["stream", "FLUSHDB", "redis:dangerous delete"],
  ["string", "GET @", "read"],
  ["string", "GETBIT @ 1", "read"],
  ["string", "GETDEL @", "read delete"],
  ["string", "GETEX @", "read write"],
  ["string", "GETEX @ EX 100", "read write delete"],
  ["string", "GETEX @ PERSIST", "read write delete"],
  ["string", "GETRANGE @ 0 1", "read"],
  ["string", "GETSET @ x", "read write"],
  ["none", "GETSET @ x", "read write create"],
  ["hash", "HDEL @ f", "delete"],
  ["hash", "HEXISTS @ f", "describe"],
  ["hash", "HGET @ f", "read"],
  ["hash", "HGETALL @", "read"],
  ["hash", "HINCRBY @ f 1", "read write"],
  ["none", "HINCRBY @ f 1", "read write create"],
  ["hash", "HINCRBYFLOAT @ f 1", "read write"],
  ["hash", "HKEYS @", "read"],
  ["hash", "HLEN @", "describe"],
  ["hash", "HMGET @ f", "read"],
  ["hash", "HMSET @ f 2", "write"],
  ["hash", "HRANDFIELD @", "read"],
  ["hash", "HSCAN @ 0", "read"],
  ["hash", "HSET @ f 2", "write"],
  ["none", "HSET @ f 2", "write create"],
  ["hash", "HSETNX @ f 2", "write"],
  ["none", "HSETNX @ f 2", "write create"],
  ["hash", "HSTRLEN @ f", "describe"],
  ["hash", "HVALS @", "read"],
  ["list", "BLMOVE @ @2 LEFT LEFT 1", "read delete write create"],
  ["list", "BLMOVE @ @ LEFT LEFT 1", "read delete write"],
  ["list", "BRPOPLPUSH @ @2 1", "read delete write create"],
  ["list", "LMOVE @ @2 LEFT LEFT", "read delete write create"],
  ["list", "LMOVE @ @ LEFT LEFT", "read delete write"],
  ["list", "RPOPLPUSH @ @2", "read delete write create"],
  ["list", "BLMPOP 1 1 @ LEFT", "read delete"],
  ["list", "BLPOP @ 1", "read delete"],
  ["list", "BRPOP @ 1", "read delete"],
  ["list", "LINDEX @ 0", "read"],
  ["list", "LINSERT @ BEFORE a c", "write"],
  ["list", "LLEN @", "describe"],
  ["list", "LMPOP 1 @ LEFT", "read delete"],
  ["list", "LPOP @", "read delete"],
  ["list", "LPOS @ a", "read"],
  ["list", "LPUSH @ c", "write"],
  ["none", "LPUSH @ c", "write create"],
  ["list", "LPUSHX @ c", "write"],
  ["list", "LRANGE @ 0 -1", "read"],
  ["list", "LREM @ 0 a", "delete"],
  ["list", "LSET @ 0 c", "write"],
  ["list", "LTRIM @ 0 0", "delete"],
  ["list", "RPOP @", "read delete"],
  ["list", "RPUSH @ c", "write"],
  ["none", "RPUSH @ c", "write create"],
  ["list", "RPUSHX @ c", "write"],
  ["hash", "DEL @", "delete"],
  ["hash", "SET @ x", "write"],
  ["string", "INCR @", "write read"],
  ["string", "INCRBY @ 1", "write read"],
  ["string", "INCRBYFLOAT @ 1", "write read"],
  ["none", "INCRBYFLOAT @ 1", "write read create"],
  ["both", "LCS @ @2", "read"],
  ["string", "MGET @ @2", "read"],
  ["string", "MOVE @ 1", "read delete write create redis:elsewhere"],
  ["both", "MSET @ 1 @2 2", "write"],
  ["string", "MSET @ 1 @2 2", "write create"],
  ["none", "MSETNX @ 1 @2 2", "write create"],
  ["string", "OBJECT ENCODING @", "describe"],
  ["string", "OBJECT FREQ @", "describe"],
  ["string", "OBJECT IDLETIME @", "describe"],
  ["string", "OBJECT REFCOUNT @", "describe"],
  ["string", "PERSIST @", "alter"],
  ["string", "PEXPIRE @ 100000", "delete"],
  ["string", "PEXPIREAT @ 9999999999999", "delete"],
  ["string", "PEXPIRETIME @", "read"],
  ["none", "PFADD @ x", "write create"],
  ["none", "PFCOUNT @", "read"],
  ["sketch", "PFDEBUG ENCODING @", "redis:dangerous read"],
  ["none", "PFMERGE @ @2", "read write create"],
  ["string", "PSETEX @ 100000 x", "write"],
  ["none", "PSETEX @ 100000 x", "write create"],
  ["string", "PTTL @", "read"],
  ["string", "RENAME @ @2", "read delete write create"],
  ["both", "RENAME @ @2", "read delete write"],
  ["string", "RENAMENX @ @2", "read delete write create"],
  ["none", `RESTORE @ 0 ${serialized}`, "redis:dangerous write create"],
  ["string", `RESTORE @ 0 ${serialized} REPLACE`, "redis:dangerous write"],
  ["stream", `RESTORE @ 0 ${serialized} REPLACE`, "redis:dangerous write delete"],
  ["none", `RESTORE-ASKING @ 0 ${serialized}`, "redis:dangerous write create"],
  ["stream", `RESTORE-ASKING @ 0 ${serialized} REPLACE`, "redis:dangerous write delete"],
  // Nobody listens there: who may is told IOERR.
  ["string", "MIGRATE 127.0.0.1 1 @ 0 1000", "redis:dangerous read delete"],
  ["string", "MIGRATE 127.0.0.1 1 @ 0 1000 COPY", "redis:dangerous read delete"],
  ["stream", "MIGRATE 127.0.0.1 1 @ 0 1000", "redis:dangerous read delete"],
  ["set", "SADD @ 3", "write"],
  ["none", "SADD @ 3", "write create"],
  ["set", "SCARD @", "describe"],
  ["sets", "SDIFF @ @2", "read"],
  ["sets", "SDIFFSTORE @2 @", "read write"],
  ["set", "SDIFFSTORE @2 @", "read write create"],
  ["string", "SET @ x", "write"],
  ["none", "SET @ x", "write create"],
  ["none", "SET @ x XX", "write"],
  ["string", "SET @ x GET", "read write"],
  ["stream", "SET @ x", "write delete"],
  ["string", "SETBIT @ 1 1", "read write"],
  ["none", "SETBIT @ 1 1", "read write create"],
  ["string", "SETEX @ 100 x", "write"],
  ["none", "SETEX @ 100 x", "write create"],
  ["string", "SETNX @ x", "write"],
  ["none", "SETNX @ x", "write create"],
  ["string", "SETRANGE @ 0 x", "write"],
  ["none", "SETRANGE @ 0 x", "write create"],
  ["sets", "SINTER @ @2", "read"],
  ["sets", "SINTERCARD 2 @ @2", "read"],
  ["sets", "SINTERSTORE @2 @", "read write"],
  ["set", "SINTERSTORE @2 @", "read write create"],
  ["set", "SISMEMBER @ 1", "describe"],
  ["set", "SMEMBERS @", "read"],
  ["set", "SMISMEMBER @ 1 2", "read"],
  ["sets", "SMOVE @ @2 1", "read delete write"],
  ["set", "SMOVE @ @2 1", "read delete write create"],
  ["set", "SORT @", "redis:dangerous read"],
  ["none", "SORT @ STORE @2", "redis:dangerous read write create"],
  ["set", "SORT_RO @", "redis:dangerous read"],
  ["set", "SPOP @", "read delete"],
  ["set", "SPOP @ 5", "read delete"],
  ["set", "SRANDMEMBER @", "read"],
  ["set", "SREM @ 1", "delete"],
  ["set", "SSCAN @ 0", "read"],
  ["string", "STRLEN @", "describe"],
  ["string", "SUBSTR @ 0 1", "read"],
  ["sets", "SUNION @ @2", "read"],
  ["sets", "SUNIONSTORE @2 @", "read write"],
  ["set", "SUNIONSTORE @2 @", "read write create"],
  ["stream", "SUNIONSTORE @ @2", "read write delete"],
  ["zset", "BZMPOP 0 1 @ MIN", "read delete"],
  ["zset", "BZPOPMAX @ 0", "read delete"],
  ["zset", "BZPOPMIN @ @2 0", "read delete"],
  ["zset", "GEOADD @ 1 1 a", "write"],
  ["none", "GEOADD @ 1 1 a", "write create"],
  ["zset", "GEODIST @ m n", "read"],
  ["zset", "GEOHASH @ m", "read"],
  ["zset", "GEOPOS @ m", "read"],
  ["zset", "GEORADIUS @ 0 0 1 km", "read"],
  ["zset", "GEORADIUS @ 0 0 99999 km STORE @2", "read write create"],
  ["zset", "GEORADIUS_RO @ 0 0 1 km", "read"],
  ["zset", "GEORADIUSBYMEMBER @ m 1 km", "read"],
  ["zsets", "GEORADIUSBYMEMBER @ m 99999 km STOREDIST @2", "read write"],
  ["zset", "GEORADIUSBYMEMBER_RO @ m 1 km", "read"],
  ["zset", "GEOSEARCH @ FROMMEMBER m BYRADIUS 1 km", "read"],
  ["zset", "GEOSEARCHSTORE @2 @ FROMMEMBER m BYRADIUS 1 km", "read write create"],
  ["zset", "ZADD @ 3 o", "write"],
  ["zset", "ZADD @ XX 3 m", "write"],
  ["none", "ZADD @ 3 o", "write create"],
  ["none", "ZADD @ CH XX 3 o", "write"],
  ["zset", "ZCARD @", "describe"],
  ["zset", "ZCOUNT @ 0 1", "read"],
  ["zsets", "ZDIFF 2 @ @2", "read"],
  ["zset", "ZDIFFSTORE @2 1 @", "read write create"],
  ["zset", "ZINCRBY @ 1 m", "read write"],
  ["none", "ZINCRBY @ 1 m", "read write create"],
  ["zsets", "ZINTER 2 @ @2", "read"],
  ["zsets", "ZINTERCARD 2 @ @2", "read"],
  ["zsets", "ZINTERSTORE @2 1 @", "read write"],
  ["zset", "ZLEXCOUNT @ - +", "read"],
  ["zset", "ZMPOP 1 @ MIN", "read delete"],
  ["zset", "ZMSCORE @ m", "read"],
  ["zset", "ZPOPMAX @", "read delete"],
  ["zset", "ZPOPMIN @ 2", "read delete"],
  ["zset", "ZRANDMEMBER @", "read"],
  ["zset", "ZRANGE @ 0 1", "read"],
  ["zset", "ZRANGEBYLEX @ - +", "read"],
  ["zset", "ZRANGEBYSCORE @ 0 1", "read"],
  ["zset", "ZRANGESTORE @2 @ 0 1", "read write create"],
  ["zset", "ZRANK @ m", "read"],
  ["zset", "ZREM @ m", "delete"],
  ["zset", "ZREMRANGEBYLEX @ - +", "delete"],
  ["zset", "ZREMRANGEBYRANK @ 0 1", "delete"],
  ["zset", "ZREMRANGEBYSCORE @ 0 1", "delete"],
  ["zset", "ZREVRANGE @ 0 1", "read"],
  ["zset", "ZREVRANGEBYLEX @ + -", "read"],
  ["zset", "ZREVRANGEBYSCORE @ 1 0", "read"],
  ["zset", "ZREVRANK @ m", "read"],
  ["zset", "ZSCAN @ 0", "read"],
  ["zset", "ZSCORE @ m", "read"],
  ["zsets", "ZUNION 2 @ @2", "read"],
  ["zset", "ZUNIONSTORE @2 1 @", "read write create"],
  ["stream", "ZUNIONSTORE @ 1 @2", "read write delete"],
  ["string", "TOUCH @", "describe"],
  ["string", "TTL @", "read"],
  ["string", "TYPE @", "describe"],
  ["string", "UNLINK @", "delete"],
  ["stream", "UNLINK @", "delete"],
  ["string", "WATCH @", "describe"],
  ["stream", "XACK @ g 1-1", "settle"],
  ["stream", "XADD @ * f v", "write"],
  ["none", "XADD @ * f v", "write create"],
  ["none", "XADD @ NOMKSTREAM * f v", "write"],
  ["stream", "XADD @ MAXLEN 1 * f v", "write delete"],
  ["stream", "XADD @ MINID ~ 1 * f v", "write delete"],
  ["stream", "XAUTOCLAIM @ g c2 0 0", "settle"],
  ["stream", "XCLAIM @ g c2 0 1-1", "settle"],
  ["stream", "XDEL @ 1-1", "delete"],
  ["stream", "XGROUP CREATE @ g2 $", "settle"],
  ["none", "XGROUP CREATE @ g2 $ MKSTREAM", "settle create"],
  ["stream", "XGROUP CREATECONSUMER @ g c3", "settle"],
  ["string", "MEMORY USAGE @", "describe"],
  ["hash", "HEXPIRE @ 100 FIELDS 1 f", "write"],
  ["hash", "HPEXPIRE @ 100000 FIELDS 1 f", "write"],
  ["hash", "HEXPIREAT @ 9999999999 FIELDS 1 f", "write"],
  ["hash", "HPEXPIREAT @ 9999999999999 FIELDS 1 f", "write"],
  ["hash", "HPERSIST @ FIELDS 1 f", "write"],
  ["hash", "HGETDEL @ FIELDS 1 f", "read delete"],
  ["hash", "HGETEX @ EX 100 FIELDS 1 f", "read write"],
  ["hash", "HSETEX @ EX 100 FIELDS 1 f 2", "write"],
  ["none", "HSETEX @ EX 100 FIELDS 1 f 2", "write create"],
  ["hash", "HTTL @ FIELDS 1 f", "read"],
  ["hash", "HPTTL @ FIELDS 1 f", "read"],
  ["hash", "HEXPIRETIME @ FIELDS 1 f", "read"],
  ["hash", "HPEXPIRETIME @ FIELDS 1 f", "read"],
  ["stream", "XDELEX @ IDS 1 1-1", "delete"],
  ["stream", "XACKDEL @ g IDS 1 1-1", "settle delete"],
  ["stream", "XGROUP DELCONSUMER @ g c3", "settle"],
  ["stream", "XGROUP DESTROY @ g", "delete"],
  ["stream", "XGROUP SETID @ g 0", "settle"],
  ["stream", "XINFO CONSUMERS @ g", "read"],
  ["stream", "XINFO GROUPS @", "read"],
  ["stream", "XINFO STREAM @", "read"],
  ["stream", "XLEN @", "describe"],
  ["stream", "XPENDING @ g", "read"],
  ["stream", "XRANGE @ - +", "read"],
  ["stream", "XREAD COUNT 1 STREAMS @ 0", "read"],
  ["stream", "XREADGROUP GROUP g c STREAMS @ >", "read"],
  ["stream", "XREVRANGE @ + -", "read"],
  ["stream", "XSETID @ 9-9", "alter"],
  ["stream", "XTRIM @ MAXLEN 0", "delete"],
  ["none", "TROIKA.XADD @ DELAY 100000 * f v", "write create"],
  ["stream", "TROIKA.XADD @ DELAY 100000 * f v", "write"],
  ["stream", "TROIKA.SCHEDULED @", "read"],
  ["stream", "TROIKA.CANCEL @ 1-1", "delete"],
  ["stream", "TROIKA.GROUP @ g", "settle"],
  // The dead letters go to `@.dead`.
  ["stream", "TROIKA.GROUP @ g MAXDELIVER 3", "settle write create"],
  ["stream", "TROIKA.GROUP @ g OFF", "settle"],
  ["stream", "TROIKA.GROUP @ g MAXDELIVER 3 DEADLETTER @2", "settle write create"],
  ["stream", "TROIKA.NACK @ g 1-1", "settle"],
  ["none", "TROIKA.SUBSCRIBE @ FROM 0", "channel:read"],
  ["none", "TROIKA.CATCHUP @ FROM 0", "channel:read"],
  ["none", "TROIKA.HISTORY @", "channel:read"],
  ["none", "PUBLISH @ x", "channel:write"],
  ["none", "SPUBLISH @ x", "channel:write"],
  // A pattern of channels is allowed where the rules say it in just these words.
  ["none", "PSUBSCRIBE m-*", "channel:read"],
  ["none", "SSUBSCRIBE @", "channel:read"],
  ["none", "SUBSCRIBE @", "channel:read"],
];

/**
 * What lists names: it may be run in any case, and shows the stream `@`, or any of the others that are there, to whoever
 * may describe it. There is nothing but what begins with `m-`.
 */
const listings: readonly [command: string, needs: string][] = [
  ["KEYS @", "redis:dangerous describe"],
  ["SCAN 0 MATCH @ COUNT 10000", "describe"],
  ["RANDOMKEY", "describe"],
  ["DBSIZE", "describe"],
];

/** Commands that touch no key and no channel, or only what their own connection has. */
export const touchesNothing: readonly string[] = [
  ..."auth config|get config|help config|resetstat config|rewrite config|set discard echo exec hello".split(
    " ",
  ),
  ..."info multi pfselftest ping quit reset role select time unwatch wait swapdb object|help xgroup|help xinfo|help".split(
    " ",
  ),
  ..."unsubscribe punsubscribe sunsubscribe".split(" "),
  ..."acl|cat acl|deluser acl|dryrun acl|genpass acl|getuser acl|help acl|list acl|load acl|log acl|save".split(
    " ",
  ),
  ..."acl|setuser acl|users acl|whoami client|getname client|getredir client|help client|id client|info".split(
    " ",
  ),
  ..."client|kill client|list client|no-evict client|no-touch client|reply client|setinfo client|setname".split(
    " ",
  ),
  ..."client|tracking client|trackinginfo client|unblock command command|count command|docs".split(" "),
  ..."command|getkeys command|getkeysandflags command|help command|info command|list".split(" "),
  // Functions are nobody's: who may use the commands may change them, as in redis.
  ..."function|delete function|dump function|flush function|help function|kill function|list function|load".split(
    " ",
  ),
  ..."function|restore function|stats script|debug script|exists script|flush script|help script|kill".split(
    " ",
  ),
  "script|load",
  ..."bgrewriteaof bgsave debug failover lastsave lolwut monitor psync replconf replicaof save shutdown".split(
    " ",
  ),
  ..."slaveof sync waitaof client|caching client|pause client|unpause".split(" "),
  ..."latency|doctor latency|graph latency|help latency|histogram latency|history latency|latest".split(" "),
  ..."latency|reset module|help module|list module|load module|loadex module|unload".split(" "),
  ..."memory|doctor memory|help memory|malloc-stats memory|purge memory|stats".split(" "),
  ..."slowlog|get slowlog|help slowlog|len slowlog|reset".split(" "),
  // Of a cluster only. Of keys it shows no more than SCAN does: redis-cluster-real.test.ts.
  ..."asking readonly readwrite cluster|addslots cluster|addslotsrange cluster|bumpepoch".split(" "),
  ..."cluster|count-failure-reports cluster|countkeysinslot cluster|delslots cluster|delslotsrange".split(
    " ",
  ),
  ..."cluster|failover cluster|flushslots cluster|forget cluster|getkeysinslot cluster|help cluster|info".split(
    " ",
  ),
  ..."cluster|keyslot cluster|links cluster|meet cluster|myid cluster|myshardid cluster|nodes".split(" "),
  ..."cluster|replicas cluster|replicate cluster|reset cluster|saveconfig cluster|set-config-epoch".split(
    " ",
  ),
  ..."cluster|setslot cluster|shards cluster|slaves cluster|slots".split(" "),
  // Numbers and names of channels, which are Redis's own: security-things.test.ts.
  ..."pubsub|channels pubsub|help pubsub|numpat pubsub|numsub pubsub|shardchannels pubsub|shardnumsub".split(
    " ",
  ),
];

const noPermission = /^-NOPERM/;

async function say(client: RawRedis, line: string): Promise<string> {
  return client.call(...line.split(" "));
}

/** RESP3, so that subscribers may run what else there is. */
export function redisOperations(admin: RawRedis, user: RawRedis): Operation[] {
  const found: Operation[] = rows.map(([before, line, needs], number) => {
    const name = `m-redis-${number}`;
    const words = line.replaceAll("@2", `${name}-other`).replaceAll("@", name);
    return {
      of: commandOf(line),
      what: `${line} (${before})`,
      needs: needs.split(" "),
      prepare: () => prepare(admin, name, before),
      async run(): Promise<Outcome> {
        const reply = await say(user, words);
        if (words.startsWith("WATCH")) await say(user, "UNWATCH");
        const subscribed = /^(?:TROIKA\.)?([PS]?)SUBSCRIBE /.exec(words);
        if (subscribed !== null) await say(user, `${subscribed[1]}UNSUBSCRIBE`);
        if (noPermission.test(reply)) return "refused";
        const isRight =
          !reply.startsWith("-") || line.startsWith("OBJECT FREQ") || reply.startsWith("-IOERR");
        assert.ok(isRight, `${words}: ${reply}`);
        return "allowed";
      },
    };
  });
  for (const [line, needs] of listings) {
    const name = "m-redis-listed";
    found.push({
      of: commandOf(line),
      what: line,
      needs: needs.split(" "),
      async prepare(): Promise<void> {
        await say(admin, "FLUSHALL");
        await prepare(admin, name, "stream");
      },
      async run(): Promise<Outcome> {
        const reply = await say(user, line.replaceAll("@", name));
        const isShown = reply.includes("m-") || /^:[1-9]/.test(reply);
        return isShown ? "allowed" : "refused";
      },
    });
  }
  return found;
}

async function prepare(admin: RawRedis, name: string, before: Before): Promise<void> {
  const lines = [`DEL ${name} ${name}-other`, "SELECT 1", `DEL ${name}`, "SELECT 0"];
  if (before === "string" || before === "both") lines.push(`SET ${name} 1`);
  if (before === "hash") lines.push(`HSET ${name} f 1`);
  if (before === "set" || before === "sets") lines.push(`SADD ${name} 1 2`);
  if (before === "sets") lines.push(`SADD ${name}-other 1 2`);
  if (before === "sketch") lines.push(`PFADD ${name} 1`);
  if (before === "zset" || before === "zsets") lines.push(`ZADD ${name} 1 m 2 n`);
  if (before === "zsets") lines.push(`ZADD ${name}-other 1 m 2 n`);
  if (before === "list") lines.push(`RPUSH ${name} a b`);
  if (before === "both") lines.push(`SET ${name}-other 1`);
  if (before === "stream") {
    lines.push(`XADD ${name} 1-1 f v`, `XADD ${name} 2-1 f v`, `XGROUP CREATE ${name} g 0`);
    lines.push(`XREADGROUP GROUP g c COUNT 1 STREAMS ${name} >`);
  }
  lines.push("SCRIPT LOAD return'x'");
  const code =
    "#!lua name=l\nredis.register_function{function_name = 'reads', callback = function() end, flags = {'no-writes'}}";
  // Sent together, answered in order.
  void admin.call("CONFIG", "SET", "troika-pubsub-history", "m-* 60000 1000 1048576 memory");
  void admin.call("FUNCTION", "LOAD", "REPLACE", code);
  await Promise.all(lines.map((line) => say(admin, line)));
}

const containers = new Set(["memory", "object", "xgroup", "xinfo", "pubsub"]);

function commandOf(line: string): string {
  const [first = "", second = ""] = line.toLowerCase().split(" ");
  return containers.has(first) ? `${first}|${second}` : first;
}
