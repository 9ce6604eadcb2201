/**
 * Declares many durable queues over one channel, or looks whether all of them are there. The time is that of the declarations alone.
 */
import type { Figures } from "../contract.ts";
import { method, methodId, shortText, uint } from "./amqp/handshake.ts";
import { AmqpLink, declareQueues, queueName } from "./amqp/link.ts";

export interface AmqpQueuesOptions {
  readonly port: number;
  readonly id: string;
  readonly queues: number;
  /** They must be there already. */
  readonly isPassive: boolean;
}

export async function generate({ port, id, queues, isPassive }: AmqpQueuesOptions): Promise<Figures> {
  const link = await AmqpLink.open(port, 1);
  const startedMs = performance.now();
  if (isPassive) await declarePassively(link, id, queues);
  else await declareQueues(link, id, queues, true);
  const seconds = (performance.now() - startedMs) / 1000;
  link.close();
  return { count: queues, seconds, verified: `${queues} answers` };
}

/** A queue that is missing closes the channel, which ends the generator. */
async function declarePassively(link: AmqpLink, id: string, queues: number): Promise<void> {
  const looks = Array.from({ length: queues }, (_, number) =>
    method(1, 0x0032_000a, uint(2, 0), shortText(queueName(id, number)), uint(1, 1), uint(4, 0)),
  );
  await link.call(Buffer.concat(looks), methodId.queueDeclareOk, queues);
}
