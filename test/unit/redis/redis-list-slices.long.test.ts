/**
 * Commands on lists of many elements go on in slices, between which others are served and change the list; and nothing is left of what a
 * client that is gone had begun.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Peer, Rig } from "../../../fuzz/rig.ts";
import type { Keyspace } from "../../../src/keyspace/keyspace.ts";
import type { RedisSession } from "../../../src/protocols/redis/session.ts";
import { requestBytes } from "../../support/redis-script-caller.ts";

const size = 200_000;
/** Every tenth element is this one. */
const often = "often";
/** The others are long enough for all of them to take several turns. */
const tail = "-".repeat(60);
const element = (n: number): string => `e${n}${tail}`;

class Lists {
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

  static async open(): Promise<Lists> {
    const lists = new Lists(await Rig.open());
    for (let n = 0; n < size; n += 1000)
      lists.ask(
        "RPUSH",
        "l",
        ...Array.from({ length: 1000 }, (_, i) => (i % 10 === 9 ? often : element(n + i))),
      );
    return lists;
  }

  /** Of the list `l`. */
  get count(): number {
    const database = this.keyspace.databases[0]!;
    return this.keyspace.lists.count(database.content, database.find(Buffer.from("l"), 0, 1));
  }

  /** Another client's command, in this turn; the reply comes at its end. */
  now(...command: string[]): void {
    this.other.send(requestBytes(command));
  }

  /** The same, with its reply. */
  ask(...command: string[]): string {
    this.rig.settle();
    this.other.take();
    this.other.send(requestBytes(command));
    this.rig.settle();
    return this.other.take().toString("latin1");
  }

  /** Sends a command, and has one turn after the other with `between` after each. */
  slowly(
    command: (string | Buffer)[],
    between: (turn: number) => void = () => {},
  ): { reply: string; turns: number } {
    this.client.send(requestBytes(command));
    let turns = 0;
    for (; this.client.connection.isAtWork; turns++) {
      assert.ok(turns < 5000);
      between(turns);
      this.rig.time.endTick();
    }
    this.rig.settle();
    return { reply: this.client.take().toString("latin1"), turns };
  }
}

function elementsOf(reply: string): string[] {
  const lines = reply.split("\r\n");
  const elements = lines.filter((_, i) => i > 0 && lines[i - 1]!.startsWith("$"));
  assert.equal(Number(lines[0]!.slice(1)), elements.length, lines[0]!);
  return elements;
}

test("LRANGE of all, while both ends are pushed to and popped from", async () => {
  const lists = await Lists.open();
  const { reply, turns } = lists.slowly(["LRANGE", "l", "0", "-1"], () => {
    lists.now("LPUSH", "l", "new");
    lists.now("RPOP", "l");
  });
  assert.ok(turns > 2, `${turns} turns`);
  const elements = elementsOf(reply).filter((each) => each !== often && each !== "new");
  assert.equal(new Set(elements).size, elements.length, "an element came twice");
  assert.ok(elements.length > (size * 9) / 10 - turns - 10, `${elements.length} elements`);
  const order = elements.map((each) => Number.parseInt(each.slice(1), 10));
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
});

test("LREM, LPOS and LINSERT go through all of it in turns", async () => {
  const lists = await Lists.open();
  lists.ask("RPUSH", "l", "last");
  const found = lists.slowly(["LPOS", "l", "last"]);
  assert.equal(found.reply, `:${size}\r\n`);
  assert.ok(found.turns > 1, `${found.turns} turns`);
  assert.equal(lists.slowly(["LPOS", "l", often, "COUNT", "0"]).reply.split("\r\n").length, size / 10 + 2);
  assert.equal(lists.slowly(["LPOS", "l", element(5), "RANK", "-1"]).reply, ":5\r\n");
  assert.equal(lists.slowly(["LINSERT", "l", "AFTER", "last", "more"]).reply, `:${size + 2}\r\n`);
  assert.equal(lists.slowly(["LINSERT", "l", "BEFORE", "none", "more"]).reply, ":-1\r\n");
  assert.equal(lists.ask("LINDEX", "l", "-1"), "$4\r\nmore\r\n");
  const removed = lists.slowly(["LREM", "l", "0", often], () => lists.now("LPUSH", "l", "meanwhile"));
  assert.equal(removed.reply, `:${size / 10}\r\n`);
  assert.ok(removed.turns > 1, `${removed.turns} turns`);
  assert.equal(lists.slowly(["LPOS", "l", often]).reply, "$-1\r\n");
  assert.equal(lists.ask("LLEN", "l"), `:${(size * 9) / 10 + 2 + removed.turns}\r\n`);
  assert.equal(lists.slowly(["LREM", "l", "-1", element(7)]).reply, ":1\r\n");
});

test("a pop of many has them at once, and writes them in turns", async () => {
  const lists = await Lists.open();
  const lengths: number[] = [];
  const { reply, turns } = lists.slowly(["RPOP", "l", String(size / 2)], () => {
    lengths.push(lists.count);
    // These wait until it is over.
    lists.now("LPUSH", "l", "new");
  });
  assert.ok(turns > 1, `${turns} turns`);
  assert.deepEqual(
    // Once all of the reply is known they run, while it is handed over.
    lengths.slice(0, -1),
    Array.from({ length: turns - 1 }, () => size / 2),
  );
  const elements = elementsOf(reply);
  assert.equal(elements.length, size / 2);
  assert.equal(elements[1], element(size - 2));
  assert.equal(elements.at(-1), element(size / 2));
});

