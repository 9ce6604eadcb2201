/**
 * Takes whole messages of one channel to where they belong: logs, live subscribers, direct replies; returns what is
 * mandatory and has no queue; tells the confirms what to wait for.
 *
 * The way of a message under the same exchange and key as the one before, with no property that must be looked at,
 * makes no string and no object: its three runs are copied into the journal's tail.
 * Not here: joining frames (incoming-message.ts), dead letters and bounds (broker/).
 * Invariant: a remembered route is used only while the vhost's routing version stands.
 */
import { limits } from "../../../base/limits.ts";
import { mayPublishUnder } from "../../../broker/access/rights.ts";
import type { Exchange } from "../../../broker/exchange/exchange.ts";
import { isKeptOnDisk, noRoute, type Route } from "../../../broker/exchange/route.ts";
import { propertyFlag } from "../../../message/amqp/properties.ts";
import { persistentDeliveryMode } from "../../../message/amqp/property-offsets.ts";
import type { Channel } from "../channel/channel.ts";
import { directReplyName, directReplyPrefix } from "../channel/direct-reply.ts";
import { AmqpError, replyCode } from "../core/errors.ts";
import type { IncomingMessage } from "./incoming-message.ts";
import { amqpName } from "../core/names.ts";
import {
  checkProperties,
  messageFacts,
  recordParts,
  replaceReplyTo,
  takeRoutingKeys,
} from "./publish-properties.ts";
import { type HeldPublish, messageOf } from "../channel/transaction.ts";
import { writeReturn } from "../wire/content-output.ts";

/** Properties that must be looked at before a message is taken. */
const checkedFlags = propertyFlag.expiration | propertyFlag.userId | propertyFlag.replyTo;

const noName: Buffer = Buffer.alloc(0);

