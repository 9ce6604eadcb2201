/**
 * CONFIG: the parameters of redis 7.0 (parameters/known-parameters.ts). Those in `initialSettings` act here, or say what is so; advice
 * (parameters/advice.ts) is kept and read back; the others show redis's default, and cannot be set to anything else. Nothing is kept
 * across restarts.
 *
 * Not here: CONFIG's replies (../server/config.ts). Invariant: no value is taken that promises something and does nothing.
 */
import { adviceNames } from "./parameters/advice.ts";
import { knownParameters, type ParameterForm } from "./parameters/known-parameters.ts";
import { type ParsedValue, parseValue } from "./parameters/parameter-value.ts";

import { historyRulesText, parseHistoryRules } from "../../../broker/live/history/rules.ts";
import { classesText, parseClasses } from "./event-classes.ts";

/** Name and value at start of what acts. */
const initialSettings: readonly [name: string, value: string][] = [
  ["acl-pubsub-default", "resetchannels"],
  ["acllog-max-len", "128"],
  ["appendfsync", "everysec"],
  ["busy-reply-threshold", "5000"],
  ["client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 0 0"],
  ["cluster-enabled", "no"],
  ["hash-max-listpack-entries", "512"],
  ["hash-max-listpack-value", "64"],
  ["hll-sparse-max-bytes", "3000"],
  ["latency-monitor-threshold", "0"],
  ["latency-tracking", "yes"],
  ["latency-tracking-info-percentiles", "50 99 99.9"],
  ["lfu-decay-time", "1"],
  ["lfu-log-factor", "10"],
  ["lua-time-limit", "5000"],
  ["maxclients", "10000"],
  ["maxmemory", "0"],
  ["maxmemory-clients", "0"],
  ["maxmemory-eviction-tenacity", "10"],
  ["maxmemory-policy", "noeviction"],
  ["maxmemory-samples", "5"],
  ["min-replicas-max-lag", "10"],
  ["min-replicas-to-write", "0"],
  ["notify-keyspace-events", ""],
  ["requirepass", ""],
  ["set-max-intset-entries", "512"],
  ["slowlog-log-slower-than", "10000"],
  ["slowlog-max-len", "128"],
  ["stream-node-max-entries", "100"],
  ["timeout", "0"],
  ["tracking-table-max-keys", "1000000"],
  ["troika-pubsub-history", ""],
  ["zset-max-listpack-entries", "128"],
  ["zset-max-listpack-value", "64"],
];

/** What is so here, where redis has another default. */
const facts: readonly [name: string, value: string][] = [
  ["appendonly", "yes"],
  ["bind", "127.0.0.1"],
  ["protected-mode", "no"],
  ["save", ""],
  ["tcp-keepalive", "0"],
];

const timeLimits: ReadonlySet<string> = new Set(["busy-reply-threshold", "lua-time-limit"]);

const minReplicas: ReadonlySet<string> = new Set([
  "min-replicas-max-lag",
  "min-replicas-to-write",
  "min-slaves-max-lag",
  "min-slaves-to-write",
]);

/** Stands for a secret. */
export const hiddenValue = "********";

/** How a parameter is treated, for the page about Redis. */
export type Treatment = "acts" | "advice" | "shown";

/** What takes a value when it is set. The values are as `parseValue` gives them. */
export type SettingAct = (value: string) => void;

