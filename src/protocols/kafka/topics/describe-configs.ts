/** DescribeConfigs: the settings of topics and groups, and those of the broker that tools look at. */
import { limits } from "../../../base/limits.ts";
import { mayUseCluster, mayUseGroup, mayUseTopic } from "../core/authorize.ts";
import { resourceTypes } from "./changed-configs.ts";
import type { Call, Handler } from "../core/call.ts";
import {
  brokerConfigs,
  type ConfigDefinition,
  configSources,
  configTypes,
  topicConfigs,
} from "./config-definitions.ts";
import { type ConfigValue, configValues } from "./effective-configs.ts";
import { nameFault, toBrokerName } from "../core/names.ts";
import { groupConfigs } from "../share/group-configs.ts";
import { nodeId } from "../core/server.ts";
import type { RequestBody, ResponseInput } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";

type Resource = RequestBody<"DescribeConfigs">["resources"][number];
type Result = ResponseInput<"DescribeConfigs">["results"][number];
type ConfigInput = Result["configs"][number];

export const describeConfigs: Handler<"DescribeConfigs"> = function* (call, { resources, includeSynonyms }) {
  const results: Result[] = [];
  let rows = 0;
  for (const resource of resources) {
    const { resourceType, resourceName } = resource;
    if (rows > limits.kafkaAnswerRowsMax) {
      const errorMessage = `More than ${limits.kafkaAnswerRowsMax} settings in one answer; ask for fewer resources.`;
      const errorCode = errorCodes.POLICY_VIOLATION;
      results.push({ errorCode, errorMessage, resourceType, resourceName, configs: [] });
      yield 1;
      continue;
    }
    const result = describe(call, resource, includeSynonyms);
    results.push(result);
    rows += result.configs.length;
    yield 2 + result.configs.length;
  }
  return { results };
};

function describe(call: Call<"DescribeConfigs">, resource: Resource, withSynonyms: boolean): Result {
  const { resourceType, resourceName, configurationKeys } = resource;
  const refuse = (error: keyof typeof errorCodes, errorMessage: string): Result => ({
    errorCode: errorCodes[error],
    errorMessage,
    resourceType,
    resourceName,
    configs: [],
  });
  const chosen = (definitions: readonly ConfigDefinition[]): readonly ConfigDefinition[] =>
    configurationKeys === null || configurationKeys.length === 0
      ? definitions
      : definitions.filter(({ name }) => configurationKeys.includes(name));
  const result = { errorCode: errorCodes.NONE, errorMessage: null, resourceType, resourceName };
  switch (resourceType) {
    case resourceTypes.topic: {
      if (!mayUseTopic(call, "describeConfigs", resourceName)) {
        return refuse("TOPIC_AUTHORIZATION_FAILED", "Topic authorization failed.");
      }
      const topic = call.server.topics.find(resourceName);
      if (topic === undefined) {
        const badName = nameFault(resourceName);
        if (badName !== null) return refuse("INVALID_TOPIC_EXCEPTION", badName);
        return refuse("UNKNOWN_TOPIC_OR_PARTITION", "This server does not host this topic-partition.");
      }
      const queue = topic.queue(0);
      return {
        ...result,
        configs: chosen(topicConfigs).map((definition) =>
          ownEntry(definition, configValues(definition, topic.configs, queue), withSynonyms),
        ),
      };
    }
    case resourceTypes.broker:
      if (!mayUseCluster(call, "describeConfigs")) {
        return refuse("CLUSTER_AUTHORIZATION_FAILED", "Cluster authorization failed.");
      }
      if (resourceName !== "" && resourceName !== String(nodeId)) {
        return refuse(
          "INVALID_REQUEST",
          `Unexpected broker id, expected ${nodeId} or empty string, but received ${resourceName}`,
        );
      }
      return {
        ...result,
        configs: chosen(brokerConfigs).map((definition) => brokerEntry(definition, withSynonyms)),
      };
    case resourceTypes.group: {
      if (!mayUseGroup(call, "describeConfigs", resourceName))
        return refuse("GROUP_AUTHORIZATION_FAILED", "Group authorization failed.");
      const own = call.server.vhost.shareGroups.configsOf(toBrokerName(resourceName));
      return {
        ...result,
        configs: chosen(groupConfigs).map((definition) =>
          ownEntry(definition, groupValues(definition, own), withSynonyms),
        ),
      };
    }
    case resourceTypes.clientMetrics:
      return { ...result, configs: [] };
    default:
      return refuse("INVALID_REQUEST", `Unsupported resource type: ${resourceType}`);
  }
}

/** Of what has settings of its own: a topic or a group. `values`: the one that counts first. */
function ownEntry(
  { name, type }: ConfigDefinition,
  values: readonly ConfigValue[],
  withSynonyms: boolean,
): ConfigInput {
  const [{ value, source }] = values as [ConfigValue];
  return {
    name,
    value,
    readOnly: false,
    configSource: source,
    isSensitive: false,
    synonyms: withSynonyms
      ? values.map(({ value: shown, source: from }) => ({ name, value: shown, source: from }))
      : [],
    configType: configTypes[type],
  };
}

function groupValues(
  { name, value }: ConfigDefinition,
  settings: Readonly<Record<string, string>>,
): ConfigValue[] {
  const usual = { value, source: configSources.default };
  const own = settings[name];
  return own === undefined ? [usual] : [{ value: own, source: configSources.group }, usual];
}

function brokerEntry({ name, type, value }: ConfigDefinition, withSynonyms: boolean): ConfigInput {
  return {
    name,
    value,
    readOnly: true,
    configSource: configSources.default,
    isSensitive: false,
    synonyms: withSynonyms ? [{ name, value, source: configSources.default }] : [],
    configType: configTypes[type],
  };
}
