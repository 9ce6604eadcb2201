/** Deliveries that nobody acknowledges: time is the test's own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "../../../fuzz/rig.ts";
import { limits } from "../../../src/base/limits.ts";
import { method, open, protocolHeader, shortText, startOk, tuneOk, uint } from "../../support/amqp-raw.ts";
import { countMethods, publishes } from "../../support/counted-amqp.ts";

const timeoutMs = 60_000;

async function ready() {
  const rig = await Rig.open();
  const vhost = rig.broker.defaultVhost;
  const options = { kind: "queue", durable: false, exclusiveOwner: 0, autoDelete: false } as const;
  vhost.declareQueue({ ...options, name: "short", args: { "x-consumer-timeout": timeoutMs } });
  vhost.declareQueue({ ...options, name: "usual", args: {} });
  vhost.declareQueue({ ...options, name: "long", args: { "x-consumer-timeout": 1000 * timeoutMs } });
  const peer = rig.connect("amqp");
  const ask = (...pieces: Buffer[]): Buffer => {
    peer.send(Buffer.concat(pieces));
    rig.settle();
    return peer.take();
  };
  peer.send(Buffer.from(protocolHeader));
  ask(startOk("guest", "guest"));
  ask(tuneOk(100, 131_072, 0), open("/"));
  ask(method(1, 20, 10, shortText("")));
  /** Returns what was said meanwhile. */
  const pass = (ms: number): Buffer => {
    for (const end = rig.time.monotonic() + ms; rig.time.monotonic() < end;) {
      rig.time.advance(Math.min(limits.ackTimeoutLookMs, end - rig.time.monotonic()));
      rig.settle();
    }
    return peer.take();
  };
  return { rig, vhost, ask, pass };
}

const qos = (prefetch: number): Buffer => method(1, 60, 10, uint(4, 0), uint(2, prefetch), Buffer.of(0));
const consume = (queue: string): Buffer =>
  method(1, 60, 20, uint(2, 0), shortText(queue), shortText(queue), Buffer.of(0), uint(4, 0));
const ack = (tag: number): Buffer => method(1, 60, 80, uint(8, tag), Buffer.of(0));
const get = (queue: string): Buffer => method(1, 60, 70, uint(2, 0), shortText(queue), Buffer.of(0));
const isClosed = (said: Buffer): boolean => countMethods(said, 20, 40) === 1;

test("a channel that holds a delivery for longer than its queue allows is closed, and the delivery is ready again", async () => {
  const { vhost, ask, pass } = await ready();
  ask(publishes({ queue: "short" }, 3, false), consume("short"));
  assert.equal(vhost.queue("short").readyCount, 0);
  assert.ok(!isClosed(pass(timeoutMs - limits.ackTimeoutLookMs)));
  const said = pass(3 * limits.ackTimeoutLookMs);
  assert.ok(isClosed(said));
  const text =
    "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: 60000 ms. " +
    "This timeout value can be configured, see consumers doc guide to learn more";
  assert.ok(said.includes(text));
  assert.equal(vhost.queue("short").readyCount, 3);
});

test("each delivery has the whole time, however long others before it were held", async () => {
  const { ask, pass } = await ready();
  ask(publishes({ queue: "short" }, 6, false), qos(1), consume("short"));
  for (let tag = 1; tag <= 5; tag++) {
    assert.ok(!isClosed(pass(0.75 * timeoutMs)), `delivery ${tag}`);
    ask(ack(tag));
  }
  assert.ok(isClosed(pass(timeoutMs + 2 * limits.ackTimeoutLookMs)));
});

test("a delivery is as old as it is, not as its turn to be the oldest", async () => {
  const { ask, pass } = await ready();
  ask(publishes({ queue: "short" }, 2, false), consume("short"));
  pass(0.75 * timeoutMs);
  ask(ack(1));
  assert.ok(isClosed(pass(0.25 * timeoutMs + 2 * limits.ackTimeoutLookMs)));
});

test("without an argument it is half an hour, for basic.get too; a policy says less", async () => {
  const { vhost, ask, pass } = await ready();
  ask(publishes({ queue: "usual" }, 1, false), get("usual"));
  assert.ok(!isClosed(pass(limits.consumerTimeoutMs - 2 * limits.ackTimeoutLookMs)));
  assert.ok(isClosed(pass(4 * limits.ackTimeoutLookMs)));
  const queue = vhost.queue("usual");
  queue.policies.applyLayers({ policy: { "consumer-timeout": 20_000 }, operatorPolicy: null });
  assert.equal(queue.policy.consumerTimeout, 20_000);
});

test("a delivery that has just come is not taken for an older one, however much was noted while another was held", async () => {
  // Beyond 512 notes some are dropped.
  for (const looks of [511, 512, 513]) {
    const { ask, pass } = await ready();
    ask(publishes({ queue: "long" }, 1, false), publishes({ queue: "short" }, looks + 1, false), get("long"));
    for (let tag = 2; tag < looks + 2; tag++) {
      ask(get("short"), ack(tag));
      pass(limits.ackTimeoutLookMs);
    }
    ask(get("short"), ack(1));
    assert.ok(!isClosed(pass(limits.ackTimeoutLookMs)), `${looks} looks`);
    assert.ok(isClosed(pass(timeoutMs + limits.ackTimeoutLookMs)));
  }
});
