/**
 * RabbitMQ's runtime parameters: values of a component, by name, in a virtual host, and global parameters without either.
 *
 * Policies, operator policies and the limits of a virtual host are such values, as in RabbitMQ, so they are kept, listed, exported and
 * deleted in one way. A component checks its values and is told of changes. Not here: what components do with them.
 * Invariants: every value has passed its component's check; what is here is in the table of definitions.
 */
import { limits } from "../../base/limits.ts";
import { definitionKey, namesOfKey, noVhost } from "../names.ts";
import { type PolicyKind, policyFaults } from "../policy/definition-rules.ts";
import type { Storage } from "../../storage/index.ts";
import { limitsFaults, vhostLimitsName } from "./vhost-limits.ts";

/** A virtual host, which is told what has changed. */
interface ConfiguredVhost {
  readonly name: string;
  readonly policies: { changed(): void };
  assertExists(): void;
  limitsChanged(): void;
}

interface ConfiguredBroker {
  readonly storage: Pick<Storage, "definitions">;
  vhost(name: string): ConfiguredVhost | undefined;
}

interface Component {
  /** What is wrong with the value, in RabbitMQ's words. */
  faults(name: string, value: unknown): readonly string[];
  changed(vhost: ConfiguredVhost): void;
}

const components: Readonly<Record<string, Component>> = {
  policy: {
    faults: (name, value) => policyFaults("policy", name, value),
    changed: (vhost) => vhost.policies.changed(),
  },
  operator_policy: {
    faults: (name, value) => policyFaults("operator_policy", name, value),
    changed: (vhost) => vhost.policies.changed(),
  },
  "vhost-limits": {
    faults: (name, value) => limitsFaults(name, value),
    changed: (vhost) => vhost.limitsChanged(),
  },
};

export interface ParameterPlace {
  /** In the broker's form: a latin1 string of its bytes. */
  readonly vhost: string;
  readonly component: string;
  readonly name: string;
}

export interface Parameter extends ParameterPlace {
  readonly value: unknown;
}

type ByName = Map<string, unknown>;
const none: ReadonlyMap<string, unknown> = new Map();

export class RuntimeParameters {
  readonly #broker: ConfiguredBroker;
  readonly #byVhost = new Map<string, Map<string, ByName>>();
  readonly #global: ByName = new Map();

  constructor(broker: ConfiguredBroker) {
    this.#broker = broker;
  }

  /** Start-up, before queues and exchanges are made. */
  restore(): void {
    const { definitions } = this.#broker.storage;
    for (const [key, value] of definitions.entries("parameter/")) {
      const [vhost, component, name] = namesOfKey(key) as [string, string, string];
      this.#keep({ vhost, component, name }, JSON.parse(value.toString()));
      if (component === "vhost-limits") this.#broker.vhost(vhost)?.limitsChanged();
    }
    for (const [key, value] of definitions.entries("global-parameter/")) {
      this.#global.set(namesOfKey(key)[0]!, JSON.parse(value.toString()));
    }
  }

