/** IncrementalAlterConfigs: sets, resets, or changes lists among a topic's settings. */
import { alterTopics, type SettingsFault, type TopicSettings } from "./changed-configs.ts";
import type { Handler } from "../core/call.ts";
import { type ConfigDefinition, listOf, topicConfig } from "./config-definitions.ts";
import type { RequestBody } from "../wire/codec.ts";

type Change = RequestBody<"IncrementalAlterConfigs">["resources"][number]["configs"][number];

const operations = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

export const incrementalAlterConfigs: Handler<"IncrementalAlterConfigs"> = (
  call,
  { resources, validateOnly },
) =>
  alterTopics(call, resources, validateOnly, (settings, { configs }) => {
    const names = new Set(configs.map(({ name }) => name));
    if (names.size < configs.length) {
      return { error: "INVALID_REQUEST", text: "Error due to duplicate config keys" };
    }
    for (const change of configs) {
      const fault = apply(settings, change);
      if (fault !== null) return fault;
    }
    return null;
  });

function apply(settings: TopicSettings, { name, value, configOperation }: Change): SettingsFault | null {
  const definition = topicConfig(name);
  if (definition === undefined)
    return { error: "INVALID_CONFIG", text: `Unknown topic config name: ${name}` };
  if (configOperation === operations.delete) {
    delete settings[name];
    return null;
  }
  if (value === null) return { error: "INVALID_REQUEST", text: `Null value not supported for : ${name}` };
  switch (configOperation) {
    case operations.set:
      settings[name] = value;
      return null;
    case operations.append:
    case operations.subtract:
      return changeList(settings, definition, value, configOperation === operations.append);
    default:
      return { error: "INVALID_REQUEST", text: `Unknown operation ${configOperation} for ${name}` };
  }
}

function changeList(
  settings: TopicSettings,
  { name, type, value: initial }: ConfigDefinition,
  value: string,
  isAppended: boolean,
): SettingsFault | null {
  if (type !== "list") {
    const verb = isAppended ? "APPEND" : "SUBTRACT";
    return { error: "INVALID_CONFIG", text: `Can't ${verb} to key ${name} because its type is not LIST.` };
  }
  const words = new Set(listOf(settings[name] ?? initial));
  for (const word of listOf(value)) {
    if (isAppended) words.add(word);
    else words.delete(word);
  }
  settings[name] = [...words].join(",");
  return null;
}
