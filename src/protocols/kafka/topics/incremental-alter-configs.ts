/** IncrementalAlterConfigs: sets, resets, or changes lists among the settings of a topic or group. */
import { alterResources, resourceTypes, type SettingsFault, type TopicSettings } from "./changed-configs.ts";
import { groupConfig } from "../share/group-configs.ts";
import type { Handler } from "../core/call.ts";
import { type ConfigDefinition, listOf, topicConfig } from "./config-definitions.ts";
import type { RequestBody } from "../wire/codec.ts";

type Change = RequestBody<"IncrementalAlterConfigs">["resources"][number]["configs"][number];

const operations = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

export const incrementalAlterConfigs: Handler<"IncrementalAlterConfigs"> = (
  call,
  { resources, validateOnly },
) =>
  alterResources(call, resources, validateOnly, (settings, { resourceType, configs }) => {
    const names = new Set(configs.map(({ name }) => name));
    if (names.size < configs.length) {
      return { error: "INVALID_REQUEST", text: "Error due to duplicate config keys" };
    }
    const isGroup = resourceType === resourceTypes.group;
    for (const change of configs) {
      const fault = apply(settings, change, isGroup);
      if (fault !== null) return fault;
    }
    return null;
  });

function apply(
  settings: TopicSettings,
  { name, value, configOperation }: Change,
  isGroup: boolean,
): SettingsFault | null {
  const definition = isGroup ? groupConfig(name) : topicConfig(name);
  if (definition === undefined)
    return { error: "INVALID_CONFIG", text: `Unknown ${isGroup ? "group" : "topic"} config name: ${name}` };
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
