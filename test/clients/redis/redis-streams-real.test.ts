/**
 * The same stream, Pub/Sub and transaction commands to the real redis-server and to us, in RESP2 and in RESP3, replies
 * compared byte by byte: first each command with its options and errors, then random runs. Skipped, and said so, where
 * there is no redis-server 7.0.
 *
 * Masked are only times, redis's radix tree, and what 7.2 (whose replies ours are) added to consumers.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis, type Word } from "../../support/raw-redis.ts";
import { noRealRedis, RealRedis } from "../../support/real-redis.ts";

let ours: TestBroker;
let real: RealRedis;
let us: RawRedis;
let them: RawRedis;
let compared = 0;

before(async () => {
  if (noRealRedis !== false) return;
  ours = await startTestBroker();
  real = await RealRedis.start();
  us = await RawRedis.open(ours.ports.redis);
  them = await RawRedis.open(real.port);
});

after(async () => {
  if (noRealRedis !== false) return;
  await us.close();
  await them.close();
  await real.stop();
  await ours.stop();
});

const noErrno = "-ERR Elements are too large to be stored";
const tooSmall = "-ERR The ID specified in XADD is equal or smaller than the target stream top item";

function masked(words: readonly Word[], reply: string): string {
  const name = String(words[0]).toLowerCase();
  let text = reply;
  if (name === "xinfo" || name === "exec") {
    text = text
      .replaceAll(/(radix-tree-(?:keys|nodes)\r\n):\d+/g, "$1:N")
      .replaceAll(/(consumers\r\n):\d+/g, "$1:N");
  }
  // Without a sequence left in that millisecond redis 7.0 says what an errno of an earlier call makes it say.
  if (name === "xadd" || name === "exec") text = text.replaceAll(noErrno, tooSmall);
  // Idle time and delivery count follow each other.
  if (name === "xpending" || name === "exec") text = text.replaceAll(/:\d+\r\n(?=:\d+\r\n)/g, ":T\r\n");
  return text;
}

async function same(...words: Word[]): Promise<string> {
  const [got, wanted] = await Promise.all([us.call(...words), them.call(...words)]);
  assert.equal(masked(words, got), masked(words, wanted), words.map(String).join(" ").slice(0, 300));
  compared++;
  return wanted;
}

/** A command on each line; `""` is an empty argument. */
async function sameAll(lines: string): Promise<void> {
  for (const line of lines.split("\n")) {
    const words = line.trim().split(" ");
    if (words[0] !== "") await same(...words.map((word) => (word === '""' ? "" : word)));
  }
}

async function hello(version: 2 | 3): Promise<void> {
  await Promise.all([us.call("hello", version), them.call("hello", version)]);
  await same("flushall");
}

const options = { skip: noRealRedis };

