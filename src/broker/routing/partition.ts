import { partitionOf } from "./murmur2.ts";
import type { BindingArguments, HeaderLookup, Router } from "./router.ts";

/** The partitions of a Kafka topic, bound with their numbers as keys: the routing key's hash picks one. */
export class PartitionRouter<Destination> implements Router<Destination> {
  readonly usesHeaders = false;
  readonly #partitions: Destination[] = [];

  bind(destination: Destination, key: string, _args: BindingArguments): void {
    this.#partitions[Number(key)] = destination;
  }

  unbind(destination: Destination, _key: string, _args: BindingArguments): void {
    const at = this.#partitions.indexOf(destination);
    if (at >= 0) this.#partitions.splice(at, 1);
  }

  route(key: string, _headers: HeaderLookup, into: Set<Destination>): void {
    const partitions = this.#partitions;
    if (partitions.length === 0) return;
    const destination = partitions[partitionOf(Buffer.from(key, "latin1"), partitions.length)];
    if (destination !== undefined) into.add(destination);
  }
}
