/**
 * x-consistent-hash: a binding's key is its weight, how many buckets it has; what is hashed of a message chooses the bucket.
 *
 *     buckets = the destinations one behind the other, in the order in which they were bound, each with its weight
 *
 * As RabbitMQ's plugin: a destination that is bound again keeps its buckets, and any unbinding takes all of them away; those behind move
 * down. So a message goes to the queue that RabbitMQ chooses, if the queues were bound in the same order.
 * Invariant: a bucket costs nothing, however large the weights are; a message costs one search in the destinations. Binding costs the
 * same however many there are; the first message after an unbinding costs a pass over them.
 */
import type { AmqpProperties } from "../../../message/amqp/properties.ts";
import { findField } from "../../../message/amqp/table.ts";
import { jumpHash } from "./hashing/jump-hash.ts";
import { bytesOfText, portableHash, type Term, termOfField, undefinedTerm } from "./hashing/portable-hash.ts";
import type { BindingArguments, MessageFacts, Router } from "./router.ts";

/** The values of argument `hash-property`. */
export const hashedProperties = ["correlation_id", "message_id", "timestamp"] as const;

interface Place<Destination> {
  readonly destination: Destination;
  readonly end: number;
}

function addPlace<Destination>(places: Place<Destination>[], destination: Destination, weight: number): void {
  places.push({ destination, end: (places.at(-1)?.end ?? 0) + weight });
}

export class ConsistentHashRouter<Destination> implements Router<Destination> {
  readonly isPerMessage: boolean;
  readonly #header: string | undefined;
  readonly #property: unknown;
  /** In the order in which they were bound. */
  readonly #weights = new Map<Destination, number>();
  /** The same with the bucket at which each ends; null after an unbinding. */
  #places: Place<Destination>[] | null = [];

  constructor(args: BindingArguments) {
    const header = args["hash-header"];
    this.#header = typeof header === "string" ? header : undefined;
    this.#property = args["hash-property"];
    this.isPerMessage = this.#header !== undefined || this.#property !== undefined;
  }

  bind(destination: Destination, key: string, _args: BindingArguments): void {
    if (this.#weights.has(destination)) return;
    const weight = Number(key);
    this.#weights.set(destination, weight);
    if (this.#places !== null) addPlace(this.#places, destination, weight);
  }

  unbind(destination: Destination, _key: string, _args: BindingArguments): void {
    if (this.#weights.delete(destination)) this.#places = null;
  }

  #placesNow(): readonly Place<Destination>[] {
    if (this.#places === null) {
      this.#places = [];
      for (const [destination, weight] of this.#weights) addPlace(this.#places, destination, weight);
    }
    return this.#places;
  }

  route(key: string, message: MessageFacts, into: Set<Destination>): void {
    const places = this.#placesNow();
    if (places.length === 0) return;
    const count = places.at(-1)!.end;
    const bucket = count === 1 ? 0 : jumpHash(portableHash(this.#hashed(key, message)), count);
    let [low, high] = [0, places.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (places[middle]!.end > bucket) high = middle;
      else low = middle + 1;
    }
    into.add(places[low]!.destination);
  }

  /** The message's own key counts. */
  routeKeys(keys: readonly string[], message: MessageFacts, into: Set<Destination>): void {
    this.route(keys[0]!, message, into);
  }

  #hashed(key: string, message: MessageFacts): Term {
    if (this.#header !== undefined) {
      const field = findField(message.properties().headers ?? [], this.#header);
      return field === undefined ? undefinedTerm : termOfField(field);
    }
    if (this.#property !== undefined) return termOfProperty(this.#property, message.properties());
    return Buffer.from(key, "latin1");
  }
}

function termOfProperty(name: unknown, properties: AmqpProperties): Term {
  const { correlationId, messageId, timestamp } = properties;
  const texts = {
    correlation_id: correlationId,
    message_id: messageId,
    timestamp: timestamp === undefined ? undefined : String(timestamp),
  };
  const text = texts[name as keyof typeof texts];
  return text === undefined ? undefinedTerm : bytesOfText(text);
}
