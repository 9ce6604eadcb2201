/**
 * Bindings: /api/bindings, and those of one queue or exchange.
 *
 *     properties_key   "~" without a key, else the key, percent-encoded; with arguments, "~" and a hash of them behind it
 *
 * The default exchange leads to each queue under its name: these bindings are shown, but nobody made them. Not here: binding itself,
 * which is AMQP's.
 */
import crypto from "node:crypto";
import { looseObject, optional, string } from "valibot";
import type { Binding, Destination, Exchange } from "../../broker/exchange/exchange.ts";
import type { Queue } from "../../broker/queue/queue.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { done, json, Refusal } from "../answers.ts";
import { seenVhosts, vhostAt } from "../api/audience.ts";
import { type Answer, type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { type Fields, list, listQuery } from "../api/list.ts";
import { argumentsGiven } from "../api/schemas.ts";
import { withChannel } from "./amqp-calls.ts";
import { exchangeName } from "./exchanges.ts";
import { changedVhostAt, namedVhost } from "./lookups.ts";
import { brokerName, shownName } from "./names.ts";

type AskedAny = Asked<never>;

interface Item {
  readonly vhost: Vhost;
  readonly source: string;
  readonly destination: string;
  readonly kind: "queue" | "exchange";
  readonly key: string;
  readonly args: Readonly<Record<string, unknown>>;
}

function kindOf(destination: Destination): Item["kind"] {
  return destination.kind === "exchange" ? "exchange" : "queue";
}

function itemOf(vhost: Vhost, { source, destination, key, args }: Binding): Item {
  return { vhost, source: source.name, destination: destination.name, kind: kindOf(destination), key, args };
}

function implicit(vhost: Vhost, name: string): Item {
  return { vhost, source: "", destination: name, kind: "queue", key: name, args: {} };
}

/** As `quote_plus` writes a key. */
function quoted(key: string): string {
  return encodeURIComponent(shownName(key))
    .replaceAll("%20", "+")
    .replace(/[!'()*~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function propertiesKey({ key, args }: Pick<Item, "key" | "args">): string {
  const isPlain = Object.keys(args).length === 0;
  if (isPlain) return key === "" ? "~" : quoted(key);
  const hash = crypto.createHash("sha256").update(JSON.stringify(args)).digest().subarray(0, 4);
  return `${quoted(key)}~${hash.toString("base64url")}`;
}

const fields: Fields<Item> = {
  source: ({ source }) => shownName(source),
  vhost: ({ vhost }) => shownName(vhost.name),
  destination: ({ destination }) => shownName(destination),
  destination_type: ({ kind }) => kind,
  routing_key: ({ key }) => shownName(key),
  arguments: ({ args }) => args,
  properties_key: propertiesKey,
};

function shownBinding(item: Item): object {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field(item)]));
}

function* inVhosts(vhosts: Iterable<Vhost>): Generator<Item, void> {
  for (const vhost of vhosts) {
    for (const name of vhost.queues.keys()) yield implicit(vhost, name);
    for (const { bindings } of vhost.exchanges.values()) {
      for (const binding of bindings.values()) yield itemOf(vhost, binding);
    }
  }
}

function* from(vhost: Vhost, exchange: Exchange | undefined): Generator<Item, void> {
  if (exchange === undefined) return;
  if (exchange.name === "") for (const name of vhost.queues.keys()) yield implicit(vhost, name);
  for (const binding of exchange.bindings.values()) yield itemOf(vhost, binding);
}

function* to(vhost: Vhost, destination: Destination | undefined): Generator<Item, void> {
  if (destination === undefined) return;
  for (const binding of vhost.bindings.to(destination)) yield itemOf(vhost, binding);
}

/** RabbitMQ says that of a queue that is not there too. */
function* toQueue(vhost: Vhost, name: string, queue: Queue | undefined): Generator<Item, void> {
  yield implicit(vhost, name);
  yield* to(vhost, queue);
}

function listed({ broker, query }: AskedAny, items: Iterable<Item>): Promise<Answer> {
  return list(broker, query, {
    items,
    groupOf: ({ vhost }) => vhost.name,
    nameOf: ({ source, kind, destination, key }) => `${source}\0${kind}\0${destination}\0${key}`,
    fields,
  });
}

/** RabbitMQ has no bindings where there is no virtual host. @throws Refusal where the caller may not look */
function vhostOrNone({ broker, caller, names }: AskedAny): Vhost | null {
  const name = names["vhost"]!;
  return namedVhost(broker, name) === undefined ? null : vhostAt(broker, caller, name);
}

interface Pair {
  readonly vhost: Vhost;
  readonly source: string;
  readonly destination: string;
  readonly kind: Item["kind"];
}

function pairOf({ broker, caller, names }: AskedAny, kind: Item["kind"], isChange: boolean): Pair {
  const at = isChange ? changedVhostAt : vhostAt;
  const vhost = at(broker, caller, names["vhost"]!);
  const source = exchangeName(names["source"]!);
  const destination = kind === "exchange" ? exchangeName(names["destination"]!) : names["destination"]!;
  return { vhost, source, destination, kind };
}

