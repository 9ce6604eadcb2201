/**
 * A transaction of one channel (tx class): publishes and settlements that happen at commit, or not at all.
 *
 * Settled tags leave the table of unacknowledged deliveries at once, as in RabbitMQ, so that a second settlement is an
 * error; a rollback puts them back under their tags. Not here: what publishing and settling do (publisher.ts,
 * channel.ts). A commit is one turn, so its appends and settlements lie in one group of the journal: all or nothing.
 * Invariant: where a publish goes is decided when it comes, as in RabbitMQ, so that nothing can stop a commit half-way.
 */
import type { Exchange } from "../../../broker/exchange/exchange.ts";
import type { Route } from "../../../broker/exchange/route.ts";
import type { Vhost } from "../../../broker/vhost.ts";
import { readAmqpRecord, AmqpRecordParts } from "../../../message/amqp/record.ts";
import { type HeldBytes, IncomingMessage } from "../publish/incoming-message.ts";
import { recordCopy } from "../publish/publish-properties.ts";
import type { UnackedSource } from "./unacked.ts";

/** Where a message goes. */
export interface Way {
  readonly exchange: Exchange;
  readonly route: Route;
  /** Of the vhost, when the route was found. */
  readonly routingVersion: number;
  /** Of a message to the default exchange: the names of queues, which may be made before the commit. Else null. */
  readonly queueNames: readonly string[] | null;
}

export interface HeldPublish extends Way {
  readonly record: Buffer;
  readonly mandatory: boolean;
}

export interface HeldSettlement {
  readonly source: UnackedSource;
  readonly tag: number;
  readonly offset: number;
  readonly outcome: Outcome;
}

/** What becomes of a delivery that its consumer is done with. */
export type Outcome = "acknowledged" | "requeued" | "discarded";

/** What an entry takes beside its record, roughly. */
const entryBytes = 128;

const parts = new AmqpRecordParts();

export class Transaction {
  publishes: HeldPublish[] = [];
  settlements: HeldSettlement[] = [];
  readonly #held: HeldBytes;
  #bytes = 0;

  constructor(held: HeldBytes) {
    this.#held = held;
  }

  addPublish(message: IncomingMessage, way: Way): void {
    const record = recordCopy(message);
    this.publishes.push({ record, mandatory: message.mandatory, ...way });
    this.#holds(record.length + entryBytes);
  }

  /**
   * The publishes with their routes as they are now: without queues that are gone, with those made again. The default exchange's
   * routes are names, as in RabbitMQ: a queue that came to be meanwhile is among them.
   */
  publishesNow(vhost: Vhost): HeldPublish[] {
    return this.publishes.map((held) => {
      if (held.routingVersion === vhost.routingVersion) return held;
      const { exchange, queueNames } = held;
      const route =
        queueNames === null ? vhost.routes.now(held.route) : vhost.routes.byKeys(exchange, queueNames);
      return { ...held, route };
    });
  }

  addSettlement(settlement: HeldSettlement): void {
    this.settlements.push(settlement);
    this.#holds(entryBytes);
  }

  #holds(bytes: number): void {
    this.#bytes += bytes;
    this.#held.bytes += bytes;
  }

  reset(): void {
    this.#holds(-this.#bytes);
    this.publishes = [];
    this.settlements = [];
  }
}

/** Makes a held publish a message again. */
export function messageOf({ record, mandatory }: HeldPublish): IncomingMessage {
  readAmqpRecord(record, 0, record.length, parts);
  const message = new IncomingMessage();
  message.route = record.subarray(parts.routeStart, parts.routeEnd);
  message.routeSize = message.route.length;
  message.exchangeSize = parts.exchangeEnd - parts.exchangeStart;
  message.mandatory = mandatory;
  message.headerBuffer = message.bodyBuffer = record;
  message.headerStart = parts.headerStart;
  message.headerEnd = parts.headerEnd;
  message.bodyStart = parts.bodyStart;
  message.bodyEnd = parts.bodyEnd;
  message.bodySize = parts.bodyEnd - parts.bodyStart;
  message.hiddenKeys = record.subarray(parts.bodyEnd, parts.recordEnd);
  message.properties.walk(record, parts.propertiesStart, parts.headerEnd);
  return message;
}
