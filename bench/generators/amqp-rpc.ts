/**
 * Remote calls over direct reply-to: a client asks, a server answers to `amq.rabbitmq.reply-to`, and with the answer the next
 * call begins. The latency is that of a call; both connections are in this process.
 *
 * Calls are numbered; each answer must be that of a call under way, once.
 */
import type { Figures } from "../contract.ts";
import { Histogram } from "../base/histogram.ts";
import { BusyMeter } from "./base/account.ts";
import { throwWhenStalled } from "./base/watch.ts";
import { frame, method, methodId, shortText, uint } from "./amqp/handshake.ts";
import { AmqpLink, consume, declareQueues, deleteQueues, queueName } from "./amqp/link.ts";

const publishId = 0x003c_0028;
const replyToFlag = 0x0200;
const replyQueue = "amq.rabbitmq.reply-to";

export interface AmqpRpcOptions {
  readonly port: number;
  readonly id: string;
  readonly bodyBytes: number;
  readonly secondsWanted: number;
  /** Calls that wait for their answers at once. */
  readonly underWay: number;
}

/** A message whose body, from its first bytes on, is written over. */
class Template {
  readonly bytes: Buffer;
  readonly bodyAt: number;

  constructor(key: string, replyTo: string | null, bodyBytes: number) {
    const publish = method(1, publishId, uint(2, 0), shortText(""), shortText(key), uint(1, 0));
    const properties = replyTo === null ? [uint(2, 0)] : [uint(2, replyToFlag), shortText(replyTo)];
    const header = frame(2, 1, uint(2, 60), uint(2, 0), uint(8, bodyBytes), ...properties);
    this.bytes = Buffer.concat([publish, header, frame(3, 1, Buffer.alloc(bodyBytes, "x"))]);
    this.bodyAt = publish.length + header.length + 7;
  }

  with(number: number): Buffer {
    // A copy: the socket may keep the bytes.
    const bytes = Buffer.from(this.bytes);
    bytes.writeUInt32BE(number, this.bodyAt);
    return bytes;
  }
}

export async function generate(options: AmqpRpcOptions): Promise<Figures> {
  const { port, id, bodyBytes, underWay } = options;
  const [client, server] = [await AmqpLink.open(port, 1), await AmqpLink.open(port, 1)];
  await declareQueues(server, id, 1, false);
  const queue = queueName(id, 0);
  await server.call(consume({ queue, channel: 1, tag: "server", acks: false }), methodId.consumeOk);
  await client.call(
    consume({ queue: replyQueue, channel: 1, tag: "client", acks: false }),
    methodId.consumeOk,
  );

  let answer: Template | null = null;
  let replyTo = "";
  server.onHeader = (bytes, at) => {
    // The client has one name for its answers.
    if (answer !== null && bytes.latin1Slice(at + 3, at + 3 + replyTo.length) === replyTo) return;
    replyTo = bytes.latin1Slice(at + 3, at + 3 + bytes[at + 2]!);
    answer = new Template(replyTo, null, bodyBytes);
  };
  server.onDeliver = (bytes, bodyAt) => server.socket.write(answer!.with(bytes.readUInt32BE(bodyAt)));

  const call = new Template(queue, replyQueue, bodyBytes);
  const sentMs = new Map<number, number>();
  const latency = new Histogram();
  let [calls, answers] = [0, 0];
  const stopWatching = throwWhenStalled(
    () => answers,
    () => `${calls} calls, ${answers} answers`,
  );
  const busy = new BusyMeter();
  const startedMs = performance.now();
  const endMs = startedMs + options.secondsWanted * 1000;
  await new Promise<void>((resolve) => {
    const ask = () => {
      sentMs.set(calls, performance.now());
      client.socket.write(call.with(calls));
      calls++;
    };
    client.onDeliver = (bytes, bodyAt) => {
      const number = bytes.readUInt32BE(bodyAt);
      const sent = sentMs.get(number);
      if (sent === undefined)
        throw new Error(`an answer to call ${number} came, which does not wait for one`);
      sentMs.delete(number);
      answers++;
      const nowMs = performance.now();
      latency.record((nowMs - sent) * 1000);
      if (nowMs < endMs) ask();
      else if (sentMs.size === 0) resolve();
    };
    for (let i = 0; i < underWay; i++) ask();
  });
  const seconds = (performance.now() - startedMs) / 1000;
  stopWatching();
  const busyText = busy.text();
  await deleteQueues(server, id, 1);
  for (const link of [client, server]) link.close();
  return {
    count: answers,
    seconds,
    latency: latency.percentiles()!,
    verified: `${answers} answers, each once, ${busyText}`,
  };
}
