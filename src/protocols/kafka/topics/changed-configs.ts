/** What AlterConfigs and IncrementalAlterConfigs share: resources, and the check and change of a topic's or a group's settings. */
import { limits } from "../../../base/limits.ts";
import type { Job } from "../../../base/turn-work.ts";
import { mayUseGroup, mayUseWholeTopic } from "../core/authorize.ts";
import type { Call } from "../core/call.ts";
import { topicConfigFault } from "./config-definitions.ts";
import { toBrokerName } from "../core/names.ts";
import { groupConfigFault, settingsOf } from "../share/group-configs.ts";
import { repeatedOf } from "../core/repeated.ts";
import { retrySettingsFault } from "./retry-settings.ts";
import { errorCodes } from "../wire/error-codes.ts";

export const resourceTypes = { topic: 2, broker: 4, clientMetrics: 16, group: 32 } as const;

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

export interface AlterResult extends Resource {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export type TopicSettings = Record<string, string>;

export interface SettingsFault {
  readonly error: "INVALID_CONFIG" | "INVALID_REQUEST" | "TOPIC_AUTHORIZATION_FAILED";
  readonly text: string;
}

/**
 * Has `change` edit a copy of the settings of each topic or group, which then replaces them; it returns what is wrong, or null. One
 * resource named twice is refused, as in Kafka.
 */
export function* alterResources<Of extends Resource>(
  call: Call<"AlterConfigs"> | Call<"IncrementalAlterConfigs">,
  resources: readonly Of[],
  isOnlyChecked: boolean,
  change: (settings: TopicSettings, resource: Of) => SettingsFault | null,
): Job<{ responses: AlterResult[] }> {
  const repeated = repeatedOf(
    resources,
    ({ resourceType, resourceName }) => `${resourceType} ${resourceName}`,
  );
  const responses: AlterResult[] = [];
  for (const resource of resources) {
    const { resourceType, resourceName } = resource;
    if (repeated.has(`${resourceType} ${resourceName}`)) {
      const errorMessage = "The resource is named more than once.";
      responses.push({ resourceType, resourceName, errorCode: errorCodes.INVALID_REQUEST, errorMessage });
      yield 1;
      continue;
    }
    const alter = resourceType === resourceTypes.group ? alterGroup : alterTopic;
    responses.push(alter(call, resource, isOnlyChecked, (settings) => change(settings, resource)));
    yield 10 + (call.server.topics.find(resourceName)?.partitionCount ?? 0);
  }
  return { responses };
}

function alterTopic(
  call: Call<"AlterConfigs"> | Call<"IncrementalAlterConfigs">,
  { resourceType, resourceName }: Resource,
  isOnlyChecked: boolean,
  change: (settings: TopicSettings) => SettingsFault | null,
): AlterResult {
  const result = (error: keyof typeof errorCodes, errorMessage: string | null): AlterResult => ({
    errorCode: errorCodes[error],
    errorMessage,
    resourceType,
    resourceName,
  });
  if (resourceType !== resourceTypes.topic) {
    return result(
      "INVALID_REQUEST",
      "only topics and groups have settings that can be changed here; see the options of troikamq",
    );
  }
  if (!mayUseWholeTopic(call, "alterConfigs", resourceName)) {
    return result("TOPIC_AUTHORIZATION_FAILED", "Topic authorization failed.");
  }
  const found = call.server.topics.find(resourceName);
  if (found === undefined)
    return result("UNKNOWN_TOPIC_OR_PARTITION", `The topic '${resourceName}' does not exist.`);
  if (found.topic === null)
    return result("INVALID_REQUEST", `'${resourceName}' is an exchange: it keeps nothing.`);
  const settings = { ...found.configs };
  const fault = change(settings);
  if (fault !== null) return result(fault.error, fault.text);
  const badValue = faultIn(settings);
  if (badValue !== null) return result("INVALID_CONFIG", badValue);
  const refusal = retrySettingsFault(call, resourceName, found, settings);
  if (refusal !== null) return result(refusal.error, refusal.text);
  if (!isOnlyChecked) {
    call.server.vhost.topics.setConfigs(found.topic, settings);
    call.holdUntilDurable();
  }
  return result("NONE", null);
}

/** The group need not be there yet. */
function alterGroup(
  call: Call<"AlterConfigs"> | Call<"IncrementalAlterConfigs">,
  resource: Resource,
  isOnlyChecked: boolean,
  change: (settings: TopicSettings) => SettingsFault | null,
): AlterResult {
  const { resourceType, resourceName } = resource;
  const result = (error: keyof typeof errorCodes, errorMessage: string | null): AlterResult => ({
    errorCode: errorCodes[error],
    errorMessage,
    resourceType,
    resourceName,
  });
  if (resourceName === "" || Buffer.byteLength(resourceName) > limits.nameBytesMax)
    return result("INVALID_REQUEST", `A group's name has 1 to ${limits.nameBytesMax} bytes.`);
  if (!mayUseGroup(call, "alterConfigs", resourceName))
    return result("GROUP_AUTHORIZATION_FAILED", "Group authorization failed.");
  const { shareGroups } = call.server.vhost;
  const name = toBrokerName(resourceName);
  const settings = { ...shareGroups.configsOf(name) };
  const fault = change(settings);
  if (fault !== null) return result(fault.error, fault.text);
  for (const [setting, value] of Object.entries(settings)) {
    const badValue = groupConfigFault(setting, value);
    if (badValue !== null) return result("INVALID_CONFIG", badValue);
  }
  if (!isOnlyChecked) {
    shareGroups.setConfigs(name, settings, settingsOf(settings));
    call.holdUntilDurable();
  }
  return result("NONE", null);
}

export function faultIn(settings: TopicSettings): string | null {
  for (const [name, value] of Object.entries(settings)) {
    const fault = topicConfigFault(name, value);
    if (fault !== null) return fault;
  }
  return null;
}