const scripts: Record<string, string> = {
  "XADD, ids and bounds": `
    xadd s 1-1 a 1
    xadd s 1-1 a 1
    xadd s 1-0 a 1
    xadd s 0-0 a 1
    xadd n 0-0 a 1
    xadd n 0 a 1
    xadd n 0-* a 1
    xadd s 1-* a 2
    xadd s 2 a 3 b 4
    xadd s 2-* a 3
    xadd s 1-* a 3
    xadd s abc a 1
    xadd s 1-abc a 1
    xadd s 1-2-3 a 1
    xadd s - a 1
    xadd s + a 1
    xadd s 5-5 a
    xadd s 5-5 a 1 b
    xadd s 5-5
    xadd s
    xadd
    xadd s nomkstream 5-5 a 1
    xadd missing nomkstream 5-5 a 1
    exists missing
    xadd s maxlen 2 6-1 a 1
    xlen s
    xadd s maxlen = 1 6-2 a 1
    xadd s maxlen ~ 1 6-3 a 1
    xadd s maxlen ~ 0 limit 10 6-4 a 1
    xadd s maxlen -1 7-1 a 1
    xadd s maxlen abc 7-1 a 1
    xadd s maxlen 1 minid 1 7-1 a 1
    xadd s limit 10 7-1 a 1
    xadd s maxlen 5 limit 10 7-1 a 1
    xadd s maxlen ~ 5 limit -1 7-1 a 1
    xadd s maxlen ~ 5 limit x 7-1 a 1
    xadd s minid 6-3 8-1 a 1
    xrange s - +
    xadd s minid ~ 9 9-1 a 1
    xadd s minid = zz 9-2 a 1
    xadd s 00012-05 a 1
    xadd e 3-3 "" ""
    xrange e - +
    xlen e
    xlen missing
    xlen
    set str x
    xadd str 1-1 a 1
    xlen str
    xrange str - +
    xread streams str 0
    type s
    object encoding s
    debug-nothing
    xtrim s maxlen 1
    xtrim s maxlen 0
    xlen s
    exists s
    xinfo stream s
    xadd s 12-6 again 1
    xtrim s minid 13
    xtrim s
    xtrim s maxlen
    xtrim s foo 1
    xtrim s limit 10
    xtrim s maxlen 1 limit 1
    xtrim missing maxlen 1
    xtrim str maxlen 1
    del s
    exists s
    xadd s 1-1 a 1
    xlen s`,
  "XRANGE and XREVRANGE": `
    xadd s 1-1 a 1
    xadd s 1-2 b 2
    xadd s 2-0 c 3 d 4
    xadd s 5-7 e 5
    xrange s - +
    xrange s 1 1
    xrange s 1 2
    xrange s (1-1 +
    xrange s - (5-7
    xrange s (1-1 (2-0
    xrange s (1 (5
    xrange s - + count 2
    xrange s - + count 0
    xrange s - + count -1
    xrange s - + count x
    xrange s - + count
    xrange s - + foo 1
    xrange s - + count 1 count 3
    xrange s 3 +
    xrange s + -
    xrange s x +
    xrange s - y
    xrange s (- +
    xrange s - (+
    xrange s (18446744073709551615-18446744073709551615 +
    xrange s - (0-0
    xrange s -
    xrevrange s + -
    xrevrange s + - count 1
    xrevrange s 2 1
    xrevrange s (5-7 (1-1
    xrevrange s - +
    xdel s 1-2
    xrange s - +
    xrevrange s + -
    xrevrange s + - count 2
    xdel s 1-1 5-7
    xrange s - +
    xrevrange s + -
    xdel s 9-9
    xdel s x
    xdel s 2-0 y
    xdel missing 1
    xlen s
    xinfo stream s
    xrange missing - +
    xrevrange missing + - count 0`,
  XREAD: `
    xadd s 1-1 a 1
    xadd s 1-2 b 2
    xadd t 5-1 c 3
    xread streams s 0
    xread streams s 0-0
    xread streams s 1-1
    xread streams s 1-2
    xread streams s $
    xread streams s t 0 0
    xread streams s t 1-2 0
    xread streams s t 1-2 5
    xread count 1 streams s t 0 0
    xread count 0 streams s 0
    xread count -5 streams s 0
    xread count x streams s 0
    xread streams missing 0
    xread streams missing s 0 0
    xread streams s
    xread streams s t 0
    xread count 1
    xread foo streams s 0
    xread block x streams s 0
    xread block -1 streams s 0
    xread block 1 streams s $
    xread block 1 streams missing 0
    xread block 0 streams s 0
    xread group g c streams s 0
    xread noack streams s 0
    xread streams s >
    xread streams s abc
    xread streams s 18446744073709551615-18446744073709551615`,
  "XGROUP and XREADGROUP": `
    xgroup create s g $
    xgroup create s g $ mkstream
    xgroup create s g $
    xgroup create s g 0 mkstream
    xinfo groups s
    xadd s 1-1 a 1
    xadd s 1-2 b 2
    xadd s 1-3 c 3
    xinfo groups s
    xreadgroup group g alice count 1 streams s >
    xinfo groups s
    xreadgroup group g alice count 1 streams s 0
    xreadgroup group g bob streams s >
    xreadgroup group g bob streams s >
    xreadgroup group g bob streams s 0
    xreadgroup group g bob streams s 1-2
    xreadgroup group g bob count 1 streams s 0
    xreadgroup group g carol streams s 0
    xadd s 1-4 d 4
    xreadgroup group g bob streams s s > >
    xadd s 1-5 e 5
    xadd s 1-6 f 6
    xadd s 1-7 g 7
    xreadgroup group g bob count 2 noack streams s s s > > >
    xreadgroup group g bob streams s s > >
    xinfo groups s
    xpending s g
    xpending s g - + 10
    xpending s g - + 10 bob
    xpending s g - + 10 nobody
    xpending s g 1-2 1-2 10
    xpending s g (1-1 + 10
    xpending s g - + 1
    xpending s g - + 0
    xpending s g - + -1
    xpending s g idle 100000 - + 10
    xpending s g idle 0 - + 10
    xpending s g idle x - + 10
    xpending s g idle 1 - +
    xpending s g - +
    xpending s g x + 10
    xpending s g - + x
    xpending s nogroup
    xpending missing g
    xpending missing g - + 10
    xack s g 1-1
    xack s g 1-1
    xack s g 1-1 1-2 9-9
    xack s g x
    xack s g 1-3 x
    xack s nogroup 1-1
    xack missing g 1-1
    xack s g
    xpending s g
    xgroup createconsumer s g dave
    xgroup createconsumer s g dave
    xgroup createconsumer s nogroup dave
    xgroup createconsumer missing g dave
    xgroup delconsumer s g bob
    xgroup delconsumer s g bob
    xgroup delconsumer s nogroup bob
    xgroup setid s g 0
    xinfo groups s
    xreadgroup group g alice streams s >
    xinfo groups s
    xgroup setid s g $
    xgroup setid s g 1-1 entriesread 1
    xinfo groups s
    xgroup setid s g 1-1 entriesread -2
    xgroup setid s g 1-1 entriesread x
    xgroup setid s g 1-1 foo 1
    xgroup setid s g abc
    xgroup setid s nogroup 0
    xgroup setid missing g 0
    xgroup create s h 1-1 entriesread 1
    xgroup create s i 1-1 entriesread -1
    xgroup create s j abc
    xgroup create s j 0 foo
    xgroup create s j -
    xinfo groups s
    xreadgroup group h x noack streams s >
    xpending s h
    xinfo groups s
    xreadgroup group i x streams s >
    xinfo groups s
    xgroup destroy s h
    xgroup destroy s h
    xgroup destroy missing h
    xgroup create s
    xgroup foo s g
    xgroup
    xgroup help
    xinfo help
    xreadgroup group g alice streams s $
    xreadgroup group nogroup alice streams s >
    xreadgroup group g alice streams missing >
    xreadgroup group g alice streams s
    xreadgroup streams s >
    xreadgroup count 1 block 1 noack streams s >
    xreadgroup group g alice streams s abc
    set str x
    xgroup create str g $
    xgroup destroy str g
    xreadgroup group g alice streams str >
    xack str g 1-1
    xpending str g
    xinfo stream str
    xinfo groups str
    xinfo stream missing
    xinfo groups missing
    xinfo consumers missing g
    xinfo consumers s nogroup
    xinfo foo s
    xinfo stream s bar
    xinfo stream s full count x
    xinfo stream s full 1 2`,
  "deleted entries, lag and entries-read": `
    xadd s 1-1 a 1
    xadd s 1-2 a 2
    xadd s 1-3 a 3
    xadd s 1-4 a 4
    xadd s 1-5 a 5
    xgroup create s g 0
    xgroup create s h 1-2
    xgroup create s i $
    xinfo groups s
    xreadgroup group g c count 1 streams s >
    xinfo groups s
    xdel s 1-4
    xinfo groups s
    xreadgroup group g c count 1 streams s >
    xinfo groups s
    xreadgroup group h c count 1 streams s >
    xinfo groups s
    xdel s 1-1 1-2
    xreadgroup group g c streams s 0
    xreadgroup group g c count 10 streams s >
    xinfo groups s
    xadd s 2-1 b 1
    xinfo groups s
    xreadgroup group g c count 10 streams s >
    xinfo groups s
    xtrim s maxlen 1
    xreadgroup group g c streams s 0
    xpending s g
    xpending s g - + 10
    xack s g 1-2 1-3
    xpending s g - + 10
    xtrim s maxlen 0
    xinfo groups s
    xinfo stream s
    xadd s 3-1 a 1
    xinfo groups s
    xclaim s g d 0 1-1 1-5 2-1
    xpending s g - + 10
    xautoclaim s g d 0 0
    xpending s g - + 10
    xgroup delconsumer s g c
    xgroup delconsumer s g d`,
  "XCLAIM and XAUTOCLAIM": `
    xadd s 1-1 a 1
    xadd s 1-2 a 2
    xadd s 1-3 a 3
    xgroup create s g 0
    xreadgroup group g alice count 2 streams s >
    xclaim s g bob 0 1-1
    xclaim s g bob 0 1-1 justid
    xclaim s g bob 100000 1-2
    xclaim s g bob 0 1-3
    xclaim s g bob 0 1-3 force
    xclaim s g bob 0 1-3 force justid
    xclaim s g bob 0 9-9 force
    xclaim s g bob 0 1-1 retrycount 7
    xclaim s g bob 0 1-1 retrycount 7 justid
    xclaim s g bob 0 1-1 time 1000
    xclaim s g bob 0 1-1 idle 5000
    xclaim s g bob 0 1-1 idle -1
    xclaim s g bob 0 1-1 lastid 1-3
    xinfo groups s
    xclaim s g bob 0 1-1 lastid 9-9
    xinfo groups s
    xclaim s g bob 0 1-1 foo
    xclaim s g bob 0 1-1 idle
    xclaim s g bob 0 1-1 idle x
    xclaim s g bob 0 1-1 time x
    xclaim s g bob 0 1-1 retrycount x
    xclaim s g bob 0 1-1 lastid x
    xclaim s g bob x 1-1
    xclaim s g bob -5 1-1
    xclaim s g bob 0 x
    xclaim s nogroup bob 0 1-1
    xclaim missing g bob 0 1-1
    xclaim s g bob 0
    xpending s g - + 10
    xautoclaim s g carol 0 0
    xautoclaim s g carol 0 0 count 1
    xautoclaim s g carol 0 1-2 count 1
    xautoclaim s g carol 0 (1-2 count 1
    xautoclaim s g carol 0 - justid
    xautoclaim s g carol 0 + justid
    xautoclaim s g carol 100000 0
    xautoclaim s g carol 0 0 count 0
    xautoclaim s g carol 0 0 count x
    xautoclaim s g carol 0 0 foo
    xautoclaim s g carol x 0
    xautoclaim s g carol 0 x
    xautoclaim s nogroup carol 0 0
    xautoclaim missing g carol 0 0
    xdel s 1-2
    xautoclaim s g dave 0 0 count 2
    xautoclaim s g dave 0 0
    xpending s g
    xpending s g - + 10`,
  XSETID: `
    xsetid missing 1-1
    xadd s 1-1 a 1
    xadd s 1-2 a 1
    xsetid s 1-1
    xsetid s 5-0
    xinfo stream s
    xadd s 4-0 a 1
    xsetid s 6-0 entriesadded 10 maxdeletedid 2-0
    xinfo stream s
    xsetid s 6-0 entriesadded 1
    xsetid s 6-0 entriesadded -1
    xsetid s 6-0 entriesadded x
    xsetid s 6-0 maxdeletedid 7-0
    xsetid s 6-0 maxdeletedid x
    xsetid s 6-0 foo 1
    xsetid s x
    xsetid s
    xgroup create s g 0
    xinfo groups s
    xreadgroup group g c count 1 streams s >
    xinfo groups s
    xadd s 6-1 a 1
    xreadgroup group g c streams s >
    xinfo groups s`,
  "XSETID at what was deleted": `
    xadd s 5-0 a 1
    xadd s 9-0 a 1
    xdel s 9-0
    xsetid s 9-0
    xsetid s 9-0 maxdeletedid 6-0
    xinfo stream s
    xsetid s 8-0
    xinfo stream s
    xadd s 8-0 a 1
    xadd s 8-1 a 1
    xsetid s 9-0 entriesadded 1
    xsetid s 9-0 entriesadded 2
    xsetid s 9-0 maxdeletedid 0-0
    xinfo stream s
    xdel s 5-0 8-1
    xsetid s 8-1 entriesadded 0
    xinfo stream s
    xgroup create s g 0
    xinfo groups s`,
  "ids of 64 bits, and the last one": `
    xadd s 18446744073709551616-0 a 1
    xadd s 0-18446744073709551616 a 1
    xadd s 9007199254740993-9007199254740993 a 1
    xadd s 9007199254740993-9007199254740992 a 1
    xadd s 9007199254740993-* a 1
    xrange s 9007199254740993-9007199254740993 9007199254740993-9007199254740993
    xrange s 9007199254740992 9007199254740992
    xrange s (9007199254740993-9007199254740993 +
    xadd s 9223372036854775808-18446744073709551614 a 1
    xadd s 9223372036854775808-* a 1
    xadd s 9223372036854775808-* a 1
    xadd s 9223372036854775808-18446744073709551615 a 1
    xadd s * a 1
    xadd s * a 1
    xread streams s 9223372036854775808-18446744073709551614
    xread streams s 9223372036854775808-18446744073709551615
    xread streams s 9223372036854775809
    xgroup create s g 9007199254740993-9007199254740993
    xreadgroup group g alice count 2 streams s >
    xinfo groups s
    xpending s g
    xpending s g 9223372036854775808-18446744073709551614 + 10
    xpending s g - (9223372036854775808-18446744073709551614 10
    xreadgroup group g alice streams s 9007199254740993-9007199254740993
    xreadgroup group g alice streams s 9223372036854775808-18446744073709551614
    xack s g 9223372036854775808-18446744073709551613
    xack s g 9223372036854775808-18446744073709551614
    xclaim s g bob 0 9007199254740993-9007199254740994 9223372036854775809-0 force
    xclaim s g bob 0 9223372036854775809-1 force justid lastid 18446744073709551615-18446744073709551614
    xautoclaim s g carol 0 9223372036854775808-18446744073709551615 count 1
    xautoclaim s g carol 0 (9223372036854775808-18446744073709551615
    xautoclaim s g carol 0 (18446744073709551615-18446744073709551615
    xinfo groups s
    xgroup setid s g 18446744073709551615-18446744073709551615
    xgroup setid s g 18446744073709551615-18446744073709551616
    xreadgroup group g bob streams s >
    xdel s 9223372036854775808-18446744073709551615 9223372036854775808-18446744073709551613
    xinfo stream s
    xtrim s minid 9223372036854775808-18446744073709551615
    xrange s - +
    xsetid s 9223372036854775808-18446744073709551615
    xsetid s 9223372036854775809-1 maxdeletedid 9223372036854775809-2
    xsetid s 18446744073709551615-18446744073709551613 maxdeletedid 9223372036854775809-2
    xinfo stream s
    xadd s * a 1
    xadd s 18446744073709551615-* minid 9223372036854775809-1 a 1
    xadd s 18446744073709551615-* a 1
    xadd s * a 1
    xadd s 18446744073709551615-18446744073709551615 a 1
    xadd s 5-5 a 1
    xadd s 5 a
    xadd s 0-0 a 1
    xadd s nomkstream * a 1
    xadd s maxlen 1 * a 1
    xlen s
    xrange s - +
    xrevrange s + -
    xrange s (18446744073709551615-18446744073709551614 +
    xrange s (18446744073709551615-18446744073709551615 +
    xrange s - (18446744073709551615-18446744073709551615
    xrange s - (0
    xrange s 18446744073709551615 18446744073709551615
    xread streams s 18446744073709551615-18446744073709551614
    xread streams s 18446744073709551615-18446744073709551615
    xread block 1 streams s $
    xreadgroup group g bob streams s 18446744073709551615-18446744073709551615
    xgroup create s h $
    xreadgroup group h bob streams s >
    xdel s 18446744073709551615-18446744073709551615
    xinfo stream s
    xadd s * a 1
    xadd u +7-+8 a 1
    xadd u 7--9 a 1
    xadd u 7--18446744073709551600 a 1
    xadd u 00000000000000000000000000000008-018446744073709551615 a 1
    xadd u 8-000000000000000000000000000000000000000018446744073709551616 a 1
    xrange u - +`,
  transactions: `
    multi
    ping
    xadd s 1-1 a 1
    xadd s 1-1 a 1
    xrange s - +
    xread streams s $
    xread block 0 streams s $
    get s
    exec
    multi
    multi
    watch k
    exec
    exec
    discard
    multi
    foo
    exec
    multi
    ping a b
    get
    exec
    multi
    set k v
    discard
    get k
    watch k
    set k w
    multi
    get k
    exec
    watch k
    unwatch
    set k x
    multi
    get k
    exec
    watch k
    multi
    get k
    exec
    watch s
    xadd s 2-1 a 1
    multi
    ping
    exec
    watch s
    xlen s
    multi
    ping
    exec
    watch missing
    xadd missing 1-1 a 1
    multi
    ping
    exec
    watch s
    del s
    multi
    ping
    exec
    watch
    multi
    xgroup create t g $ mkstream
    xadd t 1-1 a 1
    xreadgroup group g c streams t >
    xack t g 1-1
    xpending t g
    select 1
    dbsize
    select 0
    echo hi
    exec
    exec
    discard
    multi
    xgroup foo bar
    exec
    multi a
    exec`,
  "connection and server": `
    ping
    ping hello
    ping a b
    echo hi
    echo
    select 0
    select 15
    select 16
    select -1
    select x
    select 0
    client getname
    client setname me
    client getname
    client setname ""
    client getname
    client no-evict on
    client no-evict off
    client no-evict maybe
    client getredir
    client foo
    client reply foo
    client
    client unblock 99999
    client unblock 99999 foo
    client unblock x
    client kill 1.2.3.4:5
    client kill id x
    client kill type foo
    client kill id 99999
    client list type foo
    client list id x
    client list foo
    client trackinginfo
    auth
    auth x
    auth default x
    auth nosuchuser x
    auth a b c
    hello 4
    hello x
    hello 2 foo
    hello 3 setname
    config get save
    config get nosuch
    config set nosuch 1
    config set
    config set a
    config resetstat
    config foo
    command count x
    command getkeys xadd s 1-1 a 1
    command getkeys xreadgroup group g c streams a b > >
    command getkeys get
    command getkeys ping
    command getkeys nosuch
    command getkeys
    command list filterby foo bar
    command info nosuch
    command foo
    command docs nosuch
    time x
    nosuch
    nosuch a b c
    xadd
    publish c
    publish c m
    pubsub channels
    pubsub channels x
    pubsub channels x y
    pubsub numsub
    pubsub numsub a b
    pubsub numpat
    pubsub shardchannels
    pubsub shardnumsub a
    pubsub foo
    pubsub
    spublish a b
    unsubscribe
    punsubscribe
    sunsubscribe
    unsubscribe nothing
    acl whoami`,
};

