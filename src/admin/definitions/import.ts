/**
 * Makes what a document of definitions says, in RabbitMQ's order and with its texts for what cannot be made.
 *
 * Users, policies and parameters that are there are set anew; queues, exchanges and bindings that are there stay as they are, whatever
 * the document says of them. It is done in slices, item by item: one that cannot be made ends the import, and what was made before stays,
 * as in RabbitMQ. Invariant: an item passes the same checks as over the API.
 */
import {
  type DefinitionItem,
  type Definitions,
  isOfCluster,
  vhostCategories,
} from "../../base/definitions/document.ts";
import { BrokerError } from "../../base/errors.ts";
import { matchingUnits } from "../../base/patterns/regex.ts";
import type { Job } from "../../base/turn-work.ts";
import type { Authorization } from "../../broker/access/permissions.ts";
import { topicPermissionsIn, type User } from "../../broker/access/users.ts";
import type { Broker } from "../../broker/broker.ts";
import { declaredType, typeProblem } from "../../broker/exchange/exchange-types.ts";
import type { BindingArguments } from "../../broker/exchange/routing/router.ts";
import { shownName } from "../../broker/names.ts";
import { queueTypeOf } from "../../broker/queue/queue-type.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { Refusal } from "../answers.ts";
import { badRequest } from "../api/body.ts";
import type { QueueFault } from "../api/surroundings.ts";
import { escapedHtml, isBody, namedVhost } from "../rabbitmq/lookups.ts";
import { brokerName } from "../rabbitmq/names.ts";
import { patternIn, permissionsIn, userIn } from "../rabbitmq/users-bodies.ts";
import { putUser } from "../rabbitmq/users.ts";
import { putVhost } from "../rabbitmq/vhosts.ts";

/** What making an item costs, besides matching names, and looking at one. */
const unitsOfItem = 12;
const unitsOfLook = 1;
const looksOfPiece = 100;

export interface ImportOptions {
  /** The virtual host of a document that has one only; null: the items name theirs. */
  readonly vhost: Vhost | null;
  /** Who imports, and gets permissions in new virtual hosts; null: the operator, at the start. */
  readonly caller: Authorization | null;
  readonly queueFault: QueueFault;
}

interface Target extends ImportOptions {
  readonly broker: Broker;
}

type Make = (target: Target, item: DefinitionItem) => void;

/** @throws Refusal */
export function* importing(broker: Broker, document: Definitions, options: ImportOptions): Job<void> {
  const target: Target = { ...options, broker };
  yield* assertingQueuesFit(target, document);
  for (const [category, make] of Object.entries(makers) as [keyof typeof makers, Make][]) {
    if (options.vhost !== null && !vhostCategories.includes(category)) continue;
    for (const item of document[category] ?? []) {
      const unitsBefore = matchingUnits();
      refusing(() => make(target, item));
      yield unitsOfItem + matchingUnits() - unitsBefore;
    }
  }
}

/** What the broker refuses is refused as a request. */
function refusing(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (error instanceof BrokerError) throw badRequest(error.message);
    throw error;
  }
}

const makers: Readonly<Record<keyof Definitions, Make>> = {
  users: ({ broker }, item) => {
    const name = textOf(item, "name");
    putUser(broker, name, userIn(name, item));
  },
  vhosts: ({ broker, caller }, item) => {
    // RabbitMQ 3.10 writes what is said of it below `metadata`, later ones beside it too.
    const metadata = isBody(item["metadata"]) ? item["metadata"] : {};
    putVhost(broker, caller, brokerName(textOf(item, "name")), { ...metadata, ...item });
  },
  permissions: (target, item) => {
    const user = userOf(target, item);
    const { name } = vhostOf(target, item);
    const { configure, write, read } = item;
    const next = permissionsIn(shownName(name), user.name, { configure, write, read });
    target.broker.access.users.set({ ...user, permissions: { ...user.permissions, [name]: next } });
  },
  topic_permissions: (target, item) => {
    const user = userOf(target, item);
    const { name } = vhostOf(target, item);
    const exchange = brokerName(textOf(item, "exchange"));
    const next = { write: patternIn(item, "write"), read: patternIn(item, "read") };
    const byExchange = { ...topicPermissionsIn(user, name), [exchange]: next };
    target.broker.access.users.set({
      ...user,
      topicPermissions: { ...user.topicPermissions, [name]: byExchange },
    });
  },
  exchanges: (target, item) => makeExchange(vhostOf(target, item), item),
  global_parameters: ({ broker }, item) => {
    const name = textOf(item, "name");
    if (isOfCluster(name)) return;
    const fault = broker.parameters.globalFault(name);
    if (fault !== null) throw badRequest(fault);
    broker.parameters.setGlobal(name, item["value"]);
  },
  policies: (target, item) => {
    const vhost = vhostOf(target, item);
    if (item["name"] === undefined)
      throw badRequest(`policy in virtual host '${shownName(vhost.name)}' has undefined name`);
    const { pattern, definition, priority = 0, "apply-to": scope = "all" } = item;
    const name = textOf(item, "name");
    const place = { vhost: vhost.name, component: "policy", name };
    setParameter(target, place, { pattern, definition, priority, "apply-to": scope }, name);
  },
  parameters: (target, item) => {
    const vhost = vhostOf(target, item);
    const component = textOf(item, "component");
    const name = textOf(item, "name");
    const place = { vhost: vhost.name, component, name };
    setParameter(target, place, item["value"] ?? {}, `${component}/${name}`);
  },
  queues: (target, item) => makeQueue(target, vhostOf(target, item), item),
  bindings: (target, item) => makeBinding(vhostOf(target, item), item),
};

