/** Bounds on connections, and the few lines that tell of those beyond. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "../../src/base/limits.ts";
import { Logger } from "../../src/base/logger.ts";
import { settleConnectionsMax } from "../../src/net/descriptors.ts";
import { Entrance } from "../../src/net/entrance.ts";

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

test("a model: never more inside than the bounds, and who leaves makes room", () => {
  const hosts = ["10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2", "::1"];
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(hosts.length - 1)), { maxLength: 60 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.nat(3), steps, (max, perAddressMax, script) => {
      const { entrance } = make(max, perAddressMax);
      const inside: string[] = [];
      for (const [isEntering, index] of script) {
        const host = hosts[index]!;
        if (isEntering) {
          const same = inside.filter((other) => other.replace("::ffff:", "") === host.replace("::ffff:", ""));
          const expected =
            inside.length === max
              ? "connections-max"
              : perAddressMax > 0 && same.length === perAddressMax
                ? "connections-per-address-max"
                : null;
          assert.equal(entrance.enter(host), expected);
          if (expected === null) inside.push(host);
        } else if (inside.length > 0) {
          const [gone] = inside.splice(index % inside.length, 1);
          entrance.leave(gone!);
        }
        assert.equal(entrance.inside, inside.length);
      }
    }),
  );
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
