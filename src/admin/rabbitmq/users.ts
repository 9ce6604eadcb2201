/**
 * Users: /api/users, /api/whoami.
 *
 * Not here: what users may do (permissions.ts), passwords (broker/access). Invariants: no answer has a password; the last
 * administrator stays one.
 */
import type { Broker } from "../../broker/broker.ts";
import { passwordDigest } from "../../broker/access/password-hash.ts";
import { newUser, type User } from "../../broker/access/users.ts";
import { any } from "valibot";
import { done, json, Refusal } from "../answers.ts";
import { badRequest } from "../api/body.ts";
import { endpoint, type Endpoint } from "../api/endpoint.ts";
import { objectIn, userIn } from "./users-bodies.ts";
import { userAt } from "./lookups.ts";
import { shownPermissions } from "./permissions.ts";

function shownUser({ name, tags }: User): object {
  return { name, tags };
}

function refuseLockOut(broker: Broker, name: string, next: User | null): void {
  const fault = broker.access.lockOutFault(name, next);
  if (fault !== null) throw new Refusal(409, "conflict", fault);
}

export const userEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/whoami",
    audience: "management",
    summary: "The user who asks.",
    run: ({ caller }) => json(200, shownUser(caller.user!)),
  }),
  endpoint({
    method: "GET",
    path: "/api/users",
    audience: "administrator",
    summary: "All users.",
    run: ({ broker }) => json(200, broker.access.users.all().map(shownUser)),
  }),
  endpoint({
    method: "GET",
    path: "/api/users/{name}",
    audience: "administrator",
    summary: "A user.",
    run: ({ broker, names }) => json(200, shownUser(userAt(broker, names["name"]!))),
  }),
  endpoint({
    method: "PUT",
    path: "/api/users/{name}",
    audience: "administrator",
    summary: "Makes a user, or changes its password and tags.",
    body: any(),
    run: ({ broker, names, body }) => {
      const name = names["name"]!;
      const { password, tags } = userIn(name, objectIn(body));
      const { access } = broker;
      const before = access.users.get(name);
      const user = {
        ...(before ?? newUser(name)),
        tags,
        // As in RabbitMQ: a user without a password cannot log in.
        passwords: password === "" ? [] : [access.storedPassword(passwordDigest(password))],
      };
      refuseLockOut(broker, name, user);
      access.users.set(user);
      return done(before === undefined ? 201 : 204);
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/api/users/{name}",
    audience: "administrator",
    summary: "Deletes a user and closes its connections.",
    run: ({ broker, names }) => {
      const { name } = userAt(broker, names["name"]!);
      if (name === "default") throw badRequest("the user 'default' cannot be deleted");
      refuseLockOut(broker, name, null);
      broker.access.users.delete(name);
      return done(204);
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/users/{name}/permissions",
    audience: "administrator",
    summary: "What a user may do, by virtual host.",
    run: ({ broker, names }) => json(200, shownPermissions(userAt(broker, names["name"]!))),
  }),
];
