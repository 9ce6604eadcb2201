/** AMQP clients of a counted broker: their bytes by amqp-raw, and what came back counted frame by frame. */
import assert from "node:assert/strict";
import { frame, method, open, protocolHeader, shortText, startOk, tuneOk, uint } from "./amqp-raw.ts";
import type { CountedBroker, CountedPeer } from "./counted-broker.ts";

const bodyBytes = 100;
const frameEndBytes = 8;
const noArguments = uint(4, 0);

/** Through the handshake, with channel 1 open. */
export async function connectAmqp(counted: CountedBroker): Promise<CountedPeer> {
  const peer = counted.connect("amqp");
  await peer.ask(protocolHeader);
  await peer.ask(startOk("guest", "guest"));
  await peer.ask(Buffer.concat([tuneOk(100, 131_072, 0), open("/")]));
  const answer = await peer.ask(method(1, 20, 10, shortText("")));
  assert.equal(countMethods(answer, 20, 11), 1, "no channel.open-ok");
  return peer;
}

export function declareQueue(name: string, isDurable: boolean): Buffer {
  return method(1, 50, 10, uint(2, 0), shortText(name), Buffer.of(isDurable ? 2 : 0), noArguments);
}

export const selectConfirms: Buffer = method(1, 85, 10, Buffer.of(0));

export function consume(queue: string, { acks, prefetch = 0 }: { acks: boolean; prefetch?: number }): Buffer {
  const qos = method(1, 60, 10, uint(4, 0), uint(2, prefetch), Buffer.of(0));
  const bits = Buffer.of(acks ? 0 : 2);
  const start = method(1, 60, 20, uint(2, 0), shortText(queue), shortText("c"), bits, noArguments);
  return Buffer.concat([qos, start]);
}

export function ackAllUpTo(deliveryTag: number): Buffer {
  return method(1, 60, 80, uint(8, deliveryTag), Buffer.of(1));
}

export function bind(queue: string, exchange: string): Buffer {
  const names = [shortText(queue), shortText(exchange), shortText("")];
  return method(1, 50, 20, uint(2, 0), ...names, Buffer.of(0), noArguments);
}

/** `count` messages of 100 bytes, through the default exchange to a queue or through another, as clients pipeline them. */
export function publishes(
  { queue = "", exchange = "" }: { queue?: string; exchange?: string },
  count: number,
  isPersistent: boolean,
): Buffer {
  const properties = isPersistent ? [uint(2, 0x1000), Buffer.of(2)] : [uint(2, 0)];
  const one = Buffer.concat([
    method(1, 60, 40, uint(2, 0), shortText(exchange), shortText(queue), Buffer.of(0)),
    frame(2, 1, uint(2, 60), uint(2, 0), uint(8, bodyBytes), ...properties),
    frame(3, 1, Buffer.alloc(bodyBytes, "x")),
  ]);
  return Buffer.alloc(one.length * count, one);
}

export function countMethods(bytes: Buffer, classId: number, methodId: number): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at + 3) + frameEndBytes) {
    const isMethod = bytes[at] === 1;
    if (isMethod && bytes.readUInt16BE(at + 7) === classId && bytes.readUInt16BE(at + 9) === methodId)
      count++;
  }
  return count;
}

/** The highest delivery tag that basic.ack confirmed. */
export function confirmedUpTo(bytes: Buffer): number {
  let highest = 0;
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at + 3) + frameEndBytes) {
    const isAck = bytes[at] === 1 && bytes.readUInt16BE(at + 7) === 60 && bytes.readUInt16BE(at + 9) === 80;
    if (isAck) highest = Math.max(highest, Number(bytes.readBigUInt64BE(at + 11)));
  }
  return highest;
}
