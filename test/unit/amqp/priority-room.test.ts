/**
 * A queue with priorities: who publishes a low message, then a high one, and only then makes room for a consumer, all in one chunk,
 * gets the high one first. On every path by which room comes back (ADR 28).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "../../../fuzz/rig.ts";
import { limits } from "../../../src/base/limits.ts";
import { longText, publish as publishFrames } from "../../support/amqp-frames.ts";
import { method, open, protocolHeader, shortText, startOk, tuneOk, uint } from "../../support/amqp-raw.ts";

async function ready() {
  const rig = await Rig.open();
  const peer = rig.connect("amqp");
  /** Sends all as one chunk and returns the bodies that are delivered. */
  const ask = (...pieces: Buffer[]): string[] => {
    peer.send(Buffer.concat(pieces));
    rig.settle();
    return bodiesIn(peer.take());
  };
  peer.send(Buffer.from(protocolHeader));
  ask(startOk("guest", "guest"));
  ask(tuneOk(100, 131_072, 0), open("/"));
  ask(method(1, 20, 10, shortText("")));
  return ask;
}

function bodiesIn(bytes: Buffer): string[] {
  const bodies: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = bytes.readUInt32BE(at + 3);
    if (bytes[at] === 3) bodies.push(bytes.latin1Slice(at + 7, at + 7 + size));
    at += size + 8;
  }
  return bodies;
}

function declare(name: string, more: readonly Buffer[] = []): Buffer {
  const args = Buffer.concat([shortText("x-max-priority"), Buffer.from("I"), uint(4, 10), ...more]);
  return method(1, 50, 10, uint(2, 0), shortText(name), Buffer.of(0), longText(args));
}

const singleActive = [shortText("x-single-active-consumer"), Buffer.from("t"), Buffer.of(1)];

function publish(queue: string, body: string, priority: number): Buffer {
  return publishFrames(1, "", queue, Buffer.from(body), priority);
}

const qos = (prefetch: number, isGlobal = false): Buffer =>
  method(1, 60, 10, uint(4, 0), uint(2, prefetch), Buffer.of(isGlobal ? 1 : 0));
const consume = (queue: string, tag: string): Buffer =>
  method(1, 60, 20, uint(2, 0), shortText(queue), shortText(tag), Buffer.of(0), uint(4, 0));
const ack = (tag: number, isMultiple = false): Buffer =>
  method(1, 60, 80, uint(8, tag), Buffer.of(isMultiple ? 1 : 0));
/** basic.nack: bit 0 is multiple, bit 1 requeue. */
const nack = (tag: number, bits: number): Buffer => method(1, 60, 120, uint(8, tag), Buffer.of(bits));
const recover = method(1, 60, 110, Buffer.of(1));
const txSelect = method(1, 90, 10);
const txCommit = method(1, 90, 20);

const lowAndHigh = Buffer.concat([publish("q", "low", 1), publish("q", "high", 9)]);

for (const [how, making] of [
  ["basic.ack", [ack(1)]],
  ["basic.ack of several", [ack(1, true)]],
  ["basic.nack without requeue", [nack(1, 0)]],
] as const) {
  for (const [kind, more] of [
    ["a queue", []],
    ["a queue with a single active consumer", singleActive],
  ] as const) {
    test(`${how} gives room on ${kind} for the highest of what came before it`, async () => {
      const ask = await ready();
      ask(declare("q", more), qos(1), consume("q", "c"));
      assert.deepEqual(ask(publish("q", "first", 0)), ["first"]);
      assert.deepEqual(ask(lowAndHigh, ...making), ["high"]);
    });

    test(`${how} in a transaction gives room on ${kind} for the highest of it`, async () => {
      const ask = await ready();
      ask(declare("q", more), qos(1), consume("q", "c"));
      assert.deepEqual(ask(publish("q", "first", 0), txSelect), ["first"]);
      assert.deepEqual(ask(lowAndHigh, ...making, txCommit), ["high"]);
    });
  }
}

test("a consumer that others in the ring hide has room only once it acknowledges", async () => {
  const ask = await ready();
  ask(declare("q"), qos(1), consume("q", "a"), consume("q", "b"));
  assert.deepEqual(ask(publish("q", "first", 0)), ["first"]);
  // The low one goes to the other consumer, which has room.
  const between = publish("q", "middle", 5);
  assert.deepEqual(ask(publish("q", "low", 1), between, publish("q", "high", 9), ack(1)), ["low", "high"]);
});

test("basic.recover gives what it recovers before what came after, by priority", async () => {
  const ask = await ready();
  ask(declare("q"), qos(1), consume("q", "c"));
  assert.deepEqual(ask(publish("q", "first", 0)), ["first"]);
  assert.deepEqual(ask(lowAndHigh, recover), ["high"]);
});

for (const [how, making, left] of [
  ["basic.ack", [ack(0, true)], []],
  ["basic.nack with requeue", [nack(0, 3)], ["first"]],
  ["basic.recover", [recover], ["first"]],
] as const) {
  test(`${how} of more than are settled at once gives room for the highest of what came before`, async () => {
    const ask = await ready();
    const count = limits.settledAtOnceMax + 100;
    const many = Buffer.concat(Array.from({ length: count }, () => publish("q", "first", 0)));
    ask(declare("q"), qos(count), consume("q", "c"));
    assert.equal(ask(many).length, count);
    const after = new Set(ask(lowAndHigh, ...making));
    assert.deepEqual([...after], ["high", "low", ...left]);
  });
}

test("credit of the channel that comes back is room on its other queues too", async () => {
  for (const isInTransaction of [false, true]) {
    const ask = await ready();
    ask(declare("q"), declare("other"), qos(1, true), consume("other", "o"), consume("q", "c"));
    assert.deepEqual(ask(publish("other", "first", 0)), ["first"]);
    // The consumer of the queue is asked, and finds no credit.
    assert.deepEqual(ask(publish("q", "waits", 0)), []);
    if (isInTransaction) assert.deepEqual(ask(txSelect, lowAndHigh, ack(1), txCommit), ["high"]);
    else assert.deepEqual(ask(lowAndHigh, ack(1)), ["high"]);
  }
});
