/**
 * Takes whole messages of one channel to where they belong: logs, live subscribers, direct replies; returns what is
 * mandatory and has no queue; tells the confirms what to wait for.
 *
 * The way of a message under the same exchange and key as the one before, with no property that must be looked at,
 * makes no string and no object: its three runs are copied into the journal's tail.
 * Not here: joining frames (incoming-message.ts), dead letters and bounds (broker/).
 * Invariant: a remembered route is used only while the vhost's routing version stands.
 */
import { copyBytes } from "../../base/bytes.ts";
import { limits } from "../../base/limits.ts";
import type { Exchange } from "../../broker/exchange.ts";
import { liveExchangeName } from "../../broker/live-channels.ts";
import { noRoute, type Route } from "../../broker/route.ts";
import { propertyFlag } from "../../message/amqp-properties.ts";
import { persistentDeliveryMode } from "../../message/amqp-property-offsets.ts";
import { envelope } from "../../message/envelope.ts";
import type { Channel } from "./channel.ts";
import { directReplyName, directReplyPrefix } from "./direct-reply.ts";
import { AmqpError, replyCode } from "./errors.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import { amqpName } from "./names.ts";
import { checkProperties, messageHeaders, recordParts, replaceReplyTo } from "./publish-properties.ts";
import { type HeldPublish, messageOf } from "./transaction.ts";
import { writeReturn } from "./wire/content-output.ts";

type LogGroup = NonNullable<Route["durable"]>;

/** Properties that must be looked at before a message is taken. */
const checkedFlags = propertyFlag.expiration | propertyFlag.userId | propertyFlag.replyTo;

export class Publisher {
  readonly #channel: Channel;
  #exchange: Exchange | null = null;
  #key = "";
  #route: Route = noRoute;
  /** Of the message whose route is remembered, and of the vhost at that time; -1 when it may not be used again. */
  #routeNumber = -1;
  #routingVersion = -1;
  #isLive = false;
  #isDirectReply = false;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Publishes a whole message. Throws what closes the channel; then nothing of it was taken. */
  publish(message: IncomingMessage): void {
    const channel = this.#channel;
    if (
      message.routeNumber !== this.#routeNumber ||
      this.#routingVersion !== channel.vhost.routingVersion ||
      message.immediate ||
      message.isTooLarge
    ) {
      this.#resolve(message);
    }
    if ((message.properties.flags & checkedFlags) !== 0) {
      checkProperties(channel, message);
      if (message.properties.replyToStart >= 0) this.#useDirectReply(message);
    }
    if (channel.transaction !== null) {
      const { routingVersion } = channel.vhost;
      channel.transaction.addPublish(message, {
        exchange: this.#exchange!,
        route: this.#route,
        routingVersion,
      });
      return;
    }
    this.#deliver(message);
  }

  /**
   * Publishes what a transaction held, to where it was to go when it came, as RabbitMQ does: whatever became of exchange
   * and bindings since, to those queues, or others made again under their names. Never throws: a commit is whole.
   */
  publishHeld(held: HeldPublish): void {
    const { vhost } = this.#channel;
    const message = messageOf(held);
    const { exchange, route, routingVersion } = held;
    this.#leadTo(exchange, message.route.latin1Slice(2 + message.exchangeSize, message.routeSize));
    this.#route = routingVersion === vhost.routingVersion ? route : vhost.routeNow(route);
    this.#routeNumber = -1;
    this.#deliver(message);
  }

