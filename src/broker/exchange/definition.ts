/** What an exchange is made with. */
import type { ArgumentTypes } from "./routing/plain-arguments.ts";
import type { BindingArguments } from "./routing/router.ts";

/** `x-kafka-topic` spreads messages over a topic's partitions by key, as Kafka's default partitioner does. */
export const exchangeTypes = ["direct", "fanout", "topic", "headers", "x-kafka-topic"] as const;
export type ExchangeType = (typeof exchangeTypes)[number];

export interface ExchangeOptions {
  name: string;
  type: ExchangeType;
  durable: boolean;
  autoDelete: boolean;
  internal: boolean;
  args: BindingArguments;
  /** Of one that is declared again: those of the exchange that is there were checked when it was made. */
  argTypes?: ArgumentTypes | undefined;
}
