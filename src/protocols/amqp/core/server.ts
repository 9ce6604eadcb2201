/** What the AMQP connections of one broker share: consumers of direct replies, and bounded log lines. */
import { SparseLog } from "../../../base/sparse-log.ts";
import type { Broker } from "../../../broker/broker.ts";
import { ExchangeStations } from "../../../broker/exchange/stations/exchange-stations.ts";
import { AckTimeouts } from "../channel/ack-timeouts.ts";
import type { Channel } from "../channel/channel.ts";
import type { DirectReplyConsumer } from "../channel/direct-reply.ts";
import type { Method } from "../wire/methods.ts";

export class AmqpServer {
  readonly broker: Broker;
  /** Runs a client's method on a channel: the table of commands. Sessions know nothing else of commands. */
  readonly runChannelMethod: (channel: Channel, method: Method) => void;
  /** By the name that replies are sent to. */
  readonly directReplies = new Map<string, DirectReplyConsumer>();
  readonly silentLog: SparseLog;
  readonly unreadLog: SparseLog;
  readonly ackTimeouts: AckTimeouts;
  /** Since the start. */
  channelsOpened = 0;

  constructor(broker: Broker, runChannelMethod: (channel: Channel, method: Method) => void) {
    this.broker = broker;
    this.ackTimeouts = new AckTimeouts(broker);
    broker.stations = new ExchangeStations(broker);
    this.runChannelMethod = runChannelMethod;
    const { logger, timers } = broker;
    this.silentLog = new SparseLog(timers, (fields) =>
      logger.info("an AMQP client missed its heartbeats", fields),
    );
    this.unreadLog = new SparseLog(timers, (fields) =>
      logger.warn("an AMQP client did not read its direct replies and is disconnected", fields),
    );
  }
}
