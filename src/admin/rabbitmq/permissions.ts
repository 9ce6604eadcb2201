/** Permissions of users in virtual hosts: /api/permissions. What they come to is decided in broker/access/permissions.ts. */
import { any, looseObject, string } from "valibot";
import type { User, VhostPermissions } from "../../broker/access/users.ts";
import type { Broker } from "../../broker/broker.ts";
import { done, json } from "../answers.ts";
import { badRequest } from "../api/body.ts";
import { type Answer, type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { plainList, plainListQuery } from "../api/list.ts";
import { permissionsIn } from "./users-bodies.ts";
import { brokerName, shownName } from "./names.ts";
import { namedVhost, lookedVhostAt, objectNotFound } from "./lookups.ts";

/** A permission, as it is shown. */
interface Shown extends Readonly<Record<string, string>> {
  readonly user: string;
  readonly vhost: string;
}

/** Permissions of any kind: by virtual host and user. */
export function listPermissions(
  broker: Broker,
  query: URLSearchParams,
  items: readonly Shown[],
): Promise<Answer> {
  const names = Object.keys(items[0] ?? {});
  return plainList(broker, query, {
    items,
    nameOf: ({ user }) => brokerName(user),
    groupOf: ({ vhost }) => brokerName(vhost),
    fields: Object.fromEntries(names.map((name) => [name, (item: Shown) => item[name]])),
  });
}

export function shownPermissions({ name, permissions }: User): Shown[] {
  return Object.entries(permissions).map(([vhost, given]) => shownPermission(name, vhost, given));
}

function shownPermission(user: string, vhost: string, given: VhostPermissions): Shown {
  const { configure, write, read } = given;
  return { user, vhost: shownName(vhost), configure, write, read };
}

interface Place {
  readonly user: User;
  readonly vhost: string;
  readonly given: VhostPermissions | undefined;
}

/** Undefined: the user or the virtual host does not exist. */
function placeOf({ broker, names }: Asked<never>): Place | undefined {
  const user = broker.access.users.get(names["user"]!);
  const vhost = namedVhost(broker, names["vhost"]!)?.name;
  if (user === undefined || vhost === undefined) return undefined;
  const given = Object.hasOwn(user.permissions, vhost) ? user.permissions[vhost] : undefined;
  return { user, vhost, given };
}

/** @throws Refusal where the user has none there */
function permissionAt(asked: Asked<never>): Required<Place> & { given: VhostPermissions } {
  const place = placeOf(asked);
  if (place?.given === undefined) throw objectNotFound();
  return { ...place, given: place.given };
}

function permissionsOfVhost(broker: Broker, vhost: string): Shown[] {
  return broker.access.users.all().flatMap(({ name, permissions }) => {
    const given = Object.hasOwn(permissions, vhost) ? permissions[vhost] : undefined;
    return given === undefined ? [] : [shownPermission(name, vhost, given)];
  });
}

export const permissionEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/permissions",
    audience: "administrator",
    summary: "All permissions.",
    query: plainListQuery,
    run: ({ broker, query }) =>
      listPermissions(broker, query, broker.access.users.all().flatMap(shownPermissions)),
  }),
  endpoint({
    method: "GET",
    path: "/api/permissions/{vhost}/{user}",
    audience: "administrator",
    summary: "What a user may do in a virtual host.",
    run: (asked) => {
      const { user, vhost, given } = permissionAt(asked as Asked<never>);
      return json(200, shownPermission(user.name, vhost, given));
    },
  }),
  endpoint({
    method: "PUT",
    path: "/api/permissions/{vhost}/{user}",
    audience: "administrator",
    summary: "Gives a user permissions in a virtual host.",
    body: any(),
    shape: looseObject({ configure: string(), write: string(), read: string() }),
    run: (asked) => {
      const next = permissionsIn(asked.names["vhost"]!, asked.names["user"]!, asked.body);
      const place = placeOf(asked as Asked<never>);
      if (place === undefined) throw badRequest("vhost_or_user_not_found");
      const { user, vhost, given } = place;
      asked.broker.access.users.set({ ...user, permissions: { ...user.permissions, [vhost]: next } });
      return done(given === undefined ? 201 : 204);
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/api/permissions/{vhost}/{user}",
    audience: "administrator",
    summary: "Takes a user's permissions in a virtual host.",
    run: (asked) => {
      const { user, vhost } = permissionAt(asked as Asked<never>);
      const { [vhost]: _, ...left } = user.permissions;
      asked.broker.access.users.set({ ...user, permissions: left });
      return done(204);
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/vhosts/{vhost}/permissions",
    audience: "administrator",
    summary: "What users may do in a virtual host.",
    query: plainListQuery,
    run: ({ broker, caller, names, query }) => {
      const { name } = lookedVhostAt(broker, caller, names["vhost"]!);
      return listPermissions(broker, query, permissionsOfVhost(broker, name));
    },
  }),
];
