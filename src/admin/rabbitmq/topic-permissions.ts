/** Permissions of users on the routing keys of topic exchanges: /api/topic-permissions. What they come to: broker/access/topic-rules.ts. */
import { any, looseObject, string } from "valibot";
import { type TopicPermission, topicPermissionsIn, type User } from "../../broker/access/users.ts";
import type { Broker } from "../../broker/broker.ts";
import { done, json } from "../answers.ts";
import { badRequest } from "../api/body.ts";
import { endpoint, type Endpoint } from "../api/endpoint.ts";
import { plainListQuery } from "../api/list.ts";
import { bodyWith, lookedVhostAt, namedVhost, objectNotFound, userAt } from "./lookups.ts";
import { brokerName, shownName } from "./names.ts";
import { listPermissions } from "./permissions.ts";
import { patternIn } from "./users-bodies.ts";

interface Shown extends Readonly<Record<string, string>> {
  readonly user: string;
  readonly vhost: string;
}

export function shownTopicPermissions({ name, topicPermissions }: User, only?: string): Shown[] {
  return Object.entries(topicPermissions).flatMap(([vhost, byExchange]) =>
    only !== undefined && vhost !== only
      ? []
      : Object.entries(byExchange).map(([exchange, { write, read }]) => ({
          user: name,
          vhost: shownName(vhost),
          exchange: shownName(exchange),
          write,
          read,
        })),
  );
}

interface Place {
  readonly user: User;
  readonly vhost: string;
  readonly given: Readonly<Record<string, TopicPermission>>;
}

/** Undefined: the user or the virtual host does not exist. */
function placeOf(broker: Broker, names: Readonly<Record<string, string>>): Place | undefined {
  const user = broker.access.users.get(names["user"]!);
  const vhost = namedVhost(broker, names["vhost"]!)?.name;
  if (user === undefined || vhost === undefined) return undefined;
  return { user, vhost, given: topicPermissionsIn(user, vhost) };
}

/** @throws Refusal where the user has none there */
function someAt(broker: Broker, names: Readonly<Record<string, string>>): Place {
  const place = placeOf(broker, names);
  if (place === undefined || Object.keys(place.given).length === 0) throw objectNotFound();
  return place;
}

/** Undefined: for every exchange. */
function withoutExchange(given: Place["given"], exchange: string | undefined): Place["given"] {
  if (exchange === undefined) return {};
  const { [brokerName(exchange)]: _, ...left } = given;
  return left;
}

function endpointsAt(path: string): Endpoint[] {
  return [
    endpoint({
      method: "GET",
      path,
      audience: "administrator",
      summary: "The topic permissions of a user in a virtual host.",
      run: ({ broker, names }) => {
        const { user, vhost } = someAt(broker, names);
        return json(200, shownTopicPermissions(user, vhost));
      },
    }),
    endpoint({
      method: "PUT",
      path,
      audience: "administrator",
      summary: 'Sets what a user may do with the keys of one exchange: {"exchange", "write", "read"}.',
      body: any(),
      shape: looseObject({ exchange: string(), write: string(), read: string() }),
      run: ({ broker, names, body }) => {
        const given = bodyWith(body, ["exchange", "write", "read"]);
        const place = placeOf(broker, names);
        if (place === undefined) throw badRequest("vhost_or_user_not_found");
        const { exchange } = given;
        if (typeof exchange !== "string") throw badRequest("exchange is no text; give it in quotes");
        const permission = { write: patternIn(given, "write"), read: patternIn(given, "read") };
        const { user, vhost, given: before } = place;
        const topicPermissions = {
          ...user.topicPermissions,
          [vhost]: { ...before, [brokerName(exchange)]: permission },
        };
        broker.access.users.set({ ...user, topicPermissions });
        return done(Object.keys(before).length === 0 ? 201 : 204);
      },
    }),
    endpoint({
      method: "DELETE",
      path,
      audience: "administrator",
      summary: "Deletes the topic permissions of a user in a virtual host, or those for one exchange.",
      run: ({ broker, names }) => {
        const { user, vhost, given } = someAt(broker, names);
        const { [vhost]: _, ...others } = user.topicPermissions;
        const left = withoutExchange(given, names["exchange"]);
        const topicPermissions = Object.keys(left).length === 0 ? others : { ...others, [vhost]: left };
        broker.access.users.set({ ...user, topicPermissions });
        return done(204);
      },
    }),
  ];
}

export const topicPermissionEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/topic-permissions",
    audience: "administrator",
    summary: "All topic permissions.",
    query: plainListQuery,
    run: ({ broker, query }) =>
      listPermissions(
        broker,
        query,
        broker.access.users.all().flatMap((user) => shownTopicPermissions(user)),
      ),
  }),
  ...endpointsAt("/api/topic-permissions/{vhost}/{user}"),
  // The exchange counts for DELETE only, as in RabbitMQ.
  ...endpointsAt("/api/topic-permissions/{vhost}/{user}/{exchange}"),
  endpoint({
    method: "GET",
    path: "/api/users/{name}/topic-permissions",
    audience: "administrator",
    summary: "The topic permissions of a user.",
    query: plainListQuery,
    run: ({ broker, names, query }) =>
      listPermissions(broker, query, shownTopicPermissions(userAt(broker, names["name"]!))),
  }),
  endpoint({
    method: "GET",
    path: "/api/vhosts/{vhost}/topic-permissions",
    audience: "administrator",
    summary: "The topic permissions in a virtual host.",
    query: plainListQuery,
    run: ({ broker, caller, names, query }) => {
      const { name } = lookedVhostAt(broker, caller, names["vhost"]!);
      return listPermissions(
        broker,
        query,
        broker.access.users.all().flatMap((user) => shownTopicPermissions(user, name)),
      );
    },
  }),
];
