/**
 * What happens to a command between its request and its reply: its client goes, its user loses a right, memory runs out, the journal's
 * cleaner has work. In slices, while it waits for keys, while clients are paused, while it is blocked.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { limits } from "../../../../src/base/limits.ts";
import { ask, OurSide } from "./sides.ts";
import { wordsOf } from "./trial.ts";

const { turnWorkUnits, turnWorkSliceUnits } = limits;
before(() => Object.assign(limits, { turnWorkUnits: 100, turnWorkSliceUnits: 100 }));
// On Bun all files run in one process.
after(() => Object.assign(limits, { turnWorkUnits, turnWorkSliceUnits }));

const size = 1100;
const members = Array.from({ length: size }, (_, i) => `m${i}`);
const holder = ["unlink", ...Array.from({ length: size }, (_, i) => `gone${i}`)];

async function filled(): Promise<OurSide> {
  const side = await OurSide.open();
  // A pause of all clients does not hold it back.
  await side.call("monitor", "monitor");
  await side.call("other", "rpush", "list", ...members.map((_, i) => `${"x".repeat(600)}${i % 2}`));
  await side.call("other", "sadd", "set", ...members);
  return side;
}

async function text(side: OurSide, line: string): Promise<string> {
  return ask(side, "other", ...wordsOf(line));
}

/** How the command is kept from its end, and what is true then. */
const states: Record<string, (side: OurSide, command: string) => Promise<void>> = {
  "in slices": async (side, command) => {
    side.send("caller", ...wordsOf(command));
    await side.turn();
    assert.ok(side.server.claims.isAny, "it goes on");
  },
  "waiting for keys": async (side, command) => {
    side.send("broadcast", ...holder);
    await side.turn();
    side.send("caller", ...wordsOf(command));
    assert.equal(side.server.claims.waitingCount, 1);
  },
  "behind the cleaner": async (side, command) => {
    side.cleanerFirst(true);
    side.send("caller", ...wordsOf(command));
    await side.turn();
    if (command.startsWith("lrem")) assert.equal(side.server.keyspace.cleanerTurns.waitingCount, 1);
  },
  "in a suspended script": async (side, command) => {
    side.suspendScripts(true);
    const words = wordsOf(command);
    side.send("caller", "eval", "for i = 1, 1e6 do end return redis.call(unpack(ARGV))", 0, ...words);
    assert.ok(side.server.busyScript !== null);
  },
  "held by a pause": async (side, command) => {
    await side.call("monitor", "client", "pause", 100_000, "all");
    side.send("caller", ...wordsOf(command));
    assert.equal(side.server.pause.waitingCount, 1);
  },
};

/** Nothing is left that others would wait for: while a long command holds another key, these are changed at once. */
async function assertFree(side: OurSide): Promise<void> {
  assert.equal(side.server.claims.isAny, false);
  await side.call("other", "rpush", "elsewhere", ...members.map(() => "x".repeat(600)));
  side.take("other");
  side.send("broadcast", ...wordsOf("lrem elsewhere 0 nothing"));
  await side.turn();
  assert.ok(side.server.claims.isAny, "it is short");
  for (const key of ["list", "set"]) side.send("other", "expire", key, 1000);
  assert.equal(side.server.claims.waitingCount, 0, "somebody waits for keys that are free");
  await side.settle();
  assert.equal(side.take("other").join(""), ":1\r\n:1\r\n");
  assert.equal(side.server.claims.isAny, false);
}

async function goOn(side: OurSide): Promise<void> {
  await side.settle();
  side.server.pause.end();
  side.cleanerFirst(false);
  await side.settle();
}

