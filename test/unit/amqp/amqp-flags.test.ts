/**
 * The flags of AMQP methods: `if-unused` and `if-empty` where there is exactly one reason against it, `nowait` of every method that
 * has it, what auto-delete waits for, and which methods are a use of a queue that expires.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "../../../fuzz/rig.ts";
import {
  handshake,
  longText,
  method,
  openChannel,
  publish,
  shortText,
  uint,
} from "../../support/amqp-frames.ts";

const ticket = uint(2, 0);
const none = uint(4, 0);
const bits = (...set: boolean[]): Buffer =>
  Buffer.of(set.reduce((sum, is, at) => sum + (is ? 1 << at : 0), 0));

const flagsOf = (text: string, known: readonly string[]): Buffer =>
  bits(...known.map((name) => text.split(" ").includes(name)));
const exchangeFlags = ["passive", "durable", "auto-delete", "internal", "nowait"];
const queueFlags = ["passive", "durable", "exclusive", "auto-delete", "nowait"];

const declareExchange = (name: string, flags = "", args = none): Buffer =>
  method(1, 40, 10, ticket, shortText(name), shortText("fanout"), flagsOf(flags, exchangeFlags), args);
const deleteExchange = (name: string, flags = ""): Buffer =>
  method(1, 40, 20, ticket, shortText(name), flagsOf(flags, ["if-unused", "nowait"]));
const bindExchange = (destination: string, source: string, flags = ""): Buffer =>
  method(1, 40, 30, ticket, ...[destination, source, ""].map(shortText), flagsOf(flags, ["nowait"]), none);
const unbindExchange = (destination: string, source: string, flags = ""): Buffer =>
  method(1, 40, 40, ticket, ...[destination, source, ""].map(shortText), flagsOf(flags, ["nowait"]), none);
const declareQueue = (name: string, flags = "", args = none): Buffer =>
  method(1, 50, 10, ticket, shortText(name), flagsOf(flags, queueFlags), args);
const bindQueue = (queue: string, exchange: string, flags = ""): Buffer =>
  method(1, 50, 20, ticket, ...[queue, exchange, ""].map(shortText), flagsOf(flags, ["nowait"]), none);
const unbindQueue = (queue: string, exchange: string): Buffer =>
  method(1, 50, 50, ticket, ...[queue, exchange, ""].map(shortText), none);
const purge = (queue: string, flags = ""): Buffer =>
  method(1, 50, 30, ticket, shortText(queue), flagsOf(flags, ["nowait"]));
const deleteQueue = (name: string, flags = ""): Buffer =>
  method(1, 50, 40, ticket, shortText(name), flagsOf(flags, ["if-unused", "if-empty", "nowait"]));
const consume = (queue: string, tag: string, flags = ""): Buffer =>
  method(
    1,
    60,
    20,
    ticket,
    shortText(queue),
    shortText(tag),
    flagsOf(flags, ["no-local", "no-ack", "exclusive", "nowait"]),
    none,
  );
const cancel = (tag: string, flags = ""): Buffer =>
  method(1, 60, 30, shortText(tag), flagsOf(flags, ["nowait"]));
const get = (queue: string, flags = ""): Buffer =>
  method(1, 60, 70, ticket, shortText(queue), flagsOf(flags, ["no-ack"]));
const ack = (tag: number): Buffer => method(1, 60, 80, uint(8, tag), bits(false));
const requeue = (tag: number): Buffer => method(1, 60, 90, uint(8, tag), bits(true));
const qos: Buffer = method(1, 60, 10, uint(4, 0), uint(2, 1), bits(false));
const send = (exchange: string, key: string): Buffer => publish(1, exchange, key, Buffer.from("x"));
const closeChannel: Buffer = method(1, 20, 40, uint(2, 200), shortText(""), uint(2, 0), uint(2, 0));

/** The methods in `bytes`, by their numbers; of channel.close also the code. */
function methodsIn(bytes: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at + 3) + 8) {
    if (bytes[at] !== 1) continue;
    const name = `${bytes.readUInt16BE(at + 7)}.${bytes.readUInt16BE(at + 9)}`;
    found.push(name === "20.40" ? `${name} ${bytes.readUInt16BE(at + 11)}` : name);
  }
  return found;
}

interface Client {
  readonly rig: Rig;
  /** The methods that answer, once the channel is open again where that closed it. */
  ask: (...pieces: Buffer[]) => string[];
}

