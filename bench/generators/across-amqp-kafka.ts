/** AMQP in, Kafka out: persistent messages to an exchange to which a topic is bound, fetched by a Kafka consumer. */
import type { Figures } from "../contract.ts";
import { Crossing } from "./across/crossing.ts";
import { method, methodId, shortText, uint } from "./amqp/handshake.ts";
import { AmqpLink } from "./amqp/link.ts";
import { PublishBlocks } from "./amqp/publish-blocks.ts";
import { createTopic, deleteTopic } from "./kafka/admin.ts";
import { KafkaConnection } from "./kafka/connection.ts";
import { type FetchVisitor, Fetcher } from "./kafka/fetcher.ts";
import { scheduleFor } from "./base/schedule.ts";

const exchange = "amq.fanout";

export interface AcrossOptions {
  readonly amqpPort: number;
  readonly otherPort: number;
  readonly id: string;
  readonly bodyBytes: number;
  readonly seconds: number;
  readonly messagesMax: number;
  readonly ratePerSecond?: number;
}

export async function generate(options: AcrossOptions): Promise<Figures> {
  const { amqpPort, otherPort, id: topic, bodyBytes } = options;
  const admin = await KafkaConnection.open(otherPort);
  await createTopic(admin, { name: topic, partitions: 1 });
  const link = await AmqpLink.open(amqpPort, 1);
  const names = [shortText(topic), shortText(exchange), shortText("")];
  await link.call(method(1, 0x0032_0014, uint(2, 0), ...names, uint(1, 0), uint(4, 0)), methodId.queueBindOk);
  const blocks = new PublishBlocks({ link, bodyBytes, isPersistent: true, to: { exchange } });
  const schedule = scheduleFor(options.ratePerSecond, {
    seconds: options.seconds,
    recordsMax: options.messagesMax,
  });
  const crossing = new Crossing(blocks, schedule);
  const reading = await KafkaConnection.open(otherPort);
  const visitor = visitorOf(crossing);
  void new Fetcher(reading, { topic, partitions: 1, visitor }).run(() => Infinity);
  const figures = await crossing.run();
  reading.close();
  link.close();
  await deleteTopic(admin, topic);
  admin.close();
  return figures;
}

function visitorOf(crossing: Crossing): FetchVisitor {
  let arrivedMs = 0;
  let buffer = Buffer.alloc(0);
  return {
    arrived(nowMs) {
      arrivedMs = nowMs;
    },
    record(_partition, bytes, valueAt) {
      // A view for each answer, not for each record.
      if (
        buffer.buffer !== bytes.buffer ||
        buffer.byteOffset !== bytes.byteOffset ||
        buffer.length !== bytes.length
      )
        buffer = Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
      crossing.arrived(buffer, valueAt, arrivedMs);
    },
  };
}
