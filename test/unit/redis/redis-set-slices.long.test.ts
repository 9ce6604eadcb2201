/**
 * Sets of many members: what takes long goes on in slices, between which others are served; what is stored appears at once; and
 * nothing is left of what a client that is gone had begun.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Peer, Rig } from "../../../fuzz/rig.ts";
import type { Keyspace } from "../../../src/keyspace/keyspace.ts";
import type { RedisSession } from "../../../src/protocols/redis/session.ts";

function words(...parts: (string | number)[]): Buffer {
  const bulks = parts.map((part) => `$${Buffer.byteLength(String(part))}\r\n${part}\r\n`);
  return Buffer.from(`*${parts.length}\r\n${bulks.join("")}`);
}

const size = 30_000;
/** What is 0.2 units of work for each member takes several turns. */
const largeSize = 120_000;

class Sets {
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

  /** `a` has integers from 0 on, 30,000 or `count`, `b` 15,000 to 44,999, `few` 5 and 20,000 and `x`. */
  static async open(count = size): Promise<Sets> {
    const sets = new Sets(await Rig.open());
    for (const [name, from, to] of [
      ["a", 0, count],
      ["b", size / 2, size * 1.5],
    ] as const) {
      for (let n = from; n < to; n += 1000)
        sets.ask("SADD", name, ...Array.from({ length: 1000 }, (_, i) => n + i));
    }
    sets.ask("SADD", "few", 5, 20_000, "x");
    return sets;
  }

  /** Another client's reply, in this turn. */
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

  /** Sends a command, and has one turn after the other with `between` after each. Returns the reply and how many turns there were. */
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
    assert.deepEqual(this.rig.errors, []);
  }
}

function membersOf(reply: string): string[] {
  const lines = reply.split("\r\n");
  const members = lines.filter((_, i) => i > 0 && lines[i - 1]!.startsWith("$"));
  assert.equal(Number(lines[0]!.slice(1)), members.length, lines[0]!);
  return members;
}

function span(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => String(from + i));
}

function assertSame(found: string[], wanted: string[]): void {
  assert.deepEqual(found.toSorted(), wanted.toSorted());
}

const operations: readonly (readonly [name: string, keys: string[], result: string[]])[] = [
  ["UNION", ["a", "b", "few", "nokey"], [...span(0, 45_000), "x"]],
  ["INTER", ["a", "b"], span(15_000, 30_000)],
  ["INTER", ["b", "a", "b"], span(15_000, 30_000)],
  ["DIFF", ["a", "b", "nokey"], span(0, 15_000)],
  // Redis's other way: by taking out.
  ["DIFF", ["a", "few", "few"], span(0, size).filter((n) => n !== "5" && n !== "20000")],
  ["DIFF", ["a", "few", "b", "a"], []],
];

for (const [name, keys, result] of operations) {
  test(`S${name} of ${keys.join(", ")} in slices, shown and stored`, async () => {
    const sets = await Sets.open();
    const shown = sets.slowly([`S${name}`, ...keys]);
    assert.ok(shown.turns > 1, `${shown.turns} turns`);
    assertSame(membersOf(shown.reply), result);
    sets.ask("SADD", "to", "before");
    const stored = sets.slowly([`S${name}STORE`, "to", ...keys], () => {
      sets.now("SCARD", "to");
    });
    assert.equal(stored.reply, `:${result.length}\r\n`);
    const counts = sets.other.take().toString().split("\r\n").slice(0, -1);
    assert.ok(counts.length > 1);
    assert.deepEqual([...new Set(counts)], [":1"], "it appears at once");
    assert.equal(sets.ask("SCARD", "to"), `:${result.length}\r\n`);
    assert.equal(sets.ask("EXISTS", "to"), `:${Math.min(result.length, 1)}\r\n`);
    if (result.length > 0) assertSame(membersOf(sets.slowly(["SMEMBERS", "to"]).reply), result);
    sets.assertClear();
  });
}

test("SINTERCARD counts in slices, and ends at its limit", async () => {
  const sets = await Sets.open();
  const all = sets.slowly(["SINTERCARD", 2, "a", "b"]);
  assert.equal(all.reply, ":15000\r\n");
  assert.ok(all.turns > 1);
  const some = sets.slowly(["SINTERCARD", 2, "a", "b", "LIMIT", 100]);
  assert.equal(some.reply, ":100\r\n");
  assert.ok(some.turns < all.turns / 5, `${some.turns} of ${all.turns} turns`);
  assert.equal(sets.slowly(["SINTERCARD", 3, "a", "b", "few"]).reply, ":1\r\n");
  const { turns, reply } = sets.slowly(["SINTER", "a", "b", "few"]);
  assert.deepEqual([turns, membersOf(reply)], [0, ["20000"]]);
});

test("of thousands of keys each is looked at in slices, as the results are", async () => {
  const sets = await Sets.open();
  const keys = Array.from({ length: 20_000 }, (_, i) => (i % 2 === 0 ? "few" : "a"));
  for (const [command, result] of [
    [
      ["SINTER", ...keys],
      ["5", "20000"],
    ],
    [
      ["SUNION", ...keys.filter((key) => key === "few")],
      ["5", "20000", "x"],
    ],
    [["SDIFF", "few", ...keys.filter((key) => key === "a")], ["x"]],
  ] as const) {
    const { reply, turns } = sets.slowly([...command]);
    assert.ok(turns > 0, `${command[0]}: ${turns} turns`);
    assertSame(membersOf(reply), [...result]);
  }
  sets.assertClear();
});

