/**
 * The load tools of RabbitMQ and Apache Kafka, on the generator's core, read from their text.
 *
 * What they report is taken once their Java is warm: the middle of PerfTest's later seconds, and what Kafka's tool
 * calls its steady state. Nothing of it is verified: they do not look.
 */
import path from "node:path";
import { stopProcess, startPinned } from "../base/process.ts";
import { findProgram, peersFolder } from "../base/programs.ts";
import { median } from "../base/statistics.ts";

const toolMsMax = 180_000;
const kafkaClassPath = path.join(peersFolder, "kafka/lib/*");
const perfTestClassPath = path.join(peersFolder, "perf-test/lib/*");

export interface PerfTestOptions {
  readonly port: number;
  readonly queue: string;
  readonly bodyBytes: number;
  readonly seconds: number;
  /** Durable queue and persistent messages, and so many unconfirmed at most; absent: transient. */
  readonly confirmsInFlightMax?: number;
}

/** Messages a second from a publisher to a consumer that acknowledges automatically. */
export async function perfTest(options: PerfTestOptions): Promise<number> {
  const { port, queue, bodyBytes, seconds, confirmsInFlightMax } = options;
  const persistent =
    confirmsInFlightMax === undefined ? [] : ["-f", "persistent", "-c", String(confirmsInFlightMax)];
  const pair = ["-h", `amqp://127.0.0.1:${port}`, "-u", queue, "-x", "1", "-y", "1", "-a"];
  const load = ["-s", String(bodyBytes), "-z", String(Math.ceil(seconds)), ...persistent];
  const main = "com.rabbitmq.perf.PerfTest";
  return perfTestRate(await textOf(["-cp", perfTestClassPath, main, ...pair, ...load]));
}

/** It prints a line each second. @throws when it printed none */
export function perfTestRate(text: string): number {
  const rates = [...text.matchAll(/ time [\d.]+ s, .*?received: (\d+) msg\/s/g)].map(([, rate]) =>
    Number(rate),
  );
  if (rates.length === 0) throw new Error(`PerfTest told no rate\n${text.slice(-2000)}`);
  return median(rates.slice(rates.length >> 1));
}

export interface ProducerPerformanceOptions {
  readonly port: number;
  readonly topic: string;
  readonly valueBytes: number;
  readonly acks: "1" | "all";
  readonly records: number;
}

/** Records a second that were acknowledged, in the second half of them. */
export async function producerPerformance(options: ProducerPerformanceOptions): Promise<number> {
  const { port, topic, valueBytes, acks, records } = options;
  const main = "org.apache.kafka.tools.ProducerPerformance";
  const target = ["--bootstrap-server", `127.0.0.1:${port}`, "--topic", topic];
  const counts = ["--num-records", records, "--warmup-records", Math.floor(records / 2)];
  const load = ["--record-size", valueBytes, "--throughput", -1, ...counts].map(String);
  // As our generator: idempotence has its own cost at the server.
  const properties = ["--command-property", `acks=${acks}`, "enable.idempotence=false"];
  return producerPerformanceRate(
    await textOf(["-cp", kafkaClassPath, main, ...target, ...load, ...properties]),
  );
}

/** Its last line of steady state is that of the whole run. @throws when there is none */
export function producerPerformanceRate(text: string): number {
  const rates = [...text.matchAll(/steady state records sent, ([\d.]+) records\/sec/g)];
  const last = Number(rates.at(-1)?.[1]);
  if (!(last > 0)) throw new Error(`kafka-producer-perf-test told no rate\n${text.slice(-2000)}`);
  return last;
}

async function textOf(args: readonly string[]): Promise<string> {
  const started = startPinned(findProgram("java")!, args, { core: 1 });
  const timer = setTimeout(() => void stopProcess(started, "SIGKILL"), toolMsMax);
  let text = "";
  started.child.stdout!.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  const code = await started.exited;
  clearTimeout(timer);
  if (code !== 0) throw new Error(`the tool ended with code ${code}\n${text.slice(-1000)}\n${started.log()}`);
  return text;
}
