/**
 * The settings of Kafka topics that stand for arguments of their partitions: one table, each name once.
 *
 *     troika.retry.limit = 5     is, on each partition, what the argument x-retry-limit = 5 is
 *
 * Policies go before them, as before arguments (policy.ts). What each value may be, and what Kafka clients are shown, is in
 * protocols/kafka/topics/config-definitions.ts. Not here: `retention.*` and `cleanup.policy`, which are Kafka's own. Pure.
 */
import type { BindingArguments } from "../exchange/routing/router.ts";

type ValueOf = (text: string) => unknown;

/** -1 stands for "none". */
const number: ValueOf = (text) => (Number(text) < 0 ? undefined : Number(text));

const truth: ValueOf = (text) => text === "true";

interface TopicSetting {
  /** The policy's key; the argument has `x-` before it. */
  readonly key: string;
  readonly value: ValueOf;
}

export const topicSettings: Readonly<Record<string, TopicSetting>> = {
  "troika.dedup.by": { key: "dedup-by", value: String },
  "troika.dedup.window.ms": { key: "dedup-window-ms", value: number },
  "troika.delay.allowed": { key: "delay-allowed", value: truth },
  "troika.retry.limit": { key: "retry-limit", value: number },
  "troika.retry.backoff.ms": { key: "retry-backoff-ms", value: number },
  "troika.retry.factor": { key: "retry-factor", value: number },
  "troika.retry.max.ms": { key: "retry-max-ms", value: number },
  "troika.retry.jitter": { key: "retry-jitter", value: number },
  "troika.trace.sample": { key: "trace-sample", value: number },
};

/** Has no key: a policy names an exchange for the dead letters of queues, and streams have none. */
export const deadLetterTopicSetting = "troika.deadletter.topic";

type Configs = Readonly<Record<string, string>>;

/** A queue's arguments as they are with the configuration of its topic over them. */
export function withTopicSettings(args: BindingArguments, configs: Configs): BindingArguments {
  let merged: Record<string, unknown> | null = null;
  for (const [name, text] of Object.entries(configs)) {
    const setting = topicSettings[name];
    if (setting === undefined) continue;
    merged ??= { ...args };
    const argument = `x-${setting.key}`;
    const value = setting.value(text.trim());
    if (value === undefined) delete merged[argument];
    else merged[argument] = value;
  }
  return merged ?? args;
}

/**
 * Where the dead letters of the groups of topic `name` go, in the broker's form of names; undefined: the topic says nothing of retries, so
 * they go to `<stream>.dead`.
 */
export function deadLetterTopicOf(name: string, configs: Configs): string | undefined {
  const place = configs[deadLetterTopicSetting]?.trim() ?? "";
  if (place !== "") return Buffer.from(place).latin1Slice();
  return configs["troika.retry.limit"] === undefined ? undefined : `${name}.dead`;
}
