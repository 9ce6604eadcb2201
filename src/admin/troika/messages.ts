/**
 * Looks at the messages of a queue or stream of any protocol and takes none: /api/troika/messages.
 *
 *     {"messages": [{"offset": 7, "state": "unacked", "payload": "...", ...}], "next": 8}
 *
 * Not here: finding and reading them (broker/look/), in several places (looked-pages.ts). Invariant: whoever is answered may read that
 * queue, and what else is shown; a page is made in slices, its JSON included.
 */
import type { Job } from "../../base/turn-work.ts";
import { writtenTimeMs } from "../../base/text/written-time.ts";
import { mayUseLog } from "../../broker/access/rights.ts";
import type { Broker } from "../../broker/broker.ts";
import { findingHolders, type Holder } from "../../broker/look/holders.ts";
import { looking, type WantedState } from "../../broker/look/look.ts";
import type { Looked, ShownPart } from "../../broker/look/looked.ts";
import type { Queue } from "../../broker/queue/queue.ts";
import { deadQueueName } from "../../broker/retry/dead-queue.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { Refusal } from "../answers.ts";
import { badRequest } from "../api/body.ts";
import { type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { vhostOfMessages } from "../rabbitmq/amqp-calls.ts";
import { laterPrefixes } from "../../broker/names.ts";
import { brokerName, shownName } from "../rabbitmq/names.ts";
import { filterOf } from "./filter-text.ts";
import { lookingAtDead, lookingAtLater, partStartOf, type PartStart } from "./looked-pages.ts";
import { pageAnswer, pageIn, pageQuery, pageText, type PageWanted } from "./message-page.ts";
import { shownMessage } from "./shown-message.ts";

const statesOfQueue: readonly string[] = ["ready", "unacked", "waiting", "history"];
const states: readonly string[] = [...statesOfQueue, "scheduled", "dead", "all"];

const query = {
  state:
    "ready (if it is not given), unacked: held by a consumer, waiting: rejected, to come again or to be a dead letter, history: acknowledged and kept, all of these; scheduled: enters later, dead: its dead letters, wherever they lie",
  from: "where to begin: `next` of the page before, an offset, first, last, or a time such as 2026-01-31T12:00Z",
  filter:
    "only messages that fulfil all conditions, such as `header.attempt > 3 and body ~ EUR`: docs/looking.md; a page may then be empty and have a `next`",
  ...pageQuery,
} as const;

/** Where a page begins in a log: an offset, a time, or one of the ends. @throws Refusal */
function startIn(text: string, messagesMax: number): (queue: Queue) => number {
  if (text === "first") return () => 0;
  if (text === "last") return ({ log }) => Math.max(log.stableEnd - messagesMax, 0);
  if (/^\d{1,15}$/.test(text)) return () => Number(text);
  const at = writtenTimeMs(text);
  if (Number.isNaN(at))
    throw badRequest(`from is '${text}': give an offset, first, last, or a time such as 2026-01-31T12:00Z`);
  return ({ log }) => {
    const offset = log.offsetOfTimestamp(at);
    return offset < 0 ? log.stableEnd : offset;
  };
}

interface Wanted extends ShownPart, PageWanted {
  readonly state: string;
  readonly from: string;
}

/** @throws Refusal */
function wantedIn(asked: URLSearchParams): Wanted {
  const state = asked.get("state") || "ready";
  if (!states.includes(state)) throw badRequest(`state is '${state}': give one of ${states.join(", ")}`);
  return {
    state,
    from: asked.get("from") || "first",
    filter: filterOf(asked.get("filter")),
    ...pageIn(asked),
  };
}

/** Who asks, for what: an administrator too needs the right to read messages, as for /api/queues/.../get. @throws Refusal */
function nameToRead({ broker, caller, names, remoteHost }: Asked<never>): { vhost: Vhost; name: string } {
  const vhost = vhostOfMessages(broker, caller, names["vhost"]!);
  const name = brokerName(names["name"]!);
  if (!mayUseLog({ authorization: caller, host: remoteHost }, "read", vhost, name))
    throw new Refusal(
      401,
      "not_authorised",
      `ACCESS_REFUSED - read access to queue ${shownIn(vhost, name)} refused for user '${shownName(caller.name)}'`,
    );
  return { vhost, name };
}

function shownIn(vhost: Vhost, name: string): string {
  return `'${shownName(name)}' in vhost '${shownName(vhost.name)}'`;
}

/** @throws Refusal */
function queueOf(vhost: Vhost, name: string): Queue {
  const shown = shownIn(vhost, name);
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

interface Found {
  readonly messages: readonly Looked[];
  readonly next: string | number | null;
}

/** The job that makes the page. What is wrong with the request is told before it begins. @throws Refusal */
function finding(asked: Asked<never>, wanted: Wanted): Job<Found> {
  const { vhost, name } = nameToRead(asked);
  const { state, from, messagesMax, payloadBytesMax, filter } = wanted;
  const shown = { messagesMax, payloadBytesMax, filter };
  const user = { authorization: asked.caller, host: asked.remoteHost };
  const isBesides = state === "dead" || state === "scheduled";
  // The queue itself may be gone, or still to come.
  const queue = isBesides && hasBesides(vhost, name) ? null : queueOf(vhost, name);
  if (state === "dead") {
    const start = partStartOf(from) ?? atEach(startIn(from, messagesMax));
    return lookingAtDead(vhost, name, (place) => mayUseLog(user, "read", vhost, place), { ...shown, start });
  }
  if (state === "scheduled") {
    const start = from === "first" ? partStartOf("0@0") : partStartOf(from);
    if (start === null || !/^\d{1,3}$/.test(start.place))
      throw badRequest(
        `from is '${from}': what is scheduled begins at first, or at \`next\` of the page before`,
      );
    return lookingAtLater(vhost, name, { ...shown, start });
  }
  const wantedState = state === "all" ? null : (state as WantedState);
  return looking(queue!, { ...shown, state: wantedState, from: startIn(from, messagesMax)(queue!) });
}

/** Something that is not in the queue of that name is there for it. */
function hasBesides(vhost: Vhost, name: string): boolean {
  const { broker, name: vhostName } = vhost;
  return (
    vhost.findQueue(deadQueueName(name)) !== undefined ||
    laterPrefixes.some((prefix) => broker.timetables.get(prefix)?.findIn(vhostName, name) !== undefined)
  );
}

function atEach(offsetOf: (place: Queue) => number): PartStart {
  return { place: "", offset: 0, offsetOf };
}

function* page(broker: Broker, found: Job<Found>, state: string, encoding: string): Job<readonly string[]> {
  const { messages, next } = yield* found;
  const owners = new Set(messages.flatMap(({ owner }) => (owner > 0 ? [owner] : [])));
  const holders =
    owners.size === 0 ? new Map<number, Holder>() : yield* findingHolders(broker.connections, owners);
  return yield* pageText(messages, next, (looked) =>
    shownMessage(looked, { holders, encoding, isDead: state === "dead" }),
  );
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
      const wanted = wantedIn(asked.query);
      const found = finding(asked as Asked<never>, wanted);
      return pageAnswer(broker.work, page(broker, found, wanted.state, wanted.encoding));
    },
  }),
];