export class ServerSettings {
  readonly values = new Map<string, string>();
  /** By name, aliases too. */
  readonly #forms = new Map<string, ParameterForm>();
  /** The name of an alias's parameter, and the other way round. */
  readonly #others = new Map<string, string>();
  readonly #acting = new Set(initialSettings.map(([name]) => name));
  readonly #acts = new Map<string, SettingAct>();
  /** Records in a block of what `~` trims by. */
  streamNodeEntriesMax = 100;
  /** A HyperLogLog of more bytes is dense. */
  sketchSparseBytesMax = 3000;
  /** After this a script takes long; 0 for never. Two settings have it: the newer name is that of redis 7. */
  luaTimeLimitMs = 5000;
  /** A subscriber that is this far behind is disconnected. */
  subscriberOutputBytesMax = 32 << 20;
  /** Connections of this protocol, and how many it can be set to. */
  clientsMax = 10_000;
  clientsLimit = 9_999_999;
  /** Commands that write are refused: they ask for replicas, and there are none. */
  lacksReplicas = false;
  /** What INFO latencystats shows. */
  percentiles: readonly number[] = [50, 99, 99.9];
  /** Keys that are remembered with their readers (tracking/); 0 for as many as `limits` allow. */
  trackingKeysMax = 1_000_000;

  constructor() {
    for (const [name, value, form] of knownParameters) {
      this.#know(name, value, form);
      if (form.alias === undefined) continue;
      this.#know(form.alias, value, form);
      this.#others.set(name, form.alias).set(form.alias, name);
    }
    for (const [name, value] of [...facts, ...initialSettings]) this.values.set(name, value);
  }

  #know(name: string, value: string, form: ParameterForm): void {
    this.values.set(name, value);
    this.#forms.set(name, form);
  }

  /** It is shown to who names it, not to a pattern. */
  isHidden(name: string): boolean {
    return this.#forms.get(name)!.isHidden === true;
  }

  treatmentOf(name: string): Treatment {
    const other = this.#others.get(name) ?? name;
    if (this.#acting.has(name) || this.#acting.has(other)) return "acts";
    return adviceNames.has(name) || adviceNames.has(other) ? "advice" : "shown";
  }

  /** `act` is told of each new value, by whichever of its names it is set. */
  onSet(name: string, act: SettingAct): void {
    this.#acts.set(name, act);
    const other = this.#others.get(name);
    if (other !== undefined) this.#acts.set(other, act);
  }

  /** Why the parameter is never set by a client, in redis's words; null if it may be. */
  fixedProblem(name: string): string | null {
    const { isFixed, isProtected } = this.#forms.get(name)!;
    if (isFixed) return "can't set immutable config";
    return isProtected ? "can't set protected config" : null;
  }

  /** The value in redis's form, or why it cannot be set. `own` is the port by which the client has come. */
  parse(name: string, text: string, own = 0): ParsedValue {
    const parsed = special[name]?.(text, this.values.get(name)!) ?? parseValue(this.#forms.get(name)!, text);
    if (name === "maxclients" && "value" in parsed && Number(parsed.value) > this.clientsLimit)
      return {
        problem: `The operating system is not able to handle the specified number of clients, try with ${this.clientsLimit}`,
      };
    if (name === "port" && "value" in parsed) {
      if (parsed.value === String(own)) return parsed;
      return {
        problem: "Unable to listen on this port: the ports are chosen when the broker starts (--redis-port)",
      };
    }
    if ("problem" in parsed || this.treatmentOf(name) !== "shown" || parsed.value === this.values.get(name))
      return parsed;
    return {
      problem: `this server has no use for it, so its value stays '${this.values.get(name)}' (see docs/redis.md)`,
    };
  }

  /** Takes a value that `parse` gave. */
  set(name: string, value: string): void {
    const shown = shownValue(name, value);
    this.values.set(name, shown);
    const other = this.#others.get(name);
    if (other !== undefined) this.values.set(other, shown);
    if (name === "stream-node-max-entries") this.streamNodeEntriesMax = Number(value);
    if (name === "hll-sparse-max-bytes") this.sketchSparseBytesMax = Number(value);
    if (name === "maxclients") this.clientsMax = Number(value);
    if (minReplicas.has(name)) this.lacksReplicas = this.#lacksReplicas();
    if (name === "tracking-table-max-keys") this.trackingKeysMax = Number(value);
    if (name === "client-output-buffer-limit") this.subscriberOutputBytesMax = subscriberLimit(value);
    if (name === "latency-tracking-info-percentiles") this.percentiles = wordsOf(value).map(Number);
    if (timeLimits.has(name)) this.luaTimeLimitMs = Number(value);
    this.#acts.get(name)?.(value);
  }

  /** Either setting switches the other off by being 0. */
  #lacksReplicas(): boolean {
    return (
      this.values.get("min-replicas-to-write") !== "0" && this.values.get("min-replicas-max-lag") !== "0"
    );
  }
}

