import { partitionOf } from "./murmur2.ts";
import type { BindingArguments, MessageFacts, Router } from "./router.ts";

/**
 * The partitions of a Kafka topic, bound with their numbers as keys: the routing key's hash picks one.
 *
 * Invariant: a partition has its number as long as it is bound, whichever others come and go.
 */
export class PartitionRouter<Destination> implements Router<Destination> {
  readonly isPerMessage = false;
  readonly #partitions: (Destination | undefined)[] = [];

  bind(destination: Destination, key: string, _args: BindingArguments): void {
    this.#partitions[Number(key)] = destination;
  }

  unbind(destination: Destination, key: string, _args: BindingArguments): void {
    const at = Number(key);
    if (this.#partitions[at] === destination) this.#partitions[at] = undefined;
  }

  route(key: string, _message: MessageFacts, into: Set<Destination>): void {
    const partitions = this.#partitions;
    if (partitions.length === 0) return;
    const destination = partitions[partitionOf(Buffer.from(key, "latin1"), partitions.length)];
    if (destination !== undefined) into.add(destination);
  }
}