function setParameter(
  { broker }: Target,
  place: { readonly vhost: string; readonly component: string; readonly name: string },
  value: unknown,
  called: string,
): void {
  const fault = broker.parameters.fault(place, value);
  if (fault !== null) throw badRequest(escapedHtml(`${fault} (${shownName(place.vhost)}/${called})`));
  broker.parameters.set(place, value);
}

/** @throws Refusal */
function textOf(item: DefinitionItem, key: string): string {
  const value = item[key];
  if (typeof value === "string") return value;
  throw badRequest(`${key} is no text: ${JSON.stringify(value) ?? "undefined"}`);
}

function userOf({ broker }: Target, item: DefinitionItem): User {
  const name = textOf(item, "user");
  const user = broker.access.users.get(name);
  if (user === undefined) throw badRequest(["no_such_user", name]);
  return user;
}

function vhostOf({ broker, vhost }: Target, item: DefinitionItem): Vhost {
  // It may have been deleted since the import began.
  vhost?.assertExists();
  if (vhost !== null) return vhost;
  const name = item["vhost"];
  if (typeof name !== "string")
    throw badRequest("Virtual host does not exist and is not specified in definitions file.");
  const found = namedVhost(broker, name);
  if (found === undefined) throw badRequest(["no_such_vhost", name]);
  return found;
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

function makeExchange(vhost: Vhost, item: DefinitionItem): void {
  const name = brokerName(textOf(item, "name"));
  if (name === "" || name.startsWith("amq.") || vhost.exchanges.has(name)) return;
  const type = declaredType(item["type"]);
  if (type === undefined) throw badRequest(typeProblem(item["type"]));
  vhost.declareExchange({
    name,
    type,
    durable: item["durable"] !== false,
    autoDelete: item["auto_delete"] === true,
    internal: item["internal"] === true,
    args: argumentsOf(item),
  });
}

/** Not one that is there, nor one whose name the server has given. */
function isMade({ queues }: Vhost, name: string): boolean {
  return !name.startsWith("amq.") && !queues.has(name);
}

function makeQueue({ queueFault }: Target, vhost: Vhost, item: DefinitionItem): void {
  const name = brokerName(textOf(item, "name"));
  if (!isMade(vhost, name)) return;
  const args = argumentsOf(item);
  const type = args["x-queue-type"] ?? "classic";
  const what = `queue '${shownName(name)}' in vhost '${shownName(vhost.name)}'`;
  const fault = queueFault({ what, arguments: args });
  if (fault !== null) throw badRequest(fault);
  const kind = type === "stream" ? "stream" : "queue";
  const durable = item["durable"] !== false;
  const autoDelete = item["auto_delete"] === true;
  if (queueTypeOf({ kind, args }) !== "classic" && (!durable || autoDelete))
    throw badRequest(
      `queue '${shownName(name)}' of type ${JSON.stringify(type)} is durable and not auto-delete`,
    );
  vhost.declareQueue({ name, kind, durable, exclusiveOwner: 0, autoDelete, args });
}

/** A binding whose ends are not both there is left out, as in RabbitMQ. */
function makeBinding(vhost: Vhost, item: DefinitionItem): void {
  const source = vhost.exchanges.get(brokerName(textOf(item, "source")));
  const name = brokerName(textOf(item, "destination"));
  const isExchange = item["destination_type"] === "exchange";
  const destination = isExchange ? vhost.exchanges.get(name) : vhost.queues.get(name);
  if (source === undefined || source.name === "" || destination === undefined) return;
  if (source.type === "x-kafka-topic") return;
  vhost.bindings.bind(
    source,
    destination,
    brokerName(item["routing_key"] === undefined ? "" : textOf(item, "routing_key")),
    argumentsOf(item),
  );
}

/** RabbitMQ looks before it begins. */
function* assertingQueuesFit(target: Target, { queues = [] }: Definitions): Job<void> {
  const added = new Map<Vhost, Set<string>>();
  let looks = 0;
  for (const item of queues) {
    if (++looks % looksOfPiece === 0) yield unitsOfLook * looksOfPiece;
    const given = item["vhost"];
    const vhost = target.vhost ?? (typeof given === "string" ? namedVhost(target.broker, given) : undefined);
    const name = item["name"];
    if (vhost === undefined || typeof name !== "string" || !isMade(vhost, brokerName(name))) continue;
    added.set(vhost, (added.get(vhost) ?? new Set()).add(name));
  }
  for (const [{ name, queues: there, queuesMax }, { size: count }] of added) {
    if (there.size + count <= queuesMax) continue;
    throw new Refusal(
      400,
      "bad_request",
      `Adding ${count} queue(s) to virtual host "${shownName(name)}" would exceed the limit of ${queuesMax} queue(s).\n\n` +
        `This virtual host currently has ${there.size} queue(s) defined.\n\nImport aborted!`,
    );
  }
}