for (const [name, enter] of Object.entries(states)) {
  test(`the client goes while its command is ${name}: what has begun to change is done, nothing else is`, async () => {
    for (const command of [`lrem list 0 ${"x".repeat(600)}1`, "smembers set"]) {
      const side = await filled();
      await enter(side, command);
      await side.close("caller");
      await goOn(side);
      const isDone = command.startsWith("lrem") && name === "in slices";
      assert.equal(await text(side, "llen list"), isDone ? ":550\r\n" : ":1100\r\n", command);
      await assertFree(side);
      assert.deepEqual(side.rig.errors, []);
    }
  });

  test(`the user loses the command while it is ${name}: it counts for what has not begun`, async () => {
    const side = await filled();
    await side.call("other", "acl", "setuser", "u", "on", "nopass", "~*", "+@all");
    await side.call("caller", "auth", "u", "p");
    await enter(side, `lrem list 0 ${"x".repeat(600)}1`);
    await side.call("monitor", "acl", "setuser", "u", "-lrem");
    await goOn(side);
    const reply = side.take("caller").join("");
    // While a script is suspended nobody changes rights.
    const hasBegun = name !== "waiting for keys" && name !== "held by a pause";
    if (hasBegun) assert.equal(reply, ":550\r\n");
    else assert.match(reply, /-NOPERM /);
    assert.equal(await text(side, "llen list"), hasBegun ? ":550\r\n" : ":1100\r\n");
    await assertFree(side);
  });
}

test("a user loses the command that is blocked, and is told so", async () => {
  const side = await filled();
  await side.call("other", "acl", "setuser", "u", "on", "nopass", "~*", "+@all");
  await side.call("caller", "auth", "u", "p");
  side.send("caller", "blpop", "missing", 0);
  await side.settle();
  await side.call("other", "acl", "setuser", "u", "-blpop");
  await side.settle();
  assert.match(side.take("caller").join(""), /^-NOPERM /);
  assert.equal(side.server.blocking.clientCount, 0);
});

test("timers of XREADGROUP CLAIM end with the wait", async () => {
  const side = await OurSide.open();
  let timers = 0;
  const { time } = side.rig;
  const setTimer = time.after.bind(time);
  time.after = (delayMs, action) => {
    timers++;
    let isOver = false;
    const end = (): void => {
      if (!isOver) timers--;
      isOver = true;
    };
    const timer = setTimer(delayMs, () => {
      end();
      action();
    });
    return {
      cancel: () => {
        end();
        timer.cancel();
      },
    };
  };
  await text(side, "xgroup create log g 0 mkstream");
  const usual = timers;
  for (let i = 0; i < 3; i++) {
    side.send("caller", ...wordsOf("xreadgroup group g c block 0 claim 50000 streams log >"));
    await side.settle();
    assert.equal(timers, usual + 1);
    await side.close("caller");
    await side.settle();
    assert.equal(timers, usual, "the client has gone");
  }
});

test("an expiry that lies ahead when the command begins is not over within it", async () => {
  const side = await OurSide.open();
  const { time } = side.rig;
  await text(side, "hset h f v g w");
  await text(side, "set k v");
  const start = time.now();
  let reads = 0;
  // Time goes on with every look at it.
  time.now = () => start + reads++;
  assert.equal(await text(side, "hpexpire h 1 fields 1 f"), "*1\r\n:1\r\n");
  assert.equal(await text(side, "hgetex h px 1 fields 1 g"), "*1\r\n$1\r\nw\r\n");
  side.send("subscriber", "psubscribe", "__keyevent*");
  await text(side, "config set notify-keyspace-events KEA");
  await side.settle();
  side.take("subscriber");
  await text(side, "set k v");
  await text(side, "pexpire k 1");
  assert.match(side.take("subscriber").join(""), /:expire\r\n/);
});

test("where commands hold all keys that could be evicted, eviction ends and more data is refused", async () => {
  const side = await filled();
  for (let i = 0; i < 20; i++) await text(side, `set k${i} v`);
  await text(side, "config set maxmemory-policy allkeys-random");
  await text(side, "select 1");
  for (const policy of ["allkeys-random", "allkeys-lru", "allkeys-lfu"]) {
    await text(side, `config set maxmemory 0 maxmemory-policy ${policy}`);
    // All of database 0, in which are all keys.
    side.send("broadcast", "unlink", ...Array.from({ length: 20 * size }, (_, i) => `gone${i}`));
    await side.turn();
    assert.ok(side.server.claims.holds(0, "k1"));
    side.server.keyspace.eviction.bytesMax = 1;
    let reply = "";
    for (let i = 0; i < 20 && !reply.startsWith("-OOM"); i++) {
      side.send("other", "set", "x", 1);
      await side.turn();
      reply = side.take("other").join("");
    }
    assert.match(reply, /^-OOM /, policy);
    const waiting = side.rig.broker.work.waitingCount;
    assert.ok(waiting <= 2, "the command, and eviction at most");
    side.server.keyspace.eviction.bytesMax = 1e9;
    await side.settle();
    assert.equal(await text(side, "set x 1"), "+OK\r\n", policy);
    await text(side, "del x");
  }
});

