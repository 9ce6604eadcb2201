/**
 * BLPOP beside LPUSH: many clients wait for one list, and one pushes an element whenever the last one has arrived. The latency
 * is from the push until the waiting client has the element.
 *
 * Elements are numbered; each must come once, in order, to the client that has waited longest.
 */
import type { Figures } from "../contract.ts";
import { Histogram } from "../base/histogram.ts";
import { BusyMeter, serverCpuSeconds } from "./base/account.ts";
import { callAll } from "./redis/client.ts";
import { commandBatch, encodeCommand } from "./redis/commands.ts";
import { type Chunk, Connection } from "./redis/connection.ts";
import { payloadHeaderBytes, writePayloadHeader } from "./redis/payload.ts";
import { Progress } from "./redis/progress.ts";
import { ReplyCounter } from "./redis/replies.ts";

export interface RedisHandoverOptions {
  readonly port: number;
  readonly serverPid: number;
  readonly key: string;
  readonly waiting: number;
  readonly handovers: number;
}

const idlePollMs = 5;

export async function generate(options: RedisHandoverOptions): Promise<Figures> {
  const { port, key, waiting, handovers } = options;
  let arrived = 0;
  const progress = new Progress(
    () => arrived,
    () => `${handovers - arrived} of ${handovers} elements`,
  );
  const target = { port, failed: progress.fail };
  const clients = await Connection.openMany(waiting, target);
  const pusher = await Connection.open(target);
  const wait = encodeCommand("BLPOP", key, "0");
  const push = commandBatch(["LPUSH", key], { payloadBytes: payloadHeaderBytes, commands: 1 });
  const pushView = new DataView(push.bytes.buffer, push.bytes.byteOffset, push.bytes.byteLength);
  const pushReplies = new ReplyCounter();
  const latency = new Histogram();
  let sentMs = 0;
  const send = () => {
    sentMs = performance.now();
    writePayloadHeader(pushView, push.payloadOffset!, { sequence: arrived, source: 0, timeMs: sentMs });
    pusher.send(push.bytes, 0, push.bytes.length);
  };
  const next = () => {
    if (arrived === handovers) progress.complete();
    else if (pushReplies.replies === arrived) send();
  };
  pusher.received = (chunk) => {
    pushReplies.feed(chunk);
    // Its reply and the element come in either order.
    if (pushReplies.replies === arrived) next();
  };
  for (const [index, client] of clients.entries()) {
    client.received = (chunk) => {
      latency.record((performance.now() - sentMs) * 1000);
      if (sequenceOf(chunk) !== arrived || arrived % waiting !== index)
        throw new Error(`client ${index} got ${sequenceOf(chunk)}, when ${arrived} was expected`);
      arrived += 1;
      client.send(wait, 0, wait.length);
      next();
    };
    client.send(wait, 0, wait.length);
    // One after the other, so that who waits longest is known.
    await untilBlocked(port, index + 1);
  }
  const busy = new BusyMeter();
  const serverBefore = serverCpuSeconds(options);
  const startMs = performance.now();
  send();
  await progress.done;
  const seconds = (performance.now() - startMs) / 1000;
  const cpuSeconds = serverCpuSeconds(options) - serverBefore;
  const busyText = busy.text();
  for (const connection of [pusher, ...clients]) connection.close();
  await untilBlocked(port, 0);
  return {
    count: handovers,
    seconds,
    cpuSeconds,
    latency: latency.percentiles()!,
    verified: `${handovers} elements, each once, to the client that had waited longest, ${busyText}`,
  };
}

/** The element ends the reply: two bulks in an array. */
function sequenceOf(chunk: Chunk): number {
  const at = chunk.length - payloadHeaderBytes - "\r\n".length;
  return new DataView(chunk.buffer, chunk.byteOffset + at).getUint32(0, true);
}

async function untilBlocked(port: number, wanted: number): Promise<void> {
  for (;;) {
    const [text] = await callAll({ port, failed: rethrow }, [["INFO", "clients"]]);
    if (Number(/blocked_clients:(\d+)/.exec(String(text))?.[1]) === wanted) return;
    await new Promise((resolve) => setTimeout(resolve, idlePollMs));
  }
}

function rethrow(error: unknown): void {
  throw error;
}
