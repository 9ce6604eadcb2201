/**
 * Direct reply-to: answers to requests go straight to the channel that asked, without a queue.
 *
 * A client consumes from `amq.rabbitmq.reply-to` and publishes requests with that reply-to, which is replaced by a name
 * of the channel's own; who answers publishes to that name through the default exchange. A reply to a channel that is
 * gone is lost, as in RabbitMQ. Invariant: a channel has one such consumer at most, registered as long as it lives.
 */
import type { AmqpRecordParts } from "../../../message/amqp/record.ts";
import type { Channel } from "./channel.ts";
import { shortString } from "../core/short-string.ts";
import { writeDeliver } from "../wire/content-output.ts";

export const directReplyName = "amq.rabbitmq.reply-to";
export const directReplyPrefix = `${directReplyName}.`;

export class DirectReplyConsumer {
  readonly tag: string;
  readonly channel: number;
  readonly consumerTag: Buffer;
  readonly frameMax: number;
  /** The name that replies are sent to. */
  readonly replyName: string;
  readonly #owner: Channel;

  constructor(owner: Channel, tag: string, replyName: string) {
    this.#owner = owner;
    this.tag = tag;
    this.replyName = replyName;
    this.channel = owner.number;
    this.consumerTag = shortString(tag);
    this.frameMax = owner.session.frameMax;
  }

  deliver(parts: AmqpRecordParts): void {
    const owner = this.#owner;
    writeDeliver(owner.output, this, owner.unacked.skip(), false, parts);
    owner.session.connection.touch();
  }
}
