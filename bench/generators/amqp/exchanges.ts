/** Exchanges and bindings of the AMQP load. */
import { type AmqpLink, queueName } from "../growth/amqp-link.ts";
import { method, methodId, shortText, uint } from "../growth/amqp-handshake.ts";

/** Keys are this and a number: three words, as in `sensor.reading.n-000017`. */
export const topicKeyPrefix = "sensor.reading.n";

const noArguments = uint(4, 0);

export interface ExchangeOptions {
  /** Also the prefix of the queues. */
  readonly name: string;
  readonly type: "fanout" | "topic";
  readonly queues: number;
}

/** A fanout exchange is bound to all queues at once. */
export async function declareExchange(
  link: AmqpLink,
  { name, type, queues }: ExchangeOptions,
): Promise<void> {
  const declare = method(
    1,
    0x0028_000a,
    uint(2, 0),
    shortText(name),
    shortText(type),
    uint(1, 0),
    noArguments,
  );
  await link.call(declare, methodId.exchangeDeclareOk);
  if (type !== "fanout") return;
  const binds = Array.from({ length: queues }, (_, queue) => bind(queueName(name, queue), name, ""));
  await link.call(Buffer.concat(binds), methodId.queueBindOk, queues);
}

export async function deleteExchange(link: AmqpLink, name: string): Promise<void> {
  await link.call(method(1, 0x0028_0014, uint(2, 0), shortText(name), uint(1, 0)), methodId.exchangeDeleteOk);
}

export interface TopicOptions {
  readonly exchange: string;
  readonly queues: number;
  readonly bindings: number;
}

/** Patterns of both wildcards; each key that is published matches exactly one. */
export async function bindTopics(
  link: AmqpLink,
  { exchange, queues, bindings }: TopicOptions,
): Promise<void> {
  const binds = Array.from({ length: bindings }, (_, number) => {
    const word = queueName("n", number);
    const pattern = number % 2 === 0 ? `sensor.*.${word}` : `#.${word}`;
    return bind(queueName(exchange, number % queues), exchange, pattern);
  });
  await link.call(Buffer.concat(binds), methodId.queueBindOk, bindings);
}

function bind(queue: string, exchange: string, key: string): Buffer {
  const names = [shortText(queue), shortText(exchange), shortText(key)];
  return method(1, 0x0032_0014, uint(2, 0), ...names, uint(1, 0), noArguments);
}
