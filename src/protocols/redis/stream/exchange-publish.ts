/**
 * XADD onto the name of an exchange: the entry goes where the exchange leads, and the reply is an id of its own, since
 * there may be many entries made or none.
 */
import { isKeptOnDisk } from "../../../broker/exchange/route.ts";
import { propertiesOfParts } from "../../../broker/exchange/routing/message-headers.ts";
import type { AmqpProperties } from "../../../message/amqp/properties.ts";
import type { Exchange } from "../../../broker/exchange/exchange.ts";
import { assertMayPublish } from "../acl/key-rights.ts";
import type { CommandContext } from "../core/context.ts";
import { publisherIn } from "../observe/publisher.ts";
import { entryMessage } from "./entry-message.ts";
import { queueFull } from "../core/errors.ts";
import { writeStreamId } from "./id.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

/** The routing key: the field of that name, else the message's key. */
function routingKey(request: RequestArguments, first: number): string {
  let key = -1;
  for (let at = first; at + 1 < request.argumentCount; at += 2) {
    if (request.is(at, "ROUTING_KEY")) return request.latin1(at + 1);
    if (key < 0 && request.is(at, "KEY")) key = at + 1;
  }
  return key < 0 ? "" : request.latin1(key);
}

export function publishThroughExchange(context: CommandContext, exchange: Exchange, first: number): void {
  const { request, reply, broker, caller, server } = context;
  broker.storage.assertWritable();
  const headers = (): Map<string, string> => {
    const found = new Map<string, string>();
    for (let at = first; at + 1 < request.argumentCount; at += 2)
      found.set(request.utf8(at), request.utf8(at + 1));
    return found;
  };
  const key = routingKey(request, first);
  const message = entryMessage.show(request, first, request.argumentCount, key);
  const properties = (): AmqpProperties => propertiesOfParts(message.asAmqp());
  const route = context.vhost.routes.find(exchange, key, { headers, properties });
  assertMayPublish(context, exchange, key, route.queues);
  message.publisher = publisherIn(context);
  const full = context.vhost.publication.publishWhole(exchange, route, message);
  if (full !== null) throw queueFull(full.name);
  const { publication, unroutable } = context.vhost;
  if (publication.isLost(route)) unroutable.published(exchange.name, message);
  caller.publisherSeen();
  if (isKeptOnDisk(route) && broker.options.redisStreamsDurability === "fsync") caller.holdUntilDurable();
  const id = server.takePublishId();
  writeStreamId(reply.out, id);
}
