/** `troikamq export`: the definitions of the broker, as RabbitMQ writes and reads them. Not here: `export redis` (cli/commands/export.ts). */
import type { Command } from "commander";
import { path } from "../broker/api.ts";
import { type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";

interface Options extends Omit<BrokerOptions, "output"> {
  readonly output: "json" | "yaml";
}

export function defineExport(command: Command): void {
  withBroker(command, ["json", "yaml"])
    .addHelpText(
      "after",
      "\nWith --vhost: what is in that virtual host. troikamq export redis --help: keys as an RDB file.\n" +
        examples(
          "troikamq export > definitions.json",
          "troikamq export -o yaml --vhost / > broker.yaml",
          "troikamq export redis dump.rdb",
        ),
    )
    .action(async ({ output, ...options }: Options) => {
      const { api, printer, target } = sessionOf({ ...options, output: "json" });
      const at = options.vhost === undefined ? "/api/definitions" : path`/api/definitions/${target.vhost}`;
      const definitions = await api.get(at);
      if (output === "json") printer.item(definitions, () => []);
      else {
        const { stringify } = await import("yaml");
        printer.text(stringify(definitions, { lineWidth: 0 }));
      }
    });
}
