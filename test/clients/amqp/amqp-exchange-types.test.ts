/** The exchange types of RabbitMQ's plugins. What a hash chooses was noted from RabbitMQ 3.10.8, against which the file runs too. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Channel, ConfirmChannel, Options } from "amqplib";
import { AmqpTarget, closingOf, Gathered, quiet, uniqueName, until } from "../../support/amqp.ts";

let target: AmqpTarget;
const isOther = process.env["TROIKAMQ_TEST_AMQP_URL"] !== undefined;
/** Debian's RabbitMQ has neither. */
const onlyHere = isOther ? "a plugin, or a version, that the other server may not have" : false;

before(async () => {
  target = await AmqpTarget.start();
});

after(() => target.stop());

async function confirming(): Promise<ConfirmChannel> {
  return quiet(await (await target.connect()).createConfirmChannel());
}

interface Bound {
  readonly exchange: string;
  readonly queues: readonly string[];
}

/** An exchange with a queue for each key. */
async function bound(
  channel: Channel,
  type: string,
  keys: readonly string[],
  options: Options.AssertExchange = {},
): Promise<Bound> {
  const exchange = uniqueName("x");
  await channel.assertExchange(exchange, type, { durable: false, autoDelete: true, ...options });
  const queues: string[] = [];
  for (const [i, key] of keys.entries()) {
    const { queue } = await channel.assertQueue(`${exchange}-${i}`, { exclusive: true });
    await channel.bindQueue(queue, exchange, key);
    queues.push(queue);
  }
  return { exchange, queues };
}

/** Publishes a message for each of the options under each key; which queues got each, as digits. */
async function ways(
  channel: ConfirmChannel,
  { exchange, queues }: Bound,
  messages: readonly { key: string; options?: Options.Publish }[],
): Promise<string> {
  const found = messages.map(() => "");
  for (const [i, { key, options }] of messages.entries())
    channel.publish(exchange, key, Buffer.from(String(i)), options);
  await channel.waitForConfirms();
  for (const [at, queue] of queues.entries()) {
    for (;;) {
      const message = await channel.get(queue, { noAck: true });
      if (message === false) break;
      found[Number(message.content.toString())] += String(at);
    }
  }
  return found.map((places) => places || "-").join("");
}

function keysOf(count: number): { key: string }[] {
  return Array.from({ length: count }, (_, i) => ({ key: `key-${i}` }));
}

test("a consistent hash chooses what RabbitMQ chooses, by weight, and keeps most of it when a queue comes or goes", async () => {
  const channel = await confirming();
  const three = await bound(channel, "x-consistent-hash", ["1", "2", "5"]);
  const ofThree = await ways(channel, three, keysOf(80));
  assert.equal(ofThree, "21222222200201222022222222222222011222022102212212222111102222222112222202021221");
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, three.exchange, "2");
  const four = { ...three, queues: [...three.queues, queue] };
  const ofFour = await ways(channel, four, keysOf(80));
  assert.equal(ofFour, "21222222303201323032222222322322013222022302212312222131102222322313232202323223");
  // A message stays, or goes to the new queue.
  for (const [i, place] of ofFour.split("").entries()) assert.ok(place === "3" || place === ofThree[i]);
  await channel.bindQueue(queue, three.exchange, "9");
  assert.equal(await ways(channel, four, keysOf(80)), ofFour, "a queue has the weight of its first binding");
  await channel.unbindQueue(queue, three.exchange, "2");
  assert.equal(await ways(channel, four, keysOf(80)), ofThree);
});

test("a consistent hash is taken of a header with its type, or of a property", async () => {
  const channel = await confirming();
  const weights = ["3", "3", "3"];
  const byHeader = await bound(channel, "x-consistent-hash", weights, {
    arguments: { "hash-header": "who" },
  });
  const values: unknown[] = [
    "a",
    "b",
    1,
    2,
    -3,
    2 ** 40,
    -(2 ** 40),
    1.5,
    0.1,
    true,
    false,
    ["a", 1],
    { k: "v" },
  ];
  const withHeaders = values.map((who) => ({ key: "", options: { headers: { who } } }));
  const without = [{ key: "x" }, { key: "y", options: { headers: { other: 1 } } }];
  assert.equal(await ways(channel, byHeader, [...withHeaders, ...without]), "100201012101000");
  for (const [property, option] of [
    ["message_id", "messageId"],
    ["correlation_id", "correlationId"],
  ] as const) {
    const by = await bound(channel, "x-consistent-hash", weights, {
      arguments: { "hash-property": property },
    });
    const messages = Array.from({ length: 20 }, (_, i) => ({ key: "", options: { [option]: `id-${i}` } }));
    assert.equal(await ways(channel, by, [...messages, { key: "none" }]), "022002020122100120120");
  }
  const byTime = await bound(channel, "x-consistent-hash", weights, {
    arguments: { "hash-property": "timestamp" },
  });
  const times = Array.from({ length: 20 }, (_, i) => ({
    key: "",
    options: { timestamp: 1_700_000_000 + i },
  }));
  assert.equal(await ways(channel, byTime, times), "10002020002000122210");
});

