/** Where a message would go and why: /api/troika/explain. */
import { resultOf } from "../../base/turn-work.ts";
import { any, optional, record, string } from "valibot";
import { limits } from "../../base/limits.ts";
import {
  explaining,
  type ExplainedBinding,
  type Explanation,
} from "../../broker/exchange/explain/explain.ts";
import { factsOfHeaders } from "../../broker/exchange/routing/message-headers.ts";
import { json, Refusal } from "../answers.ts";
import { namedVhostAt } from "../api/audience.ts";
import { badRequest } from "../api/body.ts";
import { endpoint, type Endpoint } from "../api/endpoint.ts";
import { exactObject } from "../api/schemas.ts";
import { brokerName, shownName } from "../rabbitmq/names.ts";

const question = exactObject({
  vhost: optional(string(), "/"),
  exchange: optional(string(), ""),
  routing_key: optional(string(), ""),
  headers: optional(record(string(), any()), {}),
});

function shownBinding({ source, destination, key, args, matched, why }: ExplainedBinding): object {
  return {
    source: shownName(source),
    destination: shownName(destination.name),
    destination_type: destination.kind === "exchange" ? "exchange" : "queue",
    routing_key: shownName(key),
    arguments: args,
    matched,
    why,
  };
}

function shownExplanation({ queues, bindings, others, notes }: Explanation): object {
  return {
    routed: queues.size > 0,
    destinations: [...queues].map(shownName),
    bindings: bindings.map(shownBinding),
    other_bindings: others,
    notes,
  };
}

export const explainEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "POST",
    path: "/api/troika/explain",
    audience: "management",
    summary:
      "Where a message would go: each binding on the way that matches, and those that nearly do with the reason. Nothing is published.",
    body: question,
    run: async ({ broker, caller, body }) => {
      const vhost = namedVhostAt(broker, caller, body.vhost);
      const exchange = vhost.exchanges.get(brokerName(body.exchange));
      if (exchange === undefined)
        throw Refusal.notFound(`no exchange '${body.exchange}' in vhost '${body.vhost}'`);
      const key = brokerName(body.routing_key);
      if (key.length > limits.nameBytesMax)
        throw badRequest(`routing_key is longer than ${limits.nameBytesMax} bytes`);
      const job = explaining(vhost, exchange, key, factsOfHeaders(body.headers));
      return json(200, shownExplanation(await resultOf(broker.work, job)));
    },
  }),
];
