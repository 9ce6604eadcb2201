/** Exchanges: /api/exchanges. */
import type { Exchange } from "../../broker/exchange/exchange.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { seenVhosts, vhostAt } from "../api/audience.ts";
import { endpoint, type Endpoint } from "../api/endpoint.ts";
import { type Fields, list, listQuery } from "../api/list.ts";
import { shownName } from "./names.ts";

interface Item {
  readonly vhost: Vhost;
  readonly exchange: Exchange;
}

const fields: Fields<Item> = {
  arguments: ({ exchange }) => exchange.args,
  auto_delete: ({ exchange }) => exchange.autoDelete,
  durable: ({ exchange }) => exchange.durable,
  internal: ({ exchange }) => exchange.internal,
  name: ({ exchange }) => shownName(exchange.name),
  type: ({ exchange }) => exchange.type,
  vhost: ({ vhost }) => shownName(vhost.name),
};

function* exchangesOf(vhosts: Iterable<Vhost>): Generator<Item, void> {
  for (const vhost of vhosts) for (const exchange of vhost.exchanges.values()) yield { vhost, exchange };
}

const nameOf = ({ exchange }: Item): string => exchange.name;

export const exchangeEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/exchanges",
    audience: "management",
    summary: "The exchanges of all virtual hosts that the user may see.",
    query: listQuery,
    run: ({ broker, caller, query }) =>
      list(broker, query, { items: exchangesOf(seenVhosts(broker, caller)), nameOf, fields }),
  }),
  endpoint({
    method: "GET",
    path: "/api/exchanges/{vhost}",
    audience: "management",
    summary: "The exchanges of a virtual host.",
    query: listQuery,
    run: ({ broker, caller, names, query }) =>
      list(broker, query, { items: exchangesOf([vhostAt(broker, caller, names["vhost"]!)]), nameOf, fields }),
  }),
];
