/**
 * Bindings by header pairs (`x-match`: `all`, `any`, `all-with-x`, `any-with-x`).
 *
 * A binding that needs all of its pairs is filed under the one that fewest others are filed under, one that needs any under
 * each of them, so only bindings that share such a pair with the message are looked at. Values compare by type and value, as
 * RabbitMQ's do; an argument without a value asks for presence only.
 * Not here: what makes two bindings the same to a client (exchange/exchange.ts). Invariants: bindings of one destination with the same
 * pairs are looked at once, however many there are; a file is not empty; binding and unbinding cost the binding's own pairs.
 */
import {
  type BindingArguments,
  compositeHeaderValue,
  type MessageFacts,
  type HeaderValue,
  type Router,
} from "./router.ts";

interface HeaderBinding<Destination> {
  readonly destination: Destination;
  /** How many of the pairs must match: all of them, or one. */
  readonly needed: number;
  readonly pairs: readonly (readonly [name: string, value: HeaderValue | undefined])[];
  /** The pairs that it is filed under. */
  files: readonly string[];
  /** How many bindings come to this. */
  count: number;
}

export class HeadersRouter<Destination> implements Router<Destination> {
  readonly isPerMessage = true;
  /** By destination, then by what the pairs ask for. */
  readonly #bindings = new Map<Destination, Map<string, HeaderBinding<Destination>>>();
  readonly #byPair = new Map<string, Set<HeaderBinding<Destination>>>();
  /** `all` over no pairs matches everything. */
  readonly #always = new Set<HeaderBinding<Destination>>();
  /** Bindings that messages were held against so far: what routing costs, in counts. */
  comparisons = 0;

  bind(destination: Destination, _key: string, args: BindingArguments): void {
    const { needed, pairs, identity } = readArguments(args);
    let known = this.#bindings.get(destination);
    if (known === undefined) this.#bindings.set(destination, (known = new Map()));
    const present = known.get(identity);
    if (present !== undefined) {
      present.count++;
      return;
    }
    const binding: HeaderBinding<Destination> = { destination, needed, pairs, files: [], count: 1 };
    known.set(identity, binding);
    if (needed === 0) this.#always.add(binding);
    else this.#file(binding);
  }

  #file(binding: HeaderBinding<Destination>): void {
    const pairs = binding.pairs.map(([name, value]) => pairKey(name, value));
    binding.files = binding.needed === 1 ? pairs : [this.#rarest(pairs)];
    for (const pair of binding.files) {
      const file = this.#byPair.get(pair);
      if (file === undefined) this.#byPair.set(pair, new Set([binding]));
      else file.add(binding);
    }
  }

  #rarest(pairs: readonly string[]): string {
    let rarest = pairs[0]!;
    let fewest = Infinity;
    for (const pair of pairs) {
      const size = this.#byPair.get(pair)?.size ?? 0;
      if (size < fewest) [rarest, fewest] = [pair, size];
    }
    return rarest;
  }

  unbind(destination: Destination, _key: string, args: BindingArguments): void {
    const known = this.#bindings.get(destination);
    const { identity } = readArguments(args);
    const binding = known?.get(identity);
    if (known === undefined || binding === undefined || --binding.count > 0) return;
    known.delete(identity);
    if (known.size === 0) this.#bindings.delete(destination);
    this.#always.delete(binding);
    for (const pair of binding.files) {
      const file = this.#byPair.get(pair)!;
      file.delete(binding);
      if (file.size === 0) this.#byPair.delete(pair);
    }
  }

  route(_key: string, message: MessageFacts, into: Set<Destination>): void {
    for (const binding of this.#always) into.add(binding.destination);
    if (this.#byPair.size === 0) return;
    const present = message.headers();
    for (const [name, value] of present) {
      this.#collect(pairKey(name, value), present, into);
      this.#collect(pairKey(name, undefined), present, into);
    }
  }

  #collect(pair: string, present: ReadonlyMap<string, HeaderValue>, into: Set<Destination>): void {
    for (const binding of this.#byPair.get(pair) ?? []) {
      if (into.has(binding.destination)) continue;
      this.comparisons++;
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

/** No two pairs have the same key: a name may hold any character, so its length goes before it. */
function pairKey(name: string, value: HeaderValue | undefined): string {
  return `${name.length}.${name}${typeof value}.${value}`;
}

function readArguments(args: BindingArguments): {
  needed: number;
  pairs: [name: string, value: HeaderValue | undefined][];
  identity: string;
} {
  const match = typeof args["x-match"] === "string" ? args["x-match"] : "all";
  const withX = match.endsWith("-with-x");
  const pairs = Object.entries(args)
    .filter(([name]) => name !== "x-match" && (withX || !name.startsWith("x-")))
    .map(([name, value]): [string, HeaderValue | undefined] => [name, headerValue(value)]);
  const isAny = match.startsWith("any");
  // `any` over no pairs matches nothing: it is filed nowhere.
  const needed = isAny ? 1 : pairs.length;
  const sorted = pairs.map(([name, value]) => pairKey(name, value)).toSorted();
  return { needed, pairs, identity: JSON.stringify([needed === 1, ...sorted]) };
}

/** Undefined, for a value that is absent (void): the header need only be there. */
function headerValue(value: unknown): HeaderValue | undefined {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return value === null || value === undefined ? undefined : compositeHeaderValue(value);
}
