/**
 * x-consistent-hash: a binding's key is its weight, how many buckets it has; what is hashed of a message chooses the bucket.
 *
 *     buckets = the destinations one behind the other, in the order in which they were bound, each with its weight
 *
 * As RabbitMQ's plugin: a destination that is bound again keeps its buckets, and any unbinding takes all of them away; those behind move
 * down. So a message goes to the queue that RabbitMQ chooses, if the queues were bound in the same order.
 * Invariant: a bucket costs nothing, however large the weights are; a message costs one search in the destinations.
 */
import type { AmqpProperties } from "../../../message/amqp/properties.ts";
import { findField } from "../../../message/amqp/table.ts";
import { jumpHash } from "./hashing/jump-hash.ts";
import { bytesOfText, portableHash, type Term, termOfField, undefinedTerm } from "./hashing/portable-hash.ts";
import type { BindingArguments, MessageFacts, Router } from "./router.ts";

/** The values of argument `hash-property`. */
export const hashedProperties = ["correlation_id", "message_id", "timestamp"] as const;

export class ConsistentHashRouter<Destination> implements Router<Destination> {
  readonly isPerMessage: boolean;
  readonly #header: string | undefined;
  readonly #property: unknown;
  /** In the order in which they were bound, with the bucket at which each ends. */
  readonly #places: { readonly destination: Destination; readonly weight: number; end: number }[] = [];

  constructor(args: BindingArguments) {
    const header = args["hash-header"];
    this.#header = typeof header === "string" ? header : undefined;
    this.#property = args["hash-property"];
    this.isPerMessage = this.#header !== undefined || this.#property !== undefined;
  }

  bind(destination: Destination, key: string, _args: BindingArguments): void {
    if (this.#places.some((place) => place.destination === destination)) return;
    const weight = Number(key);
    this.#places.push({ destination, weight, end: this.#bucketCount + weight });
  }

  unbind(destination: Destination, _key: string, _args: BindingArguments): void {
    const at = this.#places.findIndex((place) => place.destination === destination);
    if (at < 0) return;
    const { weight } = this.#places[at]!;
    this.#places.splice(at, 1);
    for (let i = at; i < this.#places.length; i++) this.#places[i]!.end -= weight;
  }

  get #bucketCount(): number {
    return this.#places.at(-1)?.end ?? 0;
  }

  route(key: string, message: MessageFacts, into: Set<Destination>): void {
    const places = this.#places;
    if (places.length === 0) return;
    const count = this.#bucketCount;
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
