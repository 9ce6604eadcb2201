/** The options of a new exchange. */
import type { ArgumentTypes } from "./routing/plain-arguments.ts";
import type { BindingArguments } from "./routing/router.ts";

/** `x-kafka-topic` spreads messages over the partitions of a topic by key, as Kafka's default partitioner does. */
export const exchangeTypes = ["direct", "fanout", "topic", "headers", "x-kafka-topic"] as const;
export type ExchangeType = (typeof exchangeTypes)[number];

export interface ExchangeOptions {
  name: string;
  type: ExchangeType;
  durable: boolean;
  autoDelete: boolean;
  internal: boolean;
  args: BindingArguments;
  /** Given when an existing exchange is declared again. The arguments of the existing one were checked when it was made. */
  argTypes?: ArgumentTypes | undefined;
}
