/** Permissions of users in virtual hosts: /api/permissions. What they come to is decided in broker/access/permissions.ts. */
import { any } from "valibot";
import type { User, VhostPermissions } from "../../broker/access/users.ts";
import { done, json, Refusal } from "../answers.ts";
import { vhostAt } from "../api/audience.ts";
import { type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { objectIn, permissionsIn } from "./users-bodies.ts";
import { shownName } from "./names.ts";
import { userAt } from "./lookups.ts";

export function shownPermissions({ name, permissions }: User): object[] {
  return Object.entries(permissions).map(([vhost, given]) => shownPermission(name, vhost, given));
}

function shownPermission(user: string, vhost: string, given: VhostPermissions): object {
  const { configure, write, read } = given;
  return { user, vhost: shownName(vhost), configure, write, read };
}

interface Place {
  readonly user: User;
  readonly vhost: string;
  readonly given: VhostPermissions | undefined;
}

function placeOf({ broker, caller, names }: Asked<never>): Place {
  const user = userAt(broker, names["user"]!);
  const { name: vhost } = vhostAt(broker, caller, names["vhost"]!);
  const given = Object.hasOwn(user.permissions, vhost) ? user.permissions[vhost] : undefined;
  return { user, vhost, given };
}

/** @throws Refusal where the user has none there */
function permissionAt(asked: Asked<never>): Required<Place> & { given: VhostPermissions } {
  const { user, vhost, given } = placeOf(asked);
  if (given !== undefined) return { user, vhost, given };
  throw Refusal.notFound(`user '${user.name}' has no permissions in virtual host '${shownName(vhost)}'`);
}

export const permissionEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/permissions",
    audience: "administrator",
    summary: "All permissions.",
    run: ({ broker }) => json(200, broker.access.users.all().flatMap(shownPermissions)),
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
    run: (asked) => {
      const { user, vhost, given } = placeOf(asked as Asked<never>);
      const next = permissionsIn(asked.names["vhost"]!, user.name, objectIn(asked.body));
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
];
