/**
 * A command, a transaction and a script are one moment, suspended or not: what was there when they began is there to the end, what they change
 * they change as their client, and nothing goes by itself meanwhile. By a clock that goes on with each look at it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DialEvents } from "../../../src/base/connection.ts";
import type { RedisSession } from "../../../src/protocols/redis/session.ts";
import { type Peer, Rig } from "../../../fuzz/rig.ts";
import { requestOf } from "../../support/raw-redis.ts";

/** So much work that a script which is no quicker than a millisecond is suspended, at a clock that goes on. */
const longLoop = "for i = 1, 3000000 do n = n + 1 end ";
const shortLoop = "for i = 1, 100 do redis.call('TIME') end ";

class Asking {
  readonly rig: Rig;
  readonly peer: Peer;

  constructor(rig: Rig) {
    this.rig = rig;
    this.peer = rig.connect("redis");
  }

  static async open(): Promise<Asking> {
    const rig = await Rig.open();
    const { time } = rig;
    const now = time.now.bind(time);
    const monotonic = time.monotonic.bind(time);
    let passed = 0;
    time.now = () => now() + ++passed;
    time.monotonic = () => monotonic() + ++passed;
    return new Asking(rig);
  }

  send(...words: readonly (string | number)[]): void {
    this.peer.send(requestOf(words.map(String)));
  }

  ask(...words: readonly (string | number)[]): string {
    this.send(...words);
    return this.settled();
  }

  settled(): string {
    const { time } = this.rig;
    for (let i = 0; i < 100_000 && time.hasTickEnd; i++) time.endTick();
    return this.peer.take().latin1Slice();
  }

  /** Runs the script, suspended in between. */
  runSuspended(...words: readonly (string | number)[]): void {
    this.ask("CONFIG", "SET", "lua-time-limit", 1);
    this.send(...words);
    const other = new Asking(this.rig);
    other.send("PING");
    this.rig.time.endTick();
    assert.match(other.peer.take().latin1Slice(), /^-BUSY/);
  }
}

const looks: readonly (readonly [
  make: readonly string[][],
  look: readonly string[],
  there: string,
  gone: string,
])[] = [
  [[["SET", "k", "v", "PX", "5"]], ["GET", "k"], "$1\r\nv\r\n", "$-1\r\n"],
  [
    [
      ["HSET", "k", "f", "v", "g", "v"],
      ["HPEXPIRE", "k", "5", "FIELDS", "1", "f"],
    ],
    ["HGET", "k", "f"],
    "$1\r\nv\r\n",
    "$-1\r\n",
  ],
  [
    [
      ["XADD", "k", "1-1", "f", "v"],
      ["PEXPIRE", "k", "5"],
    ],
    ["XLEN", "k"],
    ":1\r\n",
    ":0\r\n",
  ],
];

const lua = (words: readonly string[]): string => `redis.call(${words.map((word) => `'${word}'`).join()})`;

for (const [make, look, there, gone] of looks) {
  test(`${make.at(-1)!.join(" ")} and time passing, in one moment: ${look.join(" ")} finds it`, async () => {
    const made = make.map((words) => `${lua(words)} `).join("");
    for (const way of ["script", "suspended script", "MULTI"]) {
      const asking = await Asking.open();
      if (way === "script")
        assert.equal(asking.ask("EVAL", `${made}${shortLoop}return ${lua(look)}`, 1, "k"), there, way);
      else if (way === "suspended script") {
        for (const words of make) asking.ask(...words.map((word) => (word === "5" ? "60" : word)));
        asking.runSuspended("EVAL", `local n = 0 ${longLoop}return ${lua(look)}`, 1, "k");
        asking.rig.time.advance(200);
        assert.equal(asking.settled(), there, way);
      } else {
        asking.ask("MULTI");
        for (const words of make) asking.ask(...words);
        for (let i = 0; i < 20; i++) asking.ask("TIME");
        asking.ask(...look);
        assert.ok(asking.ask("EXEC").endsWith(there), way);
      }
      asking.rig.time.advance(200);
      assert.equal(asking.ask(...look), gone, `${way}, afterwards`);
    }
  });
}

