/** Redis in, AMQP out: entries added to a durable queue by XADD, taken from it by an AMQP consumer. */
import type { Figures } from "../contract.ts";
import type { AcrossOptions } from "./across-amqp-kafka.ts";
import { Crossing } from "./across/crossing.ts";
import { EntryBlocks } from "./across/entry-blocks.ts";
import { methodId } from "./amqp/handshake.ts";
import { AmqpLink, consume, declareQueues, deleteQueues, queueName, readyMessages } from "./amqp/link.ts";
import { scheduleFor } from "./base/schedule.ts";

export async function generate(options: AcrossOptions): Promise<Figures> {
  const { amqpPort, otherPort, id, bodyBytes } = options;
  const link = await AmqpLink.open(amqpPort, 1);
  await declareQueues(link, id, 1, true);
  const queue = queueName(id, 0);
  const entries = await EntryBlocks.open(otherPort, queue, bodyBytes);
  const schedule = scheduleFor(options.ratePerSecond, {
    seconds: options.seconds,
    recordsMax: options.messagesMax,
  });
  const crossing = new Crossing(entries, schedule);
  link.onDeliver = (bytes, bodyAt) => crossing.arrived(bytes, bodyAt, performance.now());
  await link.call(consume({ queue, channel: 1, tag: "c", acks: false }), methodId.consumeOk);
  const figures = await crossing.run();
  const left = await readyMessages(link, queue);
  if (left !== 0) throw new Error(`${left} messages are left in the queue`);
  await deleteQueues(link, id, 1);
  link.close();
  entries.close();
  return figures;
}
