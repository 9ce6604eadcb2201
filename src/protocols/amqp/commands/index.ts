/**
 * Every method that a client may send on a channel, by name; the listing of this folder is the list of what is done.
 *
 * basic.publish, ack, nack and reject come with each message and are read without objects in session.ts, channel.open
 * and close are the session's too. Invariant: a client's method is here or there; all else is RabbitMQ's 503.
 */
import type { Channel } from "../channel/channel.ts";
import { AmqpError } from "../core/errors.ts";
import type { Method, MethodArguments, MethodName } from "../wire/methods.ts";
import { accessRequest } from "./access-request.ts";
import { basicCancel } from "./basic-cancel.ts";
import { basicConsume } from "./basic-consume.ts";
import { basicGet } from "./basic-get.ts";
import { basicQos } from "./basic-qos.ts";
import { basicRecover, basicRecoverAsync } from "./basic-recover.ts";
import { channelFlow } from "./channel-flow.ts";
import { confirmSelect } from "./confirm-select.ts";
import { exchangeBind } from "./exchange-bind.ts";
import { exchangeDeclare } from "./exchange-declare.ts";
import { exchangeDelete } from "./exchange-delete.ts";
import { exchangeUnbind } from "./exchange-unbind.ts";
import { queueBind } from "./queue-bind.ts";
import { queueDeclare } from "./queue-declare.ts";
import { queueDelete } from "./queue-delete.ts";
import { queuePurge } from "./queue-purge.ts";
import { queueUnbind } from "./queue-unbind.ts";
import { txCommit } from "./tx-commit.ts";
import { txRollback } from "./tx-rollback.ts";
import { txSelect } from "./tx-select.ts";

type Handlers = {
  readonly [Name in MethodName]?: (channel: Channel, values: MethodArguments[Name]) => void;
};

export const handlers: Handlers = {
  "access.request": accessRequest,
  "basic.cancel": basicCancel,
  "basic.consume": basicConsume,
  "basic.get": basicGet,
  "basic.qos": basicQos,
  "basic.recover": basicRecover,
  "basic.recover-async": basicRecoverAsync,
  "channel.flow": channelFlow,
  "confirm.select": confirmSelect,
  "exchange.bind": exchangeBind,
  "exchange.declare": exchangeDeclare,
  "exchange.delete": exchangeDelete,
  "exchange.unbind": exchangeUnbind,
  "queue.bind": queueBind,
  "queue.declare": queueDeclare,
  "queue.delete": queueDelete,
  "queue.purge": queuePurge,
  "queue.unbind": queueUnbind,
  "tx.commit": txCommit,
  "tx.rollback": txRollback,
  "tx.select": txSelect,
};

export function runChannelMethod(channel: Channel, method: Method): void {
  const handler = handlers[method.name];
  if (handler === undefined) throw new AmqpError("COMMAND_INVALID", "unimplemented method");
  (handler as (channel: Channel, values: unknown) => void)(channel, method.arguments);
}