test("nothing is left of what a client that is gone had begun", async () => {
  const commands: (string | number)[][] = [
    ["SUNIONSTORE", "to", "a", "b"],
    ["SDIFFSTORE", "to", "a", "few", "few"],
    ["SUNION", "a", "b"],
    ["SDIFF", "a", "b"],
    ["SPOP", "a", largeSize],
  ];
  for (const command of commands) {
    const sets = await Sets.open(largeSize);
    sets.client.send(words(...command));
    sets.rig.time.endTick();
    assert.ok(sets.client.connection.isAtWork);
    assert.equal(sets.keyspace.scratch.size + sets.keyspace.aside.table.count, 1, String(command[0]));
    sets.client.destroy();
    sets.assertClear();
    assert.equal(sets.ask("EXISTS", "to"), ":0\r\n");
  }
});

test("sets that are to change while they are read: the changes wait", async () => {
  for (const change of [["FLUSHALL"], ["SET", "b", "string"], ["DEL", "a"], ["SET", "to", "string"]]) {
    const sets = await Sets.open();
    const { reply } = sets.slowly(["SUNIONSTORE", "to", "a", "b"], (turn) => {
      if (turn === 1) sets.now(...change);
    });
    assert.equal(reply, ":45000\r\n");
    assert.match(sets.other.take().toString(), /^\+OK\r\n$|^:1\r\n$/);
    assert.equal(sets.ask("EXISTS", change[1] ?? "a"), change[0] === "SET" ? ":1\r\n" : ":0\r\n");
    sets.assertClear();
  }
});

test("SPOP of a whole set: it is gone at once, and comes whole", async () => {
  const sets = await Sets.open(largeSize);
  const { reply, turns } = sets.slowly(["SPOP", "a", largeSize], (turn) => {
    if (turn === 0) sets.now("SADD", "a", "new");
  });
  assert.ok(turns > 1);
  assertSame(membersOf(reply), span(0, largeSize));
  assert.equal(sets.ask("SCARD", "a"), ":1\r\n");
  sets.assertClear();
});

test("SPOP of a part: in slices, each member once, and what is left is left", async () => {
  const sets = await Sets.open();
  sets.ask("SADD", "a", "x");
  sets.ask("SREM", "a", "x");
  const wanted = size - 300;
  const { reply, turns } = sets.slowly(["SPOP", "a", wanted]);
  assert.ok(turns > 1);
  const popped = membersOf(reply);
  assert.equal(popped.length, wanted);
  const left = membersOf(sets.ask("SMEMBERS", "a"));
  assertSame([...popped, ...left], span(0, size));
  // It is new, as redis has it: an intset, in order.
  assert.equal(sets.ask("OBJECT", "ENCODING", "a"), "$6\r\nintset\r\n");
  assert.deepEqual(
    left,
    left.toSorted((a, b) => Number(a) - Number(b)),
  );

  const whole = sets.slowly(["SPOP", "b", size - 1], (turn) => {
    if (turn === 1) sets.now("DEL", "b");
  });
  assert.equal(membersOf(whole.reply).length, size - 1);
  assert.equal(sets.other.take().toString(), ":1\r\n");
  assert.equal(sets.ask("EXISTS", "b"), ":0\r\n");
  sets.assertClear();
});

test("SMISMEMBER and SRANDMEMBER of many", async () => {
  const sets = await Sets.open();
  const asked = Array.from({ length: 50_000 }, (_, i) => i);
  const { reply, turns } = sets.slowly(["SMISMEMBER", "a", ...asked]);
  assert.ok(turns > 1);
  assert.equal(reply, `*50000\r\n${":1\r\n".repeat(size)}${":0\r\n".repeat(20_000)}`);
  for (const [count, wanted] of [
    [100, 100],
    [5000, 5000],
    [29_999, 29_999],
    [1_000_000, size],
  ] as const) {
    const picked = membersOf(sets.slowly(["SRANDMEMBER", "a", count]).reply);
    assert.equal(picked.length, wanted);
    assert.equal(new Set(picked).size, wanted);
  }
  assert.equal(membersOf(sets.slowly(["SRANDMEMBER", "a", -40_000]).reply).length, 40_000);
});

const late: (readonly [command: (string | number)[], reply: RegExp])[] = [
  [["SRANDMEMBER", "a", 10], /^\*10\r/],
  [["SRANDMEMBER", "a", -10], /^\*10\r/],
  [["HRANDFIELD", "h", 10], /^\*10\r/],
  [["HRANDFIELD", "h", -10], /^\*10\r/],
  [["SPOP", "a", 20_000], /^\*20000\r/],
  [["SMEMBERS", "a"], /^\*30000\r/],
  [["SINTER", "a", "b"], /^\*15000\r/],
  [["SSCAN", "a", 0], /^\*2\r\n\$\d+\r\n\d+\r\n\*10\r/],
];
for (const [command, expected] of late) {
  test(`${command.join(" ")} begins in a later turn, and its value waits for it`, async () => {
    const sets = await Sets.open();
    sets.ask("HSET", "h", ...span(0, 1000));
    // The turn has nothing left.
    sets.rig.broker.work.spend(100_000);
    sets.client.send(words(...command));
    assert.ok(sets.client.connection.isAtWork);
    sets.now("DEL", "a", "h");
    sets.rig.settle();
    assert.match(sets.client.take().toString(), expected);
    sets.assertClear();
  });
}
