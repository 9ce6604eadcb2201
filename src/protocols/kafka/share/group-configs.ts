/**
 * The settings of a group (resource type 32), of which those of share groups are known: their texts as Kafka has them, what they may be, and
 * what they mean to the broker. Pure.
 *
 * The bounds are wider than Kafka's, which are settings of its brokers: a test has less time than 15 seconds.
 */
import type { OffsetReset, ShareSettings } from "../../../broker/groups/share/share-settings.ts";
import { type ConfigDefinition, problemOf } from "../topics/config-definitions.ts";

interface GroupConfig extends ConfigDefinition {
  readonly most?: number;
  /** What the text means; null where it means nothing. */
  readonly settings: (value: string) => Partial<ShareSettings> | null;
}

const hourMs = 3_600_000;
const spans = { least: 100, most: hourMs } as const;
const byDuration = "by_duration:";
/** ISO 8601 without years and months, as Java's Duration has it. */
const duration = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,9})?)S)?)?$/i;

function resetOf(value: string): OffsetReset | null {
  if (value === "latest" || value === "earliest") return { from: value };
  if (!value.startsWith(byDuration)) return null;
  const parts = duration.exec(value.slice(byDuration.length));
  if (parts === null || parts.slice(1).every((part) => part === undefined)) return null;
  const [days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
  return { from: "age", ms: Math.round(((days! * 24 + hours!) * 60 + minutes!) * 60_000 + seconds! * 1000) };
}

export const groupConfigs: readonly GroupConfig[] = [
  {
    name: "share.auto.offset.reset",
    type: "string",
    value: "latest",
    settings: (value) => {
      const reset = resetOf(value);
      return reset === null ? null : { reset };
    },
  },
  {
    name: "share.delivery.count.limit",
    type: "int",
    value: "5",
    least: 1,
    most: 1000,
    settings: (value) => ({ deliveryLimit: Number(value) }),
  },
  {
    name: "share.heartbeat.interval.ms",
    type: "int",
    value: "5000",
    ...spans,
    settings: (value) => ({ heartbeatIntervalMs: Number(value) }),
  },
  // Transactions are not there: nothing is read that is not committed.
  {
    name: "share.isolation.level",
    type: "string",
    value: "read_uncommitted",
    words: ["read_committed", "read_uncommitted"],
    settings: () => ({}),
  },
  {
    name: "share.partition.max.record.locks",
    type: "int",
    value: "2000",
    least: 1,
    most: 10_000,
    settings: (value) => ({ locksMax: Number(value) }),
  },
  {
    name: "share.record.lock.duration.ms",
    type: "int",
    value: "30000",
    ...spans,
    settings: (value) => ({ lockMs: Number(value) }),
  },
  {
    name: "share.renew.acknowledge.enable",
    type: "boolean",
    value: "true",
    settings: (value) => ({ renews: value === "true" }),
  },
  {
    name: "share.session.timeout.ms",
    type: "int",
    value: "45000",
    ...spans,
    settings: (value) => ({ sessionTimeoutMs: Number(value) }),
  },
];

const byName = new Map(groupConfigs.map((config) => [config.name, config]));

export function groupConfig(name: string): ConfigDefinition | undefined {
  return byName.get(name);
}

/** Why a group cannot have this setting, in Kafka's words; null when it can. */
export function groupConfigFault(name: string, value: string): string | null {
  const config = byName.get(name);
  if (config === undefined) return `Unknown group config name: ${name}`;
  const text = value.trim();
  let problem = problemOf(config, text);
  if (problem === null && config.most !== undefined && Number(text) > config.most)
    problem = `Value must be no more than ${config.most}`;
  if (problem === null && config.settings(text) === null)
    problem = `Invalid value \`${value}\` for configuration ${name}. The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.`;
  return problem === null ? null : `Invalid value ${value} for configuration ${name}: ${problem}`;
}

/** Of settings that have no fault. */
export function settingsOf(configs: Readonly<Record<string, string>>): Partial<ShareSettings> {
  const settings: Partial<ShareSettings> = {};
  for (const [name, value] of Object.entries(configs))
    Object.assign(settings, byName.get(name)?.settings(value.trim()));
  return settings;
}