  #deliver(message: IncomingMessage): void {
    const channel = this.#channel;
    const exchange = this.#exchange!;
    exchange.published++;
    const route = this.#route;
    let isRefused = false;
    let isTaken = route.queues.length > 0;
    if (route.hasGuards) isRefused = !this.#appendGuarded(route, message);
    else {
      if (route.durable !== null) append(route.durable, message);
      if (route.volatile !== null) append(route.volatile, message);
    }
    if (message.properties.expirationStart >= 0) {
      for (const queue of route.queues) queue.policy.canExpire = true;
    }
    if (this.#isLive && !channel.vhost.live.isEmpty) this.#publishLive(message);
    if (this.#isDirectReply) isTaken = this.#reply(message);
    if (!isTaken && message.mandatory) this.#return(message);
    const { confirms } = channel;
    if (confirms !== null) {
      const { storage } = channel.broker;
      const isDurable = route.durable !== null && message.properties.deliveryMode === persistentDeliveryMode;
      confirms.add(isDurable ? storage.pending : 0, storage.written, isRefused);
      channel.session.confirmsChanged(channel);
    }
  }

  /** Finds exchange and route of a message whose route differs from the last one's, and what forbids it. */
  #resolve(message: IncomingMessage): void {
    const { vhost } = this.#channel;
    this.#routeNumber = -1;
    if (message.isTooLarge) {
      throw new AmqpError(
        "PRECONDITION_FAILED",
        `message size ${message.bodySize} is larger than configured max size ${limits.amqpMessageBytesMax}`,
      );
    }
    if (message.immediate) throw new AmqpError("NOT_IMPLEMENTED", "immediate=true");
    const { route, exchangeSize, routeSize } = message;
    const exchange = vhost.exchange(route.latin1Slice(1, 1 + exchangeSize));
    this.#channel.assertAllowed("write", "exchange", exchange.name);
    if (exchange.internal) {
      throw new AmqpError(
        "ACCESS_REFUSED",
        `cannot publish to internal exchange '${amqpName(exchange.name)}' in vhost '${vhost.name}'`,
      );
    }
    const key = route.latin1Slice(2 + exchangeSize, routeSize);
    this.#leadTo(exchange, key);
    this.#route = vhost.route(exchange, key, () => messageHeaders(message));
    // A route that headers decided is not remembered.
    if (this.#route.usesHeaders) return;
    this.#routeNumber = message.routeNumber;
    this.#routingVersion = vhost.routingVersion;
  }

  #leadTo(exchange: Exchange, key: string): void {
    this.#exchange = exchange;
    this.#key = key;
    this.#isLive = exchange.name === liveExchangeName;
    this.#isDirectReply = exchange.name === "" && key.startsWith(directReplyPrefix);
  }

  /** Some queues refuse what is beyond their bounds (`x-overflow`); false when one did. */
  #appendGuarded(route: Route, message: IncomingMessage): boolean {
    let isTakenByAll = true;
    const { retention } = this.#channel.broker;
    for (const queue of route.queues) {
      if (retention.isFull(queue)) {
        isTakenByAll = false;
        if (queue.policy.overflow === "reject-publish-dlx") retention.refuse(queue, recordParts(message));
      } else append(queue.log.group, message);
    }
    return isTakenByAll;
  }

  #publishLive(message: IncomingMessage): void {
    const { route, exchangeSize, routeSize } = message;
    const { live } = this.#channel.vhost;
    live.publish(route, 2 + exchangeSize, routeSize, message.bodyBuffer, message.bodyStart, message.bodyEnd);
  }

  #reply(message: IncomingMessage): boolean {
    const consumer = this.#channel.session.server.directReplies.get(this.#key);
    consumer?.deliver(recordParts(message));
    return consumer !== undefined;
  }

  #useDirectReply(message: IncomingMessage): void {
    const { buffer, replyToStart, replyToEnd } = message.properties;
    if (buffer.latin1Slice(replyToStart, replyToEnd) !== directReplyName) return;
    const consumer = this.#channel.directReply;
    if (consumer === null) {
      throw new AmqpError("PRECONDITION_FAILED", "fast reply consumer does not exist");
    }
    replaceReplyTo(message, consumer.replyName);
  }

  #return(message: IncomingMessage): void {
    const { channel, output, frameMax } = this.#channel.frameTarget;
    writeReturn(
      output,
      { channel, frameMax },
      { code: replyCode.NO_ROUTE, text: "NO_ROUTE" },
      recordParts(message),
    );
    this.#channel.session.connection.touch();
  }
}

/** Copies the message into every log of the group. */
function append(group: LogGroup, message: IncomingMessage): void {
  const { routeSize, headerStart, headerEnd, bodyStart, bodyEnd } = message;
  const headerSize = headerEnd - headerStart;
  const { store } = group.logs[0]!;
  let at = store.reserve(group, envelope.amqp, routeSize + 4 + headerSize + bodyEnd - bodyStart);
  const target = store.tail;
  copyBytes(target, at, message.route, 0, routeSize);
  at += routeSize;
  target[at] = headerSize >>> 24;
  target[at + 1] = headerSize >>> 16;
  target[at + 2] = headerSize >>> 8;
  target[at + 3] = headerSize;
  at += 4;
  copyBytes(target, at, message.headerBuffer, headerStart, headerEnd);
  copyBytes(target, at + headerSize, message.bodyBuffer, bodyStart, bodyEnd);
}
