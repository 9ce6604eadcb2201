/** AMQP methods whose work goes on in later turns, and what is delivered within one turn. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "../../../fuzz/rig.ts";
import { queueFields } from "../../../src/admin/rabbitmq/shown/queue-fields.ts";
import { finishNow } from "../../../src/base/turn-work.ts";
import { countsOf, queueCounters, totalCounters } from "../../../src/broker/rates.ts";
import { limits } from "../../../src/base/limits.ts";
import { longText } from "../../support/amqp-frames.ts";
import { method, open, protocolHeader, shortText, startOk, tuneOk, uint } from "../../support/amqp-raw.ts";
import { countMethods, declareQueue, publishes } from "../../support/counted-amqp.ts";
import { takeOnce } from "../../../src/broker/queue/delivery.ts";

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

for (const isNoAck of [true, false]) {
  test(`basic.get finds what is behind 30,000 expired messages, ${isNoAck ? "without" : "with"} an acknowledgement`, async () => {
    const { rig, peer, ask } = await ready();
    const ttl = Buffer.concat([shortText("x-message-ttl"), Buffer.from("I"), uint(4, 1000)]);
    ask(method(1, 50, 10, uint(2, 0), shortText("q"), Buffer.of(0), longText(ttl)));
    ask(publishes({ queue: "q" }, 30_000, false));
    rig.time.jump(2000);
    peer.send(Buffer.concat([publishes({ queue: "q" }, 1, false), get("q", isNoAck), get("q", isNoAck)]));
    let answers = Buffer.alloc(0);
    let turns = 0;
    for (; rig.time.hasTickEnd; turns++) {
      rig.time.endTick();
      answers = Buffer.concat([answers, peer.take()]);
    }
    assert.deepEqual([countMethods(answers, 60, 71), countMethods(answers, 60, 72)], [1, 1]);
    assert.ok(turns >= 30_000 / limits.expiredPerTickMax, `${turns} turns`);
  });
}

test("a rollback of 60,000 settlements takes turns, and the methods behind it wait", async () => {
  const count = 60_000;
  const { rig, peer, ask } = await ready();
  ask(declareQueue("q", false), publishes({ queue: "q" }, count, false), consume("q", "c"));
  ask(method(1, 90, 10), ack(0, true));
  const { turnsContinued } = rig.broker.work;
  peer.send(Buffer.concat([method(1, 90, 30), get("q", true)]));
  rig.time.endTick();
  assert.equal(countMethods(peer.take(), 60, 72), 0, "the get overtook the rollback");
  assert.equal(peer.connection.isAtWork, true);
  rig.settle();
  const answers = peer.take();
  assert.deepEqual([countMethods(answers, 90, 31), countMethods(answers, 60, 72)], [1, 1]);
  assert.ok(rig.broker.work.turnsContinued > turnsContinued);
  // All are outstanding again, the first and the last of them.
  ask(ack(1), ack(count), method(1, 90, 20));
  assert.equal(rig.broker.defaultVhost.queues.get("q")!.log.length, count - 2);
});

test("a channel that ends amid a rollback gives back all that it held, in order", async () => {
  const count = 20_000;
  const { rig, peer, ask } = await ready();
  ask(declareQueue("q", false), publishes({ queue: "q" }, count, false), consume("q", "c"));
  ask(method(1, 90, 10), ack(0, true));
  peer.send(method(1, 90, 30));
  rig.time.endTick();
  peer.end();
  rig.settle();
  const queue = rig.broker.defaultVhost.queues.get("q")!;
  assert.deepEqual([queue.readyCount, queue.cursor!.heldCount, queue.returns.count], [count, 0, 0]);
  assert.equal(takeOnce(queue, 1), "taken");
  assert.equal(queue.cursor!.record.offset, 0);
});

test("messages that are given back in slices are ready, and are not counted as unacknowledged too", async () => {
  const count = 20_000;
  const { rig, peer, ask } = await ready();
  const { broker } = rig;
  ask(declareQueue("q", false), publishes({ queue: "q" }, count, false), consume("q", "c"));
  const queue = broker.defaultVhost.queues.get("q")!;
  const fields = queueFields({ broker, nodeName: "n", spans: {} });
  const sums = (): number[] => {
    finishNow(broker.totals.renewing());
    const counted = [countsOf(queueCounters, queue), countsOf(totalCounters, broker.totals.ofBroker)];
    const shown = ["messages_ready", "messages_unacknowledged"].map((name) => fields[name]!(queue) as number);
    return [
      ...counted.map(
        ({ messages_ready, messages_unacknowledged }) => messages_ready + messages_unacknowledged,
      ),
      shown[0]! + shown[1]!,
      fields["messages"]!(queue) as number,
    ];
  };
  assert.deepEqual(sums(), Array(4).fill(count));
  peer.end();
  let turns = 0;
  for (; rig.time.hasTickEnd; rig.time.endTick()) {
    if (queue.returns.count > 0) turns++;
    assert.deepEqual(sums(), Array(4).fill(count));
  }
  assert.ok(turns > 1, `${turns} turns`);
});

test("10,000 consumers and 5,000 queues that come in one chunk take turns", async () => {
  const { rig, peer, ask } = await ready();
  ask(declareQueue("q", false), qos(1, false));
  const consumes = Array.from({ length: 10_000 }, (_, i) => consume("q", `c${i}`));
  const declares = Array.from({ length: 5000 }, (_, i) => declareQueue(`q${i}`, false));
  for (const methods of [consumes, declares]) {
    const { turnsContinued } = rig.broker.work;
    peer.send(Buffer.concat(methods));
    rig.settle();
    const turns = rig.broker.work.turnsContinued - turnsContinued;
    assert.ok(turns >= 5, `${turns} turns`);
  }
  const { queues } = rig.broker.defaultVhost;
  assert.deepEqual([queues.get("q")!.consumerCount, queues.size], [10_000, 5001]);
});

test("a channel that gives back very much to one queue, and little to many bounded ones, looks at each of these once", async () => {
  const count = 20_000;
  const bounded = 400;
  const { rig, ask } = await ready();
  const names = Array.from({ length: bounded }, (_, i) => `b${i}`);
  const bound = Buffer.concat([shortText("x-max-length"), Buffer.from("I"), uint(4, 10)]);
  for (const name of names) {
    ask(method(1, 50, 10, uint(2, 0), shortText(name), Buffer.of(0), longText(bound)));
    ask(publishes({ queue: name }, 1, false), consume(name, name));
  }
  ask(declareQueue("q", false), publishes({ queue: "q" }, count, false), consume("q", "q"));
  let looks = 0;
  for (const name of names) {
    const queue = rig.broker.defaultVhost.queues.get(name)!;
    const catchUp = queue.catchUp.bind(queue);
    queue.catchUp = () => {
      looks++;
      return catchUp();
    };
  }
  ask(method(1, 20, 40, uint(2, 0), shortText(""), uint(2, 0), uint(2, 0)));
  const { queues } = rig.broker.defaultVhost;
  assert.deepEqual([queues.get("q")!.readyCount, queues.get("b7")!.readyCount], [count, 1]);
  assert.ok(looks <= 4 * bounded, `${looks} looks at ${bounded} queues`);
});
