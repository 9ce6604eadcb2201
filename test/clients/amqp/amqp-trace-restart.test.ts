/** Traces of messages that are in a queue while the broker is stopped, or killed. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AmqpTarget, until } from "../../support/amqp.ts";
import { startTestBroker } from "../../support/broker.ts";
import { api } from "../../support/users.ts";

interface Event {
  readonly time: number;
  readonly event: string;
  readonly trace_id: string;
}

let target: AmqpTarget;
before(async () => {
  const broker = await startTestBroker();
  target = new AmqpTarget(broker.amqpUrl, broker);
});
after(() => target.stop());

function kindsOf(events: readonly Event[]): string[] {
  return events.map(({ event }) => event);
}

/** What is asked for is written, so a kill does not lose it. */
async function eventsUntil(messageId: string, last: string): Promise<readonly Event[]> {
  return until(async () => {
    const { body } = await api(target.broker!, "GET", `troika/trace?message_id=${messageId}`);
    const [trace] = (body as { traces: { events: readonly Event[] }[] }).traces;
    return trace?.events.at(-1)?.event === last ? trace.events : undefined;
  });
}

test("a trace goes on over a stop and a kill", async () => {
  const broker = target.broker!;
  let channel = await (await target.connect()).createConfirmChannel();
  await channel.assertQueue("kept", { durable: true, arguments: { "x-trace-sample": 1 } });
  channel.sendToQueue("kept", Buffer.from("x"), { messageId: "m1", persistent: true });
  await channel.waitForConfirms();
  const first = await eventsUntil("m1", "written");
  await broker.restart();
  channel = await (await target.connect()).createConfirmChannel();
  assert.notEqual(await channel.get("kept"), false);
  const second = await eventsUntil("m1", "delivered");
  await broker.kill();
  await broker.start();
  channel = await (await target.connect()).createConfirmChannel();
  const got = await channel.get("kept");
  assert.notEqual(got, false);
  channel.ack(got as Exclude<typeof got, false>);
  const events = await eventsUntil("m1", "acknowledged");
  assert.deepEqual(events.slice(0, first.length), first);
  assert.deepEqual(events.slice(0, second.length), second);
  assert.deepEqual(kindsOf(events), [
    "published",
    "routed",
    "written",
    "delivered",
    "delivered",
    "acknowledged",
  ]);
  assert.equal(new Set(events.map(({ trace_id: id }) => id)).size, 1);
  // It is followed no more, also after another start.
  await broker.restart();
  assert.deepEqual(await eventsUntil("m1", "acknowledged"), events);
});
