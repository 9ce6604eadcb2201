/** What the AMQP connections of one broker share: who waits for direct replies, and the log lines that they can cause. */
import { SparseLog } from "../../../base/sparse-log.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { DirectReplyConsumer } from "../channel/direct-reply.ts";

export class AmqpServer {
  readonly broker: Broker;
  /** By the name to which replies are sent. */
  readonly directReplies = new Map<string, DirectReplyConsumer>();
  readonly silentLog: SparseLog;

  constructor(broker: Broker) {
    this.broker = broker;
    const { logger, timers } = broker;
    this.silentLog = new SparseLog(timers, (fields) =>
      logger.info("an AMQP client missed its heartbeats", fields),
    );
  }
}
