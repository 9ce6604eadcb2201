/**
 * Looks at the messages of a queue or stream of any protocol and takes none: /api/troika/messages.
 *
 *     {"messages": [{"offset": 7, "state": "unacked", "payload": "...", ...}], "next": 8}
 *
 * Not here: finding and reading them (broker/look/). Invariant: whoever is answered may read that queue; a page is made in slices, its
 * JSON included.
 */
import { limits } from "../../base/limits.ts";
import type { Job, JobOutcome } from "../../base/turn-work.ts";
import { mayUseLog } from "../../broker/access/rights.ts";
import { findingHolders, type Holder } from "../../broker/look/holders.ts";
import { looking, type Looked, type LookWanted, type MessageState } from "../../broker/look/look.ts";
import type { Queue } from "../../broker/queue/queue.ts";
import type { Broker } from "../../broker/broker.ts";
import { jsonType, Refusal } from "../answers.ts";
import { badRequest } from "../api/body.ts";
import { type Answer, type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { filterOf } from "./filter-text.ts";
import { vhostOfMessages } from "../rabbitmq/amqp-calls.ts";
import { brokerName, shownName } from "../rabbitmq/names.ts";
import { channelName, connectionName } from "../rabbitmq/shown/connection-fields.ts";
import { shownPayload } from "../rabbitmq/shown/payload.ts";

const states: readonly string[] = ["ready", "unacked", "waiting", "history"];
const messagesUsual = 100;
const bytesPerUnit = 1024;
const unitsOfMessage = 4;

const query = {
  state:
    "ready (if it is not given), unacked: held by a consumer, waiting: rejected, to come again or to be a dead letter, history: acknowledged and kept, or all",
  from: "offset to begin at, such as `next` of the page before; first, last, or a time such as 2026-01-31T12:00Z",
  filter:
    "only messages that fulfil all conditions, such as `header.attempt > 3 and body ~ EUR`: docs/looking.md; a page may then be empty and have a `next`",
  limit: `messages of a page, 1 to ${limits.lookedMessagesMax}; ${messagesUsual} if it is not given`,
  truncate: `bytes of each payload; ${limits.lookedBytesMax} at most, which is what it is if it is not given`,
  encoding: "auto (text where the payload is UTF-8) or base64",
} as const;

/** @throws Refusal */
function numberIn(asked: URLSearchParams, name: string, usual: number, least: number, most: number): number {
  const text = asked.get(name) || null;
  if (text === null) return usual;
  const value = Number(text);
  if (!/^\d{1,15}$/.test(text) || value < least || value > most)
    throw badRequest(`${name} is '${text}': give a whole number from ${least} to ${most}`);
  return value;
}

/** @throws Refusal */
function startIn(asked: URLSearchParams, { log }: Queue, messagesMax: number): number {
  const text = asked.get("from") || "first";
  if (text === "first") return 0;
  if (text === "last") return Math.max(log.stableEnd - messagesMax, 0);
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw badRequest(`from is '${text}': give an offset, first, last, or a time such as 2026-01-31T12:00Z`);
  const offset = log.offsetOfTimestamp(at);
  return offset < 0 ? log.stableEnd : offset;
}

/** @throws Refusal */
function wantedIn(asked: URLSearchParams, queue: Queue): LookWanted {
  const state = asked.get("state") || "ready";
  if (state !== "all" && !states.includes(state))
    throw badRequest(`state is '${state}': give ${states.join(", ")} or all`);
  const messagesMax = numberIn(asked, "limit", messagesUsual, 1, limits.lookedMessagesMax);
  const truncate = numberIn(asked, "truncate", limits.lookedBytesMax, 0, Number.MAX_SAFE_INTEGER);
  return {
    state: state === "all" ? null : (state as MessageState),
    from: startIn(asked, queue, messagesMax),
    messagesMax,
    payloadBytesMax: Math.min(truncate, limits.lookedBytesMax),
    filter: filterOf(asked.get("filter")),
  };
}

/** The queue or stream, which the caller may read. @throws Refusal */
function queueToRead({ broker, caller, names, remoteHost }: Asked<never>): Queue {
  const vhost = vhostOfMessages(broker, caller, names["vhost"]!);
  const name = brokerName(names["name"]!);
  const shown = `'${names["name"]!}' in vhost '${names["vhost"]!}'`;
  // An administrator too needs the right to read messages, as for /api/queues/.../get.
  if (!mayUseLog({ authorization: caller, host: remoteHost }, "read", vhost, name))
    throw new Refusal(
      401,
      "not_authorised",
      `ACCESS_REFUSED - read access to queue ${shown} refused for user '${shownName(caller.name)}'`,
    );
  const queue = vhost.findQueue(name);
  if (queue === undefined) {
    const partitions = vhost.topics.find(name)?.partitions ?? [];
    if (partitions.length === 0) throw Refusal.notFound(`no queue or stream ${shown}`);
    const all = `'${shownName(partitions[0]!.name)}' to '${shownName(partitions.at(-1)!.name)}'`;
    throw Refusal.notFound(`topic ${shown} has ${partitions.length} partitions: look at ${all}`);
  }
  if (queue.exclusiveOwner !== 0)
    throw badRequest(
      `RESOURCE_LOCKED - queue ${shown} is exclusive: only the connection that declared it reads it`,
    );
  return queue;
}

function shownHolder(owner: number, holders: ReadonlyMap<number, Holder>): object | null {
  const holder = holders.get(owner);
  // It has closed since, or acknowledged within a transaction that has not ended.
  if (holder === undefined) return null;
  const { connection, channel, tag } = holder;
  return {
    consumer_tag: tag,
    channel_details: {
      connection_name: connectionName(connection),
      name: channelName(connection, channel),
      number: channel,
      peer_host: connection.remote.host,
      peer_port: connection.remote.port,
      user: connection.user,
    },
  };
}

/** Whether it comes, or came, marked as redelivered. */
function isAgain({ state, deliveryCount }: Looked): boolean {
  return (deliveryCount ?? 0) > (state === "unacked" ? 1 : 0);
}

function shownMessage(looked: Looked, holders: ReadonlyMap<number, Holder>, encoding: string): object {
  const { offset, time, state, deliveryCount, owner, waitsFor, at, content } = looked;
  const place = {
    offset,
    time,
    state,
    delivery_count: deliveryCount,
    redelivered: isAgain(looked),
    ...(state === "unacked" ? { held_since: at, held_by: shownHolder(owner, holders) } : {}),
    ...(state === "waiting" ? { due: at, waits_for: waitsFor } : {}),
  };
  if ("unreadable" in content) return { ...place, unreadable: content.unreadable };
  const { exchange, routingKey, properties, payload, payloadBytes } = content;
  return {
    ...place,
    exchange,
    routing_key: routingKey,
    properties,
    payload_bytes: payloadBytes,
    ...shownPayload(payload, encoding),
  };
}

function* page(broker: Broker, queue: Queue, wanted: LookWanted, encoding: string): Job<readonly string[]> {
  const { messages, next } = yield* looking(queue, wanted);
  const owners = new Set(messages.flatMap(({ owner }) => (owner > 0 ? [owner] : [])));
  const holders =
    owners.size === 0 ? new Map<number, Holder>() : yield* findingHolders(broker.connections, owners);
  const pieces = ['{"messages":['];
  for (const looked of messages) {
    const text = JSON.stringify(shownMessage(looked, holders, encoding));
    pieces.push(pieces.length === 1 ? text : `,${text}`);
    yield unitsOfMessage + text.length / bytesPerUnit;
  }
  pieces.push(`],"next":${next}}\n`);
  return pieces;
}

async function* each(pieces: readonly string[]): AsyncIterable<string> {
  yield* pieces;
}

export const messageEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/troika/messages/{vhost}/{name}",
    audience: "management",
    summary:
      "The messages of a queue or stream of any protocol, with their state, without taking them: what is delivered later is as if nobody had looked.",
    query,
    run: (asked) => {
      const { broker } = asked;
      const queue = queueToRead(asked as Asked<never>);
      const wanted = wantedIn(asked.query, queue);
      const encoding = asked.query.get("encoding") || "auto";
      if (encoding !== "auto" && encoding !== "base64")
        throw badRequest(`encoding is '${encoding}': give auto or base64`);
      return new Promise<Answer>((resolve, reject) => {
        broker.work.run(page(broker, queue, wanted, encoding), (outcome: JobOutcome<readonly string[]>) => {
          if ("error" in outcome) reject(outcome.error);
          else resolve({ status: 200, type: jsonType, chunks: () => each(outcome.result) });
        });
      });
    },
  }),
];
