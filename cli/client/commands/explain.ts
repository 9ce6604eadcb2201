/** `troikamq explain EXCHANGE [KEY]`: where a message would go, and why not elsewhere. Nothing is published. */
import type { Command } from "commander";
import type { Json } from "../broker/api.ts";
import type { Column } from "../output/table.ts";
import { countText } from "../output/text.ts";
import { type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";
import { headerIn } from "./pub.ts";

interface Binding {
  readonly source: string;
  readonly destination: string;
  readonly destination_type: string;
  readonly routing_key: string;
  readonly matched: boolean;
  readonly why: string;
}

interface Explanation extends Json {
  readonly routed: boolean;
  readonly destinations: readonly string[];
  readonly bindings: readonly Binding[];
  readonly other_bindings: number;
  readonly notes: readonly string[];
}

const columns: readonly Column<Binding>[] = [
  { head: "FROM", cell: ({ source }) => (source === "" ? "(default)" : source) },
  { head: "KEY", cell: ({ routing_key }) => routing_key },
  { head: "TO", cell: ({ destination_type: type, destination }) => `${type} ${destination}` },
  { head: "TAKES IT", cell: ({ matched }) => (matched ? "yes" : "no") },
  { head: "WHY", cell: ({ why }) => why },
];

interface Options extends BrokerOptions {
  readonly header?: readonly (readonly [string, string])[];
}

export function defineExplain(command: Command): void {
  withBroker(command)
    .argument("<exchange>", 'its name; "" is the default exchange')
    .argument("[key]", "the routing key", "")
    .option("--header <name=value>", "a header of the message; may be given several times", headerIn)
    .addHelpText(
      "after",
      examples("troikamq explain orders eu.new", "troikamq explain files --header type=pdf"),
    )
    .action(async (exchange: string, key: string, { header = [], ...options }: Options) => {
      const { api, printer, target } = sessionOf(options);
      const asked = { vhost: target.vhost, exchange, routing_key: key, headers: Object.fromEntries(header) };
      const found = await api.send<Explanation>("POST", "/api/troika/explain", asked);
      const { bindings, destinations, other_bindings: others, notes } = found;
      if (printer.format !== "table") return printer.item(found, () => []);
      printer.list(bindings, columns, "no binding is on the way of the message");
      if (others > 0) printer.remark(`${countText(others)} more bindings do not match`);
      for (const note of notes) printer.remark(note);
      printer.remark(found.routed ? `goes to ${destinations.join(", ")}` : "no queue would take it");
    });
}
