/**
 * Sorted sets of many members: what takes long goes on in slices, between which others are served; what is stored appears at once; and
 * nothing is left of what a client that is gone had begun, or is done to another value.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { limits } from "../../../src/base/limits.ts";
import { type Peer, Rig } from "../../../fuzz/rig.ts";
import type { Keyspace } from "../../../src/keyspace/keyspace.ts";
import type { RedisSession } from "../../../src/protocols/redis/session.ts";

function words(...parts: (string | number)[]): Buffer {
  const bulks = parts.map((part) => `$${Buffer.byteLength(String(part))}\r\n${part}\r\n`);
  return Buffer.from(`*${parts.length}\r\n${bulks.join("")}`);
}

const size = 5000;
/** A turn has little room here, so that 5,000 members take several. */
const { turnWorkUnits, turnWorkSliceUnits } = limits;
before(() => Object.assign(limits, { turnWorkUnits: 600, turnWorkSliceUnits: 300 }));
// On Bun all files run in one process.
after(() => Object.assign(limits, { turnWorkUnits, turnWorkSliceUnits }));

class SortedSets {
  readonly rig: Rig;
  readonly client: Peer;
  readonly other: Peer;
  readonly keyspace: Keyspace;

  private constructor(rig: Rig) {
    this.rig = rig;
    this.client = rig.connect("redis");
    this.other = rig.connect("redis");
    this.keyspace = (this.client.connection.session as RedisSession).context.server.keyspace;
  }

  /** `z` and `y` have `m0` to `m4999` with scores 0 to 4,999; `few` five of them. */
  static async open(): Promise<SortedSets> {
    const sets = new SortedSets(await Rig.open());
    for (const name of ["z", "y"])
      for (let n = 0; n < size; n += 1000)
        sets.ask("ZADD", name, ...Array.from({ length: 1000 }, (_, i) => [n + i, `m${n + i}`]).flat());
    sets.ask("ZADD", "few", 1, "m1", 2, "m2", 3, "m3", 4, "m4", 5, "m4999");
    return sets;
  }

  ask(...command: (string | number)[]): string {
    this.rig.settle();
    this.other.take();
    this.other.send(words(...command));
    this.rig.settle();
    return this.other.take().toString("latin1");
  }

  /** In this turn; nothing else goes on. */
  now(...command: (string | number)[]): void {
    this.other.send(words(...command));
  }

  /** Sends a command, and has one turn after the other with `between` after each. */
  slowly(
    command: (string | number)[],
    between: (turn: number) => void = () => {},
  ): { reply: string; turns: number } {
    this.client.send(words(...command));
    let turns = 0;
    for (; this.client.connection.isAtWork; turns++) {
      assert.ok(turns < 2000);
      between(turns);
      this.rig.time.endTick();
    }
    this.rig.settle();
    return { reply: this.client.take().toString("latin1"), turns };
  }

  /** Nothing is being made or read any more. */
  assertClear(): void {
    this.rig.settle();
    assert.equal(this.keyspace.scratch.size, 0);
    assert.equal(this.keyspace.aside.table.count, 0);
    assert.equal(this.keyspace.aside.values.count, 0);
  }
}

const long: (string | number)[][] = [
  ["ZRANGE", "z", 0, -1],
  ["ZRANGEBYSCORE", "z", "-inf", "+inf", "WITHSCORES"],
  ["ZREVRANGE", "z", 0, -1],
  ["ZRANGESTORE", "to", "z", 0, -1],
  ["ZUNION", 2, "z", "y"],
  ["ZINTER", 2, "z", "y", "WITHSCORES"],
  ["ZDIFF", 2, "z", "few"],
  ["ZUNIONSTORE", "to", 2, "z", "y"],
  ["ZINTERSTORE", "to", 2, "z", "y"],
  ["ZDIFFSTORE", "to", 2, "z", "few"],
  ["ZINTERCARD", 2, "z", "y"],
  ["ZRANDMEMBER", "z", 4000],
  ["ZRANDMEMBER", "z", -4000],
  ["ZPOPMIN", "z", 3000],
  ["ZPOPMAX", "z", 3000],
  ["ZMPOP", 2, "nokey", "z", "MIN", "COUNT", 3000],
  ["BZMPOP", 0, 1, "z", "MAX", "COUNT", 3000],
  ["ZREMRANGEBYRANK", "z", 0, 2999],
  ["ZREMRANGEBYSCORE", "z", 1000, "(4000"],
  ["ZSCAN", "z", 0, "COUNT", 100_000],
  ["SORT", "z", "BY", "nosort"],
  ["SORT", "z", "ALPHA", "STORE", "to"],
];

