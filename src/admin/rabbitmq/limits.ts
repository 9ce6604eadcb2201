/** Limits of virtual hosts and of users: /api/vhost-limits, /api/user-limits. */
import { any, looseObject, number } from "valibot";
import type { User } from "../../broker/access/users.ts";
import type { Broker } from "../../broker/broker.ts";
import type { ParameterPlace } from "../../broker/parameters/parameters.ts";
import { limitsFaults, userLimitNames, vhostLimitsName } from "../../broker/parameters/vhost-limits.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { done, json, Refusal } from "../answers.ts";
import { isMonitor, objectRefused, visibleVhostAt, visibleVhosts } from "../api/audience.ts";
import { badRequest } from "../api/body.ts";
import { endpoint, type Endpoint } from "../api/endpoint.ts";
import { bodyWith, changedVhostAt, lookedVhostAt, objectNotFound, userAt } from "./lookups.ts";
import { shownName } from "./names.ts";

const component = "vhost-limits";

function placeOf({ name }: Vhost): ParameterPlace {
  return { vhost: name, component, name: vhostLimitsName };
}

function limitsOf(vhosts: Iterable<Vhost>): object[] {
  const found: object[] = [];
  for (const vhost of vhosts) {
    const value = vhost.broker.parameters.get(placeOf(vhost));
    if (value !== undefined) found.push({ vhost: shownName(vhost.name), value });
  }
  return found;
}

/** Sets the limits, or without them the list that RabbitMQ shows then. */
function setVhostLimits(vhost: Vhost, next: Readonly<Record<string, unknown>>): void {
  const value = Object.keys(next).length === 0 ? [] : next;
  const fault = vhost.broker.parameters.fault(placeOf(vhost), value);
  if (fault !== null) throw badRequest(fault);
  vhost.broker.parameters.set(placeOf(vhost), value);
}

function shownUserLimits({ name, limits: value }: User): object {
  return { user: name, value };
}

function withLimits({ limits }: User): boolean {
  return Object.keys(limits).length > 0;
}

/** @throws Refusal in RabbitMQ's words */
function changedUserAt(broker: Broker, name: string): User {
  const user = broker.access.users.get(name);
  if (user === undefined) throw badRequest(["no_such_user", name]);
  return user;
}

export const limitEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/vhost-limits",
    audience: "management",
    summary: "The limits of the virtual hosts that the user may see.",
    run: ({ broker, caller }) => json(200, limitsOf(visibleVhosts(broker, caller))),
  }),
  endpoint({
    method: "GET",
    path: "/api/vhost-limits/{vhost}",
    audience: "management",
    summary: "The limits of a virtual host.",
    run: ({ broker, caller, names }) => {
      const vhost = visibleVhostAt(broker, caller, names["vhost"]!);
      const hasSome = Object.keys(broker.parameters.limitsOf(vhost.name)).length > 0;
      // Those that were deleted are shown as an empty list among all only, as in RabbitMQ.
      return json(200, hasSome ? limitsOf([vhost]) : []);
    },
  }),
  endpoint({
    method: "PUT",
    path: "/api/vhost-limits/{vhost}/{name}",
    audience: "administrator",
    summary: 'Sets max-connections or max-queues of a virtual host: {"value"}; a negative one is no limit.',
    body: any(),
    shape: looseObject({ value: number() }),
    run: ({ broker, caller, names, body }) => {
      const vhost = changedVhostAt(broker, caller, names["vhost"]!);
      const { value } = bodyWith(body, ["value"]);
      setVhostLimits(vhost, { ...broker.parameters.limitsOf(vhost.name), [names["name"]!]: value });
      return done(204);
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/api/vhost-limits/{vhost}/{name}",
    audience: "administrator",
    summary: "Deletes a limit of a virtual host.",
    run: ({ broker, caller, names }) => {
      const vhost = lookedVhostAt(broker, caller, names["vhost"]!);
      const { [names["name"]!]: _, ...left } = broker.parameters.limitsOf(vhost.name);
      setVhostLimits(vhost, left);
      return done(204);
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/user-limits",
    audience: "administrator",
    summary: "The users that have limits.",
    run: ({ broker }) => json(200, broker.access.users.all().filter(withLimits).map(shownUserLimits)),
  }),
  endpoint({
    method: "GET",
    path: "/api/user-limits/{user}",
    audience: "management",
    summary: "The limits of a user: for itself, and for users with the tag monitoring.",
    run: ({ broker, caller, names }) => {
      const name = names["user"]!;
      if (!isMonitor(caller) && caller.name !== name) throw new Refusal(401, "not_authorised", objectRefused);
      return json(200, [userAt(broker, name)].filter(withLimits).map(shownUserLimits));
    },
  }),
  endpoint({
    method: "PUT",
    path: "/api/user-limits/{user}/{name}",
    audience: "administrator",
    summary: 'Sets max-connections or max-channels of a user: {"value"}; a negative one is no limit.',
    body: any(),
    shape: looseObject({ value: number() }),
    run: ({ broker, names, body }) => {
      const { value } = bodyWith(body, ["value"]);
      const user = changedUserAt(broker, names["user"]!);
      const given = { [names["name"]!]: value };
      const [fault] = limitsFaults("user-limits", given, userLimitNames);
      if (fault !== undefined) throw badRequest(fault);
      broker.access.users.set({ ...user, limits: { ...user.limits, ...(given as Record<string, number>) } });
      return done(204);
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/api/user-limits/{user}/{name}",
    audience: "administrator",
    summary: "Deletes a limit of a user.",
    run: ({ broker, names }) => {
      const user = broker.access.users.get(names["user"]!);
      if (user === undefined) throw objectNotFound();
      const { [names["name"]!]: _, ...left } = user.limits;
      broker.access.users.set({ ...user, limits: left });
      return done(204);
    },
  }),
];
