/** The handlers of string keys and of keys in general, by the command's full name. */
import { append } from "./commands/append.ts";
import { copy } from "./commands/copy.ts";
import { dbsize } from "./commands/dbsize.ts";
import { decr } from "./commands/decr.ts";
import { decrby } from "./commands/decrby.ts";
import { deleteKeys } from "./commands/del.ts";
import { exists } from "./commands/exists.ts";
import { expire } from "./commands/expire.ts";
import { expireat } from "./commands/expireat.ts";
import { expiretime } from "./commands/expiretime.ts";
import { flushall } from "./commands/flushall.ts";
import { flushdb } from "./commands/flushdb.ts";
import { get } from "./commands/get.ts";
import { getdel } from "./commands/getdel.ts";
import { getex } from "./commands/getex.ts";
import { getrange } from "./commands/getrange.ts";
import { getset } from "./commands/getset.ts";
import { incr } from "./commands/incr.ts";
import { incrby } from "./commands/incrby.ts";
import { incrbyfloat } from "./commands/incrbyfloat.ts";
import { keys } from "./commands/keys.ts";
import { mget } from "./commands/mget.ts";
import { move } from "./commands/move.ts";
import { mset } from "./commands/mset.ts";
import { msetnx } from "./commands/msetnx.ts";
import { objectEncoding, objectFreq, objectHelp, objectIdletime, objectRefcount } from "./commands/object.ts";
import { persist } from "./commands/persist.ts";
import { pexpire } from "./commands/pexpire.ts";
import { pexpireat } from "./commands/pexpireat.ts";
import { pexpiretime } from "./commands/pexpiretime.ts";
import { psetex } from "./commands/psetex.ts";
import { pttl } from "./commands/pttl.ts";
import { randomkey } from "./commands/randomkey.ts";
import { rename } from "./commands/rename.ts";
import { renamenx } from "./commands/renamenx.ts";
import { scan } from "./commands/scan.ts";
import { set } from "./commands/set.ts";
import { setex } from "./commands/setex.ts";
import { setnx } from "./commands/setnx.ts";
import { setrange } from "./commands/setrange.ts";
import { strlen } from "./commands/strlen.ts";
import { swapdb } from "./commands/swapdb.ts";
import { touch } from "./commands/touch.ts";
import { ttl } from "./commands/ttl.ts";
import { type } from "./commands/type.ts";
import { unlink } from "./commands/unlink.ts";
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