test("a modulus hash chooses what RabbitMQ chooses, of all keys of a message", async () => {
  const channel = await confirming();
  const four = await bound(channel, "x-modulus-hash", ["b", "a", "", "c"]);
  assert.equal(
    await ways(channel, four, keysOf(60)),
    "103002232201001001133321220232200113231112002010300133312001",
  );
  const withCc = Array.from({ length: 20 }, (_, i) => ({
    key: "k",
    options: { CC: [`c${i}`], BCC: [`b${i}`] },
  }));
  assert.equal(await ways(channel, four, withCc), "10233110301212233120");
});

test("by chance, each binding is chosen", async () => {
  const channel = await confirming();
  for (const type of isOther ? ["x-random"] : ["x-random", "x-local-random"]) {
    const three = await bound(channel, type, ["", "", ""]);
    const places = await ways(
      channel,
      three,
      Array.from({ length: 60 }, () => ({ key: "k", options: { CC: ["a", "b", "c"] } })),
    );
    assert.match(places, /^[012]{60}$/, `${type}: each message goes to one queue`);
    // 3 * (2/3)^60 of all runs would miss one.
    for (const place of "012") assert.ok(places.includes(place), places);
  }
});

test("recent history: whoever is bound gets the last messages, oldest first", async () => {
  const channel = await confirming();
  const exchange = uniqueName("x");
  await channel.assertExchange(exchange, "x-recent-history", { arguments: { "x-recent-history-length": 3 } });
  for (let i = 0; i < 5; i++) channel.publish(exchange, `k${i}`, Buffer.from(String(i)));
  channel.publish(exchange, "k", Buffer.from("no"), { headers: { "x-recent-history-no-store": true } });
  await channel.waitForConfirms();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, exchange, "any");
  const gathered = await Gathered.from(channel, queue, { noAck: true });
  channel.publish(exchange, "k6", Buffer.from("6"));
  await gathered.count(4);
  assert.deepEqual(gathered.bodies, ["2", "3", "4", "6"]);
  assert.deepEqual(
    gathered.messages.map(({ fields }) => `${fields.exchange === exchange} ${fields.routingKey}`),
    ["true k2", "true k3", "true k4", "true k6"],
  );
  // Bound to an exchange, they go on from there.
  const next = await bound(channel, "topic", ["k4", "#", "none"]);
  await channel.bindExchange(next.exchange, exchange, "");
  await until(async () => (await channel.checkQueue(next.queues[1]!)).messageCount === 3);
  const counts = await Promise.all(next.queues.map((each) => channel.checkQueue(each)));
  assert.deepEqual(
    counts.map(({ messageCount }) => messageCount),
    [1, 3, 0],
  );
  // Bound again, a queue gets nothing again.
  await channel.bindQueue(queue, exchange, "any");
  await channel.deleteExchange(exchange);
  await channel.assertExchange(exchange, "x-recent-history");
  await channel.bindQueue(queue, exchange, "any");
  channel.publish(exchange, "k7", Buffer.from("7"));
  await gathered.count(5);
  assert.deepEqual(gathered.bodies, ["2", "3", "4", "6", "7"]);
  await channel.deleteExchange(exchange);
});