export class Publisher {
  readonly #channel: Channel;
  #exchange: Exchange | null = null;
  #key = "";
  #route: Route = noRoute;
  /** Of the message whose route is remembered, and of the vhost at that time; -1 when it may not be used again. */
  #routeNumber = -1;
  #routingVersion = -1;
  #isDirectReply = false;
  /** The exchange that `#exchange` was found by, as the client named it, and the vhost's version then. */
  #exchangeName: Buffer = noName;
  #exchangeVersion = -1;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Publishes a whole message. Throws what closes the channel; then nothing of it was taken. */
  publish(message: IncomingMessage): void {
    const channel = this.#channel;
    if (
      message.routeNumber !== this.#routeNumber ||
      this.#routingVersion !== channel.vhost.routingVersion ||
      message.mayHaveMoreKeys ||
      message.immediate ||
      message.isTooLarge
    ) {
      this.#resolve(message);
    }
    if ((message.properties.flags & checkedFlags) !== 0) {
      // In RabbitMQ's order: the first that is wrong is named.
      if (message.properties.replyToStart >= 0) this.#useDirectReply(message);
      checkProperties(channel, message);
    }
    const keys = message.mayHaveMoreKeys ? this.#routeByKeys(message) : null;
    if (channel.transaction !== null) {
      const { routingVersion } = channel.vhost;
      const exchange = this.#exchange!;
      const queueNames = exchange.name === "" ? (keys ?? [this.#key]) : null;
      channel.transaction.addPublish(message, { exchange, route: this.#route, routingVersion, queueNames });
      return;
    }
    this.#deliver(message);
  }

  /**
   * Publishes what a transaction held, to where it was to go when it came, as RabbitMQ does: whatever became of exchange
   * and bindings since. Never throws: a commit is whole. That the queues have room was asked of all publishes together.
   */
  publishHeld(held: HeldPublish): void {
    const message = messageOf(held);
    message.publisher = this.#channel.incoming.publisher;
    const { exchange, route } = held;
    this.#exchangeVersion = -1;
    this.#leadTo(exchange, message.route.latin1Slice(2 + message.exchangeSize, message.routeSize));
    this.#route = route;
    this.#routeNumber = -1;
    // Not asked again: what a queue refused now would be lost after the commit was answered.
    this.#channel.vhost.publication.append(exchange, route, message);
    this.#published(message, false);
  }

  #deliver(message: IncomingMessage): void {
    const { publication } = this.#channel.vhost;
    this.#published(message, !publication.publish(this.#exchange!, this.#route, message));
  }

  /** Confirms or returns the message after it was published. */
  #published(message: IncomingMessage, isRefused: boolean): void {
    const channel = this.#channel;
    channel.counts.publish++;
    const route = this.#route;
    let { isTaken } = route;
    if (this.#isDirectReply) isTaken = this.#reply(message);
    if (!isTaken) {
      this.#sampleLost(message);
      if (message.mandatory) {
        this.#exchange!.returned++;
        channel.counts.returnUnroutable++;
        this.#return(message);
      } else channel.counts.dropUnroutable++;
    }
    const { confirms } = channel;
    if (confirms !== null) {
      const { storage } = channel.broker;
      const isDurable = isKeptOnDisk(route) && message.properties.deliveryMode === persistentDeliveryMode;
      confirms.add(isDurable ? storage.pending : 0, storage.written, isRefused);
      channel.session.confirmsChanged(channel);
    }
  }

  #sampleLost(message: IncomingMessage): void {
    const { vhost } = this.#channel;
    if (vhost.publication.isLost(this.#route))
      vhost.unroutable.published(this.#exchange!.name, message, message.mandatory);
  }

  /** Finds exchange and route of a message whose route differs from the last one's, and what forbids it. */
  #resolve(message: IncomingMessage): void {
    const { vhost } = this.#channel;
    this.#routeNumber = -1;
    if (message.immediate) throw new AmqpError("NOT_IMPLEMENTED", "immediate=true");
    if (message.isTooLarge) {
      throw new AmqpError(
        "PRECONDITION_FAILED",
        `message size ${message.bodySize} is larger than configured max size ${limits.amqpMessageBytesMax}`,
      );
    }
    const { route, exchangeSize, routeSize } = message;
    const exchange = this.#isSameExchange(message) ? this.#exchange! : this.#findExchange(message);
    const key = route.latin1Slice(2 + exchangeSize, routeSize);
    this.#leadTo(exchange, key);
    // Its route is found once its properties have been checked.
    if (message.mayHaveMoreKeys) return;
    this.#route =
      vhost.routes.known(exchange, key) ?? vhost.routes.find(exchange, key, messageFacts(message));
    this.#assertMayUseKey(exchange, key);
    // A route that headers decided is not remembered.
    if (this.#route.isPerMessage) return;
    this.#routeNumber = message.routeNumber;
    this.#routingVersion = vhost.routingVersion;
  }

  /** Rights change with the version too. */
  #isSameExchange({ route, exchangeSize }: IncomingMessage): boolean {
    const name = this.#exchangeName;
    if (exchangeSize !== name.length || this.#exchangeVersion !== this.#channel.vhost.routingVersion)
      return false;
    for (let i = 0; i < exchangeSize; i++) if (name[i] !== route[1 + i]) return false;
    return true;
  }

  #findExchange({ route, exchangeSize }: IncomingMessage): Exchange {
    const { vhost } = this.#channel;
    this.#exchangeVersion = -1;
    const name = route.latin1Slice(1, 1 + exchangeSize);
    this.#channel.assertMayUseExchange("publish", name);
    const exchange = vhost.exchange(name);
    if (exchange.internal) {
      throw new AmqpError(
        "ACCESS_REFUSED",
        `cannot publish to internal exchange '${amqpName(exchange.name)}' in vhost '${vhost.name}'`,
      );
    }
    if (exchangeSize !== this.#exchangeName.length) this.#exchangeName = Buffer.alloc(exchangeSize);
    route.copy(this.#exchangeName, 0, 1, 1 + exchangeSize);
    this.#exchangeVersion = vhost.routingVersion;
    return exchange;
  }

  /** A message with CC or BCC: each goes its own way. */
  #routeByKeys(message: IncomingMessage): readonly string[] {
    const keys = [this.#key, ...takeRoutingKeys(message)];
    this.#route = this.#channel.vhost.routes.byKeys(this.#exchange!, keys, messageFacts(message));
    for (const key of keys) this.#assertMayUseKey(this.#exchange!, key);
    return keys;
  }

  #assertMayUseKey(exchange: Exchange, key: string): void {
    const { session, vhost } = this.#channel;
    if (!mayPublishUnder(session, vhost, exchange, key, this.#route.queues))
      throw this.#channel.refused("exchange", exchange.name);
    this.#channel.assertMayUseTopicKey("write", exchange, key);
  }

  #leadTo(exchange: Exchange, key: string): void {
    this.#exchange = exchange;
    this.#key = key;
    this.#isDirectReply = exchange.name === "" && key.startsWith(directReplyPrefix);
  }

  #reply(message: IncomingMessage): boolean {
    const consumer = this.#channel.session.server.directReplies.get(this.#key);
    return consumer?.deliver(recordParts(message)) ?? false;
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
