/**
 * What counts for a setting of a topic, and what it hides: a policy of the broker, what the topic is configured with, an argument of its
 * stream, Kafka's default.
 *
 * Partitions may have different policies, since these go by the names of streams: the first partition's is shown. Not here: the
 * merging that deliveries go by (broker/policy/policy.ts).
 */
import { effectiveDefinition } from "../../../broker/policy/policy.ts";
import { topicSettings } from "../../../broker/policy/topic-settings.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { type ConfigDefinition, configSources } from "./config-definitions.ts";

export interface ConfigValue {
  readonly value: string;
  readonly source: number;
}

/** The one that counts first, the default last. `queue` is the first partition; undefined: the topic has none. */
export function configValues(
  { name, value }: ConfigDefinition,
  configs: Readonly<Record<string, string>>,
  queue: Queue | undefined,
): ConfigValue[] {
  const values: ConfigValue[] = [];
  const key = topicSettings[name]?.key;
  const add = (given: unknown, source: number): void => {
    if (given === undefined) return;
    values.push({ value: typeof given === "string" ? given : JSON.stringify(given), source });
  };
  if (key !== undefined && queue !== undefined)
    add(effectiveDefinition(queue, queue.policies.layers)[key], configSources.policy);
  add(configs[name], configSources.topic);
  if (key !== undefined) add(queue?.args[`x-${key}`], configSources.topic);
  add(value, configSources.default);
  return values;
}
