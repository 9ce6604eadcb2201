/**
 * What waits for its time before it enters a queue, stream or partition: /api/troika/delayed. It is listed and can be cancelled.
 *
 *     {"messages": [{"id": "d1764540000000-0", "kind": "delayed", "due": 1764540060000, "payload": "...", ...}], "next": null}
 *
 * Not here: finding and reading it (broker/schedule/listing.ts). Invariants: whoever is answered may read that destination, and whoever
 * cancels may take from it; a page is made in slices, its JSON included.
 */
import { limits } from "../../base/limits.ts";
import type { Job } from "../../base/turn-work.ts";
import { type LogAct, mayUseLog } from "../../broker/access/rights.ts";
import type { Broker } from "../../broker/broker.ts";
import { contentOf, type LookedContent } from "../../broker/look/content.ts";
import {
  cancelWaiting,
  listing,
  type ListingWanted,
  parseWaitId,
  waitingCountOf,
  type WaitId,
} from "../../broker/schedule/listing.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { done, Refusal } from "../answers.ts";
import { badRequest } from "../api/body.ts";
import { type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { vhostOfMessages } from "../rabbitmq/amqp-calls.ts";
import { brokerName, shownName } from "../rabbitmq/names.ts";
import { pageAnswer, pageIn, pageQuery, pageText, shownContent } from "./message-page.ts";

const query = {
  from: "id to begin at, `next` of the page before",
  ...pageQuery,
} as const;

interface Place {
  readonly vhost: Vhost;
  readonly name: string;
}

/** @throws Refusal */
function placeFor({ broker, caller, names, remoteHost }: Asked<never>, act: LogAct): Place {
  const vhost = vhostOfMessages(broker, caller, names["vhost"]!);
  const name = brokerName(names["name"]!);
  const shown = `'${names["name"]!}' in vhost '${names["vhost"]!}'`;
  if (!mayUseLog({ authorization: caller, host: remoteHost }, act, vhost, name))
    throw new Refusal(
      401,
      "not_authorised",
      `ACCESS_REFUSED - access to queue ${shown} refused for user '${shownName(caller.name)}'`,
    );
  const queue = vhost.findQueue(name);
  if (queue !== undefined && queue.exclusiveOwner !== 0)
    throw badRequest(
      `RESOURCE_LOCKED - queue ${shown} is exclusive: only the connection that declared it has what waits for it`,
    );
  // What is scheduled may be for a stream that it will make.
  if (queue === undefined && waitingCountOf(broker, vhost.name, name) === 0)
    throw Refusal.notFound(`no queue or stream ${shown}, and nothing waits for it`);
  return { vhost, name };
}

/** @throws Refusal */
function idIn(text: string, what: string): WaitId {
  const id = parseWaitId(text);
  if (id === null) throw badRequest(`${what} is '${text}': give an id of the list, such as d1764540000000-0`);
  return id;
}

function* page(
  broker: Broker,
  { vhost, name }: Place,
  wanted: ListingWanted<LookedContent>,
  encoding: string,
): Job<readonly string[]> {
  const { messages, next } = yield* listing(broker, vhost.name, name, wanted);
  return yield* pageText(messages, next, ({ content, ...place }) => ({
    ...place,
    ...shownContent(content, encoding),
  }));
}

export const delayedEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/troika/delayed/{vhost}/{name}",
    audience: "management",
    summary:
      "What waits for its time before it enters a queue, stream or partition: delayed messages, then what TROIKA.XADD scheduled.",
    query,
    run: (asked) => {
      const { broker, query: given } = asked;
      const place = placeFor(asked as Asked<never>, "read");
      const from = given.get("from") || null;
      const { messagesMax, payloadBytesMax, encoding } = pageIn(given);
      const wanted: ListingWanted<LookedContent> = {
        from: from === null ? null : idIn(from, "from"),
        messagesMax,
        bytesMax: limits.lookedBytesMax,
        read: (record) => {
          const { content, headerBytes } = contentOf(record, payloadBytesMax);
          return { content, bytes: headerBytes + content.payload.length };
        },
      };
      return pageAnswer(broker.work, page(broker, place, wanted, encoding));
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/api/troika/delayed/{vhost}/{name}/{id}",
    audience: "management",
    summary: "Cancels one of these, so that it never comes.",
    run: (asked) => {
      const id = idIn(asked.names["id"]!, "the id");
      const act = id.kind === "delayed" ? "take" : "removeEntries";
      const { vhost, name } = placeFor(asked as Asked<never>, act);
      if (!cancelWaiting(asked.broker, vhost.name, name, id))
        throw Refusal.notFound(
          `nothing waits under the id '${asked.names["id"]!}': it has come, or was cancelled`,
        );
      return done(204);
    },
  }),
];
