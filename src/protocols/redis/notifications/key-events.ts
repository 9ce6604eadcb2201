/**
 * The keyspace events that there are, each with its class: the names are redis's (its notifyKeyspaceEvent calls).
 *
 * Not here: who is told (key-notices.ts), which command tells which event (the commands' handlers).
 */
import { keyClass } from "../core/event-classes.ts";

export class KeyEvent {
  readonly name: Buffer;
  readonly keyClass: number;
  readonly #channels: Buffer[] = [];

  constructor(bit: number, name: string) {
    this.keyClass = bit;
    this.name = Buffer.from(name);
  }

  /** `__keyevent@DATABASE__:NAME` */
  channel(database: number): Buffer {
    return (this.#channels[database] ??= Buffer.from(`__keyevent@${database}__:${this.name.latin1Slice()}`));
  }
}

const generic = (name: string): KeyEvent => new KeyEvent(keyClass.generic, name);
const string = (name: string): KeyEvent => new KeyEvent(keyClass.string, name);
const list = (name: string): KeyEvent => new KeyEvent(keyClass.list, name);
const set = (name: string): KeyEvent => new KeyEvent(keyClass.set, name);
const hash = (name: string): KeyEvent => new KeyEvent(keyClass.hash, name);
const sortedSet = (name: string): KeyEvent => new KeyEvent(keyClass.sortedSet, name);
const stream = (name: string): KeyEvent => new KeyEvent(keyClass.stream, name);

export const keyEvents = {
  // Keys of any type
  del: generic("del"),
  expire: generic("expire"),
  persist: generic("persist"),
  renameFrom: generic("rename_from"),
  renameTo: generic("rename_to"),
  moveFrom: generic("move_from"),
  moveTo: generic("move_to"),
  copyTo: generic("copy_to"),
  restore: generic("restore"),
  // What nobody has asked for by a command
  expired: new KeyEvent(keyClass.expired, "expired"),
  evicted: new KeyEvent(keyClass.evicted, "evicted"),
  made: new KeyEvent(keyClass.made, "new"),
  missed: new KeyEvent(keyClass.miss, "keymiss"),
  // Strings
  set: string("set"),
  setrange: string("setrange"),
  append: string("append"),
  incrby: string("incrby"),
  incrbyfloat: string("incrbyfloat"),
  setbit: string("setbit"),
  pfadd: string("pfadd"),
  // Lists
  lpush: list("lpush"),
  rpush: list("rpush"),
  lpop: list("lpop"),
  rpop: list("rpop"),
  linsert: list("linsert"),
  lset: list("lset"),
  lrem: list("lrem"),
  ltrim: list("ltrim"),
  sortstore: list("sortstore"),
  // Sets
  sadd: set("sadd"),
  srem: set("srem"),
  spop: set("spop"),
  sinterstore: set("sinterstore"),
  sunionstore: set("sunionstore"),
  sdiffstore: set("sdiffstore"),
  // Hashes
  hset: hash("hset"),
  hdel: hash("hdel"),
  hincrby: hash("hincrby"),
  hincrbyfloat: hash("hincrbyfloat"),
  // Sorted sets
  zadd: sortedSet("zadd"),
  zincr: sortedSet("zincr"),
  zrem: sortedSet("zrem"),
  zpopmin: sortedSet("zpopmin"),
  zpopmax: sortedSet("zpopmax"),
  zremrangebyrank: sortedSet("zremrangebyrank"),
  zremrangebyscore: sortedSet("zremrangebyscore"),
  zremrangebylex: sortedSet("zremrangebylex"),
  zrangestore: sortedSet("zrangestore"),
  zunionstore: sortedSet("zunionstore"),
  zinterstore: sortedSet("zinterstore"),
  zdiffstore: sortedSet("zdiffstore"),
  georadiusstore: sortedSet("georadiusstore"),
  geosearchstore: sortedSet("geosearchstore"),
  // Streams
  xadd: stream("xadd"),
  xdel: stream("xdel"),
  xtrim: stream("xtrim"),
  xsetid: stream("xsetid"),
  xgroupCreate: stream("xgroup-create"),
  xgroupSetId: stream("xgroup-setid"),
  xgroupDestroy: stream("xgroup-destroy"),
  xgroupCreateConsumer: stream("xgroup-createconsumer"),
  xgroupDelConsumer: stream("xgroup-delconsumer"),
} as const;
