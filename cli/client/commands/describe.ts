/** `troikamq describe NAME`: all that the broker tells of what has that name: queue, stream, topic, group, exchange. */
import type { Command } from "commander";
import { type Api, type Json, path } from "../broker/api.ts";
import { type Destination, destinationsNamed, isLog, nothingNamed, queuesOf } from "../broker/named.ts";
import type { Printer } from "../output/printer.ts";
import { cellText, coloured } from "../output/table.ts";
import { visible } from "../output/text.ts";
import { type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";

interface Described {
  readonly kind: string;
  readonly name: string;
  readonly vhost: string;
  /** As the API shows it. */
  readonly facts: Json;
  readonly bindings: readonly Json[];
  /** Of a topic. */
  readonly partitions?: readonly Json[];
}

/** What the queue's own page leaves out, since RabbitMQ has no such messages; only where there are some. */
function ourCounts(destination: Destination): Json {
  const names = ["messages_delayed", "messages_deduplicated"] as const;
  return Object.fromEntries(names.flatMap((name) => (destination[name] ? [[name, destination[name]]] : [])));
}

async function describedLog(api: Api, destination: Destination): Promise<Described> {
  const { vhost } = api.target;
  const { kind, name } = destination;
  const names = await queuesOf(api, destination);
  const isTopic = kind === "kafka_topic";
  const queues = await Promise.all(names.map((each) => api.get(path`/api/queues/${vhost}/${each}`)));
  const bindings =
    names.length > 1 ? [] : await api.get<Json[]>(path`/api/queues/${vhost}/${names[0]!}/bindings`);
  if (!isTopic) return { kind, name, vhost, facts: { ...queues[0]!, ...ourCounts(destination) }, bindings };
  return { kind, name, vhost, facts: destination, bindings, partitions: queues };
}

async function describedOf(api: Api, name: string): Promise<Described[]> {
  const { vhost } = api.target;
  const found: Described[] = [];
  for (const each of await destinationsNamed(api, name)) {
    if (isLog(each)) found.push(await describedLog(api, each));
    else found.push({ kind: each.kind, name, vhost, facts: each, bindings: [] });
  }
  const queue = found.length > 0 ? null : await api.find(path`/api/queues/${vhost}/${name}`);
  if (queue !== null) {
    const bindings = await api.get<Json[]>(path`/api/queues/${vhost}/${name}/bindings`);
    found.push({ kind: "partition", name, vhost, facts: queue, bindings });
  }
  const exchange = name === "" ? null : await api.find(path`/api/exchanges/${vhost}/${name}`);
  if (exchange !== null) {
    const bindings = await api.get<Json[]>(path`/api/exchanges/${vhost}/${name}/bindings/source`);
    found.push({ kind: "exchange", name, vhost, facts: exchange, bindings });
  }
  if (found.length === 0) throw nothingNamed(api, name);
  return found;
}

/** Shown elsewhere, or of no use to people. */
const leftOut = new Set([
  "name",
  "vhost",
  "kind",
  "node",
  "leader",
  "members",
  "online",
  "garbage_collection",
  "backing_queue_status",
  "consumer_details",
  "reductions",
  "reductions_details",
  "deliveries",
  "incoming",
]);

/** Of RabbitMQ's storage, which has no such parts here. */
const ofStorage = /_(?:ram|persistent|paged_out)$|^message_bytes_|^memory$|^readers$/;

function* factsOf(item: Json, before = ""): Generator<[string, string]> {
  for (const [key, value] of Object.entries(item)) {
    if (leftOut.has(key) || ofStorage.test(key) || value === null || value === undefined || value === "")
      continue;
    const label = `${before}${key}`.replaceAll("_", " ");
    if (Array.isArray(value)) {
      if (value.length > 0) yield [label, visible(JSON.stringify(value))];
    } else if (pairs.has(key)) yield* pairsOf(label, value as Json);
    else if (typeof value === "object") yield* nested(label, value as Json);
    else if (value !== 0 || before === "") yield [label, cellText(value as string)];
  }
}

/** What clients and policies have set, by names of their own. */
const pairs = new Set(["arguments", "effective_policy_definition"]);

function* pairsOf(label: string, value: Json): Generator<[string, string]> {
  const lines = Object.entries(value).map(([name, each]) => visible(`${name} = ${JSON.stringify(each)}`));
  if (lines.length > 0) yield [label, lines.join("\n")];
}

function* nested(label: string, value: Json): Generator<[string, string]> {
  const { rate } = value;
  if (typeof rate === "number") {
    if (rate > 0) yield [label.replace(/ details$/, " a second"), rate.toFixed(1)];
  } else yield* factsOf(value, `${label}.`);
}

const bindingColumns = [
  { head: "SOURCE", cell: ({ source }: Json) => (source === "" ? "(default)" : (source as string)) },
  { head: "DESTINATION", cell: ({ destination }: Json) => destination as string },
  { head: "KEY", cell: ({ routing_key: key }: Json) => key as string },
  { head: "ARGUMENTS", cell: ({ arguments: given }: Json) => JSON.stringify(given) },
];

const partitionColumns = [
  { head: "PARTITION", cell: ({ name }: Json) => name as string },
  { head: "MESSAGES", cell: ({ messages }: Json) => messages as number },
  { head: "CONSUMERS", cell: ({ consumers }: Json) => consumers as number },
];

function show(printer: Printer, { kind, name, vhost, facts, bindings, partitions = [] }: Described): void {
  const { screen } = printer;
  const title = `${kind.replace("_", " ")} ${visible(name)}`;
  printer.text(`${coloured(screen, "bold", title)}  (virtual host ${visible(vhost)})\n`);
  printer.item(facts, () => [...factsOf(facts)]);
  if (partitions.length > 0) printer.list(partitions, partitionColumns, "");
  if (bindings.length > 0) printer.list(bindings, bindingColumns, "");
}

export function defineDescribe(command: Command): void {
  withBroker(command)
    .argument("<name>", "of a queue, stream, topic, group or exchange")
    .addHelpText(
      "after",
      examples(
        "troikamq describe orders",
        "troikamq describe orders --vhost staging",
        "troikamq describe orders -o json | jq '.[].facts.arguments'",
      ),
    )
    .action(async (name: string, options: BrokerOptions) => {
      const { api, printer } = sessionOf(options);
      const found = await describedOf(api, name);
      if (printer.format !== "table") {
        printer.list(found, [], "");
        return;
      }
      for (const [index, each] of found.entries()) {
        if (index > 0) printer.text("\n");
        show(printer, each);
      }
    });
}