async function connected(): Promise<Client> {
  const rig = await Rig.open();
  const peer = rig.connect("amqp");
  const ask = (...pieces: Buffer[]): string[] => {
    peer.send(Buffer.concat(pieces));
    rig.settle();
    const said = methodsIn(peer.take());
    if (said.some((name) => name.startsWith("20.40"))) {
      peer.send(Buffer.concat([method(1, 20, 41), openChannel(1)]));
      rig.settle();
      assert.deepEqual(methodsIn(peer.take()), ["20.11"]);
    }
    return said;
  };
  peer.send(handshake());
  assert.ok(ask(openChannel(1)).includes("20.11"));
  return { rig, ask };
}

const refused = "20.40 406";

/** What stands against a conditional deletion, what takes that away, and what never stands against it. */
const conditional: Record<string, { set: Buffer[]; deletion: Buffer; clear: Buffer[]; done: string }> = {
  "exchange.delete if-unused: one queue is bound": {
    set: [declareExchange("x"), declareQueue("q"), bindQueue("q", "x")],
    deletion: deleteExchange("x", "if-unused"),
    clear: [unbindQueue("q", "x")],
    done: "40.21",
  },
  "exchange.delete if-unused: one exchange is bound, itself bound to another": {
    set: [
      declareExchange("x"),
      declareExchange("y"),
      bindExchange("y", "x"),
      bindExchange("x", "amq.fanout"),
    ],
    deletion: deleteExchange("x", "if-unused"),
    clear: [unbindExchange("y", "x")],
    done: "40.21",
  },
  "queue.delete if-unused: one consumer; a message and a binding do not count": {
    set: [
      declareQueue("q"),
      bindQueue("q", "amq.fanout"),
      qos,
      send("", "q"),
      send("", "q"),
      consume("q", "c"),
    ],
    deletion: deleteQueue("q", "if-unused"),
    clear: [],
    done: "50.41",
  },
  "queue.delete if-empty: one message; a consumer and what is unacknowledged do not count": {
    set: [declareQueue("q"), qos, consume("q", "c"), send("", "q"), send("", "q")],
    deletion: deleteQueue("q", "if-empty"),
    clear: [purge("q")],
    done: "50.41",
  },
  "queue.delete if-unused and if-empty: both have to be so": {
    set: [declareQueue("q"), send("", "q")],
    deletion: deleteQueue("q", "if-unused if-empty"),
    clear: [get("q", "no-ack")],
    done: "50.41",
  },
};

for (const [what, { set, deletion, clear, done }] of Object.entries(conditional)) {
  test(`a deletion on a condition: ${what}`, async () => {
    const { ask } = await connected();
    ask(...set);
    assert.deepEqual(ask(deletion), [refused]);
    // The channel's error took its consumers along.
    if (clear.length > 0) ask(...clear);
    assert.deepEqual(ask(deletion), [done]);
    assert.deepEqual(ask(deletion), [done], "what is not there may be deleted");
  });
}

test("nowait: the method is done, and nothing answers it", async () => {
  const { rig, ask } = await connected();
  const { defaultVhost: vhost } = rig.broker;
  const silent = (...pieces: Buffer[]): void => assert.deepEqual(ask(...pieces, qos), ["60.11"]);
  silent(declareExchange("x", "nowait"), declareExchange("y", "nowait"));
  silent(declareExchange("x", "passive nowait"));
  silent(declareQueue("q", "nowait"));
  silent(declareQueue("q", "passive nowait"));
  silent(bindQueue("q", "x", "nowait"), bindExchange("x", "y", "nowait"));
  assert.deepEqual(ask(send("y", ""), get("q", "no-ack")), ["60.71"], "the bindings are there");
  silent(unbindExchange("x", "y", "nowait"));
  assert.deepEqual(ask(send("y", ""), get("q", "no-ack")), ["60.72"]);
  assert.deepEqual(ask(consume("q", "c", "no-ack nowait"), send("", "q")), ["60.60"]);
  silent(cancel("c", "nowait"));
  assert.equal(vhost.queues.get("q")!.consumers.size, 0);
  silent(send("", "q"), purge("q", "nowait"));
  assert.equal(vhost.queues.get("q")!.readyCount, 0);
  silent(deleteQueue("q", "nowait"), deleteExchange("x", "nowait"), deleteQueue("nope", "nowait"));
  assert.deepEqual([vhost.queues.has("q"), vhost.exchanges.has("x")], [false, false]);
  silent(method(1, 85, 10, bits(true)));
  assert.deepEqual(ask(send("", "nope")), ["60.80"], "confirm.select nowait");
  // RabbitMQ tells an error whatever nowait says.
  assert.deepEqual(ask(declareQueue("nope", "passive nowait")), ["20.40 404"]);
});

