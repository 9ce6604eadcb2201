/**
 * The settings of CONFIG that are about memory and eviction: each acts at once.
 *
 * Not here: the other settings (settings.ts), what each does (keyspace/eviction/, connection/client-eviction.ts). Invariant: a setting's
 * text is read from what it has set, so it is the same whether CONFIG SET or an option of the command line did.
 */
import { parseMemoryAmount } from "../../../base/config/memory-amount.ts";
import type { Keyspace } from "../../../keyspace/keyspace.ts";
import { type EvictionPolicyName, evictionPolicyNames } from "../../../base/config/eviction-policies.ts";

/** `maxmemory-clients`: bytes, or a share of `maxmemory` in percent. */
export interface ClientsMemory {
  amount: number;
  isPercent: boolean;
}

interface Target {
  readonly keyspace: Keyspace;
  readonly clients: ClientsMemory;
}

interface Setting {
  /** Why it cannot be set to that, in redis's words; null when it can. */
  problem(value: string): string | null;
  set(target: Target, value: string): void;
  text(target: Target): string;
}

const integerMost = 2 ** 31 - 1;

function integer(
  least: number,
  most: number,
  set: (target: Target, value: number) => void,
  get: (target: Target) => number,
): Setting {
  return {
    problem: (value) => {
      if (!/^-?\d{1,18}$/.test(value)) return "argument couldn't be parsed into an integer";
      if (Number(value) < least || Number(value) > most)
        return `argument must be between ${least} and ${most} inclusive`;
      return null;
    },
    set: (target, value) => set(target, Number(value)),
    text: (target) => String(get(target)),
  };
}

const settings: Readonly<Record<string, Setting>> = {
  maxmemory: {
    problem: (value) => (parseMemoryAmount(value) === undefined ? "argument must be a memory value" : null),
    set: ({ keyspace: { eviction } }, value) => {
      eviction.bytesMax = parseMemoryAmount(value)!;
      eviction.boundChanged();
    },
    text: ({ keyspace: { eviction } }) => String(eviction.bytesMax),
  },
  "maxmemory-policy": {
    problem: (value) =>
      policyOf(value) === undefined
        ? `argument(s) must be one of the following: ${evictionPolicyNames.join(", ")}`
        : null,
    set: ({ keyspace: { eviction } }, value) => {
      eviction.policy = policyOf(value)!;
      eviction.boundChanged();
    },
    text: ({ keyspace: { eviction } }) => eviction.policy,
  },
  "maxmemory-samples": integer(
    1,
    integerMost,
    ({ keyspace: { eviction } }, value) => (eviction.samples = value),
    ({ keyspace: { eviction } }) => eviction.samples,
  ),
  "maxmemory-eviction-tenacity": integer(
    0,
    100,
    ({ keyspace: { eviction } }, value) => (eviction.tenacity = value),
    ({ keyspace: { eviction } }) => eviction.tenacity,
  ),
  "lfu-log-factor": integer(
    0,
    integerMost,
    ({ keyspace: { uses } }, value) => (uses.logFactor = value),
    ({ keyspace: { uses } }) => uses.logFactor,
  ),
  "lfu-decay-time": integer(
    0,
    integerMost,
    ({ keyspace: { uses } }, value) => (uses.decayMinutes = value),
    ({ keyspace: { uses } }) => uses.decayMinutes,
  ),
  "maxmemory-clients": {
    problem: (value) => {
      if (/^\d{1,15}%$/.test(value))
        return Number.parseInt(value) > 100 ? "percentage argument must be less or equal to 100" : null;
      return parseMemoryAmount(value) === undefined ? "argument must be a memory or percent value" : null;
    },
    set: ({ clients }, value) => {
      clients.isPercent = value.endsWith("%");
      clients.amount = clients.isPercent ? Number.parseInt(value) : parseMemoryAmount(value)!;
    },
    text: ({ clients: { amount, isPercent } }) => `${amount}${isPercent && amount > 0 ? "%" : ""}`,
  },
};

export const memorySettingNames = Object.keys(settings);

function policyOf(text: string): EvictionPolicyName | undefined {
  const name = text.toLowerCase();
  return evictionPolicyNames.find((known) => known === name);
}

export class MemorySettings {
  readonly #target: Target;

  constructor(keyspace: Keyspace, clients: ClientsMemory) {
    this.#target = { keyspace, clients };
  }

  /** Undefined for what is no setting of these. */
  problemWith(name: string, value: string): string | null | undefined {
    return settings[name]?.problem(value);
  }

  /** The value must have no problem. */
  set(name: string, value: string): void {
    settings[name]!.set(this.#target, value);
  }

  text(name: string): string {
    return settings[name]!.text(this.#target);
  }
}