/** Parameters whose values have a form of their own. */
const special: Readonly<Record<string, (text: string, current: string) => ParsedValue>> = {
  "client-output-buffer-limit": parseOutputLimits,
  "latency-tracking-info-percentiles": parsePercentiles,
  "notify-keyspace-events": parseEventClasses,
  save: parseSave,
  "troika-pubsub-history": parseHistory,
};

/** What CONFIG GET tells. Redis shows its password to whoever may ask; ours is in no dump. */
function shownValue(name: string, value: string): string {
  if (name === "requirepass" && value !== "") return hiddenValue;
  return name === "notify-keyspace-events" ? classesText(parseClasses(value)) : value;
}

function parseEventClasses(text: string): ParsedValue {
  const classes = parseClasses(text);
  if (classes < 0) return { problem: "Invalid event class character. Use 'Ag$lshzxeKEtmdn'." };
  // Redis's text of them leaves out `n` beside `A`, so what acts is what was given.
  return { value: text };
}

function parseHistory(text: string): ParsedValue {
  const rules = parseHistoryRules(text);
  return "problem" in rules ? rules : { value: historyRulesText(rules) };
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

function parsePercentiles(text: string): ParsedValue {
  const words = wordsOf(text);
  for (const word of words) {
    const number = Number(word);
    if (Number.isNaN(number)) return { problem: "Invalid latency-tracking-info-percentiles parameters" };
    if (number < 0 || number > 100)
      return { problem: "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]" };
  }
  return { value: words.map((word) => String(Number(word))).join(" ") };
}

function parseSave(text: string): ParsedValue {
  const words = wordsOf(text);
  const isValid =
    words.length % 2 === 0 &&
    words.every((word, at) => /^-?\d{1,18}$/.test(word) && Number(word) >= (at % 2 === 0 ? 1 : 0));
  return isValid ? { value: words.join(" ") } : { problem: "Invalid save parameters" };
}

const bufferClasses = ["normal", "slave", "pubsub"];
const byteForm: ParameterForm = { type: "memory", least: 0n, most: 2n ** 63n - 1n };

/** Groups of class, hard limit, soft limit, seconds. Only the hard limit of subscribers acts, so only that may differ. */
function parseOutputLimits(text: string, current: string): ParsedValue {
  const words = wordsOf(text);
  const problem = "in buffer limit configuration.";
  if (words.length % 4 !== 0) return { problem: `Wrong number of arguments ${problem}` };
  const merged = wordsOf(current);
  for (let at = 0; at < words.length; at += 4) {
    const group = outputClass(words[at]!);
    if (group < 0) return { problem: `Invalid client class specified ${problem}` };
    const hard = parseValue(byteForm, words[at + 1]!);
    const soft = parseValue(byteForm, words[at + 2]!);
    const seconds = words[at + 3]!;
    if (!("value" in hard) || !("value" in soft) || !/^\d{1,18}$/.test(seconds))
      return { problem: `Error in hard, soft or soft_seconds setting ${problem}` };
    merged.splice(group * 4 + 1, 3, hard.value, soft.value, String(Number(seconds)));
  }
  const value = merged.join(" ");
  const own = /^normal 0 0 0 slave 268435456 67108864 60 pubsub [1-9]\d* 0 0$/;
  if (own.test(value)) return { value };
  return { problem: "only the hard limit of pubsub can be set here, to more than 0 bytes" };
}

function outputClass(name: string): number {
  const lower = name.toLowerCase();
  return bufferClasses.indexOf(lower === "replica" ? "slave" : lower);
}

function subscriberLimit(value: string): number {
  return Number(wordsOf(value)[9]);
}
