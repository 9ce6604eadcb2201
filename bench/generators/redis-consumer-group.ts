/**
 * XREADGROUP and XACK by many connections of one group, over a stream that was filled beforehand: every entry must be
 * delivered to exactly one of them, once, and be acknowledged.
 *
 * Not here: what one connection does (redis/group-reader.ts).
 */
import type { Figures } from "../contract.ts";
import { Histogram } from "../base/histogram.ts";
import { call } from "./redis/client.ts";
import { Connection } from "./redis/connection.ts";
import { GroupReader } from "./redis/group-reader.ts";
import { BusyMeter } from "./base/account.ts";
import { Progress } from "./redis/progress.ts";
import { fillStream } from "./redis/stream.ts";

export interface RedisConsumerGroupOptions {
  readonly port: number;
  readonly stream: string;
  readonly group: string;
  readonly connections: number;
  readonly pipeline: number;
  /** COUNT of a read. */
  readonly entriesMax: number;
  readonly entries: number;
  readonly payloadBytes: number;
}

export async function generate(options: RedisConsumerGroupOptions): Promise<Figures> {
  const { port, stream, group, entries } = options;
  const timesSeen = new Uint8Array(entries);
  let acknowledged = 0;
  let readersDone = 0;
  const progress = new Progress(
    () => acknowledged,
    () => `${entries - acknowledged} of ${entries} entries, ${options.connections - readersDone} readers`,
  );
  const target = { port, failed: progress.fail };
  const control = await Connection.open(target);
  await fillStream(control, options);
  await call(control, "XGROUP", "CREATE", stream, group, "0");
  const connections = await Connection.openMany(options.connections, target);

  const latency = new Histogram();
  const busy = new BusyMeter();
  const startMs = performance.now();
  let endMs = startMs;
  const counted = (more: number, isDone: boolean) => {
    acknowledged += more;
    // The last entry ends the measured time; what follows are readers finding nothing.
    if (more > 0 && acknowledged === entries) endMs = performance.now();
    if (isDone) readersDone += 1;
    if (readersDone === connections.length) progress.complete();
  };
  for (const [index, connection] of connections.entries()) {
    const counts = { timesSeen, latency, acknowledged: counted };
    new GroupReader(connection, { ...options, ...counts, consumer: `consumer-${index}` }).start();
  }
  await progress.done;
  const busyText = busy.text();

  const missing = timesSeen.indexOf(0);
  if (missing >= 0) throw new Error(`entry ${missing} of ${entries} was never delivered`);
  if (acknowledged !== entries) throw new Error(`${acknowledged} of ${entries} entries were acknowledged`);
  const pending = (await call(control, "XPENDING", stream, group)) as readonly unknown[];
  if (pending[0] !== 0)
    throw new Error(`${String(pending[0])} entries are pending after all acknowledgements`);
  await call(control, "XGROUP", "DESTROY", stream, group);
  for (const connection of [control, ...connections]) connection.close();
  return {
    count: entries,
    seconds: (endMs - startMs) / 1000,
    latency: latency.percentiles()!,
    verified: `${entries} entries, each once and acknowledged, none pending, ${busyText}`,
  };
}
