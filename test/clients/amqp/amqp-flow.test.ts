import assert from "node:assert/strict";
import { test } from "node:test";
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
