/**
 * The bindings of an exchange in RabbitMQ's order: by key, then by destination, exchanges before queues.
 *
 * For exchanges that choose one of their bindings by number. A destination that is bound twice is there twice, as in RabbitMQ.
 */
import type { BindingArguments } from "./router.ts";

/** What has a place in that order. */
export interface Named {
  readonly kind: string;
  readonly name: string;
}

interface Entry<Destination> {
  readonly destination: Destination;
  readonly order: string;
}

export class OrderedBindings<Destination extends Named> {
  readonly #entries: Entry<Destination>[] = [];

  get count(): number {
    return this.#entries.length;
  }

  at(index: number): Destination {
    return this.#entries[index]!.destination;
  }

  add(destination: Destination, key: string, args: BindingArguments): void {
    const order = orderOf(destination, key, args);
    this.#entries.splice(this.#placeOf(order), 0, { destination, order });
  }

  remove(destination: Destination, key: string, args: BindingArguments): void {
    const order = orderOf(destination, key, args);
    const place = this.#placeOf(order);
    if (this.#entries[place]?.order === order) this.#entries.splice(place, 1);
  }

  /** The first place whose entry is not before that one. */
  #placeOf(order: string): number {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#entries[middle]!.order < order) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Names are texts of bytes, so texts compare as RabbitMQ's binaries do; a byte 0 in one stands behind what ends one. */
function orderOf({ kind, name }: Named, key: string, args: BindingArguments): string {
  const part = (text: string): string => `${text.replaceAll("\0", "\0\u{1}")}\0\0`;
  return part(key) + (kind === "exchange" ? "e" : "q") + part(name) + JSON.stringify(args);
}
