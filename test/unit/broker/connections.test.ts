/** The list of what is connected, and rates while somebody looks: in slices, and nothing is kept for nobody. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Timer, Timers } from "../../../src/base/clock.ts";
import type { ConnectionFacts, OpenConnection } from "../../../src/base/connection-facts.ts";
import { limits } from "../../../src/base/limits.ts";
import { Logger } from "../../../src/base/logger.ts";
import { type JobOutcome, TurnWork } from "../../../src/base/turn-work.ts";
import { Connections } from "../../../src/broker/connections.ts";
import { counted, Rates } from "../../../src/broker/rates.ts";

/** Turns and time by hand. */
class Hand implements Timers {
  now = 0;
  #turns: (() => void)[] = [];
  readonly waiting = new Map<() => void, number>();

  after(delayMs: number, action: () => void): Timer {
    this.waiting.set(action, this.now + delayMs);
    return { cancel: () => void this.waiting.delete(action) };
  }

  atTickEnd(action: () => void): void {
    this.#turns.push(action);
  }

  /** How many turns it took until none was left. */
  turns(): number {
    let count = 0;
    for (; this.#turns.length > 0; count++) for (const turn of this.#turns.splice(0)) turn();
    return count;
  }

  pass(ms: number): void {
    this.now += ms;
    for (const [action, at] of this.waiting) {
      if (at > this.now) continue;
      this.waiting.delete(action);
      action();
    }
    this.turns();
  }
}

class Fake {
  readonly id: number;
  readonly protocol: string;
  readonly remote = { host: "10.0.0.1", port: 1 };
  isClosed = false;
  described = 0;
  closedFor = "";

  constructor(id: number, protocol: string) {
    this.id = id;
    this.protocol = protocol;
  }

  describe(): ConnectionFacts {
    this.described++;
    const { id, protocol, remote } = this;
    const user = id % 2 === 0 ? "even" : "odd";
    return { id, protocol, remote, user, vhost: "/", state: "running" } as unknown as ConnectionFacts;
  }

  closeFor(reason: string): void {
    this.closedFor = reason;
  }
}

function open(count: number, isBlocked: (connection: OpenConnection) => boolean = () => false) {
  const logged: string[] = [];
  const clock = { now: () => 0, monotonic: () => 0 };
  const connections = new Connections(
    new Logger({ level: "info", clock, sink: (line) => logged.push(line) }),
    isBlocked,
  );
  const all = new Map<number, Fake>();
  for (let id = 1; id <= count; id++) all.set(id, new Fake(id, "amqp"));
  connections.add({ connections: all as unknown as ReadonlyMap<number, OpenConnection> });
  return { connections, all, logged };
}

test("20,000 connections are listed over many turns, also while they come and go, and a filter describes few", () => {
  const hand = new Hand();
  const work = new TurnWork(hand);
  const { connections, all } = open(20_000);
  let outcome: JobOutcome<ConnectionFacts[]> | null = null;
  work.run(connections.list({ user: "even" }), (ended) => (outcome = ended));
  assert.equal(outcome, null);
  for (let id = 1; id <= 100; id++) all.delete(20_001 - id);
  for (let id = 1; id <= 100; id++) all.set(30_000 + id, new Fake(30_000 + id, "amqp"));
  const turns = hand.turns();
  assert.ok(turns > 10, `${turns} turns`);
  const { result } = outcome! as { result: ConnectionFacts[] };
  assert.ok(result.length >= 9950 && result.length <= 10_000, String(result.length));
  assert.ok(result.every(({ user }) => user === "even"));

  const described = [...all.values()].reduce((sum, each) => sum + each.described, 0);
  work.run(connections.list({ protocol: "kafka" }), (ended) => (outcome = ended));
  hand.turns();
  assert.deepEqual(outcome, { result: [] });
  assert.equal(
    [...all.values()].reduce((sum, each) => sum + each.described, 0),
    described,
  );
});

test("one is found and closed by its id, with a line in the log; one that only lingers is not there", () => {
  const { connections, all, logged } = open(3, ({ id }) => id === 2);
  assert.equal(connections.count, 3);
  assert.equal(connections.find(2)?.state, "blocked");
  assert.equal(connections.find(4), undefined);
  all.get(3)!.isClosed = true;
  assert.equal(connections.find(3), undefined);
  assert.equal(connections.close(3, "why"), false);
  assert.equal(connections.close(1, "moved"), true);
  assert.equal(all.get(1)!.closedFor, "moved");
  assert.match(logged.join(""), /closed by an operator protocol=amqp remote=10\.0\.0\.1:1 reason=moved/);
});

test("rates are sampled from the first look on, and no more a minute after the last", () => {
  const hand = new Hand();
  const clock = { now: () => hand.now, monotonic: () => hand.now };
  const things = new Set([{ count: 100 }, { count: 0 }]);
  const [first, second] = [...things] as [{ count: number }, { count: number }];
  const table = { count: (thing: { count: number }) => thing.count };
  const work = new TurnWork(hand);
  const rates = new Rates({ clock, timers: hand, work, counted: [counted(table, () => things)] });
  hand.pass(100_000);
  assert.deepEqual([rates.size, hand.waiting.size], [0, 0]);

  assert.equal(rates.of(table, first), null);
  first.count += 50;
  hand.pass(limits.rateSampleMs);
  assert.deepEqual(rates.of(table, first), { count: 10 });
  assert.deepEqual(rates.of(table, second), { count: 0 });
  hand.pass(limits.rateSampleMs);
  assert.deepEqual(rates.of(table, first), { count: 0 });
  things.delete(second);
  hand.pass(limits.rateSampleMs);
  assert.deepEqual([rates.size, rates.of(table, second)], [1, null]);

  for (let passed = 0; passed <= limits.rateIdleMsMax; passed += limits.rateSampleMs)
    hand.pass(limits.rateSampleMs);
  assert.deepEqual([rates.size, hand.waiting.size], [0, 0]);
  assert.equal(rates.of(table, first), null);
  rates.close();
  assert.equal(hand.waiting.size, 0);
});

test("20,000 counters are sampled over many turns", () => {
  const hand = new Hand();
  const clock = { now: () => hand.now, monotonic: () => hand.now };
  const things = Array.from({ length: 20_000 }, () => ({ count: 0 }));
  const table = { count: (thing: { count: number }) => thing.count };
  const work = new TurnWork(hand);
  const rates = new Rates({ clock, timers: hand, work, counted: [counted(table, () => things)] });
  rates.of(table, things[0]!);
  assert.equal(rates.size, 0);
  assert.ok(hand.turns() > 1);
  assert.equal(rates.size, 20_000);
  rates.close();
});
