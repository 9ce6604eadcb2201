/** The name that an operator gives this broker; kept in the table of definitions. */
import type { Storage } from "../storage/index.ts";

/** RabbitMQ keeps it as the global parameter of this name. */
const key = 'parameter/["cluster_name"]';

export class ClusterName {
  readonly #storage: Storage;
  #name: string | undefined;

  constructor(storage: Storage) {
    this.#storage = storage;
    const value = storage.definitions.get(key);
    if (value !== undefined) this.#name = JSON.parse(Buffer.from(value).toString()) as string;
  }

  /** Undefined: nobody has named it. */
  get(): string | undefined {
    return this.#name;
  }

  set(name: string): void {
    this.#name = name;
    this.#storage.definitions.put(key, JSON.stringify(name));
  }
}
