/**
 * Connections of every protocol but HTTP, and channels of AMQP's: /api/connections, /api/channels, and the same of a virtual host.
 *
 * Not here: their fields (connection-fields.ts). A user who is no monitor sees its own, and who is no administrator closes its own.
 */
import type { OpenConnection } from "../../base/connection-facts.ts";
import { done, json, Refusal } from "../answers.ts";
import { isAdministrator, isMonitor, objectRefused, vhostAt } from "../api/audience.ts";
import { type Answer, type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { list, listQuery, shown } from "../api/list.ts";
import {
  channelFields,
  channelName,
  type ChannelItem,
  connectionFields,
  type ConnectionItem,
  connectionName,
} from "./shown/connection-fields.ts";
import { consumersOfQueue, shownConsumer } from "./consumers.ts";
import { shownName } from "./names.ts";
import { spansOf, statsQuery } from "./shown/stats.ts";

type AskedAny = Asked<never>;

const closedByOperator = "Closed via management plugin";

/** Those that the caller may see. */
export function* connectionsOf(
  asked: AskedAny,
  isWanted: (item: ConnectionItem) => boolean = () => true,
): Generator<ConnectionItem, void> {
  for (const item of allConnections(asked)) if (maySee(asked, item) && isWanted(item)) yield item;
}

/** Its own, or all for the tag monitoring. */
function maySee({ caller }: AskedAny, { facts }: ConnectionItem): boolean {
  return isMonitor(caller) || facts.user === caller.name;
}

/** Its own, or all for the tag administrator: a monitor only looks. */
function mayClose({ caller }: AskedAny, user: string | null): boolean {
  return isAdministrator(caller) || user === caller.name;
}

function* allConnections({ broker }: AskedAny): Generator<ConnectionItem, void> {
  let left = broker.connections.count;
  for (const open of broker.connections.all()) {
    if (left-- === 0) return;
    const item = itemOf(broker.connections.find(open.id), open);
    if (item !== null) yield item;
  }
}

function itemOf(facts: ConnectionItem["facts"] | undefined, open: OpenConnection): ConnectionItem | null {
  return facts === undefined || facts.protocol === "http" ? null : { open, facts };
}

function* channelsOf(
  asked: AskedAny,
  isWanted?: (item: ConnectionItem) => boolean,
): Generator<ChannelItem, void> {
  for (const item of connectionsOf(asked, isWanted)) {
    for (const channel of item.facts.describeChannels?.() ?? []) yield { ...item, channel };
  }
}

function listConnections(asked: AskedAny, isWanted?: (item: ConnectionItem) => boolean): Promise<Answer> {
  const { broker, query, around } = asked;
  return list(broker, query, {
    items: connectionsOf(asked, isWanted),
    nameOf: ({ facts }) => connectionName(facts),
    fields: connectionFields(broker, around.nodeName, spansOf(query)),
  });
}

function listChannels(asked: AskedAny, isWanted?: (item: ConnectionItem) => boolean): Promise<Answer> {
  const { broker, query, around } = asked;
  return list(broker, query, {
    items: channelsOf(asked, isWanted),
    nameOf: ({ facts, channel }) => channelName(facts, channel.number),
    fields: channelFields(broker, around.nodeName, spansOf(query)),
  });
}

/** @throws Refusal */
function connectionAt(asked: AskedAny): ConnectionItem {
  const { name } = asked.names;
  for (const item of allConnections(asked)) {
    if (connectionName(item.facts) === name) return seen(asked, item);
  }
  throw Refusal.notFound();
}

/** @throws Refusal */
function seen<Item extends ConnectionItem>(asked: AskedAny, item: Item): Item {
  if (!maySee(asked, item)) throw notYours();
  return item;
}

function notYours(): Refusal {
  return new Refusal(401, "not_authorised", objectRefused);
}

function channelAt(asked: AskedAny): ChannelItem {
  const name = asked.names["name"]!;
  for (const { open, facts } of allConnections(asked)) {
    if (!name.startsWith(connectionName(facts))) continue;
    for (const channel of facts.describeChannels?.() ?? []) {
      if (channelName(facts, channel.number) === name) return seen(asked, { open, facts, channel });
    }
  }
  throw Refusal.notFound();
}

function inVhost(asked: AskedAny): (item: ConnectionItem) => boolean {
  const { name } = vhostAt(asked.broker, asked.caller, asked.names["vhost"]!);
  return ({ facts }) => facts.vhost === name;
}

function ofUser({ names }: AskedAny): (item: ConnectionItem) => boolean {
  return ({ facts }) => facts.user === names["user"];
}

function close({ broker, reason }: AskedAny, { open }: ConnectionItem): void {
  broker.connections.close(open.id, reason === undefined || reason === "" ? closedByOperator : reason);
}

/** What is not known is null in a list, and an empty text of one connection, as in RabbitMQ. */
const unknownOfOne = Object.fromEntries(
  [
    "peer_cert_issuer",
    "peer_cert_subject",
    "peer_cert_validity",
    "ssl_cipher",
    "ssl_hash",
    "ssl_key_exchange",
    "ssl_protocol",
  ].map((name) => [name, () => ""]),
);

const query = { ...listQuery, ...statsQuery };

export const connectionEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/connections",
    audience: "management",
    summary: "Connections of clients.",
    query,
    run: (asked) => listConnections(asked as AskedAny),
  }),
  endpoint({
    method: "GET",
    path: "/api/vhosts/{vhost}/connections",
    audience: "management",
    summary: "Connections of clients to a virtual host.",
    query,
    run: (asked) => listConnections(asked as AskedAny, inVhost(asked as AskedAny)),
  }),
  endpoint({
    method: "GET",
    path: "/api/connections/{name}",
    audience: "management",
    summary: "A connection.",
    query: { columns: listQuery.columns, ...statsQuery },
    run: (asked) => {
      const { broker, around } = asked;
      const fields = { ...connectionFields(broker, around.nodeName, spansOf(asked.query)), ...unknownOfOne };
      return json(200, shown(connectionAt(asked as AskedAny), fields, asked.query));
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/api/connections/{name}",
    audience: "management",
    summary:
      "Closes a connection: the user's own, or any for an administrator. Its client is told what the header X-Reason says.",
    run: (asked) => {
      const item = connectionAt(asked as AskedAny);
      if (!mayClose(asked as AskedAny, item.facts.user)) throw notYours();
      close(asked as AskedAny, item);
      return done(204);
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/connections/username/{user}",
    audience: "management",
    summary: "Connections of a user.",
    query,
    run: (asked) => {
      const { broker, around } = asked;
      return list(broker, asked.query, {
        items: connectionsOf(asked as AskedAny, ofUser(asked as AskedAny)),
        nameOf: ({ facts }) => connectionName(facts),
        fields: {
          name: ({ facts }: ConnectionItem) => connectionName(facts),
          vhost: ({ facts }) => (facts.vhost === null ? "" : shownName(facts.vhost)),
          user: ({ facts }) => facts.user ?? "",
          node: () => around.nodeName,
        },
      });
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/api/connections/username/{user}",
    audience: "management",
    summary: "Closes all connections of a user: the user's own, or those of any for an administrator.",
    run: (asked) => {
      if (!mayClose(asked as AskedAny, asked.names["user"]!)) throw notYours();
      const found = [...connectionsOf(asked as AskedAny, ofUser(asked as AskedAny))];
      for (const item of found) close(asked as AskedAny, item);
      return done(204);
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/connections/{name}/channels",
    audience: "management",
    summary: "The channels of a connection.",
    query,
    run: (asked) => {
      const { open: wanted } = connectionAt(asked as AskedAny);
      return listChannels(asked as AskedAny, ({ open }) => open === wanted);
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/channels",
    audience: "management",
    summary: "Channels of AMQP clients.",
    query,
    run: (asked) => listChannels(asked as AskedAny),
  }),
  endpoint({
    method: "GET",
    path: "/api/vhosts/{vhost}/channels",
    audience: "management",
    summary: "Channels of AMQP clients in a virtual host.",
    query,
    run: (asked) => listChannels(asked as AskedAny, inVhost(asked as AskedAny)),
  }),
  endpoint({
    method: "GET",
    path: "/api/channels/{name}",
    audience: "management",
    summary: "A channel, with its consumers.",
    query: { columns: listQuery.columns, ...statsQuery },
    run: (asked) => {
      const { broker, around } = asked;
      const fields = {
        ...channelFields(broker, around.nodeName, spansOf(asked.query)),
        consumer_details: (item: ChannelItem) => consumerDetails(asked as AskedAny, item),
        deliveries: () => [],
        publishes: () => [],
      };
      return json(200, shown(channelAt(asked as AskedAny), fields, asked.query));
    },
  }),
];

function consumerDetails({ broker, around }: AskedAny, { facts, channel }: ChannelItem): object[] {
  const vhost = facts.vhost === null ? undefined : broker.vhost(facts.vhost);
  const name = connectionName(facts);
  return channel.consumers.flatMap(({ queue: queueName, tag }) => {
    const queue = vhost?.queues.get(queueName);
    if (queue === undefined) return [];
    for (const place of consumersOfQueue(queue)) {
      const isIt =
        place.consumer.tag === tag &&
        place.channel === channel.number &&
        connectionName(place.connection) === name;
      if (isIt) return [shownConsumer(around, queue, place)];
    }
    return [];
  });
}
