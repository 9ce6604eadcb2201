/** Names are bytes: up to 255 of them, of whatever characters; and further routing keys, in CC and BCC. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AmqpTarget, closingOf, Gathered, settled, uniqueName, until } from "../../support/amqp.ts";

let target: AmqpTarget;

before(async () => {
  target = await AmqpTarget.start();
});

after(() => target.stop());

/** 255 bytes, or as near as characters of that size come. */
function longName(character: string): string {
  const start = uniqueName("n");
  const size = Buffer.byteLength(character);
  const rest = 255 - start.length;
  return "x".repeat(rest % size) + start + character.repeat(Math.floor(rest / size));
}

for (const character of ["x", "ü", "€", "😀"]) {
  test(`names of 255 bytes in characters of ${Buffer.byteLength(character)}`, async () => {
    const channel = await target.channel();
    const [queue, exchange, key, tag, second] = Array.from({ length: 5 }, () => longName(character)) as [
      string,
      string,
      string,
      string,
      string,
    ];
    assert.equal(Buffer.byteLength(queue), 255);
    assert.equal((await channel.assertQueue(queue)).queue, queue);
    assert.equal((await channel.checkQueue(queue)).queue, queue);
    await channel.assertExchange(exchange, "topic");
    await channel.assertExchange(second, "direct");
    await channel.checkExchange(exchange);
    await channel.bindExchange(second, exchange, key);
    await channel.bindQueue(queue, second, key);
    channel.publish(exchange, key, Buffer.from("1"));
    const message = await until(() => channel.get(queue, { noAck: true }));
    assert.deepEqual(
      { exchange: message.fields.exchange, key: message.fields.routingKey },
      { exchange, key },
    );
    channel.sendToQueue(queue, Buffer.from("2"));
    assert.deepEqual(await channel.purgeQueue(queue), { messageCount: 1 });
    const gathered = await Gathered.from(channel, queue, { consumerTag: tag, noAck: true });
    channel.sendToQueue(queue, Buffer.from("3"));
    const [delivered] = await gathered.count(1);
    assert.equal(delivered!.fields.consumerTag, tag);
    assert.equal(delivered!.fields.routingKey, queue);
    await channel.cancel(tag);
    await channel.unbindQueue(queue, second, key);
    await channel.unbindExchange(second, exchange, key);
    await channel.deleteQueue(queue);
    await channel.deleteExchange(exchange);
    await channel.deleteExchange(second);
    await assert.rejects((await target.channel()).checkQueue(queue), /404/);
  });
}

test("errors show names as they are", async () => {
  assert.equal(
    await closingOf(target, (channel) => channel.checkQueue("nö-€-😀")),
    "channel 404 NOT_FOUND - no queue 'nö-€-😀' in vhost '/'",
  );
});

test("errors name the queue that the server has named", async () => {
  assert.match(
    await closingOf(target, (channel) => channel.assertQueue("", { arguments: { "x-max-length": -1 } })),
    /^channel 406 PRECONDITION_FAILED - invalid arg 'x-max-length' for queue 'amq\.gen-[\w-]{22}' in vhost '\/': \{value_negative,-1\}$/,
  );
});

test("carriage returns and line feeds are taken out of names", async () => {
  const channel = await target.channel();
  const name = uniqueName("crlf");
  assert.equal((await channel.assertQueue(`\r${name}\n`, { exclusive: true })).queue, name);
  await channel.assertExchange(`${name}\r\n`, "fanout", { autoDelete: true });
  await channel.bindQueue(`${name}\n`, `${name}\r`, "");
  channel.publish(name, "", Buffer.from("x"));
  const message = await until(() => channel.get(name, { noAck: true }));
  assert.equal(message.fields.exchange, name);
});

test("CC and BCC are further routing keys; consumers see CC only", async () => {
  const channel = await target.channel();
  const queues: string[] = [];
  for (let i = 0; i < 3; i++) queues.push((await channel.assertQueue("", { exclusive: true })).queue);
  const [own, copy, blind] = queues as [string, string, string];
  channel.sendToQueue(own, Buffer.from("x"), { headers: { a: 1 }, CC: [copy, own], BCC: [blind] });
  for (const queue of queues) {
    const { properties, fields } = await until(() => channel.get(queue, { noAck: true }));
    assert.deepEqual({ ...properties.headers }, { a: 1, CC: [copy, own] }, queue);
    assert.equal(fields.routingKey, own);
    assert.equal(await channel.get(queue, { noAck: true }), false);
  }
});

for (const name of ["CC", "BCC"]) {
  test(`a ${name} that is no list is refused`, async () => {
    assert.equal(
      await closingOf(target, (channel) =>
        channel.publish("", "x", Buffer.alloc(0), { headers: { [name]: "y" } }),
      ),
      `channel 406 PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,"${name}",longstr}`,
    );
  });
}

