/** What the AMQP connections of one broker share: who waits for direct replies. */
import type { Broker } from "../../broker/broker.ts";
import type { DirectReplyConsumer } from "./direct-reply.ts";

export class AmqpServer {
  readonly broker: Broker;
  /** By the name to which replies are sent. */
  readonly directReplies = new Map<string, DirectReplyConsumer>();

  constructor(broker: Broker) {
    this.broker = broker;
  }
}
