/**
 * Connections of every protocol but HTTP, and channels of AMQP's: /api/connections, /api/channels, and the same of a virtual host.
 *
 * Not here: their fields (connection-fields.ts). A user who is no monitor sees its own, and who is no administrator closes its own.
 * Invariant: however many connections there are, no turn looks at more than a piece of them.
 */
import type { OpenConnection } from "../../base/connection-facts.ts";
import { type Job, resultOf } from "../../base/turn-work.ts";
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

type IsWanted = (item: ConnectionItem) => boolean;

/** Those that the caller may see; null for each that it may not, or does not want. */
function* connectionsOf(
  asked: AskedAny,
  isWanted: IsWanted = () => true,
): Generator<ConnectionItem | null, void> {
  for (const item of allConnections(asked)) yield maySee(asked, item) && isWanted(item) ? item : null;
}

const unitsOfConnection = 8;
/** Closing one, which is logged too. */
const unitsOfAct = 40;
const unitsOfPiece = 250;

/** Does it with each that is wanted, in slices, until it answers true. */
function* withEach(asked: AskedAny, isWanted: IsWanted, act: (item: ConnectionItem) => boolean): Job<void> {
  let units = 0;
  for (const item of allConnections(asked)) {
    const isIt = isWanted(item);
    if (isIt && act(item)) return;
    units += isIt ? unitsOfAct : unitsOfConnection;
    if (units < unitsOfPiece) continue;
    yield units;
    units = 0;
  }
}

async function firstOf(asked: AskedAny, isWanted: IsWanted): Promise<ConnectionItem | null> {
  let found: ConnectionItem | null = null;
  await resultOf(
    asked.broker.work,
    withEach(asked, isWanted, (item) => ((found = item), true)),
  );
  return found;
}

/** How many connections the caller sees, and their channels. */
export async function countConnections(
  asked: AskedAny,
): Promise<{ readonly connections: number; readonly channels: number }> {
  let [connections, channels] = [0, 0];
  const count = ({ facts }: ConnectionItem): boolean => {
    connections++;
    channels += facts.channels;
    return false;
  };
  await resultOf(
    asked.broker.work,
    withEach(asked, (item) => maySee(asked, item), count),
  );
  return { connections, channels };
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

function* channelsOf(items: Iterable<ConnectionItem | null>): Generator<ChannelItem | null, void> {
  for (const item of items) {
    yield null;
    for (const channel of item?.facts.describeChannels?.() ?? []) yield { ...item!, channel };
  }
}

function listConnections(asked: AskedAny, isWanted?: IsWanted): Promise<Answer> {
  const { broker, query, around } = asked;
  return list(broker, query, {
    items: connectionsOf(asked, isWanted),
    unitsOfNext: unitsOfConnection,
    nameOf: ({ facts }) => connectionName(facts),
    fields: connectionFields(broker, around.nodeName, spansOf(query)),
  });
}

function listChannels(asked: AskedAny, of: Iterable<ConnectionItem | null>): Promise<Answer> {
  const { broker, query, around } = asked;
  return list(broker, query, {
    items: channelsOf(of),
    unitsOfNext: unitsOfConnection,
    nameOf: ({ facts, channel }) => channelName(facts, channel.number),
    fields: channelFields(broker, around.nodeName, spansOf(query)),
  });
}

/** @throws Refusal */
async function connectionAt(asked: AskedAny): Promise<ConnectionItem> {
  const { name } = asked.names;
  const found = await firstOf(asked, ({ facts }) => connectionName(facts) === name);
  if (found === null) throw Refusal.notFound();
  return seen(asked, found);
}

/** @throws Refusal */
function seen<Item extends ConnectionItem>(asked: AskedAny, item: Item): Item {
  if (!maySee(asked, item)) throw notYours();
  return item;
}

function notYours(): Refusal {
  return new Refusal(401, "not_authorised", objectRefused);
}

/** @throws Refusal */
async function channelAt(asked: AskedAny): Promise<ChannelItem> {
  const name = asked.names["name"]!;
  const channelIn = ({ facts }: ConnectionItem): ChannelItem["channel"] | undefined => {
    if (!name.startsWith(connectionName(facts))) return undefined;
    return facts.describeChannels?.().find(({ number }) => channelName(facts, number) === name);
  };
  const found = await firstOf(asked, (item) => channelIn(item) !== undefined);
  const channel = found === null ? undefined : channelIn(found);
  if (found === null || channel === undefined) throw Refusal.notFound();
  return seen(asked, { ...found, channel });
}

function inVhost(asked: AskedAny): IsWanted {
  const { name } = vhostAt(asked.broker, asked.caller, asked.names["vhost"]!);
  return ({ facts }) => facts.vhost === name;
}

function ofUser({ names }: AskedAny): IsWanted {
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
    run: async (asked) => {
      const { broker, around } = asked;
      const fields = { ...connectionFields(broker, around.nodeName, spansOf(asked.query)), ...unknownOfOne };
      return json(200, shown(await connectionAt(asked as AskedAny), fields, asked.query));
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/api/connections/{name}",
    audience: "management",
    summary:
      "Closes a connection: the user's own, or any for an administrator. Its client is told what the header X-Reason says.",
    run: async (asked) => {
      const item = await connectionAt(asked as AskedAny);
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
        unitsOfNext: unitsOfConnection,
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
    run: async (asked) => {
      if (!mayClose(asked as AskedAny, asked.names["user"]!)) throw notYours();
      const closed = (item: ConnectionItem): boolean => (close(asked as AskedAny, item), false);
      await resultOf(asked.broker.work, withEach(asked as AskedAny, ofUser(asked as AskedAny), closed));
      return done(204);
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/connections/{name}/channels",
    audience: "management",
    summary: "The channels of a connection.",
    query,
    run: async (asked) => listChannels(asked as AskedAny, [await connectionAt(asked as AskedAny)]),
  }),
  endpoint({
    method: "GET",
    path: "/api/channels",
    audience: "management",
    summary: "Channels of AMQP clients.",
    query,
    run: (asked) => listChannels(asked as AskedAny, connectionsOf(asked as AskedAny)),
  }),
  endpoint({
    method: "GET",
    path: "/api/vhosts/{vhost}/channels",
    audience: "management",
    summary: "Channels of AMQP clients in a virtual host.",
    query,
    run: (asked) =>
      listChannels(asked as AskedAny, connectionsOf(asked as AskedAny, inVhost(asked as AskedAny))),
  }),
  endpoint({
    method: "GET",
    path: "/api/channels/{name}",
    audience: "management",
    summary: "A channel, with its consumers.",
    query: { columns: listQuery.columns, ...statsQuery },
    run: async (asked) => {
      const { broker, around } = asked;
      const fields = {
        ...channelFields(broker, around.nodeName, spansOf(asked.query)),
        consumer_details: (item: ChannelItem) => consumerDetails(asked as AskedAny, item),
        deliveries: () => [],
        publishes: () => [],
      };
      return json(200, shown(await channelAt(asked as AskedAny), fields, asked.query));
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
