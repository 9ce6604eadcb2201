/** `troikamq status`: whether the broker takes work, and what it has, on one screen. Exit code 1 where it is not ready. */
import type { Command } from "commander";
import type { Api, Json } from "../broker/api.ts";
import { cellText, coloured, type Screen } from "../output/table.ts";
import { bytesText, countText } from "../output/text.ts";
import { answerNo, type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";

interface Overview {
  readonly product_name?: string;
  readonly product_version?: string;
  readonly cluster_name: string;
  readonly node: string;
  readonly object_totals: Readonly<Record<string, number>>;
  readonly queue_totals: Readonly<Record<string, number>>;
  readonly message_stats: Readonly<Record<string, number | { readonly rate: number }>>;
  /** RabbitMQ shows them to monitors only. */
  readonly listeners?: readonly { readonly protocol: string; readonly port: number }[];
}

interface Node {
  readonly mem_used: number;
  readonly mem_limit: number;
  readonly disk_free: number;
  /** `ram`: nothing is on a disk. */
  readonly type: string;
  readonly uptime: number;
  readonly fd_used: number;
}

interface Status {
  readonly url: string;
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, string>>;
  readonly overview: Overview;
  readonly node: Node | null;
}

async function statusOf(api: Api): Promise<Status> {
  const overview = await api.get<Overview>("/api/overview");
  const { ready = false, checks = {} } = (await api.readiness()) as Json & Partial<Status>;
  // Only monitors see it.
  const nodes = await api.get<Node[]>("/api/nodes").catch(() => []);
  return { url: api.target.url, ready, checks, overview, node: nodes[0] ?? null };
}

function durationText(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const hours = Math.floor(minutes / 60);
  if (minutes < 1) return `${Math.floor(ms / 1000)} s`;
  if (hours < 1) return `${minutes} min`;
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** What there is of the plural names; users that are no monitors are told less. */
function counted(counts: Readonly<Record<string, number>>, names: readonly string[]): string {
  return names
    .flatMap((name) => {
      const count = counts[name];
      if (count === undefined) return [];
      return [`${countText(count)} ${count === 1 ? name.slice(0, -1) : name}`];
    })
    .join(", ");
}

function rateText({ message_stats: stats }: Overview): string {
  const rates = [
    ["publish", "published"],
    ["deliver_get", "delivered"],
    ["ack", "acknowledged"],
  ] as const;
  return rates
    .map(([name, called]) => {
      const details = stats[`${name}_details`];
      const rate = typeof details === "object" ? details.rate : 0;
      return `${countText(Math.round(rate))} ${called}`;
    })
    .join(", ");
}

function listensOf({ listeners = [] }: Overview): [string, string][] {
  if (listeners.length === 0) return [];
  return [["listens", listeners.map(({ protocol, port }) => `${protocol} ${port}`).join(", ")]];
}

function factsOf(screen: Screen, { url, ready, checks, overview, node }: Status): [string, string][] {
  const faults = Object.entries(checks).filter(([, text]) => text !== "ok");
  const state = ready
    ? coloured(screen, "green", "ready")
    : [coloured(screen, "red", "not ready"), ...faults.map(([name, text]) => `${name}: ${text}`)].join("\n");
  const { product_name: product = "RabbitMQ", product_version: version = "" } = overview;
  const ofNode: [string, string][] =
    node === null
      ? []
      : [
          ["up", durationText(node.uptime)],
          [
            "memory",
            `${bytesText(node.mem_used)}${node.mem_limit > 0 ? `, publishers wait from ${bytesText(node.mem_limit)}` : ""}`,
          ],
          ["disk", node.type === "ram" ? "none: all is in memory" : `${bytesText(node.disk_free)} free`],
        ];
  return [
    ["broker", `${product} ${version} at ${url}`],
    ["name", cellText(overview.cluster_name)],
    ["state", state],
    ...listensOf(overview),
    [
      "objects",
      counted(overview.object_totals, ["queues", "exchanges", "connections", "channels", "consumers"]),
    ],
    [
      "messages",
      ["ready", "unacknowledged", ...("messages_waiting" in overview.queue_totals ? ["waiting"] : [])]
        .map((name) => `${countText(overview.queue_totals[`messages_${name}`] ?? 0)} ${name}`)
        .join(", "),
    ],
    ["a second", rateText(overview)],
    ...ofNode,
  ];
}

export function defineStatus(command: Command): void {
  withBroker(command)
    .addHelpText(
      "after",
      examples(
        "troikamq status",
        "troikamq status --url http://admin:secret@broker.example:15672",
        "troikamq status -o json | jq .overview.queue_totals",
      ),
    )
    .action(async (options: BrokerOptions) => {
      const { api, printer } = sessionOf(options);
      const status = await statusOf(api);
      printer.item(status, () => factsOf(printer.screen, status));
      if (!status.ready) answerNo();
    });
}
