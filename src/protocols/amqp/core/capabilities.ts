/** The capabilities of both sides: the server's properties, and those of the client that the server uses. */
import type { ClientProperties } from "../../../base/connection-facts.ts";
import { limits } from "../../../base/limits.ts";
import { version } from "../../../base/version.ts";
import { type FieldTable, findField } from "../../../message/amqp/table.ts";
import { displayText } from "../../../message/amqp/text.ts";
import { plainArguments } from "../../../broker/exchange/routing/plain-arguments.ts";
import type { MethodArguments } from "../wire/methods.ts";
import { fromPlain } from "../../../message/amqp/table-plain.ts";

export interface Capabilities {
  /** The client wants basic.cancel when the queue of a consumer is deleted. */
  readonly consumerCancelNotify: boolean;
  /** The client wants connection.blocked and unblocked. */
  readonly connectionBlocked: boolean;
  /** The client wants connection.close, not just the end, after a wrong password. */
  readonly authenticationFailureClose: boolean;
}

/** How a client describes itself: short texts, since they are kept. */
export interface ClientNames {
  readonly name: string;
  readonly properties: ClientProperties;
  /** All that it tells of itself, as JSON; only the short texts where that is long. */
  readonly json: string;
  /** By which it logs in. */
  readonly mechanism: string;
}

export const noNames: ClientNames = { name: "", properties: {}, json: "{}", mechanism: "" };

/** What is kept of a client's properties. */
const jsonLengthMax = 4096;

const shownProperties = ["product", "version", "platform", "information"];

export function clientNames({
  clientProperties,
  mechanism,
}: MethodArguments["connection.start-ok"]): ClientNames {
  const textOf = (name: string): string => {
    const field = findField(clientProperties, name);
    return field?.type === "S" ? displayText(field.value).slice(0, limits.clientTextBytesMax) : "";
  };
  const properties: Record<string, string> = {};
  for (const name of shownProperties) {
    const text = textOf(name);
    if (text !== "") properties[name] = text;
  }
  const name = textOf("connection_name");
  const json = JSON.stringify(plainArguments(clientProperties));
  const isKept = json.length <= jsonLengthMax;
  return {
    name,
    mechanism,
    properties,
    json: isKept ? json : JSON.stringify(name === "" ? properties : { ...properties, connection_name: name }),
  };
}

export const noCapabilities: Capabilities = {
  consumerCancelNotify: false,
  connectionBlocked: false,
  authenticationFailureClose: false,
};

/**
 * The version of RabbitMQ that this is compared with, method by method (differential/). Clients and test suites that check the
 * version expect its behaviour. docs/rabbitmq.md lists the consequences.
 */
const rabbitmqVersion = "3.10.8";

/** Libraries check whether this is RabbitMQ and which version: `product` and `version` say what behaviour to expect. */
export const serverProperties: FieldTable = fromPlain({
  capabilities: {
    publisher_confirms: true,
    exchange_exchange_bindings: true,
    "basic.nack": true,
    consumer_cancel_notify: true,
    "connection.blocked": true,
    consumer_priorities: true,
    authentication_failure_close: true,
    per_consumer_qos: true,
    direct_reply_to: true,
  },
  cluster_name: "troikamq",
  copyright: "Apache License 2.0",
  information: `TroikaMQ ${version}: Redis, AMQP 0-9-1 and Kafka in one broker`,
  platform: `TroikaMQ ${version}`,
  product: "RabbitMQ",
  version: rabbitmqVersion,
});

export function clientCapabilities(clientProperties: FieldTable): Capabilities {
  const field = findField(clientProperties, "capabilities");
  if (field?.type !== "F") return noCapabilities;
  const table = field.value;
  const has = (name: string): boolean => {
    const value = findField(table, name);
    return value?.type === "t" && value.value;
  };
  return {
    consumerCancelNotify: has("consumer_cancel_notify"),
    connectionBlocked: has("connection.blocked"),
    authenticationFailureClose: has("authentication_failure_close"),
  };
}
