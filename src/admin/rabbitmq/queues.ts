/** Queues and streams: /api/queues, and messages that are got from one. Not here: their fields (queue-fields.ts). */
import { looseObject, optional, picklist, string } from "valibot";
import { limits } from "../../base/limits.ts";
import type { Job, TurnWork } from "../../base/turn-work.ts";
import type { Queue } from "../../broker/queue/queue.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { done, json, Refusal } from "../answers.ts";
import { seenVhosts, vhostAt } from "../api/audience.ts";
import { badRequest } from "../api/body.ts";
import { type Answer, type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { type Fields, list, listQuery, shown } from "../api/list.ts";
import { arrayOf } from "../api/text-pieces.ts";
import { argumentsGiven, count, flagOf, inWords } from "../api/schemas.ts";
import type { AmqpCalls, GotMessage } from "../api/surroundings.ts";
import { vhostOfMessages, withChannel } from "./amqp-calls.ts";
import { changedVhostAt, namedVhost } from "./lookups.ts";
import { brokerName, shownName } from "./names.ts";
import { fieldsWithoutStats, queueFields, type QueueView, wholeQueueFields } from "./shown/queue-fields.ts";
import { shownPayload } from "./shown/payload.ts";
import { spansOf, statsQuery } from "./shown/stats.ts";

type AskedAny = Asked<never>;

function viewOf({ broker, around, query }: AskedAny): QueueView {
  return { broker, nodeName: around.nodeName, spans: spansOf(query) };
}

function fieldsFor(asked: AskedAny): Fields<Queue> {
  const { query } = asked;
  const view = viewOf(asked);
  if (query.get("disable_stats") !== "true") return queueFields(view);
  return fieldsWithoutStats(view, query.get("enable_queue_totals") === "true");
}

function* queuesOf(vhosts: Iterable<Vhost>): Generator<Queue, void> {
  for (const { queues } of vhosts) yield* queues.values();
}

const nameOf = ({ name }: Queue): string => name;
const groupOf = ({ vhost }: Queue): string => vhost.name;

function listed(asked: AskedAny, vhosts: Iterable<Vhost>): Promise<Answer> {
  const { broker, query } = asked;
  return list(broker, query, { items: queuesOf(vhosts), nameOf, groupOf, fields: fieldsFor(asked) });
}

interface Place {
  readonly vhost: Vhost;
  readonly queue: Queue;
}

/** @throws Refusal */
function queueAt({ broker, caller, names }: AskedAny): Place {
  const vhost = vhostAt(broker, caller, names["vhost"]!);
  const queue = vhost.findQueue(brokerName(names["name"]!));
  if (queue === undefined) throw Refusal.notFound();
  return { vhost, queue };
}

const query = {
  ...listQuery,
  ...statsQuery,
  disable_stats: "true: without counts and rates",
  enable_queue_totals: "with disable_stats: the numbers of messages all the same",
} as const;

const declaration = looseObject({
  durable: flagOf(false),
  auto_delete: flagOf(false),
  arguments: argumentsGiven,
  node: optional(string()),
});

const getting = looseObject({
  ackmode: picklist(
    ["ack_requeue_true", "ack_requeue_false", "reject_requeue_true", "reject_requeue_false"],
    ({ input }) => inWords(["unknown_ackmode", input]),
  ),
  count,
  encoding: string(),
  truncate: optional(count),
});

type Getting = Readonly<{ ackmode: string; count: number; encoding: string; truncate?: number | undefined }>;

function shownMessage(message: GotMessage, { encoding, truncate }: Getting): object {
  const { payload, redelivered, exchange, routingKey, messageCount, properties } = message;
  const bytes = truncate === undefined ? payload : payload.subarray(0, truncate);
  return {
    payload_bytes: payload.length,
    redelivered,
    exchange,
    routing_key: routingKey,
    message_count: messageCount,
    // As Erlang has an empty list of properties.
    properties: Object.keys(properties).length === 0 ? [] : properties,
    ...shownPayload(bytes, encoding),
  };
}

/** Getting a message and making its text, besides its bytes. */
const unitsOfGet = 20;
const unitsOfPiece = 500;

/**
 * Gets up to `count` messages, then gives back what is to go back. As many as fit in the bound of one answer, and as many in a turn as
 * a piece of its work. Returns the pieces of the answer's array.
 */
async function getMessages(
  channel: AmqpCalls,
  queue: string,
  wanted: Getting,
  work: TurnWork,
): Promise<string[]> {
  const noAck = wanted.ackmode === "ack_requeue_false";
  const pieces: string[] = [];
  let last = 0;
  let units = 0;
  for (let bytes = 0; pieces.length < wanted.count && bytes < limits.httpGotBytesMax;) {
    const message = await channel.get(queue, noAck);
    if (message === null) break;
    last = message.deliveryTag;
    bytes += message.payload.length + 1024;
    const text = JSON.stringify(shownMessage(message, wanted));
    pieces.push(pieces.length === 0 ? text : `,${text}`);
    units += unitsOfGet + (message.payload.length >> 10);
    if (units < unitsOfPiece) continue;
    work.spend(units);
    units = 0;
    await nextTurn(work);
  }
  if (last > 0 && !noAck) channel.settle(last, wanted.ackmode !== "reject_requeue_false");
  return pieces;
}

function nextTurn(work: TurnWork): Promise<void> {
  return new Promise((resolve) => void work.runLater(nothing(), () => resolve()));
}

function* nothing(): Job<void> {}

export const queueEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/queues",
    audience: "management",
    summary: "The queues and streams of all virtual hosts that the user may see.",
    query,
    run: (asked) => listed(asked as AskedAny, seenVhosts(asked.broker, asked.caller)),
  }),
  endpoint({
    method: "GET",
    path: "/api/queues/{vhost}",
    audience: "management",
    summary: "The queues and streams of a virtual host.",
    query,
    run: (asked) => {
      const { broker, caller, names } = asked;
      const name = names["vhost"]!;
      // The path that later versions have for the whole list, unless a virtual host is called so.
      if (name === "detailed" && namedVhost(broker, name) === undefined)
        return listed(asked as AskedAny, seenVhosts(broker, caller));
      return listed(asked as AskedAny, [vhostAt(broker, caller, name)]);
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/queues/{vhost}/{name}",
    audience: "management",
    summary: "A queue or stream, with its consumers.",
    query: { columns: listQuery.columns, ...statsQuery },
    run: (asked) => {
      const { queue } = queueAt(asked as AskedAny);
      queue.catchUp();
      return json(200, shown(queue, wholeQueueFields(viewOf(asked as AskedAny)), asked.query));
    },
  }),
  endpoint({
    method: "PUT",
    path: "/api/queues/{vhost}/{name}",
    audience: "management",
    summary: "Declares a queue or stream.",
    body: declaration,
    run: async (asked) => {
      const { broker, caller, names, body, around } = asked;
      const vhost = changedVhostAt(broker, caller, names["vhost"]!);
      if (body.node !== undefined && body.node !== around.nodeName) {
        throw badRequest(`Node ${body.node} could not be contacted`);
      }
      const name = names["name"]!;
      const isNew = vhost.findQueue(brokerName(name)) === undefined;
      const { durable, auto_delete: autoDelete } = body;
      await withChannel(asked as never, vhost, "change", (channel) =>
        channel.declareQueue(name, { durable, autoDelete, arguments: body.arguments }),
      );
      return done(isNew ? 201 : 204);
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/api/queues/{vhost}/{name}",
    audience: "management",
    summary: "Deletes a queue or stream.",
    query: { "if-unused": "true: not while it has consumers", "if-empty": "true: not while it has messages" },
    run: async (asked) => {
      const { vhost, queue } = queueAt(asked as AskedAny);
      const when = {
        ifUnused: asked.query.get("if-unused") === "true",
        ifEmpty: asked.query.get("if-empty") === "true",
      };
      await withChannel(asked as never, vhost, "change", (channel) =>
        channel.deleteQueue(shownName(queue.name), when),
      );
      return done(204);
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/api/queues/{vhost}/{name}/contents",
    audience: "management",
    summary: "Purges a queue.",
    run: async (asked) => {
      const { vhost, queue } = queueAt(asked as AskedAny);
      await withChannel(asked as never, vhost, "change", (channel) =>
        channel.purgeQueue(shownName(queue.name)),
      );
      return done(204);
    },
  }),
  endpoint({
    method: "POST",
    path: "/api/queues/{vhost}/{name}/get",
    audience: "management",
    summary:
      "Gets messages, and gives them back or not, which counts as a delivery. To look: /api/troika/messages.",
    body: getting,
    run: async (asked) => {
      const { broker, caller, names, body } = asked;
      const vhost = vhostOfMessages(broker, caller, names["vhost"]!);
      if (body.encoding !== "auto" && body.encoding !== "base64") {
        throw badRequest("Unsupported encoding. Please use auto or base64.");
      }
      const messages = await withChannel(asked as never, vhost, "channel", (channel) =>
        getMessages(channel, names["name"]!, body, broker.work),
      );
      return arrayOf(messages);
    },
  }),
  endpoint({
    method: "POST",
    path: "/api/queues/{vhost}/{name}/actions",
    audience: "administrator",
    summary: "sync and cancel_sync: a queue has no mirrors here, so there is nothing to do.",
    body: looseObject({
      action: picklist(["sync", "cancel_sync"], ({ input }) => inWords(["unknown", input])),
    }),
    run: (asked) => {
      queueAt(asked as AskedAny);
      return done(204);
    },
  }),
];
