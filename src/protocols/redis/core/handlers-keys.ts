/** The handlers of string keys, of hashes and of keys in general, by the command's full name. */
import { append } from "../string/append.ts";
import { copy } from "../keys/copy.ts";
import { dbsize } from "../server/dbsize.ts";
import { decr } from "../string/decr.ts";
import { decrby } from "../string/decrby.ts";
import { deleteKeys } from "../keys/del.ts";
import { exists } from "../keys/exists.ts";
import { expire } from "../keys/expire.ts";
import { expireat } from "../keys/expireat.ts";
import { expiretime } from "../keys/expiretime.ts";
import { flushall } from "../server/flushall.ts";
import { flushdb } from "../server/flushdb.ts";
import { get } from "../string/get.ts";
import { getdel } from "../string/getdel.ts";
import { getex } from "../string/getex.ts";
import { getrange } from "../string/getrange.ts";
import { getset } from "../string/getset.ts";
import { hdel } from "../hash/hdel.ts";
import { hexists } from "../hash/hexists.ts";
import { hget } from "../hash/hget.ts";
import { hgetall, hkeys, hvals } from "../hash/hgetall.ts";
import { hincrby } from "../hash/hincrby.ts";
import { hincrbyfloat } from "../hash/hincrbyfloat.ts";
import { hlen } from "../hash/hlen.ts";
import { hmget } from "../hash/hmget.ts";
import { hrandfield } from "../hash/hrandfield.ts";
import { hscan } from "../hash/hscan.ts";
import { hmset, hset } from "../hash/hset.ts";
import { hsetnx } from "../hash/hsetnx.ts";
import { hstrlen } from "../hash/hstrlen.ts";
import { incr } from "../string/incr.ts";
import { incrby } from "../string/incrby.ts";
import { incrbyfloat } from "../string/incrbyfloat.ts";
import { keys } from "../keys/keys.ts";
import { mget } from "../string/mget.ts";
import { move } from "../keys/move.ts";
import { mset } from "../string/mset.ts";
import { msetnx } from "../string/msetnx.ts";
import { objectEncoding, objectFreq, objectHelp, objectIdletime, objectRefcount } from "../keys/object.ts";
import { persist } from "../keys/persist.ts";
import { pexpire } from "../keys/pexpire.ts";
import { pexpireat } from "../keys/pexpireat.ts";
import { pexpiretime } from "../keys/pexpiretime.ts";
import { psetex } from "../string/psetex.ts";
import { pttl } from "../keys/pttl.ts";
import { randomkey } from "../keys/randomkey.ts";
import { rename } from "../keys/rename.ts";
import { renamenx } from "../keys/renamenx.ts";
import { scan } from "../keys/scan.ts";
import { set } from "../string/set.ts";
import { setex } from "../string/setex.ts";
import { setnx } from "../string/setnx.ts";
import { setrange } from "../string/setrange.ts";
import { strlen } from "../string/strlen.ts";
import { swapdb } from "../server/swapdb.ts";
import { touch } from "../keys/touch.ts";
import { ttl } from "../keys/ttl.ts";
import { type } from "../keys/type.ts";
import { unlink } from "../keys/unlink.ts";
import type { CommandHandler } from "./context.ts";

export const keyHandlers: Record<string, CommandHandler> = {
  append,
  copy,
  dbsize,
  decr,
  decrby,
  del: deleteKeys,
  exists,
  expire,
  expireat,
  expiretime,
  flushall,
  flushdb,
  get,
  getdel,
  getex,
  getrange,
  getset,
  hdel,
  hexists,
  hget,
  hgetall,
  hincrby,
  hincrbyfloat,
  hkeys,
  hlen,
  hmget,
  hmset,
  hrandfield,
  hscan,
  hset,
  hsetnx,
  hstrlen,
  hvals,
  incr,
  incrby,
  incrbyfloat,
  keys,
  mget,
  move,
  mset,
  msetnx,
  persist,
  pexpire,
  pexpireat,
  pexpiretime,
  psetex,
  pttl,
  randomkey,
  rename,
  renamenx,
  scan,
  set,
  setex,
  setnx,
  setrange,
  strlen,
  substr: getrange,
  swapdb,
  touch,
  ttl,
  type,
  unlink,
  "object|encoding": objectEncoding,
  "object|freq": objectFreq,
  "object|help": objectHelp,
  "object|idletime": objectIdletime,
  "object|refcount": objectRefcount,
};
