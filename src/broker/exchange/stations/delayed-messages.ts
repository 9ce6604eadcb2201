/**
 * x-delayed-message: a message with the header `x-delay` (ms) waits that long, and is then routed as the exchange's `x-delayed-type` does.
 * As the plugin does it: the message arrives with the header negated, and one whose exchange is gone then is dropped; one whose exchange
 * was deleted and declared again goes by the new one's bindings. What waits in a virtual host goes with it (vhost-deletions.ts).
 *
 * What waits is in a timetable of its own (schedule/timetable.ts), as AMQP records, by the names of the exchanges: on the disk, whatever
 * the exchange and the message are. Invariants: a message waits in the log or has been routed, never both, since it moves in one tick; no message is early.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { envelope } from "../../../message/envelope.ts";
import { writeRecordCopy } from "../../../message/amqp/record-copy.ts";
import type { Broker } from "../../broker.ts";
import { delayOf, withDelayPast } from "../../intake/delay-headers.ts";
import { companionPrefixes } from "../../names.ts";
import type { RecordBytes } from "../../schedule/enter-stream.ts";
import { Timetable } from "../../schedule/timetable.ts";
import { AmqpRecordMessage, type OutgoingMessage } from "../outgoing-message.ts";
import { factsOfProperties, propertiesOfParts, routingKeysOf } from "../routing/message-headers.ts";
import type { MessageFacts } from "../routing/router.ts";
import type { Sight, Station, StationOf } from "./station.ts";

const writer = new ByteWriter(1024);
const writerBytesKept = 1 << 20;
const handle = new EntryId();

/** Those of all exchanges. */
export class DelayedMessages {
  readonly #broker: Broker;
  readonly #timetable: Timetable;

  constructor(broker: Broker) {
    this.#broker = broker;
    const enter = this.#arrive.bind(this);
    this.#timetable = new Timetable(broker, { vhostPrefix: companionPrefixes.delayed, enter });
    this.#timetable.begin();
  }

  add({ vhostName, exchangeName }: StationOf, message: OutgoingMessage): void {
    const vhost = this.#broker.vhost(vhostName);
    if (vhost === undefined) return;
    const parts = message.asAmqp();
    const properties = propertiesOfParts(parts);
    const delay = delayOf(properties);
    if (writer.buffer.length > writerBytesKept) writer.buffer = Buffer.allocUnsafeSlow(1024);
    const headers = withDelayPast(properties.headers ?? [], delay);
    writeRecordCopy(writer, parts, { ...properties, headers }, null);
    writer.bytes(parts.buffer, parts.bodyEnd, parts.recordEnd);
    const due = this.#broker.clock.now() + delay;
    const record = { due, envelope: envelope.amqp, buffer: writer.buffer, start: 0, end: writer.length };
    this.#timetable.add(vhost, exchangeName, record, handle);
  }

  /** True: it waits no more. */
  #arrive(vhostName: string, exchangeName: string, { buffer, start, end }: RecordBytes): boolean {
    const vhost = this.#broker.vhost(vhostName);
    const exchange = vhost?.exchanges.get(exchangeName);
    if (vhost === undefined || exchange === undefined) return true;
    // The way may lead to records of the same log.
    const record = Buffer.from(buffer.subarray(start, end));
    const message = new AmqpRecordMessage().show(record, 0, record.length);
    const parts = message.asAmqp();
    const properties = propertiesOfParts(parts);
    message.canExpire = properties.expiration !== undefined;
    const facts = factsOfProperties(() => properties);
    const route = vhost.routes.quick(exchange, routingKeysOf(parts, properties).all, facts);
    vhost.publication.publishAgain(exchange, route, message);
    if (vhost.publication.isLost(route)) vhost.unroutable.moved(exchangeName, message, "delayed");
    return true;
  }
}

export class DelayedExchange implements Station {
  readonly looksAtMessages = true;
  readonly #all: DelayedMessages;
  readonly #of: StationOf;

  constructor(all: DelayedMessages, of: StationOf) {
    this.#all = all;
    this.#of = of;
  }

  sees(message: MessageFacts): Sight {
    return delayOf(message.properties()) > 0 ? "take" : "pass";
  }

  take(message: OutgoingMessage): void {
    this.#all.add(this.#of, message);
  }

  forNewcomers(): void {}

  closed(): void {}
}
