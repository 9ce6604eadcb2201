/**
 * Declares many durable queues over one channel, or looks whether all of them are there. The time is that of the declarations alone.
 */
import type { Figures } from "../contract.ts";
import { method, methodId, shortText, uint } from "./amqp/handshake.ts";
import { AmqpLink, queueName } from "./amqp/link.ts";

export interface AmqpQueuesOptions {
  readonly port: number;
  readonly id: string;
  readonly queues: number;
  /** They must be there already. */
  readonly isPassive: boolean;
}

/** So that an answer is not waited for longer than a link waits, where a server takes minutes for all of them. */
const together = 1000;
const durable = 2;
const passive = 1;

export async function generate({ port, id, queues, isPassive }: AmqpQueuesOptions): Promise<Figures> {
  const link = await AmqpLink.open(port, 1);
  const startedMs = performance.now();
  // A queue that is missing closes the channel of one that only looks, which ends the generator.
  const bits = uint(1, isPassive ? passive : durable);
  for (let from = 0; from < queues; from += together) {
    const declares = Array.from({ length: Math.min(together, queues - from) }, (_, number) => {
      const name = shortText(queueName(id, from + number));
      return method(1, 0x0032_000a, uint(2, 0), name, bits, uint(4, 0));
    });
    await link.call(Buffer.concat(declares), methodId.queueDeclareOk, declares.length);
  }
  const seconds = (performance.now() - startedMs) / 1000;
  link.close();
  return { count: queues, seconds, verified: `${queues} answers` };
}
