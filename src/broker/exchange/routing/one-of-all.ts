/**
 * Exchanges that give each message to one of their bindings, whatever the bindings' keys: x-random by chance, x-modulus-hash by the hash of the
 * message's keys.
 *
 * x-local-random, which takes queues of the same node only, is x-random here: there is one node.
 */
import type { Random } from "../../../base/random.ts";
import { portableHash } from "./hashing/portable-hash.ts";
import { type Named, OrderedBindings } from "./ordered-bindings.ts";
import type { BindingArguments, MessageFacts, Router } from "./router.ts";

abstract class OneOfAllRouter<Destination extends Named> implements Router<Destination> {
  abstract readonly isPerMessage: boolean;
  readonly #bindings = new OrderedBindings<Destination>();

  protected abstract choose(keys: readonly string[], count: number): number;

  bind(destination: Destination, key: string, args: BindingArguments): void {
    this.#bindings.add(destination, key, args);
  }

  unbind(destination: Destination, key: string, args: BindingArguments): void {
    this.#bindings.remove(destination, key, args);
  }

  route(key: string, message: MessageFacts, into: Set<Destination>): void {
    this.routeKeys([key], message, into);
  }

  routeKeys(keys: readonly string[], _message: MessageFacts, into: Set<Destination>): void {
    const { count } = this.#bindings;
    if (count > 0) into.add(this.#bindings.at(this.choose(keys, count)));
  }
}

export class RandomRouter<Destination extends Named> extends OneOfAllRouter<Destination> {
  readonly isPerMessage = true;
  readonly #random: Random;

  constructor(random: Random) {
    super();
    this.#random = random;
  }

  protected choose(_keys: readonly string[], count: number): number {
    return this.#random.below(count);
  }
}

export class ModulusHashRouter<Destination extends Named> extends OneOfAllRouter<Destination> {
  readonly isPerMessage = false;

  protected choose(keys: readonly string[], count: number): number {
    const list = keys.map((key) => Buffer.from(key, "latin1"));
    return portableHash({ list }) % count;
  }
}
