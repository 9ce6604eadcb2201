/**
 * Counts of messages under RabbitMQ's names (`message_stats`): of one queue, of one exchange, and of a virtual host, which adds up
 * what its exchanges and queues have counted, with those that are gone.
 *
 * Not here: where messages are counted (the plain numbers of `Queue` and `Exchange`), rates (rates.ts). Invariant: the counts of a
 * virtual host never fall, since a queue or exchange that goes leaves its counts in `PastCounts`.
 */

/** What an exchange counts. */
export type CountedExchange = Readonly<Record<"published" | "unroutable" | "returned" | "routed", number>>;

/** What a queue or stream counts. */
export interface CountedQueue extends Readonly<
  Record<
    | "delivered"
    | "deliveredNoAck"
    | "got"
    | "gotNoAck"
    | "emptyGets"
    | "redelivered"
    | "acknowledged"
    | "requeued"
    | "expired"
    | "dropped"
    | "rejected"
    | "readyCount"
    | "unacknowledgedCount"
    | "waitingCount"
    | "lettersWaiting"
    | "consumerCount",
    number
  >
> {
  readonly log: { readonly nextOffset: number };
}

export interface DeliveryCounts {
  deliver: number;
  deliver_no_ack: number;
  get: number;
  get_no_ack: number;
  get_empty: number;
  redeliver: number;
  ack: number;
}

export interface PastCounts extends DeliveryCounts {
  publish: number;
  return_unroutable: number;
  drop_unroutable: number;
}

export function newPastCounts(): PastCounts {
  return {
    publish: 0,
    return_unroutable: 0,
    drop_unroutable: 0,
    deliver: 0,
    deliver_no_ack: 0,
    get: 0,
    get_no_ack: 0,
    get_empty: 0,
    redeliver: 0,
    ack: 0,
  };
}

export function addExchange(to: PastCounts, { published, unroutable, returned }: CountedExchange): void {
  to.publish += published;
  to.return_unroutable += returned;
  to.drop_unroutable += Math.max(unroutable - returned, 0);
}

export function addQueue(to: DeliveryCounts, queue: CountedQueue): void {
  to.deliver += deliveredOf(queue);
  to.deliver_no_ack += queue.deliveredNoAck;
  to.get += queue.got;
  to.get_no_ack += queue.gotNoAck;
  to.get_empty += queue.emptyGets;
  to.redeliver += queue.redelivered;
  to.ack += queue.acknowledged;
}

/** To consumers that acknowledge. */
export function deliveredOf({ delivered, deliveredNoAck, got, gotNoAck }: CountedQueue): number {
  return Math.max(delivered - deliveredNoAck - got - gotNoAck, 0);
}

export function addPast(to: PastCounts, past: PastCounts): void {
  for (const name of Object.keys(past) as (keyof PastCounts)[]) to[name] += past[name];
}
