/** How a consumer is described to operators. */
import type { ConsumerFacts } from "../../../base/connection-facts.ts";
import type { BindingArguments } from "../../../broker/exchange/routing/router.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { QueueConsumer } from "../../../broker/queue/readers.ts";

interface Described {
  readonly tag: string;
  readonly queue: Queue;
  readonly isNoAck: boolean;
  readonly isExclusive: boolean;
  readonly prefetch: number;
  readonly args: BindingArguments;
  readonly takesRecords: boolean;
}

export function consumerFactsOf(consumer: Described): ConsumerFacts {
  const { tag, queue, isNoAck, isExclusive, prefetch, args } = consumer;
  // Readers of a stream all get its records.
  const isActive = !consumer.takesRecords || queue.isActive(consumer as unknown as QueueConsumer);
  return { tag, queue: queue.name, isNoAck, isExclusive, prefetch, isActive, args };
}
