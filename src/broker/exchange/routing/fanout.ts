import { type BindingArguments, DestinationBag, type MessageFacts, type Router } from "./router.ts";

/** Every binding, whatever the key. */
export class FanoutRouter<Destination> implements Router<Destination> {
  readonly isPerMessage = false;
  readonly #all = new DestinationBag<Destination>();

  bind(destination: Destination, _key: string, _args: BindingArguments): void {
    this.#all.add(destination);
  }

  unbind(destination: Destination, _key: string, _args: BindingArguments): void {
    this.#all.remove(destination);
  }

  route(_key: string, _message: MessageFacts, into: Set<Destination>): void {
    this.#all.addTo(into);
  }
}
