import { everyKey } from "../../../broker/access/rights.ts";
import type { ExchangeType } from "../../../broker/exchange/definition.ts";
import { declaredType, typeProblem } from "../../../broker/exchange/exchange-types.ts";
import { nameOfText } from "../../../broker/names.ts";
import { type FieldTable, findField } from "../../../message/amqp/table.ts";
import { argumentTypes, plainArguments } from "../../../broker/exchange/routing/plain-arguments.ts";
import type { Channel } from "../channel/channel.ts";
import { AmqpError } from "../core/errors.ts";
import { amqpName, assertNotReserved, strippedName } from "../core/names.ts";
import { fieldTypeName } from "./queue-arguments.ts";
import type { MethodArguments } from "../wire/methods.ts";

/** Makes an exchange or finds the same; passive only asks whether it is there (spec exchange.declare). */
export function exchangeDeclare(channel: Channel, values: MethodArguments["exchange.declare"]): void {
  const { vhost } = channel;
  const name = strippedName(values.exchange);
  if (values.passive) {
    assertNotDefault(name);
    vhost.exchange(name);
  } else {
    const type = declaredType(values.type);
    if (type === undefined) throw new AmqpError("COMMAND_INVALID", typeProblem(values.type));
    assertNotDefault(name);
    channel.assertMayUseExchange("create", name);
    if (!vhost.exchanges.has(name)) assertMayMake(channel, name, values.arguments);
    declare(channel, name, type, values);
  }
  if (!values.noWait) channel.reply("exchange.declare-ok", {});
}

/** Asked of new exchanges only, as in RabbitMQ: of one that is there, its arguments must be the same. */
function assertMayMake(channel: Channel, name: string, table: FieldTable): void {
  assertNotReserved("exchange", name);
  const alternate = findField(table, "alternate-exchange");
  if (alternate === undefined) return;
  if (alternate.type !== "S") {
    throw new AmqpError(
      "PRECONDITION_FAILED",
      `invalid type '${fieldTypeName(alternate)}' for arg 'alternate-exchange' in exchange '${amqpName(name)}' in vhost '${channel.vhost.name}'`,
    );
  }
  channel.assertMayUseExchange("bindFrom", name);
  channel.assertMayLeadTo(nameOfText(alternate.value), everyKey);
}

function declare(
  channel: Channel,
  name: string,
  type: ExchangeType,
  values: MethodArguments["exchange.declare"],
): void {
  const { durable, autoDelete, internal } = values;
  const args = plainArguments(values.arguments);
  const argTypes = argumentTypes(values.arguments);
  channel.vhost.declareExchange({ name, type, durable, autoDelete, internal, args, argTypes });
}

export function assertNotDefault(name: string): void {
  if (name === "") throw new AmqpError("ACCESS_REFUSED", "operation not permitted on the default exchange");
}

/** A topic's partitions are bound under their numbers: another binding would take the place of one. */
export function assertNotTopic({ vhost }: Channel, name: string): void {
  if (vhost.exchanges.get(name)?.type !== "x-kafka-topic") return;
  throw new AmqpError(
    "ACCESS_REFUSED",
    `exchange '${name}' in vhost '${vhost.name}' is that of a Kafka topic, whose partitions only the broker binds; ` +
      "bind the topic and what else is to get its messages to another exchange, and publish there",
  );
}
