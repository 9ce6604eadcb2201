/**
 * One interface for all exchange types: who gets a message with this key and these headers.
 *
 * A router knows destinations only as opaque values; following a destination that is an exchange is the vhost's part.
 * Invariant: `route` never looks at bindings that cannot match (no scan of all of them).
 */
import type { AmqpProperties } from "../../../message/amqp/properties.ts";

export type HeaderValue = string | number | boolean | null;
export type BindingArguments = Readonly<Record<string, unknown>>;

/** A message that nothing is known of but its key. */
export const noFacts: MessageFacts = { headers: () => new Map(), properties: () => ({}) };

/** An array or a table as a header's value: equal where all that is in it is, as in RabbitMQ; no text is equal to it. */
export function compositeHeaderValue(value: unknown): HeaderValue {
  return `\0${JSON.stringify(value)}`;
}

/** What routing may ask of the message, beside its keys; each is found when it is asked for. */
export interface MessageFacts {
  /** As headers exchanges compare them. */
  headers(): ReadonlyMap<string, HeaderValue>;
  /** As AMQP has them. */
  properties(): AmqpProperties;
}

export interface Router<Destination> {
  /** The result depends on more than the key: then a route is not remembered by it. */
  readonly isPerMessage: boolean;
  /** What routing has cost so far, where it costs more than a look or two. */
  readonly visits?: number;
  /** Asked before a client's binding, not at start. Throws PRECONDITION_FAILED where a bound on bindings is met. */
  assertRoomFor?(key: string): void;
  bind(destination: Destination, key: string, args: BindingArguments): void;
  unbind(destination: Destination, key: string, args: BindingArguments): void;
  /** Adds the destinations to `into`. */
  route(key: string, message: MessageFacts, into: Set<Destination>): void;
  /** The same for all keys of a message (CC and BCC), where that is not what the keys lead to one by one. */
  routeKeys?(keys: readonly string[], message: MessageFacts, into: Set<Destination>): void;
}

/** A multiset of destinations: the same one may be bound here by bindings that differ in what the router ignores. */
export class DestinationBag<Destination> {
  readonly #counts = new Map<Destination, number>();

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  add(destination: Destination): void {
    this.#counts.set(destination, (this.#counts.get(destination) ?? 0) + 1);
  }

  remove(destination: Destination): void {
    const count = this.#counts.get(destination) ?? 0;
    if (count > 1) this.#counts.set(destination, count - 1);
    else this.#counts.delete(destination);
  }

  addTo(into: Set<Destination>): void {
    for (const destination of this.#counts.keys()) into.add(destination);
  }
}
