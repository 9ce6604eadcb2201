/**
 * Who may ask what of the API, by RabbitMQ's tags of users, and which virtual hosts a caller sees.
 *
 *     tag             may
 *     management      see and use what is in the virtual hosts where it has permissions
 *     policymaker     the same, and set policies and parameters there
 *     monitoring      the same as management, and see nodes, connections, channels, consumers and the names and counts of all virtual
 *                     hosts, but not the queues, exchanges and policies of those where it has no permissions
 *     administrator   everything; alone it closes connections that are not its own
 *
 * A policymaker may set operator policies and limits of its virtual hosts too, by /api/parameters/operator_policy and
 * /api/parameters/vhost-limits, though their own endpoints refuse it: RabbitMQ 3.10.8 does the same.
 *
 * Not here: rights on single queues and exchanges, which are those of every protocol (broker/access/rights.ts).
 */
import { isHiddenVhost } from "../../broker/names.ts";
import type { Authorization } from "../../broker/access/permissions.ts";
import type { Vhost } from "../../broker/vhost.ts";
import type { Broker } from "../../broker/broker.ts";
import { Refusal } from "../answers.ts";
import type { Audience } from "./endpoint.ts";

/** By audience, the tags of which a user needs one. */
const tagsOf: Readonly<Record<Exclude<Audience, "anyone">, readonly string[]>> = {
  management: ["management", "policymaker", "monitoring", "administrator"],
  policymaker: ["policymaker", "administrator"],
  monitoring: ["monitoring", "administrator"],
  administrator: ["administrator"],
};

export const objectRefused = "User not authorised to access object";
const vhostRefused = "User not authorised to access virtual host";

const refusals: Readonly<Record<Exclude<Audience, "anyone">, string>> = {
  management: "Not management user",
  policymaker: objectRefused,
  monitoring: "Not monitor user",
  administrator: "Not administrator user",
};

/** @throws Refusal with RabbitMQ's text */
export function mayAsk(caller: Authorization, audience: Exclude<Audience, "anyone">): void {
  for (const each of ["management", audience] as const)
    if (!isOf(caller, each)) throw new Refusal(401, "not_authorised", refusals[each]);
}

function isOf({ user }: Authorization, audience: Exclude<Audience, "anyone">): boolean {
  return user !== null && tagsOf[audience].some((tag) => user.tags.includes(tag));
}

function isShown({ name }: Vhost): boolean {
  return !isHiddenVhost(name);
}

/** Whether the caller sees what is in a virtual host: its own, or all as an administrator. */
function seesObjects(caller: Authorization, { name }: Vhost): boolean {
  return isOf(caller, "administrator") || caller.hasVhost(name);
}

/** Whether the caller sees that there is the virtual host: its own, or all as an administrator or monitor. */
function seesVhost(caller: Authorization, vhost: Vhost): boolean {
  return isMonitor(caller) || seesObjects(caller, vhost);
}

/** The virtual hosts whose queues, exchanges, bindings and policies the caller sees. */
export function seenVhosts(broker: Broker, caller: Authorization): Vhost[] {
  return [...broker.vhosts.values()].filter((vhost) => isShown(vhost) && seesObjects(caller, vhost));
}

/** The virtual hosts themselves that the caller sees, with their limits and counts. */
export function visibleVhosts(broker: Broker, caller: Authorization): Vhost[] {
  return [...broker.vhosts.values()].filter((vhost) => isShown(vhost) && seesVhost(caller, vhost));
}

/** @throws Refusal where there is no virtual host of that name */
export function anyVhostAt(broker: Broker, name: string): Vhost {
  const vhost = broker.vhost(Buffer.from(name).toString("latin1"));
  if (vhost === undefined || !isShown(vhost)) throw Refusal.notFound();
  return vhost;
}

/**
 * The virtual host that the path names, whose objects the caller may see.
 * @throws Refusal where there is none, or the caller has no business there
 */
export function vhostAt(
  broker: Broker,
  caller: Authorization,
  name: string,
  refusal: string = vhostRefused,
): Vhost {
  const vhost = anyVhostAt(broker, name);
  if (!seesObjects(caller, vhost)) throw new Refusal(401, "not_authorised", refusal);
  return vhost;
}

/** The same for our own part of the API, where what is not there is named. @throws Refusal */
export function namedVhostAt(broker: Broker, caller: Authorization, name: string): Vhost {
  const vhost = broker.vhost(Buffer.from(name).toString("latin1"));
  if (vhost === undefined || !isShown(vhost))
    throw Refusal.notFound(`there is no virtual host '${name}': /api/vhosts has all`);
  return vhostAt(broker, caller, name);
}

/** The same for what is shown of the virtual host itself. @throws Refusal */
export function visibleVhostAt(broker: Broker, caller: Authorization, name: string): Vhost {
  const vhost = anyVhostAt(broker, name);
  if (!seesVhost(caller, vhost)) throw new Refusal(401, "not_authorised", vhostRefused);
  return vhost;
}

/** Whether the caller sees what is not its own: all connections, channels, consumers and nodes. */
export function isMonitor(caller: Authorization): boolean {
  return isOf(caller, "monitoring");
}

/** Whether the caller may change what is another user's. */
export function isAdministrator(caller: Authorization): boolean {
  return isOf(caller, "administrator");
}