/** Each step leaves it alone but for the last. */
const autoDelete: Record<string, { isQueue: boolean; steps: Buffer[][] }> = {
  "a queue: when the last of two consumers is cancelled, not before one came": {
    isQueue: true,
    steps: [
      [
        declareQueue("a", "auto-delete"),
        bindQueue("a", "amq.fanout"),
        unbindQueue("a", "amq.fanout"),
        get("a"),
      ],
      [consume("a", "1"), consume("a", "2")],
      [cancel("1")],
      [cancel("2")],
    ],
  },
  "a queue: when its consumer's channel ends, also with messages": {
    isQueue: true,
    steps: [[declareQueue("a", "auto-delete"), send("", "a")], [consume("a", "1")], [closeChannel]],
  },
  "an exchange: when the last of two bindings of queues is gone, not before one came": {
    isQueue: false,
    steps: [
      [
        declareExchange("a", "auto-delete"),
        bindExchange("a", "amq.fanout"),
        unbindExchange("a", "amq.fanout"),
      ],
      [declareQueue("q"), declareQueue("r"), bindQueue("q", "a"), bindQueue("r", "a")],
      [unbindQueue("q", "a")],
      [deleteQueue("r")],
    ],
  },
  "an exchange: when the exchange that is bound to it is deleted": {
    isQueue: false,
    steps: [
      [declareExchange("a", "auto-delete"), declareExchange("x")],
      [bindExchange("x", "a")],
      [deleteExchange("x")],
    ],
  },
};

for (const [what, { isQueue, steps }] of Object.entries(autoDelete)) {
  test(`auto-delete: ${what}`, async () => {
    const { rig, ask } = await connected();
    const { queues, exchanges } = rig.broker.defaultVhost;
    const isThere = (): boolean => (isQueue ? queues.has("a") : exchanges.has("a"));
    for (const [at, step] of steps.entries()) {
      ask(...step);
      assert.equal(isThere(), at < steps.length - 1, `after step ${at}`);
    }
  });
}

const expires = longText(Buffer.concat([shortText("x-expires"), Buffer.from("I"), uint(4, 1000)]));

/** As RabbitMQ's manual has it: declared again, basic.get, and a consumer, until it is gone. */
const uses: Record<string, { steps: Buffer[]; isUse: boolean }> = {
  "it is declared again": { steps: [declareQueue("q", "", expires)], isUse: true },
  "it is declared passively": { steps: [declareQueue("q", "passive")], isUse: true },
  "basic.get, though it is empty": { steps: [get("q")], isUse: true },
  "basic.get of a message": { steps: [send("", "q"), get("q")], isUse: true },
  "a consumer that goes at once": { steps: [consume("q", "c"), cancel("c")], isUse: true },
  "a consumer whose channel ends": { steps: [consume("q", "c"), closeChannel, openChannel(1)], isUse: true },
  "a message comes": { steps: [send("", "q")], isUse: false },
  "it is bound and unbound": {
    steps: [bindQueue("q", "amq.fanout"), unbindQueue("q", "amq.fanout")],
    isUse: false,
  },
  "it is purged": { steps: [purge("q")], isUse: false },
};

for (const [what, { steps, isUse }] of Object.entries(uses)) {
  test(`x-expires: ${isUse ? "a use" : "no use"}: ${what}`, async () => {
    const { rig, ask } = await connected();
    const { queues } = rig.broker.defaultVhost;
    ask(declareQueue("q", "", expires));
    rig.time.advance(600);
    ask(...steps);
    rig.time.advance(600);
    assert.equal(queues.has("q"), isUse);
    rig.time.advance(399);
    assert.equal(queues.has("q"), isUse);
    rig.time.advance(1);
    assert.equal(queues.has("q"), false);
  });
}

test("x-expires: a message that was got and is settled later is no use of its queue then", async () => {
  const { rig, ask } = await connected();
  ask(declareQueue("q", "", expires), send("", "q"), send("", "q"), get("q"), get("q"));
  rig.time.advance(600);
  ask(ack(1), requeue(2));
  rig.time.advance(400);
  assert.equal(rig.broker.defaultVhost.queues.has("q"), false);
});
