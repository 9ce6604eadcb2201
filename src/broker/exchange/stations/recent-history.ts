/**
 * x-recent-history: the last messages of an exchange, for destinations that are bound later. As RabbitMQ's plugin does it.
 *
 * They are a stream of a virtual host that no client can name, on the disk if the exchange is durable (RabbitMQ forgets them with a restart);
 * the stream's own bounds keep it short. Not here: when they are published again (bindings.ts). Invariant: newcomers get at most the length
 * that the exchange was declared with, and at most `recentHistoryBytesMax`.
 */
import { limits } from "../../../base/limits.ts";
import { AmqpView } from "../../../message/convert/as-amqp.ts";
import { findField } from "../../../message/amqp/table.ts";
import type { Broker } from "../../broker.ts";
import { companionPrefixes } from "../../names.ts";
import { implicitStream } from "../../queue/lifecycle.ts";
import type { Queue } from "../../queue/queue.ts";
import { AmqpRecordMessage, type OutgoingMessage } from "../outgoing-message.ts";
import { factsOfProperties, propertiesOfParts } from "../routing/message-headers.ts";
import type { MessageFacts } from "../routing/router.ts";
import type { Sight, Station, StationOf } from "./station.ts";

const vhostPrefix = companionPrefixes.recentHistory;
const lengthDefault = 20;

export class RecentHistory implements Station {
  readonly looksAtMessages = false;
  readonly #broker: Broker;
  readonly #of: StationOf;
  readonly #lengthMax: number;

  constructor(broker: Broker, of: StationOf) {
    this.#broker = broker;
    this.#of = of;
    const length = of.args["x-recent-history-length"];
    const asked = typeof length === "number" ? length : lengthDefault;
    this.#lengthMax = Math.min(asked, limits.recentHistoryLengthMax);
  }

  sees(): Sight {
    return "copy";
  }

  take(message: OutgoingMessage): void {
    const parts = message.asAmqp();
    const { headers = [] } = propertiesOfParts(parts);
    const noStore = findField(headers, "x-recent-history-no-store");
    if (noStore?.type === "t" && noStore.value) return;
    message.appendTo((this.#stream ?? this.#makeStream()).log.group);
  }

  forNewcomers(give: (message: OutgoingMessage, key: string, facts: MessageFacts) => void): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    const { log } = stream;
    log.store.seal();
    const end = log.nextOffset;
    const isLarge = log.bytes > limits.recentHistoryBytesMax;
    const from = isLarge ? log.offsetForBytes(limits.recentHistoryBytesMax) : log.firstOffset;
    const reader = stream.reader(Math.max(from, end - this.#lengthMax));
    const view = new AmqpView();
    const message = new AmqpRecordMessage();
    while (reader.next() && reader.offset < end) {
      const shown = view.show(reader);
      // The destination may be a queue that is written while this is read.
      const record = Buffer.from(shown.buffer.subarray(shown.routeStart, shown.recordEnd));
      const parts = message.show(record, 0, record.length).asAmqp();
      const properties = propertiesOfParts(parts);
      message.canExpire = properties.expiration !== undefined;
      const key = record.latin1Slice(parts.routingKeyStart, parts.routingKeyEnd);
      give(
        message,
        key,
        factsOfProperties(() => properties),
      );
      this.#broker.work.spend(1);
    }
  }

  closed(): void {
    const stream = this.#stream;
    if (stream !== undefined) stream.vhost.deleteQueue(stream);
  }

  get #stream(): Queue | undefined {
    const { vhostName, exchangeName } = this.#of;
    return this.#broker.vhost(vhostPrefix + vhostName)?.queues.get(exchangeName);
  }

  #makeStream(): Queue {
    const { vhostName, exchangeName, isDurable } = this.#of;
    const vhost = this.#broker.createVhost(vhostPrefix + vhostName);
    const args = { "x-max-length": this.#lengthMax, "x-history-bytes": limits.recentHistoryBytesMax };
    return vhost.declareQueue({ ...implicitStream, args, durable: isDurable, name: exchangeName });
  }
}