test("wrong arguments and bindings are refused with RabbitMQ's texts", async () => {
  const x = uniqueName("x");
  const declare = (type: string, args: object) => (channel: Channel) =>
    channel.assertExchange(x, type, { arguments: args });
  const cases: [(channel: Channel) => unknown, string][] = [
    [
      declare("x-consistent-hash", { "hash-property": "type" }),
      "PRECONDITION_FAILED - Unsupported property: type",
    ],
    [
      declare("x-consistent-hash", { "hash-property": "message_id", "hash-header": "a" }),
      "PRECONDITION_FAILED - hash-header and hash-property are mutually exclusive",
    ],
    [
      declare("x-recent-history", { "x-recent-history-length": 0 }),
      "PRECONDITION_FAILED - Invalid argument 0, 'x-recent-history-length' must be a positive integer",
    ],
    [
      declare("x-recent-history", { "x-recent-history-length": "many" }),
      `PRECONDITION_FAILED - Invalid argument <<"many">>, 'x-recent-history-length' must be a positive integer`,
    ],
  ];
  const again = async (channel: Channel): Promise<void> => {
    await channel.assertExchange(`${x}-again`, "x-modulus-hash", { durable: false, autoDelete: true });
    await channel.assertExchange(`${x}-again`, "direct", { durable: false, autoDelete: true });
  };
  cases.push([
    again,
    `PRECONDITION_FAILED - inequivalent arg 'type' for exchange '${x}-again' in vhost '/': received 'direct' but current is ''x-modulus-hash''`,
  ]);
  for (const [action, text] of cases) assert.equal(await closingOf(target, action), `channel 406 ${text}`);
  for (const [key, text] of [
    ["0", "The binding key must be greater than 0"],
    ["-3", "The binding key must be greater than 0"],
    ["a", `The binding key must be an integer: <<"a">>`],
    ["", "The binding key must be an integer: <<>>"],
    ["ü", `The binding key must be an integer: <<"ü">>`],
    ["1.5", `The binding key must be an integer: <<"1.5">>`],
  ]) {
    const bind = async (channel: Channel): Promise<void> => {
      const { exchange } = await bound(channel, "x-consistent-hash", []);
      const { queue } = await channel.assertQueue("", { exclusive: true });
      await channel.bindQueue(queue, exchange, key!);
    };
    assert.equal(await closingOf(target, bind), `channel 406 PRECONDITION_FAILED - ${text}`);
  }
});

test("a local random exchange has queues alone, bound without a key", { skip: onlyHere }, async () => {
  const bind =
    (key: string, args: object) =>
    async (channel: Channel): Promise<void> => {
      const { exchange } = await bound(channel, "x-local-random", []);
      const { queue } = await channel.assertQueue(uniqueName(), { arguments: args });
      await channel.bindQueue(queue, exchange, key);
    };
  const refused = "channel 406 PRECONDITION_FAILED - ";
  assert.equal(await closingOf(target, bind("k", {})), `${refused}Non empty binding 'k' key not permitted`);
  assert.equal(
    await closingOf(target, bind("", { "x-queue-type": "quorum" })),
    `${refused}Queue type rabbit_quorum_queue not valid for this exchange type`,
  );
});

/** Type, arguments, a key that leads to a queue bound with the first of `keys`. */
const kinds: [type: string, args: object, bindingKey: string, key: string][] = [
  ["direct", {}, "k", "k"],
  ["x-consistent-hash", {}, "1", "k"],
  ["x-modulus-hash", {}, "1", "k"],
  ["x-random", {}, "1", "k"],
  ["x-recent-history", {}, "1", "k"],
  ["x-local-random", {}, "", "k"],
  ["x-delayed-message", { "x-delayed-type": "direct" }, "k", "k"],
];

test("each type: confirms come, what is mandatory comes back where no queue is, through bound exchanges and alternates", async () => {
  const channel = await confirming();
  const returned: string[] = [];
  channel.on("return", ({ content }) => returned.push(content.toString()));
  const known = isOther ? kinds.slice(0, 5) : kinds;
  for (const [type, args, bindingKey, key] of known) {
    const alternate = await bound(channel, "fanout", [""]);
    const plain = await bound(channel, type, [], { arguments: args });
    const withAlternate = await bound(channel, type, [], {
      arguments: { ...args, "alternate-exchange": alternate.exchange },
    });
    const send = async (exchange: string): Promise<string> => {
      returned.length = 0;
      channel.publish(exchange, key, Buffer.from(type), { mandatory: true, persistent: true });
      await channel.waitForConfirms();
      return returned.join();
    };
    assert.equal(await send(plain.exchange), type, `${type}: nothing is bound`);
    assert.equal(await send(withAlternate.exchange), "", `${type}: the alternate exchange has it`);
    assert.equal((await channel.checkQueue(alternate.queues[0]!)).messageCount, 1);
    const { queue } = await channel.assertQueue("", { exclusive: true });
    // Otherwise it gets the history too.
    await channel.deleteExchange(plain.exchange);
    const again = await bound(channel, type, [], { arguments: args });
    await channel.bindQueue(queue, again.exchange, bindingKey);
    assert.equal(await send(again.exchange), "", `${type}: a queue is bound`);
    assert.equal((await channel.checkQueue(queue)).messageCount, 1, type);
    const outer = await bound(channel, "fanout", []);
    await channel.bindExchange(again.exchange, outer.exchange, "");
    assert.equal(await send(outer.exchange), "", `${type}: behind an exchange`);
    assert.equal((await channel.checkQueue(queue)).messageCount, 2, type);
  }
});

