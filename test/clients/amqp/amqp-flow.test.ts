import assert from "node:assert/strict";
import { test } from "node:test";
import type { Channel } from "amqplib";
import { AmqpTarget, Gathered, until } from "../../support/amqp.ts";
import { startTestBroker } from "../../support/broker.ts";

const isOther = process.env["TROIKAMQ_TEST_AMQP_URL"] !== undefined;
const skip = isOther ? "needs a broker with little memory" : false;

test("publishers are held back while memory is short, told so, and lose nothing", { skip }, async () => {
  const broker = await startTestBroker({ env: { TROIKAMQ_MEMORY_BYTES_MAX: String(4 << 20) } });
  const target = new AmqpTarget(broker.amqpUrl, broker);
  try {
    const publisher = await target.connect();
    const flow: string[] = [];
    publisher.on("blocked", () => flow.push("blocked"));
    publisher.on("unblocked", () => flow.push("unblocked"));
    const channel = await publisher.createChannel();
    await channel.assertQueue("full", { durable: false });
    const count = 400;
    for (let i = 0; i < count; i++) channel.sendToQueue("full", Buffer.alloc(64 * 1024, i & 0xff));
    await until(() => flow.length > 0, "connection.blocked");
    const reader = await target.channel();
    const gathered = await Gathered.from(reader, "full", { noAck: true });
    await gathered.count(count);
    gathered.messages.forEach(({ content }, at) => assert.equal(content[0], at & 0xff));
    await until(() => flow.at(-1) === "unblocked", "connection.unblocked");
    assert.equal(flow[0], "blocked");
  } finally {
    await target.stop();
  }
});

test("only connections that publish are told, when they publish", { skip }, async () => {
  const broker = await startTestBroker({ env: { TROIKAMQ_MEMORY_BYTES_MAX: String(4 << 20) } });
  const target = new AmqpTarget(broker.amqpUrl, broker);
  try {
    const told: string[] = [];
    const connect = async (name: string): Promise<Channel> => {
      const connection = await target.connect();
      connection.on("blocked", () => told.push(`${name} blocked`));
      connection.on("unblocked", () => told.push(`${name} unblocked`));
      return connection.createChannel();
    };
    const [publisher, idle, earlier] = [
      await connect("publisher"),
      await connect("idle"),
      await connect("earlier"),
    ];
    await publisher.assertQueue("full", { durable: false });
    await publisher.assertQueue("other", { durable: false });
    earlier.sendToQueue("other", Buffer.from("earlier"));
    await earlier.checkQueue("other");
    for (let i = 0; i < 100; i++) publisher.sendToQueue("full", Buffer.alloc(64 * 1024));
    await until(() => told.length > 0, "connection.blocked");
    // What was sent to these before their answers would have come before them.
    const late = await connect("late");
    for (const channel of [idle, earlier, late]) await channel.checkQueue("other");
    assert.deepEqual(told, ["publisher blocked"]);
    late.sendToQueue("other", Buffer.from("late"));
    await until(() => told.length > 1, "the second connection.blocked");
    assert.deepEqual(told, ["publisher blocked", "late blocked"]);
    const gathered = await Gathered.from(idle, "full", { noAck: true });
    await gathered.count(100);
    const isOver = (): boolean =>
      told.includes("late unblocked") &&
      told.findLast((each) => each.startsWith("p")) === "publisher unblocked";
    await until(isOver, "connection.unblocked");
    for (const channel of [idle, earlier, late]) await channel.checkQueue("other");
    assert.deepEqual(
      told.filter((each) => !/^(publisher|late)/.test(each)),
      [],
    );
  } finally {
    await target.stop();
  }
});
