/** The options of a new exchange. What each type does: exchange-types.ts. */
import type { ArgumentTypes } from "./routing/plain-arguments.ts";
import type { BindingArguments } from "./routing/router.ts";

export const exchangeTypes = [
  "direct",
  "fanout",
  "topic",
  "headers",
  "x-consistent-hash",
  "x-delayed-message",
  "x-kafka-topic",
  "x-local-random",
  "x-modulus-hash",
  "x-random",
  "x-recent-history",
] as const;
export type ExchangeType = (typeof exchangeTypes)[number];

export interface ExchangeOptions {
  name: string;
  type: ExchangeType;
  durable: boolean;
  autoDelete: boolean;
  internal: boolean;
  args: BindingArguments;
  /** The AMQP types of arguments whose values do not tell. */
  argTypes?: ArgumentTypes | undefined;
}
