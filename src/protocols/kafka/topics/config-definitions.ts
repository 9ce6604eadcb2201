/**
 * The settings of topics and of the broker as Kafka 4 knows them, once, as data; behind them those of our own, `troika.*`.
 *
 * All of Kafka's topic settings can be set and are kept, so that tools that copy topics work. What TroikaMQ acts upon
 * is marked `applied`; the others are about files and replicas that it does not have. What `troika.*` does to a topic's partitions:
 * broker/policy/topic-settings.ts. Here -1 and the empty text stand for "none".
 */

import { limits } from "../../../base/limits.ts";
import { deadLetterTopicSetting } from "../../../broker/policy/topic-settings.ts";
import { nameFault } from "../core/names.ts";

/** Numbers of the protocol. */
export const configTypes = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const;
export const configSources = { topic: 1, policy: 3, broker: 4, default: 5, group: 8 } as const;

export type ConfigType = keyof typeof configTypes;

export interface ConfigDefinition {
  readonly name: string;
  readonly type: ConfigType;
  readonly value: string;
  readonly least?: number;
  /** Of a fraction 1, where it is not given. */
  readonly most?: number;
  /** The words that a string or each of a list may be. */
  readonly words?: readonly string[];
  readonly applied?: boolean;
  /** What is wrong with a text; null: nothing. */
  readonly fault?: (value: string) => string | null;
}

const longest = "9223372036854775807";
/** What policies take too. */
const msMax = Number.MAX_SAFE_INTEGER;
const codecs = ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];

export const topicConfigs: readonly ConfigDefinition[] = [
  { name: "cleanup.policy", type: "list", value: "delete", words: ["compact", "delete"] },
  { name: "compression.gzip.level", type: "int", value: "-1" },
  { name: "compression.lz4.level", type: "int", value: "9" },
  { name: "compression.type", type: "string", value: "producer", words: codecs },
  { name: "compression.zstd.level", type: "int", value: "3" },
  { name: "delete.retention.ms", type: "long", value: "86400000", least: 0 },
  { name: "file.delete.delay.ms", type: "long", value: "60000", least: 0 },
  { name: "flush.messages", type: "long", value: longest, least: 1 },
  { name: "flush.ms", type: "long", value: longest, least: 0 },
  { name: "follower.replication.throttled.replicas", type: "list", value: "" },
  { name: "index.interval.bytes", type: "int", value: "4096", least: 0 },
  { name: "leader.replication.throttled.replicas", type: "list", value: "" },
  { name: "local.retention.bytes", type: "long", value: "-2", least: -2 },
  { name: "local.retention.ms", type: "long", value: "-2", least: -2 },
  { name: "max.compaction.lag.ms", type: "long", value: longest, least: 1 },
  { name: "max.message.bytes", type: "int", value: "104857600", least: 0, applied: true },
  { name: "message.timestamp.after.max.ms", type: "long", value: "3600000", least: 0, applied: true },
  { name: "message.timestamp.before.max.ms", type: "long", value: longest, least: 0, applied: true },
  {
    name: "message.timestamp.type",
    type: "string",
    value: "CreateTime",
    words: ["CreateTime", "LogAppendTime"],
    applied: true,
  },
  { name: "min.cleanable.dirty.ratio", type: "double", value: "0.5", least: 0 },
  { name: "min.compaction.lag.ms", type: "long", value: "0", least: 0 },
  { name: "min.insync.replicas", type: "int", value: "1", least: 1 },
  { name: "preallocate", type: "boolean", value: "false" },
  { name: "remote.log.copy.disable", type: "boolean", value: "false" },
  { name: "remote.log.delete.on.disable", type: "boolean", value: "false" },
  { name: "remote.storage.enable", type: "boolean", value: "false" },
  { name: "retention.bytes", type: "long", value: "-1", applied: true },
  { name: "retention.ms", type: "long", value: "604800000", least: -1, applied: true },
  { name: "segment.bytes", type: "int", value: "1073741824", least: 14 },
  { name: "segment.index.bytes", type: "int", value: "10485760", least: 4 },
  { name: "segment.jitter.ms", type: "long", value: "0", least: 0 },
  { name: "segment.ms", type: "long", value: "604800000", least: 1 },
  { name: "unclean.leader.election.enable", type: "boolean", value: "false" },
  {
    name: deadLetterTopicSetting,
    type: "string",
    value: "",
    applied: true,
    fault: (value) => (value === "" ? null : nameFault(value)),
  },
  {
    name: "troika.dedup.by",
    type: "string",
    value: "message-id",
    applied: true,
    fault: (value) =>
      /^(?:message-id|key|header:.{1,255})$/.test(value)
        ? null
        : "String must be one of: message-id, key, header:NAME",
  },
  {
    name: "troika.dedup.window.ms",
    type: "long",
    value: "0",
    least: 0,
    most: limits.dedupWindowMsMax,
    applied: true,
  },
  { name: "troika.delay.allowed", type: "boolean", value: "false", applied: true },
  { name: "troika.retry.backoff.ms", type: "long", value: "0", least: 0, most: msMax, applied: true },
  { name: "troika.retry.factor", type: "double", value: "2", least: 1, most: 1000, applied: true },
  { name: "troika.retry.jitter", type: "double", value: "0", least: 0, applied: true },
  {
    name: "troika.retry.limit",
    type: "int",
    value: "-1",
    least: -1,
    applied: true,
    fault: (value) => (Number(value) === 0 ? "Value must be -1 (no retries) or at least 1" : null),
  },
  { name: "troika.retry.max.ms", type: "long", value: "3600000", least: 0, most: msMax, applied: true },
  { name: "troika.trace.sample", type: "double", value: "0", least: 0, applied: true },
];

