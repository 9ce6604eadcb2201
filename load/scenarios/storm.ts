/**
 * 5,000 new connections within a second, each with its first request: none is refused, all are answered, and six such
 * storms leave nothing behind.
 */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestBroker } from "../../test/support/broker.ts";
import type { Greeting } from "../../bench/base/idle-connections.ts";
import { type Load, megabytes, milliseconds, type Scenario } from "../base/scenario.ts";
import { descriptorsOf, settledRss } from "../base/usage.ts";
import { until } from "../base/waiting.ts";
import { greetings } from "../base/greetings.ts";

const total = 5000;
const slices = 50;
const sliceMs = 1000 / slices;
const storms = 6;
/** The runtimes' heaps have found their size after these. */
const warmUpStorms = 3;
const answerMsMax = 15_000;
/**
 * What the last storm may leave above those that warmed up. Node collects late: on it RSS goes up and down between 250
 * and 330 MB, over 18 storms too.
 */
const rssBytesMore = 96 << 20;
const protocols = ["redis", "amqp", "kafka"] as const;

interface Storm {
  readonly sockets: Socket[];
  refused: number;
  readonly answeredMs: number[];
  /** How long it took until the last connection was asked for, and until the last was answered. */
  askedWithinMs: number;
  answeredWithinMs: number;
}

async function storm(broker: TestBroker): Promise<Storm> {
  const made: Storm = { sockets: [], refused: 0, answeredMs: [], askedWithinMs: 0, answeredWithinMs: 0 };
  const startedMs = performance.now();
  for (let slice = 0; slice < slices; slice++) {
    for (let i = 0; i < total / slices; i++) {
      const protocol = protocols[i % protocols.length]!;
      open(made, broker.ports[protocol], greetings[protocol]);
    }
    await sleep(Math.max(0, startedMs + (slice + 1) * sliceMs - performance.now()));
  }
  made.askedWithinMs = performance.now() - startedMs;
  const isOver = (): boolean => made.answeredMs.length + made.refused >= total;
  await until("all answers", isOver, answerMsMax).catch(() => {});
  made.answeredWithinMs = performance.now() - startedMs;
  return made;
}

/** The steps of the greeting and one request, each when what was before is answered. */
function open(made: Storm, port: number, { steps, ask }: Greeting): void {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const askedMs = performance.now();
  const left = [...steps, ask];
  let isAnswered = false;
  made.sockets.push(socket);
  socket.on("connect", () => socket.write(left.shift()!));
  socket.on("data", () => {
    const next = left.shift();
    if (next !== undefined) {
      socket.write(next);
      return;
    }
    if (!isAnswered) made.answeredMs.push(performance.now() - askedMs);
    isAnswered = true;
  });
  socket.on("error", () => {
    if (!isAnswered) made.refused++;
    isAnswered = true;
  });
}

async function run(load: Load): Promise<void> {
  const broker = await load.startBroker();
  const descriptorsBefore = descriptorsOf(broker.pid);
  const rss: number[] = [];
  for (let i = 1; i <= storms; i++) {
    const { sockets, refused, answeredMs, askedWithinMs, answeredWithinMs } = await storm(broker);
    answeredMs.sort((a, b) => a - b);
    load.exactly(`storm ${i}: refused or reset`, refused, 0);
    load.exactly(`storm ${i}: answered`, answeredMs.length, total);
    load.atMost(`storm ${i}: the slowest answer`, answeredMs.at(-1) ?? Infinity, answerMsMax, milliseconds);
    load.figure(`storm ${i}: the median answer`, milliseconds(answeredMs[answeredMs.length >> 1] ?? NaN));
    const within = `${milliseconds(askedWithinMs)}, ${milliseconds(answeredWithinMs)}`;
    load.figure(`storm ${i}: all asked, all answered within`, within);
    for (const socket of sockets) socket.destroy();
    await until("all descriptors back", () => descriptorsOf(broker.pid) <= descriptorsBefore, 20_000);
    rss.push(await settledRss(broker.pid));
  }
  load.figure("RSS after each storm", rss.map(megabytes).join(", "));
  const warm = Math.max(...rss.slice(0, warmUpStorms));
  load.atMost(
    `RSS after the last above the first ${warmUpStorms}`,
    rss.at(-1)! - warm,
    rssBytesMore,
    megabytes,
  );
}

export const stormScenario: Scenario = {
  name: "storm",
  what: "5,000 new connections in a second, each with one request, six times",
  run,
};
