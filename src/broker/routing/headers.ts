import {
  type BindingArguments,
  compositeHeaderValue,
  type HeaderLookup,
  type HeaderValue,
  type Router,
} from "./router.ts";

interface HeaderBinding<Destination> {
  destination: Destination;
  identity: string;
  /** How many of the pairs must match: all of them, or one. */
  needed: number;
  pairs: [name: string, value: HeaderValue | undefined][];
}

/**
 * Bindings by header pairs (`x-match`: `all`, `any`, `all-with-x`, `any-with-x`). A binding that needs all is filed
 * under its first pair, one that needs any under each of them, so only bindings that share a pair with the message are
 * looked at. Values compare by type and value, as RabbitMQ's do; an argument without a value asks for presence only.
 */
export class HeadersRouter<Destination> implements Router<Destination> {
  readonly usesHeaders = true;
  readonly #byPair = new Map<string, Set<HeaderBinding<Destination>>>();
  /** `all` over no pairs matches everything. */
  readonly #always = new Set<HeaderBinding<Destination>>();

  bind(destination: Destination, key: string, args: BindingArguments): void {
    const binding = makeBinding(destination, key, args);
    for (const set of this.#filesOf(binding)) set.add(binding);
  }

  unbind(destination: Destination, key: string, args: BindingArguments): void {
    const wanted = makeBinding(destination, key, args);
    for (const set of this.#filesOf(wanted)) {
      for (const binding of set) {
        if (binding.destination === destination && binding.identity === wanted.identity) set.delete(binding);
      }
    }
  }

  *#filesOf(binding: HeaderBinding<Destination>): Generator<Set<HeaderBinding<Destination>>> {
    if (binding.needed === 0) {
      yield this.#always;
      return;
    }
    const filed = binding.needed === 1 ? binding.pairs : binding.pairs.slice(0, 1);
    for (const [name, value] of filed) {
      const pair = pairKey(name, value);
      let set = this.#byPair.get(pair);
      if (set === undefined) this.#byPair.set(pair, (set = new Set()));
      yield set;
    }
  }

  route(_key: string, headers: HeaderLookup, into: Set<Destination>): void {
    for (const binding of this.#always) into.add(binding.destination);
    if (this.#byPair.size === 0) return;
    const present = headers();
    for (const [name, value] of present) {
      this.#collect(pairKey(name, value), present, into);
      this.#collect(pairKey(name, undefined), present, into);
    }
  }

  #collect(pair: string, present: ReadonlyMap<string, HeaderValue>, into: Set<Destination>): void {
    for (const binding of this.#byPair.get(pair) ?? []) {
      if (into.has(binding.destination)) continue;
      if (binding.needed === 1 || binding.pairs.every(([name, value]) => matches(present, name, value))) {
        into.add(binding.destination);
      }
    }
  }
}

function matches(
  present: ReadonlyMap<string, HeaderValue>,
  name: string,
  value: HeaderValue | undefined,
): boolean {
  return value === undefined ? present.has(name) : present.get(name) === value;
}

function pairKey(name: string, value: HeaderValue | undefined): string {
  return `${name}\0${typeof value}\0${value}`;
}

function makeBinding<Destination>(
  destination: Destination,
  key: string,
  args: BindingArguments,
): HeaderBinding<Destination> {
  const match = typeof args["x-match"] === "string" ? args["x-match"] : "all";
  const withX = match.endsWith("-with-x");
  const pairs = Object.entries(args)
    .filter(([name]) => name !== "x-match" && (withX || !name.startsWith("x-")))
    .map(([name, value]): [string, HeaderValue | undefined] => [name, headerValue(value)]);
  const isAny = match.startsWith("any");
  // `any` over no pairs matches nothing: it is filed nowhere.
  const needed = isAny ? 1 : pairs.length;
  return { destination, identity: JSON.stringify([key, args]), needed, pairs };
}

/** Undefined, for a value that is absent (void): the header need only be there. */
function headerValue(value: unknown): HeaderValue | undefined {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return value === null || value === undefined ? undefined : compositeHeaderValue(value);
}