for (const version of [2, 3] as const) {
  for (const [name, lines] of Object.entries(scripts)) {
    test(`${name}, RESP${version}`, options, async () => {
      await hello(version);
      await sameAll(lines);
    });
  }
}

/** Of entries 1 to 4, as bits. */
const deletions = Array.from({ length: 16 }, (_, set) =>
  [1, 2, 3, 4].filter((id) => (set >> (id - 1)) % 2 === 1).map((id) => `${id}-1`),
);

test(
  "entries-read and lag of groups at each place, whichever entries were deleted, before or after",
  options,
  async () => {
    const ways = [
      (at: number): Word[] => ["xreadgroup", "group", "g", "c", "count", at, "streams", "s", ">"],
      (at: number): Word[] => ["xgroup", "setid", "s", "g", `${at}-1`],
      (at: number): Word[] => ["xgroup", "setid", "s", "g", `${at}-1`, "entriesread", at],
    ];
    const requests: Word[][] = [];
    for (const ids of deletions) {
      for (let at = 0; at <= 4; at++) {
        for (const way of ways) {
          for (const isBefore of [true, false]) {
            const gone = ids.length === 0 ? [] : [["xdel", "s", ...ids]];
            const reads = at === 0 ? [] : [way(at)];
            requests.push(["del", "s"], ["xgroup", "create", "s", "g", 0, "mkstream"]);
            for (let id = 1; id <= 4; id++) requests.push(["xadd", "s", `${id}-1`, "f", "v"]);
            requests.push(...(isBefore ? [...gone, ...reads] : [...reads, ...gone]), [
              "xinfo",
              "groups",
              "s",
            ]);
            // What is read next is counted on from there, or anew.
            requests.push(["xreadgroup", "group", "g", "c", "count", 1, "streams", "s", ">"]);
            requests.push(["xinfo", "groups", "s"], ["xadd", "s", "5-1", "f", "v"], ["xinfo", "groups", "s"]);
          }
        }
      }
    }
    const [mine, theirs] = await Promise.all(
      [us, them].map((client) => Promise.all(client.pipeline(requests))),
    );
    let since = 0;
    for (const [i, words] of requests.entries()) {
      if (words[0] === "del") since = i;
      if (masked(words, mine![i]!) === masked(words, theirs![i]!)) continue;
      const done = requests.slice(since, i + 1).map((each) => each.join(" "));
      assert.equal(mine![i], theirs![i], done.join("; "));
    }
  },
);

