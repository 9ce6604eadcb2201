/** IncrementalAlterConfigs: sets, resets, or changes lists among a topic's settings. */
import { alterTopic, type TopicSettings } from "../alter-configs.ts";
import type { Handler } from "../call.ts";
import { listOf, topicConfig } from "../config-definitions.ts";
import type { RequestBody } from "../wire/codec.ts";

type Change = RequestBody<"IncrementalAlterConfigs">["resources"][number]["configs"][number];

const operations = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

export const incrementalAlterConfigs: Handler<"IncrementalAlterConfigs"> = (call, request) => ({
  responses: request.resources.map((resource) =>
    alterTopic(call, resource, request.validateOnly, (settings) => {
      const names = new Set(resource.configs.map(({ name }) => name));
      if (names.size < resource.configs.length) return "Error due to duplicate config keys";
      for (const change of resource.configs) {
        const fault = apply(settings, change);
        if (fault !== null) return fault;
      }
      return null;
    }),
  ),
});

function apply(settings: TopicSettings, { name, value, configOperation }: Change): string | null {
  const definition = topicConfig(name);
  if (definition === undefined) return `Unknown topic config name: ${name}`;
  if (configOperation === operations.delete) {
    delete settings[name];
    return null;
  }
  if (value === null) return `Null value not supported for : ${name}`;
  if (configOperation === operations.set) {
    settings[name] = value;
    return null;
  }
  if (definition.type !== "list") {
    const verb = configOperation === operations.append ? "APPEND" : "SUBTRACT";
    return `Can't ${verb} to key ${name} because its type is not LIST.`;
  }
  const words = new Set(listOf(settings[name] ?? definition.value));
  for (const word of listOf(value)) {
    if (configOperation === operations.append) words.add(word);
    else words.delete(word);
  }
  settings[name] = [...words].join(",");
  return null;
}
