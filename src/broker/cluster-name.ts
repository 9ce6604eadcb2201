/**
 * What the operator calls this broker, as RabbitMQ's tools show it: the global parameter `cluster_name`, which definitions bring along.
 */
import type { RuntimeParameters } from "./parameters/parameters.ts";

const parameter = "cluster_name";

export class ClusterName {
  readonly #parameters: RuntimeParameters;

  constructor(parameters: RuntimeParameters) {
    this.#parameters = parameters;
  }

  /** Undefined: nobody has named it. */
  get(): string | undefined {
    const name = this.#parameters.global.get(parameter);
    return typeof name === "string" ? name : undefined;
  }

  set(name: string): void {
    this.#parameters.setGlobal(parameter, name);
  }
}
