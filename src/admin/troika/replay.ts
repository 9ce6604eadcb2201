/**
 * Replays a range of a queue's history, of a stream or of a partition into the same or another place: /api/troika/replay.
 *
 * Not here: copying (broker/operations/replay/), what became of it (operations.ts). Invariants: whoever is answered may read the source;
 * nothing is published that the caller could not publish by a client.
 */
import { boolean, number, optional, string, union } from "valibot";
import { limits } from "../../base/limits.ts";
import { writtenTimeMs } from "../../base/text/written-time.ts";
import { mayPublishUnder, mayUseExchange, mayUseLog, mayUseTopicKey } from "../../broker/access/rights.ts";
import type { Exchange } from "../../broker/exchange/exchange.ts";
import { newReplayCounts, type ReplayCounts, replaying } from "../../broker/operations/replay/replay.ts";
import {
  ExchangeTarget,
  QueueTarget,
  type ReplayTarget,
} from "../../broker/operations/replay/replay-target.ts";
import type { Queue } from "../../broker/queue/queue.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { json, Refusal } from "../answers.ts";
import { badRequest } from "../api/body.ts";
import { type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { exactObject } from "../api/schemas.ts";
import { vhostOfMessages } from "../rabbitmq/amqp-calls.ts";
import { brokerName, shownName } from "../rabbitmq/names.ts";
import { filterOf } from "./filter-text.ts";
import { operationStatus, started, waitMsIn, waitQuery } from "./operations.ts";

const rateMost = 1_000_000;
const time = union([number(), string()]);

const question = exactObject({
  vhost: optional(string(), "/"),
  source: string(),
  from_offset: optional(number()),
  to_offset: optional(number()),
  from_time: optional(time),
  to_time: optional(time),
  destination: optional(string()),
  exchange: optional(string()),
  routing_key: optional(string()),
  state: optional(string(), "all"),
  filter: optional(string(), ""),
  limit: optional(number()),
  rate: optional(number()),
  dry_run: optional(boolean(), false),
});

interface Question {
  readonly from_offset?: number | undefined;
  readonly to_offset?: number | undefined;
  readonly from_time?: number | string | undefined;
  readonly to_time?: number | string | undefined;
  readonly destination?: string | undefined;
  readonly exchange?: string | undefined;
  readonly routing_key?: string | undefined;
}

/** @throws Refusal */
function wholeIn(name: string, value: number | undefined, least: number, most: number): number | null {
  if (value === undefined) return null;
  if (!Number.isInteger(value) || value < least || value > most)
    throw badRequest(`${name} is ${value}: give a whole number from ${least} to ${most}`);
  return value;
}

/** The first offset of a message that was stored at that time or later. @throws Refusal */
function offsetAt({ log }: Queue, name: string, value: number | string | undefined): number | null {
  if (value === undefined) return null;
  const at = typeof value === "number" ? value : writtenTimeMs(value);
  if (!Number.isFinite(at))
    throw badRequest(`${name} is '${value}': give unix ms, or a time such as 2026-01-31T12:00Z`);
  const offset = log.offsetOfTimestamp(at);
  return offset < 0 ? log.stableEnd : offset;
}

/** An end of the range, by offset or by time. @throws Refusal */
function endIn(source: Queue, end: "from" | "to", asked: Question, usual: number): number {
  const byOffset = wholeIn(`${end}_offset`, asked[`${end}_offset`], 0, Number.MAX_SAFE_INTEGER);
  const byTime = offsetAt(source, `${end}_time`, asked[`${end}_time`]);
  if (byOffset !== null && byTime !== null) throw badRequest(`give ${end}_offset or ${end}_time, not both`);
  return byOffset ?? byTime ?? usual;
}

function shownIn(vhost: Vhost, name: string): string {
  return `'${shownName(name)}' in vhost '${shownName(vhost.name)}'`;
}

function refusal(asked: Asked<never>, what: string): Refusal {
  const user = shownName(asked.caller.name);
  return new Refusal(401, "not_authorised", `ACCESS_REFUSED - ${what} refused for user '${user}'`);
}

/** @throws Refusal */
function sourceOf(asked: Asked<never>, vhost: Vhost, name: string): Queue {
  const shown = shownIn(vhost, name);
  const asker = { authorization: asked.caller, host: asked.remoteHost };
  if (!mayUseLog(asker, "read", vhost, name)) throw refusal(asked, `read access to queue ${shown}`);
  const queue = vhost.findQueue(name);
  if (queue === undefined) {
    const partitions = vhost.topics.find(name)?.partitions ?? [];
    if (partitions.length === 0) throw Refusal.notFound(`no queue or stream ${shown}`);
    const first = shownName(partitions[0]!.name);
    throw Refusal.notFound(
      `topic ${shown} has ${partitions.length} partitions: replay each, such as '${first}'`,
    );
  }
  if (queue.exclusiveOwner !== 0) throw exclusive(shown);
  return queue;
}

function exclusive(shown: string): Refusal {
  return badRequest(
    `RESOURCE_LOCKED - queue ${shown} is exclusive: only the connection that declared it uses it`,
  );
}

/** @throws Refusal */
function targetOf(asked: Asked<never>, vhost: Vhost, given: Question): ReplayTarget {
  const { destination, exchange, routing_key: key } = given;
  if ((destination === undefined) === (exchange === undefined))
    throw badRequest("give destination (a queue, stream or topic), or exchange with routing_key");
  if (exchange !== undefined) return exchangeTarget(asked, vhost, brokerName(exchange), key);
  if (key !== undefined) throw badRequest("routing_key goes with exchange");
  const name = brokerName(destination!);
  const asker = { authorization: asked.caller, host: asked.remoteHost };
  const shown = shownIn(vhost, name);
  if (!mayUseLog(asker, "write", vhost, name)) throw refusal(asked, `write access to queue ${shown}`);
  const queue = vhost.findQueue(name);
  if (queue === undefined) {
    // Its exchange chooses the partition by the key.
    if (vhost.topics.find(name) !== undefined) return exchangeTarget(asked, vhost, name, undefined);
    throw Refusal.notFound(`no queue, stream or topic ${shown}: make it first`);
  }
  if (queue.exclusiveOwner !== 0) throw exclusive(shown);
  return new QueueTarget(queue);
}

/** @throws Refusal */
function exchangeTarget(
  asked: Asked<never>,
  vhost: Vhost,
  name: string,
  key: string | undefined,
): ReplayTarget {
  const asker = { authorization: asked.caller, host: asked.remoteHost };
  const shown = shownIn(vhost, name);
  if (!mayUseExchange(asker, "publish", vhost, name))
    throw refusal(asked, `write access to exchange ${shown}`);
  const exchange = vhost.exchanges.get(name);
  if (exchange === undefined) throw Refusal.notFound(`no exchange ${shown}`);
  if (exchange.internal) throw refusal(asked, `publishing to internal exchange ${shown}`);
  const routingKey = key === undefined ? null : brokerName(key);
  if (routingKey !== null && routingKey.length > limits.nameBytesMax)
    throw badRequest(`routing_key is longer than ${limits.nameBytesMax} bytes`);
  const mayPublish = (to: Exchange, by: string, queues: readonly Queue[]): boolean =>
    mayPublishUnder(asker, vhost, to, by, queues) && mayUseTopicKey(asker, "write", vhost, to, by);
  return new ExchangeTarget({ exchange, routingKey, mayPublish, vhost });
}

/** Of the rights that were asked for at the start those that are not asked for with each message. */
function mayReplay(
  { caller, remoteHost }: Asked<never>,
  vhost: Vhost,
  asked: Question & { source: string },
): boolean {
  const asker = { authorization: caller, host: remoteHost };
  if (!mayUseLog(asker, "read", vhost, brokerName(asked.source))) return false;
  const { destination, exchange } = asked;
  if (exchange !== undefined) return mayUseExchange(asker, "publish", vhost, brokerName(exchange));
  return mayUseLog(asker, "write", vhost, brokerName(destination!));
}

export const replayEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "POST",
    path: "/api/troika/replay",
    audience: "management",
    summary:
      "Copies a range of a queue's history, of a stream or of a partition, by offsets or times, to the same or another place; goes on as an operation behind the answer.",
    body: question,
    query: waitQuery,
    run: async (asked) => {
      const { broker, caller, body } = asked;
      const waitMs = waitMsIn(asked as Asked<never>);
      const vhost = vhostOfMessages(broker, caller, body.vhost);
      const source = sourceOf(asked as Asked<never>, vhost, brokerName(body.source));
      const target = targetOf(asked as Asked<never>, vhost, body);
      const { state, dry_run: isDry } = body;
      if (state !== "all" && state !== "history")
        throw badRequest(`state is '${state}': give all, or history for what was acknowledged`);
      source.log.store.seal();
      const { stableEnd, firstOffset } = source.log;
      const from = Math.max(endIn(source, "from", body, 0), firstOffset);
      const to = Math.min(endIn(source, "to", body, stableEnd), stableEnd);
      const filter = filterOf(body.filter);
      const limit = wholeIn("limit", body.limit, 1, Number.MAX_SAFE_INTEGER) ?? Infinity;
      const rate = wholeIn("rate", body.rate, 1, rateMost);
      const request = {
        source,
        from,
        to,
        filter,
        limit,
        isDry,
        target,
        isHistoryOnly: state === "history",
        copiesBatches: !isDry && rate === null && filter === null && state === "all",
      };
      const startedBy = caller.name;
      const options = {
        kind: "replay",
        vhost: vhost.name,
        source: source.name,
        startedBy,
        rate,
        ...(isDry ? { isDry } : {}),
      } as const;
      const { operations } = broker;
      const operation = started(() =>
        operations.start(options, replaying(broker, request), newReplayCounts(from), () =>
          mayReplay(asked as Asked<never>, vhost, body),
        ),
      );
      await operations.ended(operation, waitMs);
      const { counts, id, state: reached, error } = operation;
      return json(operationStatus(operation), {
        ...(counts as ReplayCounts),
        from_offset: from,
        to_offset: to,
        dry_run: isDry,
        operation: id,
        state: reached,
        ...(error === null ? {} : { error }),
      });
    },
  }),
];