test("subscribing in RESP2 leaves few commands", options, async () => {
  await hello(2);
  await sameAll(`
    subscribe a
    subscribe a
    psubscribe p*
    ping
    ping x
    get k
    xadd s 1-1 a 1
    multi
    publish a b
    nosuch
    ssubscribe sh
    unsubscribe a
    punsubscribe nosuch
    punsubscribe
    sunsubscribe sh
    get k
    reset
    ping`);
});

const stream = fc.constantFrom("s", "t");
/** Few numbers, so that commands meet: small ones, or those around the places where numbers of some kind end. */
const small = fc.integer({ min: 0, max: 12 }).map(String);
const edge = fc
  .tuple(
    fc.constantFrom(1n << 32n, 1n << 53n, 1n << 63n, (1n << 64n) - 1n),
    fc.constantFrom(-2n, -1n, 0n, 1n, 2n),
  )
  .map(([place, shift]) => String(place + shift));
const ms = fc.oneof({ weight: 4, arbitrary: small }, { weight: 3, arbitrary: edge });
const sequence = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 3 }).map(String) },
  { weight: 3, arbitrary: edge },
);
const id = fc.tuple(ms, sequence).map(([a, b]) => `${a}-${b}`);
const anyId = fc.oneof({ weight: 5, arbitrary: id }, { weight: 1, arbitrary: ms });
const rangeEnd = fc.oneof(
  anyId,
  fc.constantFrom("-", "+"),
  anyId.map((text) => `(${text}`),
);
const group = fc.constantFrom("g", "h");
const consumer = fc.constantFrom("alice", "bob");
const count = fc.integer({ min: 0, max: 5 });
const words = (...parts: (string | number | fc.Arbitrary<Word>)[]): fc.Arbitrary<Word[]> =>
  fc.tuple(...parts.map((part) => (typeof part === "object" ? part : fc.constant<Word>(part))));