export const brokerConfigs: readonly ConfigDefinition[] = [
  { name: "auto.create.topics.enable", type: "boolean", value: "true" },
  { name: "broker.id", type: "int", value: "0" },
  { name: "default.replication.factor", type: "int", value: "1" },
  { name: "delete.topic.enable", type: "boolean", value: "true" },
  { name: "group.initial.rebalance.delay.ms", type: "int", value: "100" },
  { name: "log.cleanup.policy", type: "list", value: "delete" },
  { name: "log.retention.bytes", type: "long", value: "-1" },
  { name: "log.retention.ms", type: "long", value: "604800000" },
  { name: "message.max.bytes", type: "int", value: "104857600" },
  { name: "min.insync.replicas", type: "int", value: "1" },
  { name: "num.partitions", type: "int", value: "1" },
  { name: "offset.metadata.max.bytes", type: "int", value: "4096" },
  { name: "socket.request.max.bytes", type: "int", value: "104857600" },
];

const topicConfigByName = new Map(topicConfigs.map((definition) => [definition.name, definition]));

export function topicConfig(name: string): ConfigDefinition | undefined {
  return topicConfigByName.get(name);
}

const rangeByType = { int: 0x7fff_ffffn, long: 0x7fff_ffff_ffff_ffffn } as const;

/** Why a topic cannot have this setting, in Kafka's words; null when it can. */
export function topicConfigFault(name: string, value: string | null): string | null {
  const definition = topicConfigByName.get(name);
  if (definition === undefined) return `Unknown topic config name: ${name}`;
  if (value === null) return `Null value not supported for topic configs: ${name}`;
  const problem = problemOf(definition, value.trim()) ?? definition.fault?.(value.trim()) ?? null;
  return problem === null ? null : `Invalid value ${value} for configuration ${name}: ${problem}`;
}

/** What is wrong with a value; null where nothing is. */
export function problemOf({ type, least, most, words }: ConfigDefinition, value: string): string | null {
  switch (type) {
    case "boolean":
      return value === "true" || value === "false" ? null : "Expected value to be either true or false";
    case "int":
    case "long": {
      if (!/^[+-]?\d+$/.test(value)) return `Not a number of type ${type.toUpperCase()}`;
      const number = BigInt(value.replace(/^\+/, ""));
      const range = rangeByType[type];
      if (number > range || number < -range - 1n) return `Not a number of type ${type.toUpperCase()}`;
      if (least !== undefined && number < BigInt(least)) return `Value must be at least ${least}`;
      return most !== undefined && number > BigInt(most) ? `Value must be no more than ${most}` : null;
    }
    case "double": {
      const number = Number(value);
      if (value === "" || Number.isNaN(number)) return "Not a number of type DOUBLE";
      if (number < least!) return `Value must be at least ${least}`;
      return number > (most ?? 1) ? `Value must be no more than ${most ?? 1}` : null;
    }
    default: {
      const given = type === "list" ? listOf(value) : [value];
      if (words === undefined || given.every((word) => words.includes(word))) return null;
      return `String must be one of: ${words.join(", ")}`;
    }
  }
}

/** The words of a list: separated by commas. */
export function listOf(value: string): string[] {
  return value === "" ? [] : value.split(",").map((word) => word.trim());
}
