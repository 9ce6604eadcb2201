/**
 * One command over and over on many connections, at full speed or at a fixed rate; its latency is that of the reply.
 *
 * redis-benchmark does the same at full speed; this one can keep to a rate, and numbers its payloads.
 */
import type { Figures } from "../contract.ts";
import { Histogram } from "../base/histogram.ts";
import { callAll } from "./redis/client.ts";
import { commandBatch } from "./redis/commands.ts";
import { Connection } from "./redis/connection.ts";
import { fill, type Fill } from "./redis/fill.ts";
import { type Expectation, verifyAll } from "./redis/expectation.ts";
import { Progress } from "./redis/progress.ts";
import { type PaceOptions, Sender } from "./redis/sender.ts";
import { BusyMeter, latenessText, serverCpuSeconds } from "./base/account.ts";
import { spin } from "./base/spin.ts";

export interface RedisRequestsOptions {
  readonly port: number;
  readonly connections: number;
  readonly pipeline: number;
  readonly requests: number;
  readonly pace?: PaceOptions;
  readonly serverPid?: number;
  readonly fill?: Fill;
  /** Up to its last argument, which is the payload. */
  readonly command: readonly string[];
  /** 0: the command is whole without it. */
  readonly payloadBytes: number;
  readonly before: readonly (readonly string[])[];
  readonly expect: readonly Expectation[];
  readonly after: readonly (readonly string[])[];
}

/** So many may go out at once when many are due. */
const dueAtOnceMax = 256;

export async function generate(options: RedisRequestsOptions): Promise<Figures> {
  const { port, requests } = options;
  const pace = options.pace && { ...options.pace, lateness: new Histogram() };
  let answered = 0;
  const progress = new Progress(
    () => answered,
    () => `${requests - answered} of ${requests} replies`,
  );
  const target = { port, failed: progress.fail };
  await callAll(target, options.before);
  if (options.fill !== undefined) {
    const control = await Connection.open(target);
    await fill(control, options.fill);
    control.close();
  }
  const connections = await Connection.openMany(options.connections, target);
  const commands = pace === undefined ? options.pipeline : dueAtOnceMax;
  const batch = commandBatch(options.command, { payloadBytes: options.payloadBytes, commands });
  const senders = connections.map((connection, source) => {
    const shared = { sources: connections.length, requests, pipeline: options.pipeline, pace };
    return new Sender(connection, batch, { ...shared, source });
  });
  const latency = new Histogram();
  const busy = new BusyMeter();
  const serverBefore = serverCpuSeconds(options);
  const startMs = performance.now();
  const sentMs = new Float64Array(senders.length).fill(startMs);
  for (const [index, sender] of senders.entries()) {
    const step = () => {
      const nowMs = performance.now();
      sentMs[index] = nowMs;
      sender.step(nowMs, commands);
    };
    connections[index]!.drained = () => sender.step(performance.now(), commands);
    sender.start(startMs, (_, replies) => {
      const nowMs = performance.now();
      for (let reply = sender.answered - replies; reply < sender.answered; reply++)
        latency.record((nowMs - (pace === undefined ? sentMs[index]! : sender.dueMs(reply))) * 1000);
      answered += replies;
      if (answered === requests) progress.complete();
      else if (pace === undefined && sender.answered === sender.sent) step();
    });
    step();
  }
  if (pace !== undefined) {
    spin(() => {
      const nowMs = performance.now();
      for (const sender of senders) sender.step(nowMs, commands);
      return !progress.isOver;
    });
  }
  await progress.done;
  const seconds = (performance.now() - startMs) / 1000;
  const cpuSeconds = serverCpuSeconds(options) - serverBefore;
  const generatorText = pace === undefined ? busy.text() : latenessText(pace.lateness);
  const verified = await verifyAll(target, options.expect);
  await callAll(target, options.after);
  for (const connection of connections) connection.close();
  return {
    count: requests,
    seconds,
    latency: latency.percentiles()!,
    ...(options.serverPid === undefined ? {} : { cpuSeconds }),
    verified: `${requests} replies${verified}, ${generatorText}`,
  };
}