test("a command that looks at a key many times finds it each time", async () => {
  const asking = await Asking.open();
  for (let at = 1; at < 8; at++) {
    asking.ask("SET", "k", "v", "PX", at);
    assert.match(asking.ask("EXISTS", ...Array.from({ length: 9 }, () => "k")), /^:[09]\r\n$/);
  }
});

test("while a script is suspended nothing goes by itself: no key that is due, no field, no stream, none to make room", async () => {
  const asking = await Asking.open();
  const { time } = asking.rig;
  asking.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-random");
  for (let i = 0; i < 3000; i++) asking.ask("SET", `k${i}`, "x".repeat(200));
  for (let i = 0; i < 50; i++) asking.ask("SET", `due${i}`, "v", "PX", 1000);
  asking.ask("HSET", "h", ...Array.from({ length: 200 }, (_, i) => [`f${i}`, "v"]).flat());
  asking.ask("HPEXPIRE", "h", 1000, "FIELDS", 2, "f1", "f2");
  asking.ask("XADD", "s", "1-1", "f", "v");
  asking.ask("PEXPIRE", "s", 1000);
  asking.ask("CONFIG", "SET", "lua-time-limit", 1);
  asking.send("CONFIG", "SET", "maxmemory", 600_000);
  const look = "redis.call('DBSIZE'), redis.call('HLEN', 'h'), redis.call('XLEN', 's')";
  asking.runSuspended("EVAL", `local n = 0 local a = {${look}} ${longLoop}return {a, {${look}}}`, 0);
  asking.peer.take();
  for (let i = 0; i < 30; i++) {
    time.advance(100);
    time.endTick();
  }
  const [, ...both] = asking.settled().split("*3\r\n");
  assert.equal(both.length, 2);
  assert.equal(both[0], both[1]);
  assert.match(both[0]!, /:200\r\n:1\r\n$/);
  time.advance(1000);
  assert.equal(asking.ask("XLEN", "s"), ":0\r\n");
});

test("what a suspended script changes its client has changed: NOLOOP", async () => {
  const asking = await Asking.open();
  asking.ask("HELLO", 3);
  asking.ask("CLIENT", "TRACKING", "ON", "NOLOOP");
  asking.ask("SET", "k", 0);
  asking.ask("GET", "k");
  asking.runSuspended("EVAL", `local n = 0 ${longLoop}redis.call('SET', KEYS[1], 1) return 'done'`, 1, "k");
  assert.equal(asking.settled(), "$4\r\ndone\r\n");
});

test("what MIGRATE deletes its client has deleted: NOLOOP", async () => {
  const asking = await Asking.open();
  const { server } = (asking.peer.connection.session as RedisSession).context;
  let events: DialEvents | null = null;
  server.dial = (_address, given) => {
    events = given;
    return { unsentBytes: 0, write: () => {}, destroy: () => {} };
  };
  asking.ask("HELLO", 3);
  asking.ask("CLIENT", "TRACKING", "ON", "NOLOOP");
  asking.ask("SET", "k", "v");
  asking.ask("GET", "k");
  asking.ask("MIGRATE", "127.0.0.1", 1, "k", 0, 1_000_000);
  events!.opened();
  asking.settled();
  events!.received(Buffer.from("+OK\r\n+OK\r\n"));
  assert.equal(asking.settled(), "+OK\r\n");
  assert.equal(asking.ask("GET", "k"), "_\r\n");
});

test("a suspended script that only reads removes nothing that is due while writers are paused", async () => {
  const asking = await Asking.open();
  asking.ask("SET", "k", "v", "PX", 100);
  asking.ask("CONFIG", "SET", "lua-time-limit", 1);
  asking.ask("CLIENT", "PAUSE", 1_000_000, "WRITE");
  asking.rig.time.advance(200);
  asking.runSuspended("EVAL_RO", `local n = 0 ${longLoop}return redis.call('GET', KEYS[1])`, 1, "k");
  assert.equal(asking.settled(), "$-1\r\n");
  assert.match(asking.ask("INFO", "stats"), /expired_keys:0/);
});
