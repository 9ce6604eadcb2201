/** `troikamq unroutable`: the last messages that no queue took, with who published them. */
import type { Command } from "commander";
import type { ShownMessage } from "../broker/message-json.ts";
import { wholeNumber } from "../numbers.ts";
import type { Column } from "../output/table.ts";
import { bytesText, countText } from "../output/text.ts";
import { type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";

const limitUsual = 20;

interface Sample extends ShownMessage {
  readonly vhost: string;
  /** Unix ms. */
  readonly time: number;
  readonly cause: string;
  readonly publisher: {
    readonly user: string;
    readonly client_name: string;
    readonly connection_name: string;
  } | null;
}

interface Found {
  readonly messages: readonly Sample[];
  readonly exchanges: readonly { readonly name: string; readonly unroutable: number | null }[];
}

const columns: readonly Column<Sample>[] = [
  { head: "TIME", cell: ({ time }) => new Date(time).toISOString() },
  { head: "EXCHANGE", cell: ({ exchange }) => (exchange === "" ? "(default)" : exchange) },
  { head: "KEY", cell: ({ routing_key }) => routing_key },
  { head: "CAUSE", cell: ({ cause }) => cause },
  { head: "PUBLISHER", cell: ({ publisher }) => (publisher === null ? null : publisherText(publisher)) },
  { head: "SIZE", cell: ({ payload_bytes }) => bytesText(payload_bytes) },
];

function publisherText({
  user,
  client_name: client,
  connection_name,
}: NonNullable<Sample["publisher"]>): string {
  return `${user}@${connection_name}${client === "" ? "" : ` (${client})`}`;
}

interface Options extends BrokerOptions {
  readonly exchange?: string;
  readonly limit?: number;
}

export function defineUnroutable(command: Command): void {
  withBroker(command)
    .option("--exchange <name>", "only of that exchange; amq.default is the default exchange")
    .option("--limit <n>", `so many at most [${limitUsual}]`, wholeNumber(1))
    .addHelpText("after", examples("troikamq unroutable", "troikamq unroutable --exchange orders -o json"))
    .action(async ({ exchange, limit = limitUsual, ...options }: Options) => {
      const { api, printer, target } = sessionOf(options);
      const query = { limit: String(limit), ...(exchange === undefined ? {} : { exchange }) };
      const at = `/api/troika/unroutable/${encodeURIComponent(target.vhost)}`;
      const { messages, exchanges } = await api.get<Found>(at, query);
      printer.list(messages, columns, "every message found a queue");
      for (const { name, unroutable } of exchanges)
        if (unroutable !== null && unroutable > 0)
          printer.remark(
            `${name === "" ? "the default exchange" : name}: ${countText(unroutable)} since the broker started; see why with troikamq explain`,
          );
    });
}