test("a dead letter goes to its CC keys again; under a new key it has none", async () => {
  const channel = await target.channel();
  const exchange = uniqueName("dead");
  await channel.assertExchange(exchange, "direct", { autoDelete: true });
  const { queue: byKey } = await channel.assertQueue("", { exclusive: true });
  const { queue: byCopy } = await channel.assertQueue("", { exclusive: true });
  const keys = [uniqueName("key"), uniqueName("cc")] as const;
  await channel.bindQueue(byKey, exchange, keys[0]);
  await channel.bindQueue(byCopy, exchange, keys[1]);
  const options = { exclusive: true, deadLetterExchange: exchange };
  const { queue: plain } = await channel.assertQueue("", options);
  const { queue: renaming } = await channel.assertQueue("", { ...options, deadLetterRoutingKey: keys[1] });
  for (const source of [plain, renaming]) {
    const entry = uniqueName("entry");
    await channel.assertExchange(entry, "fanout", { autoDelete: true });
    await channel.bindQueue(source, entry, "");
    channel.publish(entry, keys[0], Buffer.from(source), { CC: [keys[1]] });
    channel.reject(await until(() => channel.get(source)), false);
  }
  await settled();
  const found = async (queue: string) => {
    const letters: { source: string; keys: unknown; copies: unknown }[] = [];
    for (let left = await channel.get(queue, { noAck: true }); left !== false;) {
      const { headers = {} } = left.properties;
      const [death] = headers["x-death"] as unknown as Record<string, unknown>[];
      letters.push({ source: left.content.toString(), keys: death!["routing-keys"], copies: headers["CC"] });
      left = await channel.get(queue, { noAck: true });
    }
    return letters;
  };
  assert.deepEqual(await found(byKey), [{ source: plain, keys, copies: [keys[1]] }]);
  assert.deepEqual(await found(byCopy), [
    { source: plain, keys, copies: [keys[1]] },
    { source: renaming, keys, copies: undefined },
  ]);
});

test("a client's own x-death is counted on as RabbitMQ 3.10 does, and stops what goes round", async () => {
  const channel = await target.channel();
  const { queue: dead } = await channel.assertQueue("", { exclusive: true });
  const { queue } = await channel.assertQueue("", {
    exclusive: true,
    deadLetterExchange: "",
    deadLetterRoutingKey: dead,
  });
  const send = async (deaths: unknown): Promise<Record<string, unknown> | undefined> => {
    channel.sendToQueue(queue, Buffer.from("x"), { headers: { "x-death": deaths } });
    channel.reject(await until(() => channel.get(queue)), false);
    await channel.checkQueue(dead);
    const letter = await until(() => channel.get(dead, { noAck: true }));
    const { headers = {} } = letter.properties;
    const [first] = headers["x-death"] as unknown as Record<string, unknown>[];
    assert.equal(headers["x-first-death-queue"], undefined);
    return first;
  };
  // What is no list is replaced.
  assert.equal((await send("no"))!["count"], 1);
  assert.equal((await send([]))!["count"], 1);
  assert.equal((await send([{ queue, reason: "rejected", count: 7 }]))!["count"], 8);
  assert.equal((await send([{ queue, reason: "expired", count: 7 }]))!["count"], 1);
});

test("a dead letter goes to its BCC keys again, which nobody sees", async () => {
  const channel = await target.channel();
  const exchange = uniqueName("dead");
  await channel.assertExchange(exchange, "direct", { autoDelete: true });
  const [own, blind] = [uniqueName("own"), uniqueName("blind")];
  const letters: Record<string, string> = {};
  for (const key of [own, blind]) {
    // What dies here goes round once more: the keys are kept with each copy.
    const { queue } = await channel.assertQueue("", { exclusive: true, deadLetterExchange: exchange });
    await channel.bindQueue(queue, exchange, key);
    letters[key] = queue;
  }
  const { queue: source } = await channel.assertQueue("", {
    exclusive: true,
    deadLetterExchange: exchange,
  });
  const { queue: renaming } = await channel.assertQueue("", {
    exclusive: true,
    deadLetterExchange: exchange,
    deadLetterRoutingKey: own,
  });
  const entry = uniqueName("entry");
  await channel.assertExchange(entry, "fanout", { autoDelete: true });
  await channel.bindQueue(source, entry, "");
  await channel.bindQueue(renaming, entry, "");
  channel.publish(entry, own, Buffer.from("x"), { headers: { a: 1 }, BCC: [blind, "y".repeat(300)] });
  for (const queue of [renaming, source]) channel.reject(await until(() => channel.get(queue)), false);
  const letterOf = async (key: string) => {
    const message = await until(() => channel.get(letters[key]!));
    const { headers = {} } = message.properties;
    assert.equal("BCC" in headers, false);
    assert.equal(headers["a"], 1);
    assert.equal(message.content.toString(), "x");
    const [death] = headers["x-death"] as unknown as Record<string, unknown>[];
    assert.deepEqual(death!["routing-keys"], [own]);
    return message;
  };
  const renamed = await letterOf(own);
  await letterOf(own);
  const hidden = await letterOf(blind);
  assert.equal(await channel.get(letters[blind]!), false, "a new key is the only one");
  channel.reject(renamed, false);
  await letterOf(own);
  assert.equal(await channel.get(letters[blind]!), false, "for good");
  channel.reject(hidden, false);
  await letterOf(own);
  await letterOf(blind);
});

test("the further keys of a message are its own: the next message of the channel has none of them", async () => {
  const channel = await target.channel();
  const { queue: blind } = await channel.assertQueue("", { exclusive: true });
  const { queue: copy } = await channel.assertQueue("", { exclusive: true });
  const { queue: source } = await channel.assertQueue("", { exclusive: true, deadLetterExchange: "" });
  channel.sendToQueue(source, Buffer.from("first"), { CC: [copy], BCC: [blind] });
  channel.sendToQueue(source, Buffer.from("second"), { headers: { a: 1 } });
  channel.sendToQueue(source, Buffer.from("third"));
  for (const queue of [copy, blind]) {
    assert.equal((await until(() => channel.get(queue, { noAck: true }))).content.toString(), "first");
  }
  // They die, and go to their keys again: the first to the further ones too.
  for (let i = 0; i < 3; i++) channel.reject(await until(() => channel.get(source)), false);
  for (const queue of [copy, blind]) {
    assert.equal((await until(() => channel.get(queue, { noAck: true }))).content.toString(), "first");
    assert.equal(await channel.get(queue, { noAck: true }), false);
  }
});
