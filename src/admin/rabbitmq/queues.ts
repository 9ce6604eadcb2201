/** Queues and streams: /api/queues. */
import type { Queue } from "../../broker/queue/queue.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { seenVhosts, vhostAt } from "../api/audience.ts";
import { endpoint, type Endpoint } from "../api/endpoint.ts";
import { type Fields, list, listQuery } from "../api/list.ts";
import { shownName } from "./names.ts";

const fields: Fields<Queue> = {
  arguments: ({ args }) => args,
  auto_delete: ({ autoDelete }) => autoDelete,
  consumers: ({ consumerCount }) => consumerCount,
  durable: ({ durable }) => durable,
  exclusive: ({ exclusiveOwner }) => exclusiveOwner !== 0,
  name: ({ name }) => shownName(name),
  vhost: ({ vhost }) => shownName(vhost.name),
};

function* queuesOf(vhosts: Iterable<Vhost>): Generator<Queue, void> {
  for (const { queues } of vhosts) yield* queues.values();
}

const nameOf = ({ name }: Queue): string => name;

export const queueEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/queues",
    audience: "management",
    summary: "The queues and streams of all virtual hosts that the user may see.",
    query: listQuery,
    run: ({ broker, caller, query }) =>
      list(broker, query, { items: queuesOf(seenVhosts(broker, caller)), nameOf, fields }),
  }),
  endpoint({
    method: "GET",
    path: "/api/queues/{vhost}",
    audience: "management",
    summary: "The queues and streams of a virtual host.",
    query: listQuery,
    run: ({ broker, caller, names, query }) =>
      list(broker, query, { items: queuesOf([vhostAt(broker, caller, names["vhost"]!)]), nameOf, fields }),
  }),
];