test("the cleaner has its turns between commands whose changes are kept back", async () => {
  const side = await filled();
  const { keyspace } = side.server;
  const { cleanerTurns } = keyspace;
  const lrem = wordsOf("lrem list 0 nothing");
  let refused = 0;
  side.send("caller", ...lrem);
  await side.turn();
  while (!cleanerTurns.isCleanersTurn) {
    assert.ok(keyspace.rewriteBelow(0), "it has to ask again");
    assert.ok(++refused < 1000, "the cleaner is refused for ever");
  }
  // The one that is at work ends, and the next one waits for the cleaner.
  side.send("other", ...lrem);
  await side.settle();
  assert.equal(side.take("caller").join(""), ":0\r\n");
  assert.equal(side.take("other").join(""), "");
  assert.equal(cleanerTurns.waitingCount, 1);
  assert.ok(!keyspace.rewriteBelow(0), "there is nothing to write again");
  await side.settle();
  assert.equal(side.take("other").join(""), ":0\r\n");
  assert.equal(cleanerTurns.waitingCount, 0);
});

test("a command waits for a cleaner that does not come for a bounded time, and not at all once its client has gone", async () => {
  const side = await filled();
  await text(side, "copy list list2");
  const { keyspace } = side.server;
  const lrem = wordsOf("lrem list 0 nothing");
  side.send("caller", ...lrem);
  await side.turn();
  for (let i = 0; i < 1000 && !keyspace.cleanerTurns.isCleanersTurn; i++) keyspace.rewriteBelow(0);
  await side.settle();
  side.send("other", ...lrem);
  side.send("reader", ...wordsOf("lrem list2 0 nothing"));
  await side.settle();
  assert.equal(keyspace.cleanerTurns.waitingCount, 2);
  await side.close("reader");
  assert.equal(keyspace.cleanerTurns.waitingCount, 1);
  side.rig.time.advance(limits.cleanerTurnsMsMax + 1);
  await side.settle();
  assert.equal(side.take("other").join(""), ":0\r\n");
  assert.equal(side.server.claims.isAny, false);
});

test("the bound of a second XADD with DELREF holds though a first one is still trimming", async () => {
  const side = await OurSide.open();
  for (let i = 1; i <= 300; i++) await text(side, `xadd log ${i}-0 f v`);
  await text(side, "xgroup create log g 0");
  await text(side, "xreadgroup group g c streams log >");
  side.send("caller", ...wordsOf("xadd log maxlen = 100 delref 301-0 f v"));
  side.send("caller", ...wordsOf("xadd log maxlen = 20 delref 302-0 f v"));
  side.send("caller", ...wordsOf("xadd log maxlen = 60 delref 303-0 f v"));
  await side.settle();
  assert.equal(await text(side, "xlen log"), ":20\r\n");
});

test("a trim that failed amid its turns keeps no later one from trimming", async () => {
  for (const references of ["delref", "acked"]) {
    const side = await OurSide.open();
    for (let i = 1; i <= 300; i++) await text(side, `xadd log ${i}-0 f v`);
    await text(side, "xgroup create log g 0");
    await text(side, `xreadgroup group g c ${references === "acked" ? "noack " : ""}streams log >`);
    const { log } = side.rig.broker.defaultVhost.queue("log");
    side.send("caller", ...wordsOf(`xadd log maxlen = 10 ${references} 301-0 f v`));
    await side.turn();
    const { removed } = log;
    assert.ok(log.length > 10, "it goes on");
    // What it looks at cannot be read.
    const has = removed.has.bind(removed);
    let failures = 0;
    removed.has = () => {
      removed.has = has;
      failures++;
      throw new Error("cannot be read");
    };
    await side.settle();
    assert.equal(failures, 1);
    removed.has = has;
    assert.equal(await text(side, "xlen log"), `:${log.length}\r\n`);
    assert.ok(log.length > 10, "it has failed");
    await text(side, `xadd log maxlen = 20 ${references} 302-0 f v`);
    assert.equal(await text(side, "xlen log"), ":20\r\n", references);
  }
});
