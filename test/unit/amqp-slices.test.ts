/** AMQP methods whose work goes on in later turns, and what is delivered within one turn. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "../../fuzz/rig.ts";
import { method, open, protocolHeader, shortText, startOk, tuneOk, uint } from "../support/amqp-raw.ts";
import { countMethods, declareQueue, publishes } from "../support/counted-amqp.ts";

const noArguments = uint(4, 0);

async function ready() {
  const rig = await Rig.open();
  const peer = rig.connect("amqp");
  const ask = (...pieces: Buffer[]): Buffer => {
    peer.send(Buffer.concat(pieces));
    rig.settle();
    return peer.take();
  };
  peer.send(Buffer.from(protocolHeader));
  ask(startOk("guest", "guest"));
  ask(tuneOk(100, 131_072, 0), open("/"));
  assert.equal(countMethods(ask(method(1, 20, 10, shortText(""))), 20, 11), 1);
  return { rig, peer, ask };
}

const qos = (prefetch: number, isGlobal: boolean): Buffer =>
  method(1, 60, 10, uint(4, 0), uint(2, prefetch), Buffer.of(isGlobal ? 1 : 0));
const consume = (queue: string, tag: string): Buffer =>
  method(1, 60, 20, uint(2, 0), shortText(queue), shortText(tag), Buffer.of(0), noArguments);
const ack = (tag: number, isMultiple = false): Buffer =>
  method(1, 60, 80, uint(8, tag), Buffer.of(isMultiple ? 1 : 0));
const get = (queue: string, isNoAck: boolean): Buffer =>
  method(1, 60, 70, uint(2, 0), shortText(queue), Buffer.of(isNoAck ? 1 : 0));

test("credit that comes back twice in one turn is used twice, whoever looked at the queue in between", async () => {
  const { ask } = await ready();
  const first = ask(
    declareQueue("q", false),
    publishes({ queue: "q" }, 6, false),
    qos(2, true),
    consume("q", "c"),
  );
  assert.equal(countMethods(first, 60, 60), 2);
  // The get has the queue deliver, which takes the credit of the first acknowledgement; the second brings more.
  const then = ask(ack(1), get("q", true), ack(2));
  assert.equal(countMethods(then, 60, 71), 1);
  assert.equal(countMethods(then, 60, 60), 2);
});

test("a consumer that had no room is served in its turn once it has acknowledged", async () => {
  const { ask } = await ready();
  const tags = Array.from({ length: 50 }, (_, i) => `c${i}`);
  ask(declareQueue("q", false), qos(1, false), ...tags.map((tag) => consume("q", tag)));
  assert.equal(countMethods(ask(publishes({ queue: "q" }, 60, false)), 60, 60), 50);
  assert.equal(countMethods(ask(ack(7), ack(3)), 60, 60), 2);
  assert.equal(countMethods(ask(ack(0, true)), 60, 60), 8);
});
