/**
 * Who watches a key, and who keeps it in a cache, hears of every command that changes it: all writing commands there are, each in forms
 * that change something and in forms that change nothing.
 *
 * What a key holds before and after is the judge, so what a command should do need not be said here. rules-real.test.ts compares with
 * redis-server 7.0, which has no commands that came later.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Peer, Rig } from "../../../fuzz/rig.ts";
import { commandTable } from "../../../src/protocols/redis/command-table.ts";
import { requestOf } from "../../support/raw-redis.ts";

/** Behind "=" stands what changes nothing, of which nobody hears. */
const forms = `
  set str 1|set missing 1|=set str 1 nx|=set missing 1 xx|set str 1 get|set str 1 keepttl|setnx missing 1|=setnx str 1|setex str 10 1
  psetex str 10000 1|getset str 1|getdel str|=getdel missing|getex str ex 10|=getex str|=getex str persist|getex timed persist|append str 1
  setrange str 1 ab|setrange missing 1 ab|incr str|decr str|incrby str 2|decrby str 2|incrbyfloat str 0.5|mset str 1 missing 2
  msetnx missing 1 missing2 2|=msetnx str 1 missing 1|setbit str 0 1|bitop not to str|bitop and to missing missing2|bitfield str set u8 0 1
  =bitfield str get u8 0|=bitfield str overflow fail incrby u8 0 255|pfadd hll new|pfadd missing new|=pfadd hll a|pfmerge missing hll
  pfdebug todense hll
  del str hash|=del missing|unlink str missing zset|expire str 10|expire str -1|=expire missing 10|=expire str 10 xx|pexpire str 10000
  expireat str 33177117420|pexpireat str 33177117420000|persist timed|=persist str|rename str to|rename hash missing|renamenx str missing
  =renamenx str to|copy str missing|=copy str to|copy str to replace|move str 1|=move missing 1|sort list alpha store to
  sort missing alpha store to|=sort missing alpha store missing2|restore missing 0 DUMP|restore to 0 DUMP replace|restore-asking missing 0 DUMP
  hset hash f 1|hset missing f 1|hmset hash f 1|hsetnx hash n 1|=hsetnx hash f 1|hdel hash f|=hdel hash n|hdel hash f g t|hincrby hash n 1
  hincrbyfloat hash n 1|hexpire hash 10 fields 1 f|hexpire hash 0 fields 1 f|=hexpire hash 10 xx fields 1 f|=hexpire hash 10 fields 1 n
  =hexpire hash 10 gt fields 1 t|hexpire hash 10 lt fields 1 t|hpexpire hash 10000 fields 1 f|hexpireat hash 33177117420 fields 1 f
  hpexpireat hash 33177117420000 fields 1 f|hpexpireat hash 1 fields 3 f g t|hpersist hash fields 1 t|=hpersist hash fields 2 f n
  hgetex hash ex 10 fields 1 f|hgetex hash persist fields 1 t|=hgetex hash persist fields 1 f|=hgetex hash fields 1 f
  hgetex hash exat 1 fields 1 f|hgetdel hash fields 1 f|hgetdel hash fields 3 f g t|=hgetdel hash fields 1 n|hsetex hash ex 10 fields 1 f 1
  =hsetex hash fnx fields 1 f 1|=hsetex hash fxx fields 1 n 1|hsetex hash fxx keepttl fields 1 t 1|hsetex hash exat 1 fields 1 f 1
  hsetex missing fields 1 f 1
  lpush list x|lpush missing x|lpushx list x|=lpushx missing x|rpush list x|rpushx list x|=rpushx missing x|lpop list|=lpop missing|lpop list 3
  rpop list|rpop list 9|lrem list 0 a|=lrem list 0 z|lset list 0 z|ltrim list 1 1|ltrim list 5 1|linsert list before a z
  =linsert list before z a|lmove list missing left right|=lmove missing list left right|rpoplpush list list|=rpoplpush missing list
  blmove list missing left right 0|brpoplpush list missing 0|blpop missing list 0|brpop list 0|lmpop 2 missing list left|=lmpop 1 missing left
  blmpop 0 1 list left
  sadd set x|sadd missing x|=sadd set m1|srem set m1|=srem set x|srem set m1 m2 m3|smove set other m2|=smove set other x|spop set|spop set 2
  spop set 9|=spop missing|sinterstore to set other|sinterstore to set missing|=sinterstore missing2 set missing|sunionstore to set other
  sdiffstore to set other
  zadd zset 5 a|zadd missing 5 a|=zadd zset 1 a|=zadd zset nx 5 a|=zadd zset xx 5 n|=zadd zset gt 0 a|zadd zset incr 1 a|zincrby zset 1 a
  =zincrby zset 0 a|zrem zset a|=zrem zset x|zrem zset a b c|zpopmin zset|zpopmax zset 9|=zpopmin missing|bzpopmin missing zset 0
  bzpopmax zset 0|zmpop 1 zset min|=zmpop 1 missing min|bzmpop 0 1 zset max count 9|zremrangebyrank zset 0 0|=zremrangebyrank zset 7 9
  zremrangebyscore zset 1 1|=zremrangebyscore zset 7 9|zremrangebylex zset - +|zunionstore to 2 zset missing|zinterstore to 2 zset missing
  zinterstore to 1 zset|=zinterstore missing2 2 zset missing|zdiffstore to 1 zset|zrangestore to zset 0 0|zrangestore to missing 0 0
  geoadd geo 1 1 p|geoadd geo 1 1 a|=geoadd geo nx 1 1 a|geosearchstore to geo fromlonlat 0 0 byradius 900 km
  geosearchstore to geo fromlonlat 50 50 byradius 1 m|georadius geo 0 0 900 km store to|=georadius geo 0 0 900 km
  georadiusbymember geo a 900 km store to
  xadd log * f v|xadd missing * f v|=xadd missing nomkstream * f v|xadd log maxlen 1 9-1 f v|xdel log 1-1|=xdel log 7-7|xtrim log maxlen 1
  =xtrim log maxlen 9|xdelex log ids 1 1-1|=xdelex log ids 1 7-7|xackdel log g ids 1 1-1|=xackdel log g ids 1 7-7
  xgroup create missing g 0 mkstream
`;

