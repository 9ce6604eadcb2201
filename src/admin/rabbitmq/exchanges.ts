/** Exchanges: /api/exchanges, and messages that are published to one. */
import { any, looseObject, optional, record, string } from "valibot";
import { limits } from "../../base/limits.ts";
import type { Exchange } from "../../broker/exchange/exchange.ts";
import { exchangeCounters } from "../../broker/rates.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { done, json, Refusal } from "../answers.ts";
import { seenVhosts, vhostAt } from "../api/audience.ts";
import { badRequest } from "../api/body.ts";
import { type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { type Fields, list, listQuery, shown } from "../api/list.ts";
import { argumentsGiven, flagOf } from "../api/schemas.ts";
import { vhostOfMessages, withChannel } from "./amqp-calls.ts";
import { changedVhostAt } from "./lookups.ts";
import { brokerName, shownName } from "./names.ts";
import { spansOf, Stats, statsQuery } from "./shown/stats.ts";

interface Item {
  readonly vhost: Vhost;
  readonly exchange: Exchange;
}

function fieldsFor({ broker, query }: Asked<never>): Fields<Item> {
  const spans = spansOf(query);
  return {
    arguments: ({ exchange }) => exchange.args,
    auto_delete: ({ exchange }) => exchange.autoDelete,
    durable: ({ exchange }) => exchange.durable,
    internal: ({ exchange }) => exchange.internal,
    message_stats: ({ exchange }) =>
      exchange.published === 0
        ? undefined
        : new Stats(broker, spans, exchangeCounters, exchange)
            .add("msg_rates", "publish_in", "published")
            .add("msg_rates", "publish_out", "routed").shown,
    name: ({ exchange }) => shownName(exchange.name),
    policy: ({ exchange }) => exchange.layers.policyName,
    type: ({ exchange }) => exchange.type,
    user_who_performed_action: () => "rmq-internal",
    vhost: ({ vhost }) => shownName(vhost.name),
  };
}

function* exchangesOf(vhosts: Iterable<Vhost>): Generator<Item, void> {
  for (const vhost of vhosts) for (const exchange of vhost.exchanges.values()) yield { vhost, exchange };
}

const nameOf = ({ exchange }: Item): string => exchange.name;
const groupOf = ({ vhost }: Item): string => vhost.name;

/** In paths, the default exchange has a name. */
export function exchangeName(text: string): string {
  return text === "amq.default" ? "" : text;
}

/** @throws Refusal */
function exchangeAt(asked: Asked<never>): Item {
  const vhost = vhostAt(asked.broker, asked.caller, asked.names["vhost"]!);
  const exchange = vhost.exchanges.get(brokerName(exchangeName(asked.names["name"]!)));
  if (exchange === undefined) throw Refusal.notFound();
  return { vhost, exchange };
}

const declaration = looseObject({
  type: optional(string(), "direct"),
  durable: flagOf(false),
  auto_delete: flagOf(false),
  internal: flagOf(false),
  arguments: argumentsGiven,
});

const message = looseObject({
  routing_key: string(),
  properties: record(string(), any()),
  payload: string(),
  payload_encoding: string(),
});

function payloadOf(payload: string, encoding: string): Buffer {
  if (encoding === "string") return Buffer.from(payload);
  if (encoding !== "base64") {
    throw new Refusal(400, "bad_request", ["unsupported_encoding", encoding]);
  }
  const isBase64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(payload);
  if (!isBase64) throw new Refusal(400, "bad_request", ["not_base64", payload]);
  return Buffer.from(payload, "base64");
}

export const exchangeEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/exchanges",
    audience: "management",
    summary: "The exchanges of all virtual hosts that the user may see.",
    query: { ...listQuery, ...statsQuery },
    run: (asked) => {
      const { broker, caller, query } = asked;
      const items = exchangesOf(seenVhosts(broker, caller));
      return list(broker, query, { items, nameOf, groupOf, fields: fieldsFor(asked as Asked<never>) });
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/exchanges/{vhost}",
    audience: "management",
    summary: "The exchanges of a virtual host.",
    query: { ...listQuery, ...statsQuery },
    run: (asked) => {
      const { broker, caller, names, query } = asked;
      const items = exchangesOf([vhostAt(broker, caller, names["vhost"]!)]);
      return list(broker, query, { items, nameOf, groupOf, fields: fieldsFor(asked as Asked<never>) });
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/exchanges/{vhost}/{name}",
    audience: "management",
    summary: "An exchange.",
    query: { columns: listQuery.columns, ...statsQuery },
    run: (asked) => {
      const fields = { ...fieldsFor(asked as Asked<never>), incoming: () => [], outgoing: () => [] };
      return json(200, shown(exchangeAt(asked as Asked<never>), fields, asked.query));
    },
  }),
  endpoint({
    method: "PUT",
    path: "/api/exchanges/{vhost}/{name}",
    audience: "management",
    summary: "Declares an exchange.",
    body: declaration,
    run: async (asked) => {
      const { broker, caller, names, body } = asked;
      const vhost = changedVhostAt(broker, caller, names["vhost"]!);
      const name = names["name"]!;
      const isNew = !vhost.exchanges.has(brokerName(name));
      const { type, durable, auto_delete: autoDelete, internal } = body;
      await withChannel(asked as never, vhost, "change", (channel) =>
        channel.declareExchange(name, { type, durable, autoDelete, internal, arguments: body.arguments }),
      );
      return done(isNew ? 201 : 204);
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/api/exchanges/{vhost}/{name}",
    audience: "management",
    summary: "Deletes an exchange.",
    query: { "if-unused": "true: not while anything is bound to it" },
    run: async (asked) => {
      const { vhost, exchange } = exchangeAt(asked as Asked<never>);
      const ifUnused = asked.query.get("if-unused") === "true";
      await withChannel(asked as never, vhost, "change", (channel) =>
        channel.deleteExchange(shownName(exchange.name), ifUnused),
      );
      return done(204);
    },
  }),
  endpoint({
    method: "POST",
    path: "/api/exchanges/{vhost}/{name}/publish",
    audience: "management",
    summary: "Publishes a message, and says whether any queue got it. Not for many messages: use AMQP.",
    body: message,
    bodyBytesMax: limits.httpMessageBytesMax,
    run: async (asked) => {
      const { broker, caller, names, body } = asked;
      const vhost = vhostOfMessages(broker, caller, names["vhost"]!);
      const payload = payloadOf(body.payload, body.payload_encoding);
      if (Buffer.byteLength(body.routing_key) > limits.nameBytesMax) {
        throw badRequest(`routing_key is longer than ${limits.nameBytesMax} bytes`);
      }
      const routed = await withChannel(asked as never, vhost, "publish", (channel) =>
        channel.publish(exchangeName(names["name"]!), body.routing_key, body.properties, payload),
      );
      return json(200, { routed });
    },
  }),
];
