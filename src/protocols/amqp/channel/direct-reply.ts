/**
 * Direct reply-to: answers to requests go straight to the channel that asked, without a queue.
 *
 * A client consumes from `amq.rabbitmq.reply-to` and publishes requests with that reply-to, which is replaced by a name
 * of the channel's own; who answers publishes to that name through the default exchange. A reply to a channel that is
 * gone is lost, as in RabbitMQ. Replies are not kept for a client that does not read: past `subscriberOutputBytesMax` its connection
 * is closed, and whoever answers it publishes to nobody. Invariant: a channel has one such consumer at most, registered as long as it
 * lives.
 */
import { isTooFarBehind } from "../../../base/connection.ts";
import { limits } from "../../../base/limits.ts";
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

  /** False: the client does not read, and gets no more replies. */
  deliver(parts: AmqpRecordParts): boolean {
    const owner = this.#owner;
    const { session } = owner;
    const { connection } = session;
    // Before the reply is written: what is lost can still be returned to its publisher.
    if (isTooFarBehind(connection, connection.outputBytes, limits.subscriberOutputBytesMax)) {
      this.#giveUp();
      return false;
    }
    writeDeliver(owner.output, this, owner.unacked.skip(), false, parts);
    connection.touch();
    return true;
  }

  #giveUp(): void {
    const { session } = this.#owner;
    session.server.directReplies.delete(this.replyName);
    const { host, port } = session.connection.remote;
    session.server.unreadLog.add({ remote: `${host}:${port}`, user: session.userName });
    // Not in this turn: the client may be answering itself.
    session.setDeadline(0);
  }
}