const command: fc.Arbitrary<Word[]> = fc.oneof(
  { weight: 6, arbitrary: words("xadd", stream, anyId, "f", fc.string({ maxLength: 4 })) },
  {
    weight: 4,
    arbitrary: words(
      "xadd",
      stream,
      ms.map((part) => `${part}-*`),
      "f",
      "v",
      "g",
      "w",
    ),
  },
  { weight: 1, arbitrary: words("xadd", stream, "maxlen", count, anyId, "f", "v") },
  { weight: 1, arbitrary: words("xadd", stream, "minid", anyId, anyId, "f", "v") },
  { weight: 1, arbitrary: words("xtrim", stream, "maxlen", count) },
  { weight: 1, arbitrary: words("xtrim", stream, "minid", anyId) },
  { weight: 2, arbitrary: words("xdel", stream, anyId, anyId) },
  { weight: 1, arbitrary: words("xrange", stream, rangeEnd, rangeEnd) },
  { weight: 1, arbitrary: words("xrange", stream, rangeEnd, rangeEnd, "count", count) },
  { weight: 1, arbitrary: words("xrevrange", stream, rangeEnd, rangeEnd, "count", count) },
  { weight: 1, arbitrary: words("xread", "count", count, "streams", stream, stream, anyId, anyId) },
  { weight: 1, arbitrary: words("xlen", stream) },
  { weight: 2, arbitrary: words("xinfo", "stream", stream) },
  {
    weight: 3,
    arbitrary: words("xgroup", "create", stream, group, fc.oneof(anyId, fc.constant("$")), "mkstream"),
  },
  { weight: 1, arbitrary: words("xgroup", "setid", stream, group, fc.oneof(anyId, fc.constant("$"))) },
  { weight: 1, arbitrary: words("xgroup", "setid", stream, group, anyId, "entriesread", count) },
  { weight: 1, arbitrary: words("xgroup", fc.constantFrom("destroy"), stream, group) },
  { weight: 1, arbitrary: words("xgroup", "delconsumer", stream, group, consumer) },
  {
    weight: 6,
    arbitrary: words("xreadgroup", "group", group, consumer, "count", count, "streams", stream, ">"),
  },
  { weight: 1, arbitrary: words("xreadgroup", "group", group, consumer, "noack", "streams", stream, ">") },
  {
    weight: 2,
    arbitrary: words("xreadgroup", "group", group, consumer, "count", count, "streams", stream, anyId),
  },
  { weight: 3, arbitrary: words("xack", stream, group, anyId, anyId) },
  { weight: 2, arbitrary: words("xpending", stream, group) },
  { weight: 2, arbitrary: words("xpending", stream, group, rangeEnd, rangeEnd, count) },
  { weight: 1, arbitrary: words("xpending", stream, group, "-", "+", count, consumer) },
  { weight: 2, arbitrary: words("xclaim", stream, group, consumer, 0, anyId, anyId) },
  { weight: 1, arbitrary: words("xclaim", stream, group, consumer, 0, anyId, "force", "retrycount", count) },
  { weight: 1, arbitrary: words("xclaim", stream, group, consumer, 0, anyId, "justid", "lastid", anyId) },
  { weight: 2, arbitrary: words("xautoclaim", stream, group, consumer, 0, rangeEnd, "count", count) },
  { weight: 3, arbitrary: words("xinfo", "groups", stream) },
  // XSETID is compared above: it refuses ids as redis 7.2 does, so the streams of both sides would no longer be the same.
  { weight: 1, arbitrary: words("del", stream) },
  { weight: 1, arbitrary: words(fc.constantFrom("multi", "exec", "discard", "unwatch")) },
  { weight: 1, arbitrary: words("watch", stream) },
);

for (const version of [2, 3] as const) {
  test(`random runs, RESP${version}`, options, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 30, maxLength: 80 }), async (commands) => {
        await Promise.all([us.call("discard"), them.call("discard")]);
        await hello(version);
        for (const one of commands) await same(...one);
      }),
      { numRuns: 80 },
    );
  });
}

test("several thousand replies were compared", options, () => assert.ok(compared > 2000, `${compared}`));
