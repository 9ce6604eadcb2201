/** The sequences of test/unit/broker/queue-policy.test.ts against the real RabbitMQ, which must see what they expect. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import amqp, { type ChannelModel, type ConfirmChannel } from "amqplib";
import { policySequences, type PolicyTarget } from "../../support/policy-sequences.ts";
import { noRealRabbitMq, RealRabbitMq } from "../../support/real-rabbitmq.ts";
import { until } from "../../support/wait.ts";

const options = { skip: noRealRabbitMq };
const body = Buffer.from("0123456789");
/** A policy is applied by the queue's process after the API has answered. */
const appliedMs = 500;

let rabbit: RealRabbitMq;
let connection: ChannelModel;
let channel: ConfirmChannel;

before(async () => {
  if (noRealRabbitMq !== false) return;
  rabbit = await RealRabbitMq.start();
  connection = await until(() => amqp.connect(rabbit.amqpUrl).catch(() => undefined));
  channel = await connection.createConfirmChannel();
});

after(async () => {
  if (noRealRabbitMq !== false) return;
  await connection.close();
  await rabbit.stop();
});

async function setPolicy(kind: "policies" | "operator-policies", queue: string, definition: object | null) {
  await rabbit.setPolicy(kind, queue, definition);
  await delay(appliedMs);
}

const target: PolicyTarget = {
  backlog: 1000,
  declare: async (queue, args = {}) => void (await channel.assertQueue(queue, { arguments: args })),
  async publish(queue, count) {
    const outcomes = Array.from(
      { length: count },
      () =>
        new Promise<number>((resolve) =>
          channel.sendToQueue(queue, body, {}, (error: unknown) => resolve(error === null ? 1 : 0)),
        ),
    );
    return (await Promise.all(outcomes)).reduce((sum, each) => sum + each, 0);
  },
  setPolicy: (queue, definition) => setPolicy("policies", queue, definition),
  setOperatorPolicy: (queue, definition) => setPolicy("operator-policies", queue, definition),
  async count(queue) {
    const look = await connection.createChannel();
    look.on("error", () => {});
    try {
      const { messageCount } = await look.checkQueue(queue);
      await look.close();
      return messageCount;
    } catch (error) {
      assert.match(String(error), /NOT_FOUND/);
      return null;
    }
  },
  async take(queue, count) {
    let got = 0;
    while (got < count && (await channel.get(queue, { noAck: true })) !== false) got++;
    return got;
  },
  pass: delay,
};

for (const [name, sequence] of Object.entries(policySequences)) {
  test(`the real RabbitMQ: ${name}`, options, () => sequence(target));
}
