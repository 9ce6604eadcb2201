/** `troikamq policy ls|show|set|rm`: policies and, with --operator, operator policies of the virtual host. */
import { type Command, Option } from "commander";
import { type Json, path } from "../broker/api.ts";
import { definitionIn, wordsOf } from "../definitions/words.ts";
import { CliFault } from "../fault.ts";
import { wholeNumber } from "../numbers.ts";
import type { Column } from "../output/table.ts";
import { type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";

interface Options extends BrokerOptions {
  readonly operator?: true;
}

interface SetOptions extends Options {
  readonly applyTo: string;
  readonly priority: number;
}

const scopes = ["all", "queues", "exchanges", "classic_queues", "quorum_queues", "streams"];

const columns: readonly Column<Json>[] = [
  { head: "NAME", cell: ({ name }) => name as string },
  { head: "PATTERN", cell: ({ pattern }) => pattern as string },
  { head: "APPLY-TO", cell: ({ "apply-to": scope }) => scope as string },
  { head: "PRIORITY", cell: ({ priority }) => priority as number },
  { head: "DEFINITION", cell: ({ definition }) => wordsOf(definition as Json) },
];

function baseOf({ operator }: Options): string {
  return operator === undefined ? "/api/policies" : "/api/operator-policies";
}

const factsOf = (policy: Json): [string, string][] =>
  columns.map(({ head, cell }) => [head.toLowerCase(), String(cell(policy))]);

export function definePolicy(command: Command): void {
  const withOperator = (each: Command): Command =>
    withBroker(each).option("--operator", "operator policies, which bound what policies may set");
  command.addHelpText(
    "after",
    examples(
      "troikamq policy ls",
      "troikamq policy set short '^orders\\.' max-length=1000 overflow=reject-publish --apply-to queues",
      "troikamq policy set again '^orders\\.' retry-limit=5 retry-jitter=0.1 retry-keeps-order=true",
      "troikamq policy set ttl '.*' '{\"message-ttl\": 60000}' --operator",
      "troikamq policy rm short",
    ),
  );
  withOperator(command.command("ls").description("list them")).action(async (options: Options) => {
    const { api, printer, target } = sessionOf(options);
    const rows = await api.get<Json[]>(baseOf(options) + path`/${target.vhost}`);
    printer.list(rows, columns, "no policies yet");
  });
  withOperator(command.command("show").description("show one").argument("<name>")).action(
    async (name: string, options: Options) => {
      const { api, printer, target } = sessionOf(options);
      const policy = await api.find(baseOf(options) + path`/${target.vhost}/${name}`);
      if (policy === null) throw noPolicy(name, target.vhost);
      printer.item(policy, () => factsOf(policy));
    },
  );
  withOperator(
    command
      .command("set")
      .description("make one, or change it")
      .argument("<name>")
      .argument("<pattern>", "regular expression for names of queues and exchanges")
      .argument("<definition...>", "what it sets: KEY=VALUE words, or a JSON object"),
  )
    .addOption(new Option("--apply-to <what>", "what it is for").choices(scopes).default("all"))
    .option("--priority <n>", "of several that match, the highest counts", wholeNumber(0), 0)
    .action(async (name: string, pattern: string, words: readonly string[], options: SetOptions) => {
      const { api, printer, target } = sessionOf(options);
      const { applyTo, priority } = options;
      const policy = { pattern, definition: definitionIn(words), "apply-to": applyTo, priority };
      await api.send("PUT", baseOf(options) + path`/${target.vhost}/${name}`, policy);
      printer.done({ vhost: target.vhost, name, ...policy }, `policy ${name} is set`);
      const isRetry = Object.keys(policy.definition).some((key) => key.startsWith("retry-"));
      if (isRetry && policy.definition["retry-limit"] === undefined)
        printer.remark(
          "without retry-limit the other settings of retry-* do nothing, unless the queue has x-retry-limit",
        );
      if ("dedup-by" in policy.definition && policy.definition["dedup-window-ms"] === undefined)
        printer.remark(
          "without dedup-window-ms dedup-by does nothing, unless the queue has x-dedup-window-ms",
        );
    });
  withOperator(
    command.command("rm").description("delete one; what it did is undone").argument("<name>"),
  ).action(async (name: string, options: Options) => {
    const { api, printer, target } = sessionOf(options);
    const at = baseOf(options) + path`/${target.vhost}/${name}`;
    if ((await api.find(at)) === null) throw noPolicy(name, target.vhost);
    await api.send("DELETE", at);
    printer.done({ vhost: target.vhost, name, deleted: true }, `policy ${name} is deleted`);
  });
}

function noPolicy(name: string, vhost: string): CliFault {
  return new CliFault(
    "notFound",
    `no policy in virtual host ${JSON.stringify(vhost)} is called ${JSON.stringify(name)}; see troikamq policy ls`,
  );
}
