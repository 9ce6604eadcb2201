/** Counts with rates and samples, as the management API shows them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { spansOf, Stats } from "../../../src/admin/rabbitmq/shown/stats.ts";
import type { Broker } from "../../../src/broker/broker.ts";

const nowMs = 1_000_000;

/** A counter that goes up by `perSecond` each second and is 500 now, and its rate over the last sample. */
function shown(query: string, perSecond: number): Record<string, any> {
  const at = (timestamp: number): number => 500 - ((nowMs - Math.min(timestamp, nowMs)) / 1000) * perSecond;
  const broker = {
    clock: { now: () => nowMs },
    rates: {
      of: () => ({ publish: perSecond, confirm: 0 }),
      history: () => ({ at: (counter: string, time: number) => (counter === "publish" ? at(time) : 0) }),
    },
  } as unknown as Broker;
  const table = { publish: () => 500, confirm: () => 7 };
  const spans = spansOf(new URLSearchParams(query));
  return new Stats(broker, spans, table, {})
    .add("msg_rates", "publish")
    .add("msg_rates", "both", "publish", "confirm").shown as Record<string, any>;
}

test("without a span there is the rate alone, with one digit behind the point", () => {
  assert.deepEqual(shown("", 0.26)["publish_details"], { rate: 0.3 });
  assert.equal(shown("", 2)["publish"], 500);
  assert.equal(shown("", 2)["both"], 507);
});

test("the average rate is that between the first and the last sample", () => {
  for (const [age, incr] of [
    [60, 5],
    [5, 5],
    [100, 20],
  ] as const) {
    const { publish_details: details } = shown(`msg_rates_age=${age}&msg_rates_incr=${incr}`, 3);
    assert.equal(details.samples.length, age / incr + 1);
    assert.equal(details.avg_rate, 3);
    assert.equal(details.rate, 3);
    assert.equal(details.samples[0].timestamp, nowMs);
    assert.equal(details.samples.at(-1).timestamp, nowMs - age * 1000);
    const samples = details.samples.map(({ sample }: { sample: number }) => sample);
    assert.equal(details.avg, samples.reduce((a: number, b: number) => a + b, 0) / samples.length);
    assert.deepEqual(samples.slice(0, 2), [500, 500 - 3 * incr]);
  }
});

test("one sample has no average rate, and a span that is none shows no samples", () => {
  assert.equal(shown("msg_rates_age=4&msg_rates_incr=5", 3)["publish_details"].avg_rate, 0);
  for (const query of [
    "msg_rates_age=60",
    "msg_rates_age=60&msg_rates_incr=0",
    "msg_rates_age=x&msg_rates_incr=5",
    "lengths_age=60&lengths_incr=5",
  ])
    assert.deepEqual(shown(query, 3)["publish_details"], { rate: 3 }, query);
  // However long the span is, an answer has a bound of samples.
  assert.equal(shown("msg_rates_age=999999&msg_rates_incr=1", 0)["publish_details"].samples.length, 500);
});