for (const command of long) {
  const shown = command.join(" ");

  test(`${shown} takes several turns; what comes between is answered, and the reply is whole`, async () => {
    const sets = await SortedSets.open();
    const whole = await SortedSets.open();
    whole.ask("MULTI");
    whole.ask(...command);
    const wanted = whole.ask("EXEC").slice("*1\r\n".length);
    let answered = 0;
    const { reply, turns } = sets.slowly(command, (turn) => {
      // What came of the turn before.
      if (sets.other.take().toString().endsWith("$1\r\n1\r\n")) answered++;
      if (turn === 0) sets.now("SET", "elsewhere", "v");
      sets.now("ZSCORE", "few", "m1");
    });
    assert.ok(turns >= 2, `${turns} turns`);
    assert.ok(answered >= turns - 2, `${answered} answers in ${turns} turns`);
    if (command[0] === "ZRANDMEMBER") assert.equal(reply.length > 4000 * 6, true);
    else assert.equal(reply, wanted);
    const names = reply.match(/m\d+/g) ?? [];
    if (command[2] !== -4000) assert.equal(new Set(names).size, names.length, "each member once");
    for (const key of ["z", "to"])
      assert.equal(
        sets.ask("ZRANGE", key, 0, -1, "WITHSCORES"),
        whole.ask("ZRANGE", key, 0, -1, "WITHSCORES"),
      );
    sets.assertClear();
  });

  test(`${shown} of a client that goes leaves nothing behind`, async () => {
    const sets = await SortedSets.open();
    sets.client.send(words(...command));
    sets.rig.time.endTick();
    assert.ok(sets.client.connection.isAtWork);
    sets.client.connection.destroy();
    sets.assertClear();
    assert.equal(sets.ask("EXISTS", "to"), ":0\r\n");
    assert.equal(sets.ask("ZCARD", "y"), `:${size}\r\n`);
  });

  for (const [what, ...changes] of [
    ["goes", ["DEL", "z"]],
    ["is replaced", ["ZUNIONSTORE", "z", 1, "few"], ["SET", "mark", "v"]],
    ["is in another database", ["SWAPDB", 0, 1], ["ZADD", "z", 1, "new"]],
    ["becomes a string", ["SET", "z", "v"]],
    ["is emptied with all others", ["FLUSHALL"]],
  ] as [string, ...(string | number)[][]][])
    test(`${shown} ends where its sorted set ${what}`, async () => {
      for (const at of [0, 1]) {
        const sets = await SortedSets.open();
        const { turns } = sets.slowly(command, (turn) => {
          if (turn === at) for (const change of changes) sets.now(...change);
        });
        assert.ok(turns >= 1);
        sets.assertClear();
        if (what === "is replaced") assert.match(sets.ask("ZCARD", "z"), /^:[0-5]\r\n$/);
        if (what === "is in another database") {
          assert.equal(sets.ask("ZRANGE", "z", 0, -1), "*1\r\n$3\r\nnew\r\n");
          sets.ask("SELECT", 1);
          assert.match(sets.ask("ZCARD", "y"), new RegExp(`^:${size}\r\n$`));
        }
        if (what === "becomes a string") assert.equal(sets.ask("GET", "z"), "$1\r\nv\r\n");
      }
    });
}

test("a job that begins in a later turn has the set as it was", async () => {
  const sets = await SortedSets.open();
  const busy = sets.rig.connect("redis");
  // This turn has nothing left.
  busy.send(words("ZRANGE", "y", 0, -1));
  sets.client.send(words("ZREMRANGEBYSCORE", "z", 0, 2999));
  sets.now("ZREMRANGEBYRANK", "z", 0, 99);
  sets.now("ZADD", "z", 4500, "m4500");
  for (let turns = 0; sets.client.connection.isAtWork; turns++) {
    assert.ok(turns < 2000);
    sets.rig.time.endTick();
  }
  sets.rig.settle();
  assert.equal(sets.client.take().toString(), ":3000\r\n");
  // Ranks as they are behind that.
  assert.match(sets.ask("ZRANGE", "z", 0, 0), /m3100/);
  assert.equal(sets.ask("ZCARD", "z"), ":1900\r\n");
});
