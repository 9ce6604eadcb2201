import { type BindingArguments, DestinationBag, type MessageFacts, type Router } from "./router.ts";

/** Exactly the bindings whose key equals the routing key: one hash look-up. */
export class DirectRouter<Destination> implements Router<Destination> {
  readonly isPerMessage = false;
  readonly #byKey = new Map<string, DestinationBag<Destination>>();

  bind(destination: Destination, key: string, _args: BindingArguments): void {
    let bag = this.#byKey.get(key);
    if (bag === undefined) this.#byKey.set(key, (bag = new DestinationBag()));
    bag.add(destination);
  }

  unbind(destination: Destination, key: string, _args: BindingArguments): void {
    const bag = this.#byKey.get(key);
    if (bag === undefined) return;
    bag.remove(destination);
    if (bag.isEmpty) this.#byKey.delete(key);
  }

  route(key: string, _message: MessageFacts, into: Set<Destination>): void {
    this.#byKey.get(key)?.addTo(into);
  }
}
