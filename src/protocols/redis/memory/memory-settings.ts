/**
 * What the settings of CONFIG about memory and eviction do once they are set.
 *
 * Not here: which values they take (parameters/), what each bound means (keyspace/eviction/, connection/client-eviction.ts). Invariant:
 * `act` gets values as `parseValue` gives them, whether CONFIG SET or an option of the command line had them.
 */
import type { EvictionPolicyName } from "../../../base/config/eviction-policies.ts";
import type { Keyspace } from "../../../keyspace/keyspace.ts";
import type { ServerSettings } from "../core/settings.ts";

/** What `maxmemory-clients` bounds: bytes, or a share of `maxmemory` in percent. */
export interface ClientsMemory {
  bound(amount: number, isPercent: boolean): void;
  /** `maxmemory` has changed, and with it a share of it. */
  boundChanged(): void;
}

export function memorySettingsAct(
  settings: ServerSettings,
  { eviction, uses }: Keyspace,
  clients: ClientsMemory,
): void {
  settings.onSet("maxmemory", (value) => {
    eviction.bytesMax = Number(value);
    eviction.boundChanged();
    clients.boundChanged();
  });
  settings.onSet("maxmemory-policy", (value) => {
    eviction.policy = value as EvictionPolicyName;
    eviction.boundChanged();
  });
  settings.onSet("maxmemory-samples", (value) => (eviction.samples = Number(value)));
  settings.onSet("maxmemory-eviction-tenacity", (value) => (eviction.tenacity = Number(value)));
  settings.onSet("lfu-log-factor", (value) => (uses.logFactor = Number(value)));
  settings.onSet("lfu-decay-time", (value) => (uses.decayMinutes = Number(value)));
  settings.onSet("maxmemory-clients", (value) => {
    const isPercent = value.endsWith("%");
    clients.bound(Number(isPercent ? value.slice(0, -1) : value), isPercent);
  });
}