  #keep({ vhost, component, name }: ParameterPlace, value: unknown): void {
    let byComponent = this.#byVhost.get(vhost);
    if (byComponent === undefined) this.#byVhost.set(vhost, (byComponent = new Map()));
    let byName = byComponent.get(component);
    if (byName === undefined) byComponent.set(component, (byName = new Map()));
    byName.set(name, value);
  }

  /** A component's values in a virtual host, by name. */
  of(vhost: string, component: string): ReadonlyMap<string, unknown> {
    return this.#byVhost.get(vhost)?.get(component) ?? none;
  }

  get({ vhost, component, name }: ParameterPlace): unknown {
    return this.of(vhost, component).get(name);
  }

  /** All, or those of one virtual host. */
  *all(vhost?: string): Generator<Parameter, void> {
    for (const [name, byComponent] of this.#byVhost) {
      if (vhost !== undefined && vhost !== name) continue;
      for (const [component, byName] of byComponent) {
        for (const [parameter, value] of byName) yield { vhost: name, component, name: parameter, value };
      }
    }
  }

  /**
   * The text that refuses the value, as RabbitMQ gives it; null: it is right.
   */
  fault(place: ParameterPlace, value: unknown): string | null {
    const { vhost, component, name } = place;
    const known = Object.hasOwn(components, component) ? components[component]! : null;
    const faults = known === null ? [`component ${component} not found`] : [...known.faults(name, value)];
    const given = this.of(vhost, component);
    if (!given.has(name) && given.size >= limits.parametersMax)
      faults.push(`there are ${limits.parametersMax} of component ${component} already; delete one first`);
    if (Buffer.byteLength(name) > limits.nameBytesMax)
      faults.push(`a name has ${limits.nameBytesMax} bytes at most`);
    return faults.length === 0 ? null : `Validation failed\n\n${faults.join("\n")}\n`;
  }

  /** Sets a value that has no fault. It is as durable as any append of this tick. Throws NOT_FOUND where there is no such virtual host. */
  set(place: ParameterPlace, value: unknown): void {
    const vhost = this.#broker.vhost(place.vhost);
    if (vhost === undefined) throw noVhost(place.vhost);
    if (this.#put(place, value)) components[place.component]!.changed(vhost);
  }

  #put(place: ParameterPlace, value: unknown): boolean {
    const { vhost, component, name } = place;
    const text = JSON.stringify(value);
    if (JSON.stringify(this.get(place)) === text) return false;
    this.#broker.storage.definitions.put(definitionKey("parameter", vhost, component, name), text);
    this.#keep(place, value);
    return true;
  }

  /** Sets or deletes (undefined) policies of one virtual host together: nothing has the effect of some of them only. */
  setPolicies(
    vhost: ConfiguredVhost,
    changes: readonly (readonly [kind: PolicyKind, name: string, value: unknown])[],
  ): void {
    vhost.assertExists();
    for (const [component, name, value] of changes) {
      const place = { vhost: vhost.name, component, name };
      if (value === undefined) this.#take(place);
      else this.#put(place, value);
    }
    vhost.policies.changed();
  }

  /** False: there is none. */
  delete(place: ParameterPlace): boolean {
    if (!this.#take(place)) return false;
    const found = this.#broker.vhost(place.vhost);
    if (found !== undefined) components[place.component]!.changed(found);
    return true;
  }

  #take({ vhost, component, name }: ParameterPlace): boolean {
    if (this.#byVhost.get(vhost)?.get(component)?.delete(name) !== true) return false;
    this.#broker.storage.definitions.delete(definitionKey("parameter", vhost, component, name));
    return true;
  }

  /** The virtual host is being deleted. */
  deleteVhost(vhost: string): void {
    for (const { component, name } of this.all(vhost)) {
      this.#broker.storage.definitions.delete(definitionKey("parameter", vhost, component, name));
    }
    this.#byVhost.delete(vhost);
  }

  get global(): ReadonlyMap<string, unknown> {
    return this.#global;
  }

  /** The text that refuses a new global parameter; null: it may be. */
  globalFault(name: string): string | null {
    if (Buffer.byteLength(name) > limits.nameBytesMax)
      return `a name has ${limits.nameBytesMax} bytes at most`;
    const isFull = !this.#global.has(name) && this.#global.size >= limits.parametersMax;
    return isFull ? `there are ${limits.parametersMax} global parameters already; delete one first` : null;
  }

  setGlobal(name: string, value: unknown): void {
    this.#broker.storage.definitions.put(definitionKey("global-parameter", name), JSON.stringify(value));
    this.#global.set(name, value);
  }

  /** False: there is none. */
  deleteGlobal(name: string): boolean {
    if (!this.#global.delete(name)) return false;
    this.#broker.storage.definitions.delete(definitionKey("global-parameter", name));
    return true;
  }

  /** The limits of a virtual host, as they are stored. */
  limitsOf(vhost: string): Readonly<Record<string, number>> {
    return (this.get({ vhost, component: "vhost-limits", name: vhostLimitsName }) ?? {}) as Record<
      string,
      number
    >;
  }
}