function* between({ vhost, source, destination, kind }: Pair): Generator<Item, void> {
  const name = brokerName(destination);
  const isThere = kind === "queue" ? vhost.queues.has(name) : vhost.exchanges.has(name);
  if (!isThere) return;
  if (source === "" && kind === "queue") yield implicit(vhost, name);
  const target = kind === "queue" ? vhost.queues.get(name) : vhost.exchanges.get(name);
  for (const item of to(vhost, target)) if (item.source === brokerName(source)) yield item;
}

/** Clients give the key as they were shown it, or encode it once more. @throws Refusal */
function bindingAt(asked: AskedAny, pair: Pair): Item {
  const { props } = asked.names;
  for (const item of between(pair)) {
    const key = propertiesKey(item);
    if (key === props || (Object.keys(item.args).length === 0 && shownName(item.key) === props)) return item;
  }
  throw Refusal.notFound();
}

const body = looseObject({ routing_key: optional(string(), ""), arguments: argumentsGiven });

function endpointsBetween(letter: "q" | "e", kind: Item["kind"]): Endpoint[] {
  const path = `/api/bindings/{vhost}/e/{source}/${letter}/{destination}`;
  return [
    endpoint({
      method: "GET",
      path,
      audience: "management",
      summary: `The bindings from an exchange to ${kind === "queue" ? "a queue" : "another one"}.`,
      query: listQuery,
      run: (asked) => listed(asked as AskedAny, between(pairOf(asked as AskedAny, kind, false))),
    }),
    endpoint({
      method: "POST",
      path,
      audience: "management",
      summary: `Binds ${kind === "queue" ? "a queue" : "an exchange"} to an exchange. The header location names the binding.`,
      body,
      run: async (asked) => {
        const pair = pairOf(asked as AskedAny, kind, true);
        const { routing_key: key, arguments: args } = asked.body;
        await withChannel(asked as never, pair.vhost, "change", (channel) =>
          channel.bind(kind, pair.source, pair.destination, key, args),
        );
        const props = propertiesKey({ key: brokerName(key), args: sorted(args) });
        const location = `${encodeURIComponent(pair.destination)}/${encodeURIComponent(props)}`;
        return { ...done(201), headers: { location } };
      },
    }),
    endpoint({
      method: "GET",
      path: `${path}/{props}`,
      audience: "management",
      summary: "A binding.",
      run: (asked) => {
        const pair = pairOf(asked as AskedAny, kind, false);
        return json(200, shownBinding(bindingAt(asked as AskedAny, pair)));
      },
    }),
    endpoint({
      method: "DELETE",
      path: `${path}/{props}`,
      audience: "management",
      summary: "Removes a binding.",
      run: async (asked) => {
        const pair = pairOf(asked as AskedAny, kind, false);
        const { source, destination, key, args } = bindingAt(asked as AskedAny, pair);
        await withChannel(asked as never, pair.vhost, "change", (channel) =>
          channel.unbind(kind, shownName(source), shownName(destination), shownName(key), args),
        );
        return done(204);
      },
    }),
  ];
}

/** As the broker keeps them. */
function sorted(args: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(args).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

export const bindingEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/bindings",
    audience: "management",
    summary: "All bindings.",
    query: listQuery,
    run: (asked) => listed(asked as AskedAny, inVhosts(seenVhosts(asked.broker, asked.caller))),
  }),
  endpoint({
    method: "GET",
    path: "/api/bindings/{vhost}",
    audience: "management",
    summary: "The bindings of a virtual host.",
    query: listQuery,
    run: (asked) =>
      listed(asked as AskedAny, inVhosts([vhostAt(asked.broker, asked.caller, asked.names["vhost"]!)])),
  }),
  endpoint({
    method: "GET",
    path: "/api/queues/{vhost}/{name}/bindings",
    audience: "management",
    summary: "The bindings that lead to a queue.",
    query: listQuery,
    run: (asked) => {
      const vhost = vhostOrNone(asked as AskedAny);
      const name = brokerName(asked.names["name"]!);
      return listed(asked as AskedAny, vhost === null ? [] : toQueue(vhost, name, vhost.queues.get(name)));
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/exchanges/{vhost}/{name}/bindings/source",
    audience: "management",
    summary: "The bindings that lead from an exchange.",
    query: listQuery,
    run: (asked) => {
      const vhost = vhostOrNone(asked as AskedAny);
      const name = brokerName(exchangeName(asked.names["name"]!));
      return listed(asked as AskedAny, vhost === null ? [] : from(vhost, vhost.exchanges.get(name)));
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/exchanges/{vhost}/{name}/bindings/destination",
    audience: "management",
    summary: "The bindings that lead to an exchange.",
    query: listQuery,
    run: (asked) => {
      const vhost = vhostOrNone(asked as AskedAny);
      const name = brokerName(exchangeName(asked.names["name"]!));
      return listed(asked as AskedAny, vhost === null ? [] : to(vhost, vhost.exchanges.get(name)));
    },
  }),
  ...endpointsBetween("q", "queue"),
  ...endpointsBetween("e", "exchange"),
];
