/** Consumers of AMQP, by queue: /api/consumers. Not here: readers of other protocols, which take nothing from a queue for good. */
import type { Queue } from "../../broker/queue/queue.ts";
import type { ConsumerPlace } from "../../broker/queue/readers.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { anyVhostAt, isMonitor } from "../api/audience.ts";
import { type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { type Fields, list, listQuery } from "../api/list.ts";
import { channelName, connectionName } from "./shown/connection-fields.ts";
import { shownName } from "./names.ts";

export function* consumersOfQueue(queue: Queue): Generator<ConsumerPlace, void> {
  for (const consumer of queue.consumers.all()) {
    const place = consumer.describe?.();
    if (place !== undefined) yield place;
  }
  if (queue.streamConsumers === 0) return;
  for (const waiter of queue.waiters) {
    const place = waiter.describe?.();
    if (place !== undefined) yield place;
  }
}

export function shownConsumer(
  { nodeName }: { readonly nodeName: string },
  queue: Queue,
  { consumer, channel, user, connection }: ConsumerPlace,
): object {
  const { host, port } = connection.remote;
  return {
    arguments: consumer.args,
    ack_required: !consumer.isNoAck,
    active: consumer.isActive,
    activity_status: consumer.isActive ? "up" : "waiting",
    channel_details: {
      connection_name: connectionName(connection),
      name: channelName(connection, channel),
      node: nodeName,
      number: channel,
      peer_host: host,
      peer_port: port,
      user,
    },
    consumer_tag: consumer.tag,
    exclusive: consumer.isExclusive,
    prefetch_count: consumer.prefetch,
    queue: { name: shownName(queue.name), vhost: shownName(queue.vhost.name) },
  };
}

interface Item {
  readonly queue: Queue;
  readonly place: ConsumerPlace;
}

function* consumersOf(asked: Asked<never>, vhosts: Iterable<Vhost>): Generator<Item | null, void> {
  const sees = isMonitor(asked.caller) ? null : asked.caller.name;
  for (const { queues } of vhosts) {
    for (const queue of queues.values()) {
      yield null;
      for (const place of consumersOfQueue(queue)) {
        if (sees === null || sees === place.user) yield { queue, place };
      }
    }
  }
}

function listed(asked: Asked<never>, vhosts: Iterable<Vhost>): ReturnType<typeof list> {
  const { nodeName } = asked.around;
  const names = [
    "arguments",
    "ack_required",
    "active",
    "activity_status",
    "channel_details",
    "consumer_tag",
    "exclusive",
    "prefetch_count",
    "queue",
  ];
  const fields: Fields<Item> = Object.fromEntries(
    names.map((name) => [
      name,
      ({ queue, place }: Item) =>
        (shownConsumer({ nodeName }, queue, place) as Record<string, unknown>)[name],
    ]),
  );
  return list(asked.broker, asked.query, {
    items: consumersOf(asked, vhosts),
    nameOf: ({ queue, place }) => `${queue.name} ${place.consumer.tag}`,
    groupOf: ({ queue }) => queue.vhost.name,
    fields,
  });
}

export const consumerEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/consumers",
    audience: "management",
    summary: "Consumers of AMQP clients: those of the caller, or all for the tag monitoring.",
    query: listQuery,
    run: (asked) => listed(asked as Asked<never>, asked.broker.vhosts.values()),
  }),
  endpoint({
    method: "GET",
    path: "/api/consumers/{vhost}",
    audience: "management",
    summary: "The same in a virtual host.",
    query: listQuery,
    run: (asked) => listed(asked as Asked<never>, [anyVhostAt(asked.broker, asked.names["vhost"]!)]),
  }),
];
