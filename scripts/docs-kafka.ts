/** What docs/kafka.md derives: requests with their versions, and which settings of topics have an effect. */
import { handlers } from "../src/protocols/kafka/core/handlers.ts";
import { saslMechanisms } from "../src/protocols/kafka/security/sasl.ts";
import { topicConfigs } from "../src/protocols/kafka/topics/config-definitions.ts";
import { allApis } from "../src/protocols/kafka/wire/codec.ts";
import { clientVersions, code, codes, type Sections, table } from "./docs-markdown.ts";

function apiTable(): string {
  const rows = allApis
    .filter(({ name }) => Object.hasOwn(handlers, name))
    .map(({ key, name, versionMin, versionMax }) => [String(key), name, `${versionMin}–${versionMax}`]);
  return table(["key", "request", "versions"], rows);
}

function configTable(): string {
  const rows = topicConfigs
    .filter(({ applied }) => applied === true)
    .map(({ name, value }) => [code(name), value === "" ? "none" : code(value)]);
  const kept = topicConfigs.filter(({ applied }) => applied !== true).map(({ name }) => name);
  return `${table(["setting", "default"], rows)}\n\nTaken, kept and shown, without that effect: ${codes(kept)}.`;
}

export const kafkaSections: Sections = {
  clients: () => `Tested with ${clientVersions(["kafkajs", "@platformatic/kafka"])}.`,
  requests: apiTable,
  "topic-settings": configTable,
  sasl: () => `SASL mechanisms: ${codes(saslMechanisms)}.`,
};
