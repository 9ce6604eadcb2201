/**
 * The last messages that no queue took, with who published them: /api/troika/unroutable.
 *
 * Not here: taking the samples (broker/look/unroutable.ts). Invariants: whoever is shown a message may read it from its exchange, by its key; the
 * publisher is shown to itself, and to those who see all connections.
 */
import { limits } from "../../base/limits.ts";
import { type Job, resultOf } from "../../base/turn-work.ts";
import type { Authorization } from "../../broker/access/permissions.ts";
import { type Asker, mayBindFrom, mayUseTopicKey } from "../../broker/access/rights.ts";
import { propertyBytesAsJson } from "../../broker/look/properties-json.ts";
import type { Publisher, UnroutableSample } from "../../broker/look/unroutable.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { json } from "../answers.ts";
import { isMonitor, namedVhostAt, seenVhosts } from "../api/audience.ts";
import { badRequest } from "../api/body.ts";
import { type Answer, type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { brokerName, shownName } from "../rabbitmq/names.ts";
import { connectionName } from "../rabbitmq/shown/connection-fields.ts";
import { shownPayload } from "../rabbitmq/shown/payload.ts";

const samplesUsual = 100;
const unitsOfSample = 10;

const query = {
  exchange: "only of that exchange; `amq.default` is the default exchange",
  limit: `samples, the newest first: 1 to ${limits.unroutableKept}; ${samplesUsual} if it is not given`,
} as const;

/** Null: the caller does not see connections of other users. */
function shownPublisher(publisher: Publisher | null, caller: Authorization): object | null {
  if (publisher === null || (publisher.user !== caller.name && !isMonitor(caller))) return null;
  const { protocol, user, clientName, local, remote } = publisher;
  return {
    protocol,
    user: shownName(user),
    client_name: clientName,
    connection_name: connectionName({ local, remote }),
    peer_host: remote.host,
    peer_port: remote.port,
  };
}

function shownSample(vhost: Vhost, sample: UnroutableSample, caller: Authorization): object {
  const { exchange, routingKey, time, properties, body, bodyBytes, cause, publisher, isReturned } = sample;
  return {
    vhost: shownName(vhost.name),
    exchange: shownName(exchange),
    routing_key: shownName(routingKey),
    time,
    cause,
    returned: isReturned,
    publisher: shownPublisher(publisher, caller),
    properties: properties === null ? null : propertyBytesAsJson(properties),
    payload_bytes: bodyBytes,
    ...shownPayload(body, "auto"),
  };
}

/** Whether the caller could have had the message, by a binding with its key. */
function mayRead(asker: Asker, vhost: Vhost, name: string, key: string): boolean {
  if (!mayBindFrom(asker, vhost, name, { prefix: key, isExact: true })) return false;
  const exchange = vhost.exchanges.get(name);
  return exchange === undefined || mayUseTopicKey(asker, "read", vhost, exchange, key);
}

function* showing(
  asked: Asked<never>,
  vhosts: readonly Vhost[],
  only: string | null,
  most: number,
): Job<object> {
  const { caller, remoteHost } = asked;
  const asker = { authorization: caller, host: remoteHost };
  const found: { readonly vhost: Vhost; readonly sample: UnroutableSample }[] = [];
  const exchanges: object[] = [];
  for (const vhost of vhosts) {
    const shown = new Set<string>();
    for (const sample of vhost.unroutable.samples()) {
      const { exchange, routingKey } = sample;
      if ((only !== null && exchange !== only) || !mayRead(asker, vhost, exchange, routingKey)) continue;
      found.push({ vhost, sample });
      if (shown.has(exchange)) continue;
      shown.add(exchange);
      const unroutable = vhost.exchanges.get(exchange)?.unroutable ?? null;
      exchanges.push({ vhost: shownName(vhost.name), name: shownName(exchange), unroutable });
    }
    yield unitsOfSample;
  }
  const messages: object[] = [];
  for (const { vhost, sample } of found.toSorted((a, b) => b.sample.time - a.sample.time).slice(0, most)) {
    messages.push(shownSample(vhost, sample, caller));
    yield unitsOfSample;
  }
  return { messages, exchanges };
}

/** @throws Refusal */
async function answer(asked: Asked<never>, vhosts: readonly Vhost[]): Promise<Answer> {
  const name = asked.query.get("exchange") || null;
  const text = asked.query.get("limit") || String(samplesUsual);
  const most = Number(text);
  if (!/^\d{1,4}$/.test(text) || most < 1 || most > limits.unroutableKept)
    throw badRequest(`limit is '${text}': give a whole number from 1 to ${limits.unroutableKept}`);
  const only = name === null ? null : name === "amq.default" ? "" : brokerName(name);
  return json(200, await resultOf(asked.broker.work, showing(asked, vhosts, only, most)));
}

const summary =
  "The last messages that no queue took, of each exchange, with who published them; and how many there were since the start.";

export const unroutableEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/troika/unroutable",
    audience: "management",
    summary,
    query,
    run: (asked) => answer(asked as Asked<never>, seenVhosts(asked.broker, asked.caller)),
  }),
  endpoint({
    method: "GET",
    path: "/api/troika/unroutable/{vhost}",
    audience: "management",
    summary,
    query,
    run: (asked) =>
      answer(asked as Asked<never>, [namedVhostAt(asked.broker, asked.caller, asked.names["vhost"]!)]),
  }),
];
