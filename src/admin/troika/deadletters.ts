/**
 * Dead letters of all destinations, by why and where they died; and their way home: /api/troika/deadletters.
 *
 *     {"groups": [{"reason": "rejected", "origin": {"kind": "queue", "name": "orders", ...}, "queue": "orders.dead", "count": 7, ...}], ...}
 *
 * Not here: finding, grouping and moving them (broker/operations/letters/), what became of it (operations.ts). Invariant: what a user may not
 * read is counted, not shown.
 */
import { boolean, number, optional, record, string, any, array } from "valibot";
import { limits } from "../../base/limits.ts";
import { type Job, resultOf } from "../../base/turn-work.ts";
import { mayUseLog } from "../../broker/access/rights.ts";
import type { Broker } from "../../broker/broker.ts";
import { Edit } from "../../broker/operations/letters/edit.ts";
import { grouping, type LetterGroup } from "../../broker/operations/letters/groups.ts";
import { isBrokersHeader } from "../../broker/operations/letters/mark.ts";
import { newRetryCounts, retrying } from "../../broker/operations/letters/retry.ts";
import type { Queue } from "../../broker/queue/queue.ts";
import { findingPlaces } from "../../broker/retry/dead-letter-places.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { json, Refusal } from "../answers.ts";
import { namedVhostAt, seenVhosts } from "../api/audience.ts";
import { badRequest } from "../api/body.ts";
import { type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { exactObject } from "../api/schemas.ts";
import { vhostOfMessages } from "../rabbitmq/amqp-calls.ts";
import { brokerName, shownName } from "../rabbitmq/names.ts";
import { filterOf } from "./filter-text.ts";
import { operationStatus, started, waitMsIn, waitQuery } from "./operations.ts";

interface Place {
  readonly queue: Queue;
  readonly looked: number;
  readonly isComplete: boolean;
}

interface Shown {
  readonly queue: Queue;
  readonly group: LetterGroup;
}

interface Found {
  /** The largest. */
  readonly groups: readonly Shown[];
  /** Those that are not shown. */
  readonly groupsLeft: number;
  readonly places: readonly Place[];
  /** Places that the user may not read, or that are too many. */
  readonly refused: number;
  readonly left: number;
}

const groupsMax = limits.deadLetterGroupsShownMax;
const unitsOfSort = 500;

function* finding(vhosts: readonly Vhost[], mayRead: (queue: Queue) => boolean): Job<Found> {
  const places: Place[] = [];
  let groups: Shown[] = [];
  let groupsLeft = 0;
  let refused = 0;
  let left = 0;
  let lettersLeft: number = limits.deadLettersWalkedMax;
  for (const vhost of vhosts) {
    for (const queue of yield* findingPlaces(vhost)) {
      if (queue.isDeleted || queue.messageCount === 0) continue;
      if (!mayRead(queue)) refused++;
      else if (places.length >= limits.deadLetterPlacesMax) left++;
      else {
        const found = yield* grouping(queue, lettersLeft);
        lettersLeft -= found.walked;
        places.push({ queue, looked: found.looked, isComplete: found.isComplete });
        for (const group of found.groups) groups.push({ queue, group });
        if (groups.length <= 2 * groupsMax) continue;
        groupsLeft += groups.length - groupsMax;
        groups = largest(groups);
        yield unitsOfSort;
      }
    }
  }
  groupsLeft += Math.max(groups.length - groupsMax, 0);
  return { groups: largest(groups), groupsLeft, places, refused, left };
}

function largest(groups: readonly Shown[]): Shown[] {
  return groups.toSorted((a, b) => b.group.count - a.group.count).slice(0, groupsMax);
}

function shownOrigin(origin: NonNullable<LetterGroup["origin"]>): object {
  const { kind, name, group, exchange } = origin;
  const shown = { kind, name: shownName(name) };
  return kind !== "queue"
    ? { ...shown, group: shownName(group) }
    : { ...shown, exchange: shownName(exchange) };
}

function shownGroup(
  { vhost, name }: Queue,
  { reason, origin, count, first, last, hours }: LetterGroup,
): object {
  const byHour = [...hours].toSorted(([a], [b]) => a - b);
  return {
    vhost: shownName(vhost.name),
    queue: shownName(name),
    reason: origin === null ? null : shownName(reason),
    origin: origin === null ? null : shownOrigin(origin),
    count,
    first,
    last,
    hours: byHour.map(([at, each]) => ({ at, count: each })),
  };
}

function shownFound({ groups, groupsLeft, places, refused, left }: Found): object {
  return {
    groups: groups.map(({ queue, group }) => shownGroup(queue, group)),
    places: places.map(({ queue, looked, isComplete }) => ({
      vhost: shownName(queue.vhost.name),
      queue: shownName(queue.name),
      kind: queue.kind,
      messages: queue.messageCount,
      looked_at: looked,
      is_complete: isComplete,
    })),
    groups_left: groupsLeft,
    places_refused: refused,
    places_left: left,
    is_complete: left === 0 && places.every(({ isComplete }) => isComplete),
  };
}

const question = exactObject({
  vhost: optional(string(), "/"),
  queue: string(),
  filter: optional(string(), ""),
  limit: optional(number()),
  rate: optional(number()),
  edit: optional(
    exactObject({
      headers: optional(
        exactObject({ set: optional(record(string(), any()), {}), remove: optional(array(string()), []) }),
      ),
      body: optional(string()),
      body_encoding: optional(string(), "string"),
      routing_key: optional(string()),
    }),
  ),
  dry_run: optional(boolean(), false),
});

interface EditGiven {
  readonly headers?:
    | { readonly set: Readonly<Record<string, unknown>>; readonly remove: readonly string[] }
    | undefined;
  readonly body?: string | undefined;
  readonly body_encoding: string;
  readonly routing_key?: string | undefined;
}

/** @throws Refusal */
function editIn(given: EditGiven | undefined): Edit | null {
  if (given === undefined) return null;
  const { set, remove } = given.headers ?? { set: {}, remove: [] };
  for (const name of [...Object.keys(set), ...remove]) {
    if (isBrokersHeader(name))
      throw badRequest(`edit: header '${name}' says what became of the message: it cannot be changed`);
    if (Buffer.byteLength(name) > limits.nameBytesMax)
      throw badRequest(`edit: a header's name has ${limits.nameBytesMax} bytes at most`);
  }
  const routingKey = given.routing_key === undefined ? null : brokerName(given.routing_key);
  if (routingKey !== null && routingKey.length > limits.nameBytesMax)
    throw badRequest(`edit: routing_key is longer than ${limits.nameBytesMax} bytes`);
  const { body = null, body_encoding: encoding } = given;
  if (encoding !== "string" && encoding !== "base64")
    throw badRequest(`edit: body_encoding is '${encoding}': give string or base64`);
  if (body !== null && encoding === "base64" && !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(body))
    throw badRequest("edit: body is not base64");
  return new Edit({
    headersSet: set,
    headersRemoved: remove,
    body: body === null ? null : Buffer.from(body, encoding === "base64" ? "base64" : "utf8"),
    routingKey,
  });
}

/** @throws Refusal */
function boundIn(name: string, value: number | undefined, most: number): number | null {
  if (value === undefined) return null;
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw badRequest(`${name} is ${value}: give a whole number from 1 to ${most}`);
  return value;
}

const rateMost = 1_000_000;

/** Whether the user may take messages out of it. */
export function mayTake({ caller, remoteHost }: Asked<never>, { kind, vhost, name }: Queue): boolean {
  const asker = { authorization: caller, host: remoteHost };
  if (kind === "queue") return mayUseLog(asker, "take", vhost, name);
  return mayUseLog(asker, "read", vhost, name) && mayUseLog(asker, "removeEntries", vhost, name);
}

/** The queue or stream of dead letters, from which the caller may take. @throws Refusal */
function sourceOf(asked: Asked<never>, vhost: Vhost, text: string): Queue {
  const shown = `'${text}' in vhost '${shownName(vhost.name)}'`;
  const queue = vhost.findQueue(brokerName(text));
  if (queue === undefined) {
    const partitions = vhost.topics.find(brokerName(text))?.partitions ?? [];
    if (partitions.length === 0) throw Refusal.notFound(`no queue or stream ${shown}`);
    throw Refusal.notFound(
      `topic ${shown} has ${partitions.length} partitions: name one, such as '${shownName(partitions[0]!.name)}'`,
    );
  }
  if (!mayTake(asked, queue))
    throw new Refusal(
      401,
      "not_authorised",
      `ACCESS_REFUSED - taking messages from queue ${shown} refused for user '${shownName(asked.caller.name)}'`,
    );
  if (queue.exclusiveOwner !== 0)
    throw badRequest(
      `RESOURCE_LOCKED - queue ${shown} is exclusive: only the connection that declared it reads it`,
    );
  return queue;
}

function vhostsOf(broker: Broker, { caller, query }: Asked<never>): readonly Vhost[] {
  const name = query.get("vhost") || null;
  return name === null ? seenVhosts(broker, caller) : [namedVhostAt(broker, caller, name)];
}

export const deadLetterEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/troika/deadletters",
    audience: "management",
    summary:
      "Dead letters of all queues and streams, in groups: why they died, where, how many, since when, and where they lie.",
    query: { vhost: "only of this virtual host" },
    run: async (asked) => {
      const { broker, caller, remoteHost } = asked;
      const asker = { authorization: caller, host: remoteHost };
      const mayRead = ({ vhost, name }: Queue): boolean => mayUseLog(asker, "read", vhost, name);
      const vhosts = vhostsOf(broker, asked as Asked<never>);
      return json(200, shownFound(await resultOf(broker.work, finding(vhosts, mayRead))));
    },
  }),
  endpoint({
    method: "POST",
    path: "/api/troika/deadletters/retry",
    audience: "management",
    summary:
      "Moves dead letters back to where they died, all or those that a filter chooses; goes on as an operation behind the answer.",
    body: question,
    query: waitQuery,
    run: async (asked) => {
      const { broker, caller, remoteHost, body } = asked;
      const waitMs = waitMsIn(asked as Asked<never>);
      const vhost = vhostOfMessages(broker, caller, body.vhost);
      const source = sourceOf(asked as Asked<never>, vhost, body.queue);
      const filter = filterOf(body.filter);
      const limit = boundIn("limit", body.limit, Number.MAX_SAFE_INTEGER) ?? Infinity;
      const rate = boundIn("rate", body.rate, rateMost) ?? limits.retryRateUsual;
      const edit = editIn(body.edit);
      const asker = { authorization: caller, host: remoteHost };
      const isDry = body.dry_run;
      const operation = started(() =>
        broker.operations.start(
          {
            kind: "retry",
            vhost: vhost.name,
            source: source.name,
            startedBy: caller.name,
            rate,
            ...(isDry ? { isDry } : {}),
          },
          retrying(broker.operations, {
            source,
            filter,
            limit,
            edit,
            isDry,
            may: (act, name) => mayUseLog(asker, act, vhost, name),
          }),
          newRetryCounts(),
          () => mayTake(asked as Asked<never>, source),
        ),
      );
      await broker.operations.ended(operation, waitMs);
      const { counts, id, state } = operation;
      return json(operationStatus(operation), { ...counts, operation: id, state });
    },
  }),
];
