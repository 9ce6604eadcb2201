import type { Exchange } from "../../../broker/exchange/exchange.ts";
import { type FieldTable, findField } from "../../../message/amqp/table.ts";
import { displayText } from "../../../message/amqp/text.ts";
import { everyKey } from "../../../broker/access/rights.ts";
import { plainArguments } from "../../../broker/exchange/routing/plain-arguments.ts";
import type { Channel } from "../channel/channel.ts";
import { AmqpError } from "../core/errors.ts";
import { brokerName, strippedName } from "../core/names.ts";
import type { MethodArguments } from "../wire/methods.ts";
import { fieldTypeName } from "./queue-arguments.ts";
import { assertNotDefault, assertNotTopic } from "./exchange-declare.ts";

/** The ends of a binding between exchanges, which the user may bind. */
export function bindingNames(
  channel: Channel,
  values: { destination: string; source: string; routingKey: string },
): { destination: string; source: string } {
  const [destination, source] = [strippedName(values.destination), strippedName(values.source)];
  channel.assertMayLeadTo(destination, everyKey);
  assertNotDefault(destination);
  assertNotDefault(source);
  channel.assertMayBindFrom(source, brokerName(values.routingKey));
  assertNotTopic(channel, source);
  return { destination, source };
}

const matchKinds = new Set(["all", "any", "all-with-x", "any-with-x"]);

/** The arguments of a binding to a headers exchange. Throws PRECONDITION_FAILED in RabbitMQ's words. */
export function assertBindable(source: Exchange, table: FieldTable): void {
  const field = source.type === "headers" ? findField(table, "x-match") : undefined;
  if (field === undefined || (field.type === "S" && matchKinds.has(displayText(field.value)))) return;
  const problem =
    field.type === "S"
      ? `value <<"${displayText(field.value)}">>; expected all, any, all-with-x, or any-with-x`
      : `type ${fieldTypeName(field)} (value ${JSON.stringify(plainArguments([{ name: "value", field }])["value"])}); expected longstr`;
  throw new AmqpError("PRECONDITION_FAILED", `Invalid x-match field ${problem}`);
}

/** RabbitMQ's extension: messages of `source` flow on to `destination`. */
export function exchangeBind(channel: Channel, values: MethodArguments["exchange.bind"]): void {
  const { vhost } = channel;
  const names = bindingNames(channel, values);
  // A source that is missing is named first, as in RabbitMQ.
  const source = vhost.exchange(names.source);
  const destination = vhost.exchange(names.destination);
  assertBindable(source, values.arguments);
  vhost.bindings.bind(source, destination, brokerName(values.routingKey), plainArguments(values.arguments));
  if (!values.noWait) channel.reply("exchange.bind-ok", {});
}