test(
  "a delayed message comes after its delay, in the order of the times, with the header negated",
  { skip: onlyHere },
  async () => {
    const channel = await confirming();
    const { exchange, queues } = await bound(channel, "x-delayed-message", ["a.*"], {
      arguments: { "x-delayed-type": "topic" },
    });
    const gathered = await Gathered.from(channel, queues[0]!, { noAck: true });
    const returned: string[] = [];
    channel.on("return", ({ content }) => returned.push(content.toString()));
    const send = (body: string, delay: unknown, key = "a.b"): unknown =>
      channel.publish(exchange, key, Buffer.from(body), { mandatory: true, headers: { "x-delay": delay } });
    const start = Date.now();
    send("late", 300);
    send("text", "150");
    send("early", 50);
    send("now", 0);
    send("negative", -5);
    send("no number", "soon");
    send("too long", 2 ** 32);
    send("elsewhere", 60, "b.b");
    await channel.waitForConfirms();
    await gathered.count(7);
    assert.ok(Date.now() - start >= 300);
    assert.deepEqual(gathered.bodies, ["now", "negative", "no number", "too long", "early", "text", "late"]);
    assert.deepEqual(
      gathered.messages
        .slice(-3)
        .map(({ properties, fields }) => [properties.headers!["x-delay"], fields.exchange]),
      [
        [-50, exchange],
        [-150, exchange],
        [-300, exchange],
      ],
    );
    assert.deepEqual(returned, [], "whether a queue gets it is known when it is due");
  },
);

test("a delayed exchange is refused without a type that it routes by", { skip: onlyHere }, async () => {
  for (const args of [{}, { "x-delayed-type": "x-none" }, { "x-delayed-type": "x-delayed-message" }]) {
    const declare = (channel: Channel): unknown =>
      channel.assertExchange(uniqueName(), "x-delayed-message", { arguments: args });
    const text = "Invalid argument, 'x-delayed-type' must be an existing exchange type";
    assert.equal(await closingOf(target, declare), `channel 406 PRECONDITION_FAILED - ${text}`);
  }
});

test("delayed messages, histories and the order of weights survive a kill", { skip: onlyHere }, async () => {
  const broker = target.broker!;
  let channel = await confirming();
  const durable = { durable: true, autoDelete: false };
  for (const name of ["kept-later", "kept-early"]) await channel.assertQueue(name, { durable: true });
  await channel.assertExchange("later", "x-delayed-message", {
    ...durable,
    arguments: { "x-delayed-type": "direct" },
  });
  await channel.bindQueue("kept-later", "later", "k");
  await channel.assertExchange("history", "x-recent-history", durable);
  await channel.assertExchange("ring", "x-consistent-hash", durable);
  // Not in the order of their names or weights.
  for (const [name, weight] of [
    ["ring-2", "3"],
    ["ring-3", "1"],
    ["ring-1", "2"],
  ] as const) {
    await channel.assertQueue(name, { durable: true });
    await channel.bindQueue(name, "ring", weight);
  }
  const ring = { exchange: "ring", queues: ["ring-1", "ring-2", "ring-3"] };
  const chosen = await ways(channel, ring, keysOf(40));
  channel.publish("later", "k", Buffer.from("later"), { persistent: true, headers: { "x-delay": 400 } });
  channel.publish("later", "k", Buffer.from("too late"), {
    persistent: true,
    headers: { "x-delay": 3_600_000 },
  });
  for (const body of ["1", "2"]) channel.publish("history", "k", Buffer.from(body), { persistent: true });
  await channel.waitForConfirms();
  await broker.kill();
  await target.closeConnections();
  await broker.restart();
  channel = await confirming();
  assert.equal(await ways(channel, ring, keysOf(40)), chosen);
  const late = await Gathered.from(channel, "kept-later", { noAck: true });
  await late.count(1);
  assert.deepEqual(late.bodies, ["later"]);
  await channel.bindQueue("kept-early", "history", "");
  const history = await Gathered.from(channel, "kept-early", { noAck: true });
  await history.count(2);
  assert.deepEqual(history.bodies, ["1", "2"]);
});
