/**
 * One client with 100,000 messages that it has not acknowledged: what they cost, that one acknowledgement settles them
 * all, and that a cut connection gives them all back, each once and marked as redelivered.
 */
import type { TestBroker } from "../../test/support/broker.ts";
import { type Load, megabytes, milliseconds, type Scenario } from "../base/scenario.ts";
import { Arrivals, body } from "../base/sequences.ts";
import { MemoryWatch, settledRss } from "../base/usage.ts";
import { until } from "../base/waiting.ts";
import { AmqpClient } from "../clients/amqp.ts";

const messages = 100_000;
const bodyBytes = 200;
const queue = "load.unacked";
/** For each message: its body, which may be in memory, and what is known of it. */
const rssBytesEachMax = 1500;
const redeliveredMsMax = 30_000;

async function publishAll(client: AmqpClient): Promise<void> {
  let confirmed = 0;
  client.onConfirm = (tag, isMultiple) => (confirmed = isMultiple ? Math.max(confirmed, tag) : tag);
  await client.declare(queue);
  await client.selectConfirms();
  for (let i = 0; i < messages; i++)
    if (!client.publish(queue, body(0, i, bodyBytes))) await client.drained();
  // Confirms of single messages may come in any order; the queue's own count tells when all are in.
  await until(
    "all messages in the queue",
    async () => (await client.declare(queue, { isPassive: true })) === messages,
  );
}

/** Takes all of them and acknowledges none. */
async function takeAll(
  broker: TestBroker,
): Promise<{ client: AmqpClient; came: Arrivals; redelivered: number }> {
  const client = await AmqpClient.open(broker.ports.amqp);
  const taken = { client, came: new Arrivals(), redelivered: 0 };
  client.onDelivery = (bytes, _tag, isRedelivered) => {
    taken.came.take(bytes);
    if (isRedelivered) taken.redelivered++;
  };
  await client.consume(queue, { isAcked: true });
  await until("all deliveries", () => taken.came.total >= messages);
  return taken;
}

function expectEachOnce(load: Load, what: string, came: Arrivals): void {
  load.exactly(`${what}: different messages`, came.distinct, messages);
  load.exactly(`${what}: deliveries`, came.total, messages);
  load.exactly(`${what}: out of order or damaged`, came.outOfOrder + came.damaged, 0);
}

async function run(load: Load): Promise<void> {
  const broker = await load.startBroker();
  const publisher = await AmqpClient.open(broker.ports.amqp);
  const rss = await settledRss(broker.pid);
  const watch = new MemoryWatch(broker.pid);
  await publishAll(publisher);
  const first = await takeAll(broker);
  expectEachOnce(load, "taken", first.came);
  load.atMost(
    "RSS more for each unacked message",
    watch.stop() / messages,
    rssBytesEachMax,
    (n) => `${Math.round(n)} B`,
  );
  load.figure(
    "RSS before, and with 100,000 unacked",
    `${megabytes(rss)}, ${megabytes(await settledRss(broker.pid))}`,
  );

  first.client.ack(messages, true);
  await first.client.prefetch(0);
  first.client.close();
  await until(
    "the connection's end",
    async () => (await publisher.declare(queue, { isPassive: true })) === 0,
    5000,
  );
  load.exactly(
    "left after one acknowledgement of all",
    await publisher.declare(queue, { isPassive: true }),
    0,
  );

  const again = await AmqpClient.open(broker.ports.amqp);
  await publishAll(again);
  const second = await takeAll(broker);
  expectEachOnce(load, "taken again", second.came);
  second.client.socket.resetAndDestroy();
  const cutMs = performance.now();
  const third = await takeAll(broker);
  load.atMost(
    "all redelivered after a cut connection",
    performance.now() - cutMs,
    redeliveredMsMax,
    milliseconds,
  );
  expectEachOnce(load, "after the cut", third.came);
  load.exactly("of them marked as redelivered", third.redelivered, messages);
  third.client.ack(messages, true);
  await third.client.prefetch(0);
  third.client.close();
  load.exactly("left at the end", await publisher.declare(queue, { isPassive: true }), 0);
  load.figure("RSS at the end", megabytes(await settledRss(broker.pid)));
  publisher.close();
  again.close();
}

export const unacked: Scenario = {
  name: "unacked",
  what: "one client with 100,000 unacknowledged messages; then all acknowledged; then its connection cut",
  run,
};
