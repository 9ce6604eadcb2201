import assert from "node:assert/strict";
import { test } from "node:test";
import { MetricsRegistry } from "../../../src/base/metrics.ts";

test("counters and gauges, by name and labels", () => {
  const registry = new MetricsRegistry();
  const naming = { name: "messages_total", help: "Messages." };
  const redis = registry.counter({ ...naming, labels: { protocol: "redis" } });
  registry.counter({ ...naming, labels: { protocol: "amqp" } }).add(2);
  registry.gauge({ name: "connections", help: "Open now." }).value = 1.5;
  redis.add();
  redis.add(4);
  assert.equal(
    registry.text(),
    `# HELP connections Open now.
# TYPE connections gauge
connections 1.5
# HELP messages_total Messages.
# TYPE messages_total counter
messages_total{protocol="redis"} 5
messages_total{protocol="amqp"} 2
`,
  );
});

test("a family can be read from its owner at each scrape", () => {
  const registry = new MetricsRegistry();
  const lengths = new Map([["a", 1]]);
  registry.read({ kind: "gauge", name: "queue_messages", help: "Ready." }, (emit) => {
    for (const [queue, length] of lengths) emit(length, { queue });
  });
  lengths.set("b", Number.NaN).set("c", Infinity).set("d", -Infinity);
  const lines = registry.text().split("\n").slice(2, -1);
  assert.deepEqual(lines, [
    'queue_messages{queue="a"} 1',
    'queue_messages{queue="b"} NaN',
    'queue_messages{queue="c"} +Inf',
    'queue_messages{queue="d"} -Inf',
  ]);
});

test("a histogram counts at most each bound, and all", () => {
  const registry = new MetricsRegistry();
  const naming = { name: "flush_seconds", help: "Flush.", bounds: [0.5, 1] };
  const histogram = registry.histogram({ ...naming, labels: { disk: "a" } });
  for (const value of [0.25, 0.5, 0.75, 2]) histogram.observe(value);
  assert.deepEqual(registry.text().split("\n").slice(2, -1), [
    'flush_seconds_bucket{disk="a",le="0.5"} 2',
    'flush_seconds_bucket{disk="a",le="1"} 3',
    'flush_seconds_bucket{disk="a",le="+Inf"} 4',
    'flush_seconds_sum{disk="a"} 3.5',
    'flush_seconds_count{disk="a"} 4',
  ]);
  assert.throws(() => registry.histogram({ ...naming, bounds: [1, 1], labels: { disk: "b" } }), RangeError);
});

test("help and labels are escaped", () => {
  const registry = new MetricsRegistry();
  registry.gauge({ name: "x", help: 'a\\b\n"c"', labels: { l: 'a\\b\n"c"' } });
  const expected =
    String.raw`# HELP x a\\b\n"c"` + "\n# TYPE x gauge\n" + String.raw`x{l="a\\b\n\"c\""} 0` + "\n";
  assert.equal(registry.text(), expected);
});

test("what would make two meanings of one name is refused", () => {
  const registry = new MetricsRegistry();
  registry.counter({ name: "x_total", help: "X." });
  assert.throws(() => registry.counter({ name: "x_total", help: "X." }), /there already/);
  assert.throws(() => registry.counter({ name: "x_total", help: "Y.", labels: { a: "b" } }), /otherwise/);
  assert.throws(() => registry.counter({ name: "x", help: "X." }), /not a name/);
  assert.throws(() => registry.gauge({ name: "y_total", help: "Y." }), /not a name/);
  assert.throws(() => registry.gauge({ name: "a-b", help: "Y." }), /not a name/);
});
