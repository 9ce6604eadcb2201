/** `troikamq ls [WHAT]`: what the broker has, as a list. What is listed is filtered and sorted by the broker. */
import { Argument, type Command, Option } from "commander";
import { type Json, path } from "../broker/api.ts";
import { wholeNumber } from "../numbers.ts";
import type { Cell, Column } from "../output/table.ts";
import { bytesText, visible } from "../output/text.ts";
import { type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";

interface Listing {
  /** In one virtual host there is a path of its own. */
  readonly path: string;
  readonly hasVhosts: boolean;
  readonly columns: readonly Column<Json>[];
}

const text =
  (...names: readonly string[]) =>
  (row: Json): Cell => {
    let value: unknown = row;
    for (const name of names) value = (value as Json | undefined)?.[name];
    if (value === undefined || value === null) return null;
    if (Array.isArray(value)) return value.join(",");
    return typeof value === "object" ? JSON.stringify(value) : (value as Cell);
  };

const column = (head: string, ...names: readonly string[]): Column<Json> => ({
  head,
  cell: text(...(names.length === 0 ? [head.toLowerCase()] : names)),
});

const size = (head: string, name: string): Column<Json> => ({
  head,
  isRight: true,
  cell: ({ [name]: value }) => (typeof value === "number" ? bytesText(value) : null),
});

const vhost = column("VHOST");
const name = column("NAME");
const kind = column("KIND");

const listings = {
  destinations: {
    path: "/api/troika/destinations",
    hasVhosts: true,
    columns: [
      name,
      kind,
      vhost,
      column("MESSAGES"),
      column("UNACKED", "messages_unacknowledged"),
      column("WAITING", "messages_waiting"),
      column("DELAYED", "messages_delayed"),
      column("CONSUMERS"),
      size("SIZE", "bytes"),
    ],
  },
  queues: {
    path: "/api/queues",
    hasVhosts: true,
    columns: [
      name,
      column("TYPE"),
      vhost,
      column("READY", "messages_ready"),
      column("UNACKED", "messages_unacknowledged"),
      column("WAITING", "messages_waiting"),
      column("CONSUMERS"),
      column("POLICY"),
      column("STATE"),
    ],
  },
  exchanges: {
    path: "/api/exchanges",
    hasVhosts: true,
    columns: [name, column("TYPE"), vhost, column("DURABLE"), column("INTERNAL"), column("POLICY")],
  },
  bindings: {
    path: "/api/bindings",
    hasVhosts: true,
    columns: [
      column("SOURCE"),
      column("DESTINATION"),
      column("KIND", "destination_type"),
      column("KEY", "routing_key"),
      vhost,
    ],
  },
  connections: {
    path: "/api/connections",
    hasVhosts: false,
    columns: [
      name,
      column("USER"),
      vhost,
      column("PROTOCOL"),
      column("CHANNELS"),
      column("STATE"),
      size("IN", "recv_oct"),
      size("OUT", "send_oct"),
    ],
  },
  channels: {
    path: "/api/channels",
    hasVhosts: false,
    columns: [
      name,
      column("USER"),
      vhost,
      column("CONSUMERS", "consumer_count"),
      column("UNACKED", "messages_unacknowledged"),
      column("UNCONFIRMED", "messages_unconfirmed"),
      column("PREFETCH", "prefetch_count"),
    ],
  },
  consumers: {
    path: "/api/consumers",
    hasVhosts: true,
    columns: [
      column("QUEUE", "queue", "name"),
      column("TAG", "consumer_tag"),
      column("VHOST", "queue", "vhost"),
      column("ACK", "ack_required"),
      column("PREFETCH", "prefetch_count"),
      column("CHANNEL", "channel_details", "name"),
    ],
  },
  vhosts: {
    path: "/api/vhosts",
    hasVhosts: false,
    columns: [name, column("MESSAGES"), column("READY", "messages_ready"), column("DESCRIPTION")],
  },
  users: { path: "/api/users", hasVhosts: false, columns: [name, column("TAGS")] },
  policies: {
    path: "/api/policies",
    hasVhosts: true,
    columns: [
      name,
      vhost,
      column("PATTERN"),
      column("APPLY-TO", "apply-to"),
      column("PRIORITY"),
      column("DEFINITION"),
    ],
  },
} as const satisfies Record<string, Listing>;

type What = keyof typeof listings;

const kinds = ["queue", "stream", "redis_stream", "kafka_topic", "redis_group", "kafka_group"];
const pageSizeMax = 500;

interface Options extends BrokerOptions {
  readonly name?: string;
  readonly regex?: true;
  readonly kind?: string;
  readonly sort?: string;
  readonly reverse?: true;
  readonly limit?: number;
  readonly names?: true;
}

/** As the API has them. Without a limit there are no pages, and the whole list comes. */
function queryOf({ name: part, regex, kind: only, sort, reverse, limit }: Options): Record<string, string> {
  return {
    ...(part === undefined ? {} : { name: part }),
    ...(regex === undefined ? {} : { use_regex: "true" }),
    ...(only === undefined ? {} : { kind: only }),
    ...(sort === undefined ? {} : { sort }),
    ...(reverse === undefined ? {} : { sort_reverse: "true" }),
    ...(limit === undefined ? {} : { page: "1", page_size: String(Math.min(limit, pageSizeMax)) }),
  };
}

export function defineLs(command: Command): void {
  withBroker(command)
    .addArgument(
      new Argument("[what]", "what to list; destinations are what holds messages, of every protocol")
        .choices(Object.keys(listings))
        .default("destinations"),
    )
    .option("--name <text>", "only names that have this in them")
    .option("--regex", "--name is a regular expression")
    .addOption(new Option("--kind <kind>", "only destinations of this kind").choices(kinds))
    .option("--sort <field>", "by this field of the JSON, such as messages")
    .option("--reverse", "the largest first")
    .option("--names", "print the names only, one a line")
    .option("--limit <n>", `so many at most, ${pageSizeMax} or less`, wholeNumber(1))
    .addHelpText(
      "after",
      examples(
        "troikamq ls",
        "troikamq ls --kind kafka_topic",
        "troikamq ls queues --sort messages_ready --reverse --limit 10",
        "troikamq ls connections -o json",
        "troikamq ls --name orders -o ndjson | jq -r .name",
      ),
    )
    .action(async (what: What, options: Options) => {
      const { api, printer } = sessionOf(options);
      const { path: all, hasVhosts, columns } = listings[what];
      const at = hasVhosts && options.vhost !== undefined ? all + path`/${options.vhost}` : all;
      const found = await api.get<readonly Json[] | { readonly items: readonly Json[] }>(
        at,
        queryOf(options),
      );
      const rows = "items" in found ? found.items : found;
      if (options.names === true) {
        printer.text(rows.map(({ name: each }) => `${visible(String(each))}\n`).join(""));
        return;
      }
      printer.list(
        rows,
        columns,
        options.name === undefined ? `no ${what} yet` : `no ${what} of such a name`,
      );
    });
}
