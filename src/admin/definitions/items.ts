/**
 * The items of a document of definitions, one rule for each category: what it must say, and what is made of it.
 *
 * An item is read twice: before the first one is made, when the virtual hosts and users that the document itself has are not there yet, and
 * when its turn comes. Not here: the order and the slices (import.ts). Invariants: reading changes nothing in the broker; an item passes
 * the same checks as over the API.
 */
import { type DefinitionItem, type Definitions, isOfCluster } from "../../base/definitions/document.ts";
import type { Authorization } from "../../broker/access/permissions.ts";
import { topicPermissionsIn, type User } from "../../broker/access/users.ts";
import type { Broker } from "../../broker/broker.ts";
import { checkExchangeArguments, declaredType, typeProblem } from "../../broker/exchange/exchange-types.ts";
import type { BindingArguments } from "../../broker/exchange/routing/router.ts";
import { shownName } from "../../broker/names.ts";
import { assertFree, assertNameFits } from "../../broker/queue/name-rules.ts";
import { queueTypeOf } from "../../broker/queue/queue-type.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { badRequest } from "../api/body.ts";
import type { QueueFault } from "../api/surroundings.ts";
import { escapedHtml, isBody, namedVhost } from "../rabbitmq/lookups.ts";
import { brokerName } from "../rabbitmq/names.ts";
import { patternIn, permissionsIn, userIn } from "../rabbitmq/users-bodies.ts";
import { checkedUser, putUser } from "../rabbitmq/users.ts";
import { putVhost, vhostIn } from "../rabbitmq/vhosts.ts";

export interface ImportOptions {
  /** The virtual host of a document that has one only; null: the items name theirs. */
  readonly vhost: Vhost | null;
  /** Who imports, and gets permissions in new virtual hosts; null: the operator, at the start. */
  readonly caller: Authorization | null;
  readonly queueFault: QueueFault;
}

export interface Target extends ImportOptions {
  readonly broker: Broker;
  /** The users as the items that were read so far make them. */
  readonly users: Map<string, User>;
  /** Virtual hosts that the document makes. */
  readonly vhosts: Set<string>;
}

export function targetOf(broker: Broker, options: ImportOptions): Target {
  const users = new Map(broker.access.users.all().map((user) => [user.name, user]));
  return { ...options, broker, users, vhosts: new Set() };
}

/** Makes what was read. @throws Refusal or BrokerError, for what could not be known before */
type Make = () => void;

/** @throws Refusal or BrokerError, for what is wrong with the item */
type Read = (target: Target, item: DefinitionItem) => Make;

export const readers: Readonly<Record<keyof Definitions, Read>> = {
  users: ({ broker, users }, item) => {
    const name = textOf(item, "name");
    const wanted = userIn(name, item);
    const all = (): User[] => [...users.values()];
    users.set(name, checkedUser(broker, { get: (each) => users.get(each), all }, name, wanted));
    return () => void putUser(broker, name, wanted);
  },
  vhosts: ({ broker, caller, vhosts }, item) => {
    const name = brokerName(textOf(item, "name"));
    // RabbitMQ 3.10 writes what is said of it below `metadata`, later ones beside it too.
    const metadata = isBody(item["metadata"]) ? item["metadata"] : {};
    const body = { ...metadata, ...item };
    vhostIn(name, body);
    vhosts.add(name);
    return () => void putVhost(broker, caller, name, body);
  },
  permissions: (target, item) => {
    const name = userNameOf(target, item);
    const vhost = vhostNameOf(target, item);
    const { configure, write, read } = item;
    const next = permissionsIn(shownName(vhost), name, { configure, write, read });
    return () => {
      const user = userNamed(target, name);
      target.broker.access.users.set({ ...user, permissions: { ...user.permissions, [vhost]: next } });
    };
  },
  topic_permissions: (target, item) => {
    const name = userNameOf(target, item);
    const vhost = vhostNameOf(target, item);
    const exchange = brokerName(textOf(item, "exchange"));
    const next = { write: patternIn(item, "write"), read: patternIn(item, "read") };
    return () => {
      const user = userNamed(target, name);
      const byExchange = { ...topicPermissionsIn(user, vhost), [exchange]: next };
      target.broker.access.users.set({
        ...user,
        topicPermissions: { ...user.topicPermissions, [vhost]: byExchange },
      });
    };
  },
  exchanges: readExchange,
  global_parameters: ({ broker }, item) => {
    const name = textOf(item, "name");
    if (isOfCluster(name)) return () => {};
    const fault = broker.parameters.globalFault(name);
    if (fault !== null) throw badRequest(fault);
    return () => broker.parameters.setGlobal(name, item["value"]);
  },
  policies: (target, item) => {
    const vhost = vhostNameOf(target, item);
    if (item["name"] === undefined)
      throw badRequest(`policy in virtual host '${shownName(vhost)}' has undefined name`);
    const { pattern, definition, priority = 0, "apply-to": scope = "all" } = item;
    const name = textOf(item, "name");
    const place = { vhost, component: "policy", name };
    return readParameter(target, place, { pattern, definition, priority, "apply-to": scope }, name);
  },
  parameters: (target, item) => {
    const vhost = vhostNameOf(target, item);
    const component = textOf(item, "component");
    const name = textOf(item, "name");
    return readParameter(target, { vhost, component, name }, item["value"] ?? {}, `${component}/${name}`);
  },
  queues: readQueue,
  bindings: readBinding,
};