/** No key of theirs holds anything else afterwards: what they change is in groups, not in the stream, or in no key at all. */
const others =
  /^(xack|xautoclaim|xclaim|xreadgroup|xsetid|xgroup\|(?!create$).*|function\|.*|troika\.(group|nack|xadd|cancel)|migrate|swapdb|flush(all|db))$/;

const content = [
  "set str 5",
  "set timed 5 ex 1000",
  "set to before",
  "pfadd hll a b c",
  "hset hash f v g w t x",
  "hexpire hash 100 fields 1 t",
  "rpush list a b c",
  "sadd set m1 m2 m3",
  "sadd other m1",
  "zadd zset 1 a 2 b 3 c",
  "geoadd geo 0 0 a",
  "xadd log 1-1 f v",
  "xadd log 2-1 f v",
  "xgroup create log g 0",
  "xreadgroup group g c count 1 streams log >",
];
const keys = [
  "str",
  "timed",
  "to",
  "hll",
  "hash",
  "list",
  "set",
  "other",
  "zset",
  "geo",
  "log",
  "missing",
  "missing2",
];

class Client {
  readonly #rig: Rig;
  readonly #peer: Peer;

  constructor(rig: Rig) {
    this.#rig = rig;
    this.#peer = rig.connect("redis");
  }

  ask(...words: readonly (string | Buffer)[]): string {
    this.#peer.take();
    this.#peer.send(requestOf(words));
    this.#rig.settle();
    return this.#peer.take().toString("latin1");
  }

  line(text: string): string {
    return this.ask(...text.split(" "));
  }

  heard(): string {
    return this.#peer.take().toString("latin1");
  }
}

let rig: Rig;
let caller: Client;
let cache: Client;
let watchers: readonly Client[];

before(async () => {
  rig = await Rig.open();
  caller = new Client(rig);
  cache = new Client(rig);
  cache.line("hello 3");
  watchers = keys.map(() => new Client(rig));
});

after(() => assert.deepEqual(rig.errors, []));

/** All that the key holds, and when it goes. */
function held(key: string): string {
  const type = caller.ask("type", key);
  if (type === "+stream\r\n") return caller.ask("xrange", key, "-", "+");
  return [caller.ask("dump", key), caller.ask("pexpiretime", key)].join(" ");
}

function invalidated(text: string): string[] {
  const told = text.matchAll(/invalidate\r\n\*\d+\r\n((?:\$\d+\r\n[^\r]*\r\n)*)/g);
  return [...told].flatMap(([, list]) => [...list!.matchAll(/\$\d+\r\n([^\r]*)/g)].map(([, key]) => key!));
}

const texts = forms.split(/\n|\|/).flatMap((text) => (text.trim() === "" ? [] : [text.trim()]));

for (const text of texts) {
  const isNothing = text.startsWith("=");
  test(`who is told of ${text.replace("=", "nothing: ")}`, () => {
    caller.line("flushall");
    for (const line of content) assert.doesNotMatch(caller.line(line), /^-/, line);
    const dump = caller.ask("dump", "str");
    const payload = Buffer.from(dump.slice(dump.indexOf("\n") + 1, -2), "latin1");
    cache.line("client tracking on");
    for (const key of keys) cache.line(`exists ${key}`);
    for (const [i, key] of keys.entries()) watchers[i]!.line(`watch ${key}`);
    const were = keys.map(held);
    const reply = caller.ask(
      ...text
        .replace("=", "")
        .split(" ")
        .map((word) => (word === "DUMP" ? payload : word)),
    );
    assert.doesNotMatch(reply, /^-/);
    const told = new Set(invalidated(cache.heard()));
    cache.line("client tracking off");
    const changed = keys.filter((key, i) => held(key) !== were[i]);
    const watched = keys.filter((_, i) => {
      watchers[i]!.line("multi");
      return !watchers[i]!.line("exec").startsWith("*0");
    });
    assert.deepEqual(changed.length > 0, !isNothing, "what it changes");
    assert.deepEqual(watched, changed, "WATCH");
    assert.deepEqual(
      keys.filter((key) => told.has(key)),
      changed,
      "caches",
    );
  });
}

test("each writing command stands in the table above", () => {
  const named = new Set(
    texts
      .filter((text) => !text.startsWith("="))
      .map((text) => {
        const [name, second] = text.split(" ");
        return name === "xgroup" ? `${name}|${second}` : name!;
      }),
  );
  const missing = commandTable.all
    .filter(
      ({ write, isImplemented, subcommandSpecs }) => write && isImplemented && subcommandSpecs.length === 0,
    )
    .map(({ fullName }) => fullName)
    .filter((name) => !named.has(name) && !others.test(name));
  assert.deepEqual(missing, []);
});