test("DUMP, RESTORE and SORT with STORE go on in turns, and what they make appears at once", async () => {
  const lists = await Lists.open();
  // Such a block is compressed in slices of its own.
  const long = "long ".repeat(60_000);
  lists.ask("LINSERT", "l", "AFTER", element(1000), long);
  lists.ask("RPUSH", "l", long);
  const whole = lists.ask("LRANGE", "l", "0", "-1");
  const dump = lists.slowly(["DUMP", "l"], () => {
    lists.now("LPUSH", "l", "new");
    lists.now("RPUSH", "l", "new");
  });
  assert.ok(dump.turns > 2, `${dump.turns} turns`);
  const bytes = Buffer.from(dump.reply.slice(dump.reply.indexOf("\r\n") + 2, -2), "latin1");
  lists.ask("LREM", "l", "0", "new");
  lists.ask("SET", "copy", "v");
  lists.ask("SET", "sorted", "v");
  let seen: string[] = [];
  const look = (key: string): void => {
    seen.push(...lists.other.take().toString("latin1").split("\r\n"));
    lists.now("TYPE", key);
  };
  const restored = lists.slowly(["RESTORE", "copy", "0", bytes, "REPLACE"], () => look("copy"));
  assert.equal(restored.reply, "+OK\r\n");
  assert.ok(restored.turns > 2, `${restored.turns} turns`);
  assert.ok(seen.filter((type) => type === "+string").length >= restored.turns - 2, String(seen));
  lists.ask("LREM", "copy", "0", "new");
  assert.equal(lists.ask("LRANGE", "copy", "0", "-1"), whole);
  seen = [];
  const sorted = lists.slowly(["SORT", "l", "BY", "nosort", "STORE", "sorted"], () => look("sorted"));
  assert.equal(sorted.reply, `:${size + 2}\r\n`);
  assert.ok(sorted.turns > 2, `${sorted.turns} turns`);
  assert.ok(seen.filter((type) => type === "+string").length >= sorted.turns - 2, String(seen));
  assert.equal(lists.ask("LRANGE", "sorted", "0", "-1"), whole);
  // Of a list that stays in its order no more is read than is wanted.
  for (const order of ["ASC", "DESC"]) {
    const few = lists.slowly(["SORT", "l", "BY", "nosort", order, "LIMIT", "4", "3"]);
    assert.equal(elementsOf(few.reply).length, 3);
    assert.ok(few.turns <= 1, `${few.turns} turns`);
  }
  assert.equal(lists.keyspace.scratch.size, 0);
  assert.deepEqual(lists.rig.errors, []);
});

test("a client that is gone amid a long command leaves nothing behind", async () => {
  const lists = await Lists.open();
  lists.ask("RENAME", "l", "all");
  const held = lists.keyspace.arena.bytes;
  for (const command of [
    ["LPOP", "l", String(size)],
    ["LRANGE", "l", "0", "-1"],
    ["LREM", "l", "0", often],
    ["DUMP", "l"],
    ["SORT", "l", "ALPHA"],
    ["SORT", "l", "BY", "nosort", "STORE", "to"],
  ]) {
    lists.ask("COPY", "all", "l");
    const peer = lists.rig.connect("redis");
    peer.send(requestBytes(command));
    assert.ok(peer.connection.isAtWork, command[0]!);
    peer.destroy();
    lists.rig.settle();
    lists.ask("DEL", "l");
    assert.ok(lists.keyspace.graves.isEmpty);
    // A chunk may be kept for each size of block.
    assert.ok(
      lists.keyspace.arena.bytes < held + (1 << 20),
      `${command[0]!}: ${lists.keyspace.arena.bytes} of ${held} bytes`,
    );
  }
  assert.deepEqual(lists.rig.errors, []);
});

test("a list that goes, or moves to another database, amid a long command", async () => {
  const lists = await Lists.open();
  lists.ask("RENAME", "l", "all");
  for (const act of [
    ["DEL", "l"],
    ["MOVE", "l", "1"],
    ["SET", "l", "x"],
    ["LTRIM", "l", "1", "0"],
    ["RENAME", "all", "l"],
  ]) {
    for (const command of [
      ["LRANGE", "l", "0", "-1"],
      ["LREM", "l", "0", "none"],
      ["LPOS", "l", "none"],
      ["LINSERT", "l", "BEFORE", "none", "x"],
      ["LPOP", "l", String(size)],
    ]) {
      const shown = `${act[0]!} amid ${command[0]!}`;
      lists.ask("COPY", "all", "l", "REPLACE");
      lists.ask("COPY", "all", "kept");
      const { reply, turns } = lists.slowly(command, (turn) => {
        if (turn === 1) lists.now(...act);
      });
      assert.ok(turns > 1, shown);
      assert.match(reply, command[0] === "LPOS" ? /^\$-1/ : /^(\*\d+|:0|:-1)\r\n/, shown);
      if (command[0] === "LPOP") assert.equal(elementsOf(reply).length, size, shown);
      lists.ask("RENAME", "kept", "all");
      lists.ask("DEL", "l");
    }
    lists.ask("SELECT", "1");
    lists.ask("FLUSHDB");
    lists.ask("SELECT", "0");
  }
  assert.deepEqual(lists.rig.errors, []);
});
