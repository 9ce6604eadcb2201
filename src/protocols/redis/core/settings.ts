/**
 * CONFIG: the settings that clients and tools read or set. Few of them change anything here; the others are kept and
 * read back, so that tools which set them go on working. Nothing is kept across restarts.
 */

import { parseMemoryAmount } from "../../../base/config/memory-amount.ts";
import { type MemorySettings, memorySettingNames } from "./memory-settings.ts";

/** Name and value at start. Those about memory are in memory-settings.ts. */
const initialSettings: readonly [name: string, value: string][] = [
  ["appendonly", "yes"],
  ["bind", "127.0.0.1"],
  ["busy-reply-threshold", "5000"],
  ["client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 0 0"],
  ["databases", "16"],
  ["hll-sparse-max-bytes", "3000"],
  ["lua-time-limit", "5000"],
  ["maxclients", "10000"],
  ["notify-keyspace-events", ""],
  ["proto-max-bulk-len", "536870912"],
  ["requirepass", ""],
  ["save", ""],
  ["slowlog-log-slower-than", "10000"],
  ["slowlog-max-len", "128"],
  ["stream-node-max-bytes", "4096"],
  ["stream-node-max-entries", "100"],
  ["timeout", "0"],
];

const timeLimits: readonly string[] = ["busy-reply-threshold", "lua-time-limit"];

/** Stands for a secret. */
export const hiddenValue = "********";

export class ServerSettings {
  readonly values = new Map<string, string>(initialSettings);
  readonly #memory: MemorySettings;
  /** Records in a block of what `~` trims by. */
  streamNodeEntriesMax = 100;
  /** A HyperLogLog of more bytes is dense. */
  sketchSparseBytesMax = 3000;
  /** After this a script takes long; 0 for never. Two settings have it: the newer name is that of redis 7. */
  luaTimeLimitMs = 5000;

  constructor(memory: MemorySettings) {
    this.#memory = memory;
    for (const name of memorySettingNames) this.values.set(name, memory.text(name));
  }

  /** Why a value cannot be set, in redis's words; null when it can. */
  problemWith(name: string, value: string): string | null {
    const memoryProblem = this.#memory.problemWith(name, value);
    if (memoryProblem !== undefined) return memoryProblem;
    const initial = initialSettings.find(([other]) => other === name)![1];
    const isNumber = initial !== "" && !Number.isNaN(Number(initial));
    if (isNumber && !/^-?\d+([kmg]b?)?$/i.test(value)) return "argument couldn't be parsed into an integer";
    return null;
  }

  /** Takes a value and says whether the setting exists. */
  set(name: string, value: string): boolean {
    if (!this.values.has(name)) return false;
    // Redis shows its password to whoever may ask; ours is in no dump.
    this.values.set(name, name === "requirepass" && value !== "" ? hiddenValue : value);
    if (memorySettingNames.includes(name)) {
      this.#memory.set(name, value);
      this.values.set(name, this.#memory.text(name));
    }
    if (name === "stream-node-max-entries") this.streamNodeEntriesMax = amountOf(value);
    if (name === "hll-sparse-max-bytes") this.sketchSparseBytesMax = amountOf(value);
    if (timeLimits.includes(name)) {
      this.luaTimeLimitMs = Number(value);
      for (const other of timeLimits) this.values.set(other, value);
    }
    return true;
  }
}

/** A number with redis's units: "3kb". */
function amountOf(value: string): number {
  const isNegative = value.startsWith("-");
  const amount = parseMemoryAmount(isNegative ? value.slice(1) : value) ?? Number.NaN;
  return isNegative ? -amount : amount;
}