function readParameter(
  target: Target,
  place: { readonly vhost: string; readonly component: string; readonly name: string },
  value: unknown,
  called: string,
): Make {
  const { parameters } = target.broker;
  const fault = parameters.fault(place, value);
  if (fault !== null) throw badRequest(escapedHtml(`${fault} (${shownName(place.vhost)}/${called})`));
  return () => {
    vhostNamed(target, place.vhost);
    parameters.set(place, value);
  };
}

/** @throws Refusal */
function textOf(item: DefinitionItem, key: string): string {
  const value = item[key];
  if (typeof value === "string") return value;
  throw badRequest(`${key} is no text: ${JSON.stringify(value) ?? "undefined"}`);
}

/** A user that is there, or will be. */
function userNameOf({ users }: Target, item: DefinitionItem): string {
  const name = textOf(item, "user");
  if (users.has(name)) return name;
  throw badRequest(["no_such_user", name]);
}

function userNamed({ broker }: Target, name: string): User {
  const user = broker.access.users.get(name);
  if (user === undefined) throw badRequest(["no_such_user", name]);
  return user;
}

/** A virtual host that is there, or will be. */
function vhostNameOf({ broker, vhost, vhosts }: Target, item: DefinitionItem): string {
  if (vhost !== null) return vhost.name;
  const given = item["vhost"];
  if (typeof given !== "string")
    throw badRequest("Virtual host does not exist and is not specified in definitions file.");
  const name = brokerName(given);
  if (vhosts.has(name) || namedVhost(broker, given) !== undefined) return name;
  throw badRequest(["no_such_vhost", given]);
}

/** It may have been deleted meanwhile. */
function vhostNamed({ broker, vhost: only }: Target, name: string): Vhost {
  // Whatever is called so by now.
  only?.assertExists();
  const vhost = broker.vhost(name);
  if (vhost === undefined) throw badRequest(["no_such_vhost", shownName(name)]);
  return vhost;
}

/** Keys sorted, as the broker keeps arguments. */
function argumentsOf({ arguments: given }: DefinitionItem): BindingArguments {
  return (isBody(given) ? sorted(given) : {}) as BindingArguments;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isBody(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sorted(value[key])]),
  );
}

function readExchange(target: Target, item: DefinitionItem): Make {
  const vhostName = vhostNameOf(target, item);
  const name = brokerName(textOf(item, "name"));
  const there = target.broker.vhost(vhostName);
  if (name === "" || name.startsWith("amq.") || there?.exchanges.has(name) === true) return () => {};
  const type = declaredType(item["type"]);
  if (type === undefined) throw badRequest(typeProblem(item["type"]));
  const args = argumentsOf(item);
  checkExchangeArguments({ type, args });
  assertNameFits("exchange", name);
  if (there !== undefined) assertFree(there, name, "exchange");
  return () => {
    const vhost = vhostNamed(target, vhostName);
    if (vhost.exchanges.has(name)) return;
    vhost.declareExchange({
      name,
      type,
      durable: item["durable"] !== false,
      autoDelete: item["auto_delete"] === true,
      internal: item["internal"] === true,
      args,
    });
  };
}

/** Not one that is there, nor one whose name the server has given. */
export function isMade(vhost: Vhost | undefined, name: string): boolean {
  return !name.startsWith("amq.") && vhost?.queues.has(name) !== true;
}

function readQueue(target: Target, item: DefinitionItem): Make {
  const vhostName = vhostNameOf(target, item);
  const name = brokerName(textOf(item, "name"));
  const there = target.broker.vhost(vhostName);
  if (!isMade(there, name)) return () => {};
  const args = argumentsOf(item);
  const type = args["x-queue-type"] ?? "classic";
  const what = `queue '${shownName(name)}' in vhost '${shownName(vhostName)}'`;
  const fault = target.queueFault({ what, arguments: args });
  if (fault !== null) throw badRequest(fault);
  const kind = type === "stream" ? "stream" : "queue";
  const durable = item["durable"] !== false;
  const autoDelete = item["auto_delete"] === true;
  if (queueTypeOf({ kind, args }) !== "classic" && (!durable || autoDelete))
    throw badRequest(
      `queue '${shownName(name)}' of type ${JSON.stringify(type)} is durable and not auto-delete`,
    );
  assertNameFits("queue", name);
  if (there !== undefined) assertFree(there, name, "queue");
  return () => {
    const vhost = vhostNamed(target, vhostName);
    if (isMade(vhost, name)) vhost.declareQueue({ name, kind, durable, exclusiveOwner: 0, autoDelete, args });
  };
}

/** A binding whose ends are not both there is left out, as in RabbitMQ. */
function readBinding(target: Target, item: DefinitionItem): Make {
  const vhostName = vhostNameOf(target, item);
  const from = brokerName(textOf(item, "source"));
  const to = brokerName(textOf(item, "destination"));
  const key = brokerName(item["routing_key"] === undefined ? "" : textOf(item, "routing_key"));
  const args = argumentsOf(item);
  return () => {
    const vhost = vhostNamed(target, vhostName);
    const source = vhost.exchanges.get(from);
    const isExchange = item["destination_type"] === "exchange";
    const destination = isExchange ? vhost.exchanges.get(to) : vhost.queues.get(to);
    if (source === undefined || source.name === "" || destination === undefined) return;
    if (source.type !== "x-kafka-topic") vhost.bindings.bind(source, destination, key, args);
  };
}
