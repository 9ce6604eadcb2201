/** What the bench reads from the text of other people's load tools. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { percentilesOf } from "../../../bench/generators/redis-benchmark.ts";
import { perfTestRate, producerPerformanceRate } from "../../../bench/tools/java.ts";

test("redis-benchmark: the first line at or past each share counts", () => {
  const text = `
Latency by percentile distribution:
0.000% <= 0.039 milliseconds (cumulative count 2)
50.000% <= 0.215 milliseconds (cumulative count 52060)
75.000% <= 0.263 milliseconds (cumulative count 75630)
98.438% <= 0.423 milliseconds (cumulative count 98474)
99.219% <= 0.527 milliseconds (cumulative count 99226)
99.805% <= 1.303 milliseconds (cumulative count 99807)
99.902% <= 1.607 milliseconds (cumulative count 99904)
100.000% <= 2.711 milliseconds (cumulative count 100000)
100.000% <= 2.711 milliseconds (cumulative count 100000)

Cumulative distribution of latencies:
0.010% <= 0.103 milliseconds (cumulative count 10)
99.990% <= 2.103 milliseconds (cumulative count 99990)
100.000% <= 3.103 milliseconds (cumulative count 100000)
`;
  assert.deepEqual(percentilesOf(text), { p50: 0.215, p99: 0.527, p999: 1.607, max: 2.711 });
});

test("redis-benchmark: no table, no percentiles", () => {
  assert.ok(Number.isNaN(percentilesOf("throughput summary: 1.00 requests per second").p50));
});

test("PerfTest: the median of the later half of its seconds; its own average has its start in it", () => {
  const line = (second: number, rate: number) =>
    `id: test-1, time ${second}.001 s, sent: ${rate + 7} msg/s, confirmed: 5 msg/s, nacked: 0 msg/s, ` +
    `received: ${rate} msg/s, min/median/75th/95th/99th consumer latency: 1/2/3/4/5 µs\n`;
  const rates = [10, 20, 70, 50, 60];
  const text = rates.map((rate, index) => line(index + 1, rate)).join("");
  assert.equal(perfTestRate(`${text}id: test-1, receiving rate avg: 42 msg/s\n`), 60);
  assert.throws(() => perfTestRate("Main thread caught exception"), /PerfTest told no rate/);
});

test("kafka-producer-perf-test: the last line of steady state", () => {
  const text =
    "150000 warmup records sent, 75000.0 records/sec (7.15 MB/sec), 3.1 ms avg latency\n" +
    "150000 steady state records sent, 91000.5 records/sec (8.67 MB/sec), 2.1 ms avg latency\n" +
    "300000 records sent, 83000.250000 records/sec (7.91 MB/sec), 2.60 ms avg latency\n" +
    "155000 steady state records sent, 92345.500000 records/sec (8.81 MB/sec), 2.10 ms avg latency\n";
  assert.equal(producerPerformanceRate(text), 92_345.5);
  assert.throws(() => producerPerformanceRate("nothing"), /told no rate/);
});
