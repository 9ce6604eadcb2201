/**
 * Where the messages of one publisher go: to a queue, fanned out to all queues, or by topic to one of them.
 * Declares and deletes all that it takes. Invariant: `consumed` says which sequence numbers each queue gets.
 */
import { method, methodId, shortText, uint } from "./handshake.ts";
import { type AmqpLink, declareQueues, deleteQueues, queueName } from "./link.ts";
import type { PublishTarget } from "./publish-blocks.ts";
import type { Consumed } from "./deliveries.ts";

const topicQueues = 10;
/** Keys are this and a number: three words, as in `sensor.reading.n-000017`. */
const topicKeyPrefix = "sensor.reading.n";
const noArguments = uint(4, 0);

export interface RouteOptions {
  /** Of the exchange, and what the queues' names begin with. */
  readonly name: string;
  readonly isDurable: boolean;
  /** Through a fanout exchange to so many queues. */
  readonly fanOutQueues: number | undefined;
  /** Through a topic exchange with so many bindings, each key to one queue. */
  readonly topicBindings: number | undefined;
}

export interface Route {
  readonly to: PublishTarget;
  readonly consumed: readonly Consumed[];
  /** Queues that get each message. */
  readonly copies: number;
  remove(): Promise<void>;
}

export async function openRoute(link: AmqpLink, options: RouteOptions): Promise<Route> {
  const { name, isDurable, fanOutQueues, topicBindings } = options;
  if (fanOutQueues !== undefined) {
    const queues = fanOutQueues;
    await declareQueues(link, name, queues, isDurable);
    await declareExchange(link, name, "fanout");
    await bindAll(link, queues, (number) => bind(queueName(name, number), name, ""));
    return {
      to: { exchange: name },
      consumed: consumedOf(name, queues, () => ({ firstSequence: 0, sequenceStep: 1 })),
      copies: queues,
      remove: () => remove(link, name, queues, true),
    };
  }
  const queues = topicBindings === undefined ? 1 : topicQueues;
  const consumed = consumedOf(name, queues, (queue) => ({ firstSequence: queue, sequenceStep: queues }));
  await declareQueues(link, name, queues, isDurable);
  if (topicBindings === undefined) {
    const to = { queuePrefix: name, queues };
    return { to, consumed, copies: 1, remove: () => remove(link, name, queues, false) };
  }
  // Keys go round: only then is each queue's share of the sequence numbers even.
  if (topicBindings % queues !== 0) throw new Error(`topicBindings must be a multiple of ${queues}`);
  await declareExchange(link, name, "topic");
  await bindAll(link, topicBindings, (number) =>
    bind(queueName(name, number % queues), name, topicPattern(number)),
  );
  const to = { exchange: name, queuePrefix: topicKeyPrefix, queues: topicBindings };
  return { to, consumed, copies: 1, remove: () => remove(link, name, queues, true) };
}

function consumedOf(
  name: string,
  queues: number,
  shareOf: (queue: number) => Omit<Consumed, "queue">,
): Consumed[] {
  return Array.from({ length: queues }, (_, queue) => ({ queue: queueName(name, queue), ...shareOf(queue) }));
}

/** Patterns of both wildcards; each key that is published matches exactly one. */
function topicPattern(number: number): string {
  const word = queueName("n", number);
  return number % 2 === 0 ? `sensor.*.${word}` : `#.${word}`;
}

async function declareExchange(link: AmqpLink, name: string, type: "fanout" | "topic"): Promise<void> {
  const names = [shortText(name), shortText(type)];
  const declare = method(1, 0x0028_000a, uint(2, 0), ...names, uint(1, 0), noArguments);
  await link.call(declare, methodId.exchangeDeclareOk);
}

async function bindAll(link: AmqpLink, count: number, bindOf: (number: number) => Buffer): Promise<void> {
  const binds = Array.from({ length: count }, (_, number) => bindOf(number));
  await link.call(Buffer.concat(binds), methodId.queueBindOk, count);
}

function bind(queue: string, exchange: string, key: string): Buffer {
  const names = [shortText(queue), shortText(exchange), shortText(key)];
  return method(1, 0x0032_0014, uint(2, 0), ...names, uint(1, 0), noArguments);
}

async function remove(link: AmqpLink, name: string, queues: number, hasExchange: boolean): Promise<void> {
  const names = [uint(2, 0), shortText(name), uint(1, 0)];
  if (hasExchange) await link.call(method(1, 0x0028_0014, ...names), methodId.exchangeDeleteOk);
  await deleteQueues(link, name, queues);
}
