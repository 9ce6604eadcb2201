/** Bounds on connections, and the few lines that tell of those beyond. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { plainHost } from "../../../src/base/addresses.ts";
import { limits } from "../../../src/base/limits.ts";
import { Logger } from "../../../src/base/logger.ts";
import { settleConnectionsMax } from "../../../src/net/descriptors.ts";
import { Entrance, type Guest, type Refusal } from "../../../src/net/entrance.ts";

function make(max: number, perAddressMax: number) {
  const lines: string[] = [];
  const clock = { now: () => 0, monotonic: () => 0 };
  const logger = new Logger({ level: "info", clock, sink: (line) => lines.push(line.slice(25, -1)) });
  const waiting: { delayMs: number; action: () => void }[] = [];
  const timers = {
    after(delayMs: number, action: () => void) {
      waiting.push({ delayMs, action });
      return { cancel() {} };
    },
    atTickEnd() {},
  };
  const entrance = new Entrance({ max, maxName: "--connections-max", perAddressMax, logger, timers });
  return { entrance, lines, waiting };
}

const hosts = ["10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2", "::1"];

interface Visitor {
  readonly host: string;
  readonly guest: Guest;
  isSettled: boolean;
}

/** Those who had to go for the last one that entered. */
const dropped: Visitor[] = [];

/** Enters somebody, takes those out of the list who had to go for it, and says why it may not stay. */
function enter(entrance: Entrance, inside: Visitor[], host: string): Refusal | null {
  dropped.length = 0;
  const evicted: string[] = [];
  let visitor: Visitor | null = null;
  const entered = entrance.enter(
    host,
    () => dropped.push(visitor!),
    (remoteHost) => evicted.push(remoteHost),
  );
  for (const one of dropped) inside.splice(inside.indexOf(one), 1);
  assert.deepEqual(
    dropped.map((one) => plainHost(one.host)),
    evicted,
  );
  assert.ok(dropped.every(({ isSettled }) => !isSettled));
  if (typeof entered === "string") return entered;
  visitor = { host, guest: entered, isSettled: false };
  inside.push(visitor);
  return null;
}

test("a model: never more inside than the bounds, who leaves makes room, and only the settled keep others out", () => {
  const step = fc.record({ what: fc.constantFrom("enter", "enter", "settle", "leave"), index: fc.nat(3) });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.nat(3),
      fc.array(step, { maxLength: 60, size: "max" }),
      (max, perAddressMax, script) => {
        const { entrance } = make(max, perAddressMax);
        const inside: Visitor[] = [];
        for (const { what, index } of script) {
          const one = inside[index % Math.max(inside.length, 1)];
          if (what === "enter") {
            const host = hosts[index]!;
            const same = inside.filter((other) => plainHost(other.host) === plainHost(host)).length;
            const isFull = inside.length === max && inside.every(({ isSettled }) => isSettled);
            const expected =
              perAddressMax > 0 && same === perAddressMax
                ? "connections-per-address-max"
                : isFull
                  ? "connections-max"
                  : null;
            assert.equal(enter(entrance, inside, host), expected);
          } else if (one !== undefined && what === "settle") {
            one.guest.settle(true);
            one.isSettled = true;
          } else if (one !== undefined) {
            one.guest.leave();
            one.guest.leave();
            inside.splice(inside.indexOf(one), 1);
          }
          assert.equal(entrance.inside, inside.length);
          assert.ok(inside.length <= max);
          assert.equal(entrance.originCount, new Set(inside.map((each) => plainHost(each.host))).size);
        }
      },
    ),
  );
});

test("who does not settle keeps nobody out, and one address alone drives out no other", () => {
  const { entrance } = make(256, 0);
  const inside: Visitor[] = [];
  for (let i = 0; i < 300; i++) assert.equal(enter(entrance, inside, "10.0.0.1"), null);
  assert.equal(entrance.inside, 256);
  for (let i = 0; i < 100; i++) assert.equal(enter(entrance, inside, `10.0.1.${i}`), null);
  const others = (): number => inside.filter(({ host }) => host !== "10.0.0.1").length;
  assert.equal(others(), 100);
  for (let i = 0; i < 300; i++) assert.equal(enter(entrance, inside, "10.0.0.1"), null);
  assert.equal(others(), 100);
  assert.equal(entrance.inside, 256);
});

test("nobody is ended while there is a place, and without a bound never", () => {
  for (const max of [5, Infinity]) {
    const { entrance } = make(max, 0);
    const inside: Visitor[] = [];
    for (let i = 0; i < 5; i++) enter(entrance, inside, "10.0.0.1");
    assert.equal(inside.length, 5);
  }
});

test("who settles no more is the last to go", () => {
  const { entrance } = make(2, 0);
  const inside: Visitor[] = [];
  enter(entrance, inside, "10.0.0.1");
  const [first] = inside;
  enter(entrance, inside, "10.0.0.2");
  const second = inside[1];
  first!.guest.settle(true);
  first!.guest.settle(false);
  enter(entrance, inside, "10.0.0.3");
  assert.equal(inside.includes(first!), true);
  assert.equal(inside.includes(second!), false);
});

test("a refusal is logged at once, those of the second after it as one line, and then no more", () => {
  const { entrance, lines, waiting } = make(1, 0);
  for (let i = 1; i <= 100; i++) entrance.logRefusal("connections-max", { remote: `host${i}` });
  const text = "warn connections refused: as many are open as --connections-max allows";
  assert.deepEqual(lines, [`${text} remote=host1 count=1`]);
  assert.equal(waiting.length, 1);
  assert.equal(waiting[0]!.delayMs, limits.refusalLogMs);
  waiting.shift()!.action();
  assert.deepEqual(lines.slice(1), [`${text} remote=host100 count=99`]);
  waiting.shift()!.action();
  assert.equal(waiting.length, 0);
  entrance.logRefusal("connections-max", { remote: "late" });
  assert.equal(lines.length, 3);
  entrance.logRefusal("tls", { remote: "other", reason: "a\nb" });
  assert.equal(lines[3], 'info a TLS handshake failed remote=other reason="a\\nb" count=1');
});

test("what auto comes to", () => {
  assert.equal(settleConnectionsMax(7), 7);
  const auto = settleConnectionsMax("auto");
  assert.ok(auto >= 16 && auto <= limits.connectionsAutoMax, String(auto));
});
