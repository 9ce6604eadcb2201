/**
 * The broker as a whole: /api/overview, and what clients ask to learn whom they talk to.
 *
 * Not here: the node's memory and disk (nodes.ts). Counts are added up when they are asked for (broker/totals.ts).
 */
import { looseObject, string } from "valibot";
import { version } from "../../base/version.ts";
import type { Broker } from "../../broker/broker.ts";
import { totalCounters } from "../../broker/rates.ts";
import type { Totals } from "../../broker/totals.ts";
import { done, json, Refusal } from "../answers.ts";
import { isMonitor, seenVhosts } from "../api/audience.ts";
import { type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { type Fields, listQuery, shown } from "../api/list.ts";
import { churnOf, contextsOf, exchangeTypesShown, renewTotals, shownListener } from "./shown/node-facts.ts";
import { countConnections } from "./connections.ts";
import { nodeCounters } from "./nodes.ts";
import { messageStats, type Spans, spansOf, Stats, statsQuery, sumOfShown } from "./shown/stats.ts";

/** The version of RabbitMQ whose behaviour this is compared with (protocols/amqp/core/capabilities.ts says the same). */
const rabbitmqVersion = "3.10.8";

export function totalStats(
  broker: Broker,
  spans: Spans,
  totals: Totals,
): Record<string, unknown> | undefined {
  const stats = new Stats(broker, spans, totalCounters, totals);
  const { deliver, deliver_no_ack, get, get_no_ack, get_empty, ack } = totals;
  return messageStats(stats, {
    published: totals.publish > 0,
    delivered: deliver + deliver_no_ack + get + get_no_ack + get_empty + ack > 0,
  });
}

export function queueTotals(broker: Broker, spans: Spans, totals: Totals): Record<string, unknown> {
  const stats = new Stats(broker, spans, totalCounters, totals)
    .add(
      "lengths",
      "messages",
      "messages_ready",
      "messages_unacknowledged",
      "messages_waiting",
      "messages_dlx",
    )
    .add("lengths", "messages_ready")
    .add("lengths", "messages_unacknowledged");
  // RabbitMQ has no such messages: only where there are some.
  if (totals.messages_waiting > 0) stats.add("lengths", "messages_waiting");
  return stats.shown;
}

/** What is told of messages and objects: of the whole broker, or of what the caller sees. */
interface Seen {
  readonly messageStats: () => object;
  readonly queueTotals: () => object;
  readonly objectTotals: () => object;
}

function seenOfBroker(broker: Broker, spans: Spans): Seen {
  const totals = broker.totals.ofBroker;
  const { channels, connections, consumers, exchanges, queues } = totals;
  return {
    messageStats: () => totalStats(broker, spans, totals) ?? {},
    queueTotals: () => queueTotals(broker, spans, totals),
    objectTotals: () => ({ channels, connections, consumers, exchanges, queues }),
  };
}

/** For users without the tag monitoring: what is in their virtual hosts, and their own connections. Consumers are not counted. */
async function seenOfCaller(asked: Asked<never>, spans: Spans): Promise<Seen> {
  const { broker, caller } = asked;
  const seen = seenVhosts(broker, caller).map(({ name }) => broker.totals.ofVhost(name));
  const open = await countConnections(asked);
  const count = (name: "queues" | "exchanges"): number => seen.reduce((sum, totals) => sum + totals[name], 0);
  return {
    messageStats: () => sumOfShown(seen.map((totals) => totalStats(broker, spans, totals) ?? {})),
    queueTotals: () => sumOfShown(seen.map((totals) => queueTotals(broker, spans, totals))),
    objectTotals: () => ({ queues: count("queues"), exchanges: count("exchanges"), ...open }),
  };
}

const fieldsOf = async (asked: Asked<never>): Promise<Fields<null>> => {
  const { broker, around, query, caller } = asked;
  const spans = spansOf(query);
  const { nodeName } = around;
  const seesAll = isMonitor(caller);
  const seen = seesAll ? seenOfBroker(broker, spans) : await seenOfCaller(asked, spans);
  return {
    management_version: () => rabbitmqVersion,
    rates_mode: () => "basic",
    sample_retention_policies: () => ({ global: [600], basic: [600], detailed: [600] }),
    exchange_types: exchangeTypesShown,
    product_version: () => version,
    product_name: () => "TroikaMQ",
    rabbitmq_version: () => rabbitmqVersion,
    cluster_name: () => broker.clusterName.get() ?? nodeName,
    erlang_version: () => "",
    erlang_full_version: () => `TroikaMQ ${version}`,
    release_series_support_status: () => "supported",
    disable_stats: () => false,
    enable_queue_totals: () => false,
    message_stats: seen.messageStats,
    churn_rates: () => {
      const counters = nodeCounters(asked);
      const stats = new Stats(broker, spans, counters, counters);
      for (const name of Object.keys(churnOf(broker, around))) stats.add("node_stats", name);
      return stats.shown;
    },
    queue_totals: seen.queueTotals,
    object_totals: seen.objectTotals,
    statistics_db_event_queue: () => 0,
    // RabbitMQ shows them to monitors only; the command line looks here for the port of AMQP.
    listeners: () => around.listeners().map((listener) => shownListener(listener, nodeName)),
    ...(seesAll ? { node: () => nodeName, contexts: () => contextsOf(asked) } : {}),
  };
};

interface FeatureFlag {
  readonly name: string;
  readonly desc: string;
  readonly doc_url: string;
  readonly provided_by: string;
}

function flag(name: string, desc: string, docUrl = "", providedBy = "rabbit"): FeatureFlag {
  return { name, desc, doc_url: docUrl, provided_by: providedBy };
}

const agent = "rabbitmq_management_agent";

const featureFlags: readonly FeatureFlag[] = [
  flag("classic_mirrored_queue_version", "Support setting version for classic mirrored queues"),
  flag("drop_unroutable_metric", "Count unroutable publishes to be dropped in stats", "", agent),
  flag("empty_basic_get_metric", "Count AMQP `basic.get` on empty queues in stats", "", agent),
  flag(
    "implicit_default_bindings",
    "Default bindings are now implicit, instead of being stored in the database",
  ),
  flag("maintenance_mode_status", "Maintenance mode status"),
  flag("quorum_queue", "Support queues of type `quorum`", "https://www.rabbitmq.com/quorum-queues.html"),
  flag("stream_queue", "Support queues of type `stream`", "https://www.rabbitmq.com/stream.html"),
  flag("user_limits", "Configure connection and channel limits for a user"),
  flag("virtual_host_metadata", "Virtual host metadata (description, tags, etc)"),
];

export const overviewEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/overview",
    audience: "management",
    summary: "The broker as a whole: versions, counts, rates, listeners.",
    query: { columns: listQuery.columns, ...statsQuery },
    run: async (asked) => {
      await renewTotals(asked.broker);
      return json(200, shown(null, await fieldsOf(asked as Asked<never>), asked.query));
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/cluster-name",
    audience: "management",
    summary: "The name of this broker.",
    run: ({ broker, around }) => json(200, { name: broker.clusterName.get() ?? around.nodeName }),
  }),
  endpoint({
    method: "PUT",
    path: "/api/cluster-name",
    audience: "administrator",
    summary: "Names this broker.",
    body: looseObject({ name: string() }),
    run: ({ broker, body }) => {
      broker.clusterName.set(body.name);
      return done(204);
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/extensions",
    audience: "management",
    summary: "Extensions of a management page, of which there are none.",
    run: () => json(200, []),
  }),
  endpoint({
    method: "GET",
    path: "/api/feature-flags",
    audience: "administrator",
    summary: "RabbitMQ's feature flags that this broker behaves by.",
    run: () =>
      json(
        200,
        featureFlags.map(({ provided_by, ...named }) => ({
          ...named,
          state: "enabled",
          stability: "stable",
          provided_by,
        })),
      ),
  }),
  endpoint({
    method: "PUT",
    path: "/api/feature-flags/{name}/enable",
    audience: "administrator",
    summary: "All feature flags are on: there is nothing to do.",
    run: ({ names }) => {
      if (!featureFlags.some(({ name }) => name === names["name"])) {
        throw new Refusal(400, "bad_request", "unsupported");
      }
      return done(204);
    },
  }),
  ...["/api/deprecated-features", "/api/deprecated-features/used"].map((path) =>
    endpoint({
      method: "GET",
      path,
      audience: "management",
      summary: "RabbitMQ's deprecated features, none of which depends on a setting here.",
      run: () => json(200, []),
    }),
  ),
  endpoint({
    method: "GET",
    path: "/api/version",
    audience: "anyone",
    summary: "The version of RabbitMQ whose behaviour this broker has.",
    run: () => json(200, rabbitmqVersion),
  }),
  endpoint({
    method: "GET",
    path: "/api/auth",
    audience: "anyone",
    summary: "How a page logs in: by a name and a password.",
    run: () => json(200, { enable_uaa: false, uaa_client_id: "", uaa_location: "" }),
  }),
  endpoint({
    method: "DELETE",
    path: "/api/reset",
    audience: "administrator",
    summary: "Forgets all rates and samples.",
    run: ({ broker }) => {
      broker.rates.forget();
      return done(204);
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/api/reset/{node}",
    audience: "administrator",
    summary: "The same by the name of the node.",
    run: ({ broker, names, around }) => {
      if (names["node"] !== around.nodeName) throw Refusal.notFound();
      broker.rates.forget();
      return done(204);
    },
  }),
  endpoint({
    method: "POST",
    path: "/api/rebalance/queues",
    audience: "administrator",
    summary: "One node has all queues: there is nothing to do.",
    run: () => done(204),
  }),
];
