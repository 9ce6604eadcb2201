/** The name that an operator gives this broker; kept in the table of definitions. */
import type { Storage } from "../storage/index.ts";

/** RabbitMQ keeps it as the global parameter of this name. */
const key = 'parameter/["cluster_name"]';

export class ClusterName {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Undefined: nobody has named it. */
  get(): string | undefined {
    const value = this.#storage.definitions.get(key);
    return value === undefined ? undefined : (JSON.parse(Buffer.from(value).toString()) as string);
  }

  set(name: string): void {
    this.#storage.definitions.put(key, JSON.stringify(name));
  }
}
