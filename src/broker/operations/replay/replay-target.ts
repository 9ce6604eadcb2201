/**
 * Where replayed messages go: into one queue, stream or partition, or through an exchange (that of a topic with several partitions among them).
 *
 * They come by the broker's own hand: no intake takes them for copies or has them wait. They are new there: deliveries and times to live begin
 * anew. Not here: which messages (replay.ts). Invariants: a queue's bounds hold, and no message is dropped for a replayed one (a stream keeps its own
 * bounds, as ever); what is not taken by all queues on its way is taken by none.
 */
import { limits } from "../../../base/limits.ts";
import { envelope } from "../../../message/envelope.ts";
import type { StoredRecord } from "../../../message/record.ts";
import type { Exchange } from "../../exchange/exchange.ts";
import { appendStored } from "../../exchange/outgoing-message.ts";
import type { Route } from "../../exchange/route.ts";
import { factsOfProperties, propertiesOfParts } from "../../exchange/routing/message-headers.ts";
import type { Queue } from "../../queue/queue.ts";
import { hasRoomFor } from "../../queue/retention.ts";
import { shownName } from "../../names.ts";
import { ReplayedMessage } from "./replayed-message.ts";

/** `refused`: whoever asks may not publish it there. */
export type Fate = "moved" | "unroutable" | "refused";

export interface ReplayTarget {
  /** Throws where a queue on the way has no room, or the target is gone: the replay ends before that message. `isDry`: says only what would become of it. */
  offer(record: StoredRecord, isDry: boolean): Fate;
  /** Takes a whole Kafka batch of so many records as it is stored; false where it does not. */
  offerBatch(batch: StoredRecord, count: number): boolean;
  /** The queues that the last one went to. */
  readonly reached: readonly Queue[];
}

function assertRoom(queue: Queue, message: ReplayedMessage): void {
  if (!hasRoomFor(queue, 1, message.bodyBytes)) throw new Error(`queue '${shownName(queue.name)}' is full`);
}

export class QueueTarget implements ReplayTarget {
  readonly #queue: Queue;
  readonly #message: ReplayedMessage;
  readonly reached: readonly Queue[];

  constructor(queue: Queue) {
    this.#queue = queue;
    this.reached = [queue];
    const { clock } = queue.vhost.broker;
    this.#message = new ReplayedMessage(() => clock.now());
  }

  #assertThere(): void {
    if (this.#queue.isDeleted) throw new Error("the destination was deleted");
  }

  offer(record: StoredRecord, isDry: boolean): Fate {
    this.#assertThere();
    if (isDry) return "moved";
    const queue = this.#queue;
    const message = this.#message.show(record, null);
    assertRoom(queue, message);
    message.appendTo(queue.log.group);
    if (message.canExpire) queue.canExpire = queue.hasExpirations = true;
    return "moved";
  }

  /** Only a stream, or a queue without bounds: how many records of a batch there is room for is not asked. */
  offerBatch({ buffer, start, end }: StoredRecord, count: number): boolean {
    this.#assertThere();
    const { policy, cursor, log, vhost } = this.#queue;
    if (cursor !== null && (policy.maxLength !== undefined || policy.maxLengthBytes !== undefined))
      return false;
    appendStored(
      log.group,
      { envelope: envelope.kafka, buffer, start, end },
      vhost.broker.clock.now(),
      count,
    );
    return true;
  }
}

export interface ExchangeTargetOptions {
  readonly exchange: Exchange;
  /** Null: each message's own key. */
  readonly routingKey: string | null;
  /** Whether whoever asks may publish with that key, to those queues. */
  readonly mayPublish: (exchange: Exchange, key: string, queues: readonly Queue[]) => boolean;
  readonly vhost: Queue["vhost"];
}

export class ExchangeTarget implements ReplayTarget {
  readonly #options: ExchangeTargetOptions;
  readonly #message: ReplayedMessage;
  reached: readonly Queue[] = [];

  constructor(options: ExchangeTargetOptions) {
    this.#options = options;
    const { clock } = options.vhost.broker;
    this.#message = new ReplayedMessage(() => clock.now());
  }

  offer(record: StoredRecord, isDry: boolean): Fate {
    const { exchange, routingKey, mayPublish, vhost } = this.#options;
    if (exchange.isDeleted) throw new Error("the exchange was deleted");
    const key = routingKey ?? this.#message.keyOf(record);
    const isRoutable = key.length <= limits.nameBytesMax || record.envelope !== envelope.amqp;
    const message = this.#message.show(record, isRoutable ? { exchange: exchange.name, key } : null);
    const route = this.#routeOf(key, message);
    if (!mayPublish(exchange, key, route.queues)) return "refused";
    if (!route.isTaken) {
      this.reached = [];
      if (!isDry) vhost.unroutable.moved(exchange.name, message, "replayed");
      return "unroutable";
    }
    if (isDry) return "moved";
    for (const queue of route.queues) assertRoom(queue, message);
    this.reached = route.queues;
    vhost.publication.publishOwn(exchange, route, message);
    return "moved";
  }

  #routeOf(key: string, message: ReplayedMessage): Route {
    const { exchange, vhost } = this.#options;
    const facts = factsOfProperties(() => propertiesOfParts(message.asAmqp()));
    return vhost.routes.find(exchange, key, facts);
  }

  /** Each record goes its own way. */
  offerBatch(): boolean {
    return false;
  }
}

/** What an error of one message means to the replay: it ends, and says where to go on. */
export function endingAt(error: unknown, offset: number): Error {
  const text = error instanceof Error ? error.message : String(error);
  return new Error(`${text}; go on with from_offset ${offset}`);
}
