/**
 * The bindings of one virtual host: from which exchange each leads where, and with which key and arguments.
 *
 * A durable binding is in the table of definitions before the call returns. Not here: which bindings a message meets (routing/), and
 * whether a user may bind. Invariants: both ends of a binding exist; `routingVersion` grows with each change.
 */
import crypto from "node:crypto";
import { definitionKey } from "../names.ts";
import type { Vhost } from "../vhost.ts";
import { type Binding, bindingIdentity, type Destination, type Exchange } from "./exchange.ts";
import type { BindingArguments } from "./routing/router.ts";

export class Bindings {
  readonly #vhost: Vhost;
  /** By destination: bindings are deleted with it. */
  readonly #to = new Map<Destination, Set<Binding>>();

  constructor(vhost: Vhost) {
    this.#vhost = vhost;
  }

  bind(source: Exchange, destination: Destination, key: string, args: BindingArguments): void {
    this.#vhost.assertExists();
    source.row.checkBinding?.(key, destination);
    if (source.bindings.has(bindingIdentity(destination, key, args))) return;
    source.router.assertRoomFor?.(key);
    const ordinal = source.row.keepsOrder === true ? source.lastOrdinal + 1 : 0;
    const binding = this.restore(source, destination, key, { args, ordinal });
    if (binding.isDurable) {
      const definition: BindingDefinition = ordinal === 0 ? { args } : { args, ordinal };
      this.#vhost.broker.storage.definitions.put(this.#key(binding), JSON.stringify(definition));
    }
    this.#vhost.stationOf(source)?.forNewcomers((message, kept, facts) => {
      const { routes, publication } = this.#vhost;
      publication.publishAgain(source, routes.from(destination, kept, facts), message);
    });
  }

  /** Start-up: the definition exists already. */
  restore(
    source: Exchange,
    destination: Destination,
    key: string,
    { args, ordinal = 0 }: BindingDefinition,
  ): Binding {
    const identity = bindingIdentity(destination, key, args);
    const isKept =
      destination.kind === "exchange"
        ? destination.durable
        : destination.durable && destination.exclusiveOwner === 0;
    const isDurable = source.durable && isKept;
    const binding: Binding = { source, destination, key, args, isDurable, ordinal };
    source.bindings.set(identity, binding);
    source.lastOrdinal = Math.max(source.lastOrdinal, ordinal);
    let known = this.#to.get(destination);
    if (known === undefined) this.#to.set(destination, (known = new Set()));
    known.add(binding);
    source.router.bind(destination, key, args);
    this.#vhost.routingVersion++;
    return binding;
  }

  /** Removes a binding. If there is none, that is no error, as in RabbitMQ. */
  unbind(source: Exchange, destination: Destination, key: string, args: BindingArguments): void {
    const binding = source.bindings.get(bindingIdentity(destination, key, args));
    if (binding === undefined) return;
    this.remove(binding);
    this.#vhost.deleteIfUnused(source);
  }

  /** Whether any exchange except the default exchange leads there. */
  isBound(destination: Destination): boolean {
    return (this.#to.get(destination)?.size ?? 0) > 0;
  }

  has(source: Exchange, destination: Destination, key: string, args: BindingArguments): boolean {
    return source.bindings.has(bindingIdentity(destination, key, args));
  }

  to(destination: Destination): Iterable<Binding> {
    return this.#to.get(destination) ?? [];
  }

  #key({ source, destination, key, args }: Binding): string {
    const kind = destination.kind === "exchange" ? "e" : "q";
    return definitionKey(
      "binding",
      this.#vhost.name,
      source.name,
      kind,
      destination.name,
      key,
      argumentsKey(args),
    );
  }

  remove(binding: Binding): void {
    const { source, destination, key, args } = binding;
    source.bindings.delete(bindingIdentity(destination, key, args));
    this.#to.get(destination)?.delete(binding);
    source.router.unbind(destination, key, args);
    if (binding.isDurable) this.#vhost.broker.storage.definitions.delete(this.#key(binding));
    this.#vhost.routingVersion++;
  }

  removeTo(destination: Destination): void {
    for (const binding of this.#to.get(destination) ?? []) {
      this.remove(binding);
      this.#vhost.deleteIfUnused(binding.source);
    }
    this.#to.delete(destination);
  }
}

/** A durable binding, beside what its key says. */
export interface BindingDefinition {
  readonly args: BindingArguments;
  readonly ordinal?: number;
}

const argumentsKeyMax = 1024;

/** Tells apart bindings that differ in their arguments only. A client's arguments may be longer than a key can be. */
function argumentsKey(args: BindingArguments): string {
  const text = JSON.stringify(args);
  if (text.length <= argumentsKeyMax) return text;
  return crypto.createHash("sha256").update(text).digest("hex");
}
