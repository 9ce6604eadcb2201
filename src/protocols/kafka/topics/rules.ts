/** What a topic's settings ask of the records that are produced to it, read once for each set of settings. */
import { limits } from "../../../base/limits.ts";
import { listOf, topicConfig } from "./config-definitions.ts";

export interface TopicRules {
  readonly messageBytesMax: number;
  /** Of a compressed batch, once decompressed. */
  readonly inflatedBytesMax: number;
  readonly isCompacted: boolean;
  readonly isLogAppendTime: boolean;
  readonly timestampAfterMsMax: number;
  readonly timestampBeforeMsMax: number;
}

type Settings = Readonly<Record<string, string>>;

/** Settings are replaced as a whole, never edited: the object itself is the key. */
const known = new WeakMap<Settings, TopicRules>();

export function topicRules(settings: Settings): TopicRules {
  let rules = known.get(settings);
  if (rules === undefined) known.set(settings, (rules = readRules(settings)));
  return rules;
}

function readRules(settings: Settings): TopicRules {
  const value = (name: string): string => settings[name] ?? topicConfig(name)!.value;
  // An operator who sets the topic's message size knows that messages are large, compressed or not.
  const messageBytesSet = Number(settings["max.message.bytes"] ?? 0);
  const inflatedBytesLeast = limits.kafkaBatchInflatedBytesMax;
  return {
    messageBytesMax: Number(value("max.message.bytes")),
    inflatedBytesMax: Math.min(
      Math.max(messageBytesSet, inflatedBytesLeast),
      limits.kafkaBatchInflatedBytesMost,
    ),
    isCompacted: listOf(value("cleanup.policy")).includes("compact"),
    isLogAppendTime: value("message.timestamp.type") === "LogAppendTime",
    timestampAfterMsMax: Number(value("message.timestamp.after.max.ms")),
    timestampBeforeMsMax: Number(value("message.timestamp.before.max.ms")),
  };
}
