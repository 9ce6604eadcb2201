/**
 * The broker as RabbitMQ's document of definitions: an answer of HTTP, whose text is made item by item, in slices.
 *
 * Not in it: the user `default` of Redis and Kafka, what Redis and Kafka say of users, topics and their partitions, streams that Redis
 * made by writing to them, what ends with a connection, and what every virtual host has. Invariant: what it says imports into this
 * broker, which then exports the same, and into RabbitMQ 3.10.8 too, but for settings of our own in policies (`retry-limit` and its like),
 * which RabbitMQ refuses, and exchanges of types that there need a plugin.
 */
import type { DefinitionItem } from "../../base/definitions/document.ts";
import type { Job } from "../../base/turn-work.ts";
import { exportedPassword } from "../../broker/access/imported-password.ts";
import { defaultUserName, type User } from "../../broker/access/users.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Binding, Exchange } from "../../broker/exchange/exchange.ts";
import type { Queue } from "../../broker/queue/queue.ts";
import { shownName } from "../../broker/names.ts";
import type { Parameter } from "../../broker/parameters/parameters.ts";
import type { Vhost } from "../../broker/vhost.ts";
import type { Answer } from "../api/endpoint.ts";
import { itemsText, TextPieces } from "../api/text-pieces.ts";
import { globalParametersOf, parametersOf } from "../rabbitmq/parameters.ts";
import { shownPermissions } from "../rabbitmq/permissions.ts";
import { type NamedPolicy, shownPolicy, sortedPolicies } from "../rabbitmq/policies.ts";
import { shownTopicPermissions } from "../rabbitmq/topic-permissions.ts";
import { shownMetadata } from "../rabbitmq/vhosts.ts";

/** The version of RabbitMQ whose document this is. */
const rabbitVersion = "3.10.8";
const unitsOfLook = 0.5;
const unitsOfItem = 6;
const unitsOfPiece = 200;

/** A part of the document: a text, or items that are made one by one. Null: one that was looked at and is not exported. */
type Section = readonly [name: string, value: string | Iterable<DefinitionItem | null>];

/** Everything of these virtual hosts. */
export function* exportAll(broker: Broker, vhosts: readonly Vhost[]): Job<Answer> {
  const users = broker.access.users.all().filter(({ name }) => name !== defaultUserName);
  const shown = new Set(vhosts.map(({ name }) => shownName(name)));
  const isShown = ({ vhost }: { readonly vhost: string }): boolean => shown.has(vhost);
  const policies = yield* sortedPolicies(vhosts, "policy");
  return yield* written([
    ["rabbit_version", rabbitVersion],
    ["rabbitmq_version", rabbitVersion],
    ["product_name", "RabbitMQ"],
    ["product_version", rabbitVersion],
    ["users", each(users, userItem)],
    ["vhosts", each(vhosts, vhostItem)],
    ["permissions", eachOfAll(users, (user) => shownPermissions(user).filter(isShown))],
    ["topic_permissions", eachOfAll(users, (user) => shownTopicPermissions(user).filter(isShown))],
    ["parameters", each(parametersOf(broker, vhosts), parameterItem)],
    ["global_parameters", each(globalParametersOf(broker), (parameter) => ({ ...parameter }))],
    ["policies", each(policies, policyItem)],
    ["queues", queueItems(vhosts)],
    ["exchanges", exchangeItems(vhosts)],
    ["bindings", bindingItems(vhosts)],
  ]);
}

/** What is in one virtual host; its name is in parameters and policies only, as in RabbitMQ. */
export function* exportVhost(broker: Broker, vhost: Vhost): Job<Answer> {
  const bare = (item: DefinitionItem): DefinitionItem => {
    const { vhost: _, ...rest } = item;
    return rest;
  };
  const policies = yield* sortedPolicies([vhost], "policy");
  return yield* written([
    ["rabbit_version", rabbitVersion],
    ["parameters", each(parametersOf(broker, [vhost]), parameterItem)],
    ["policies", each(policies, policyItem)],
    ["queues", each(queueItems([vhost]), bare)],
    ["exchanges", each(exchangeItems([vhost]), bare)],
    ["bindings", each(bindingItems([vhost]), bare)],
  ]);
}

function* written(sections: readonly Section[]): Job<Answer> {
  const text = new TextPieces();
  let lead = "{";
  for (const [name, value] of sections) {
    text.write(`${lead}${JSON.stringify(name)}:`);
    lead = ",";
    if (typeof value === "string") text.write(JSON.stringify(value));
    else yield* writtenItems(text, value);
  }
  text.write("}\n");
  return text.answer();
}

function* writtenItems(text: TextPieces, all: Iterable<DefinitionItem | null>): Job<void> {
  let items: DefinitionItem[] = [];
  let isFirst = true;
  let units = 0;
  const write = (): void => {
    text.write(itemsText(items, isFirst));
    isFirst &&= items.length === 0;
    items = [];
  };
  text.write("[");
  for (const item of all) {
    if (item !== null) items.push(item);
    units += item === null ? unitsOfLook : unitsOfItem;
    if (units < unitsOfPiece) continue;
    write();
    yield units;
    units = 0;
  }
  write();
  text.write("]");
}

function* each<Thing>(
  things: Iterable<Thing | null>,
  itemOf: (thing: Thing) => DefinitionItem,
): Generator<DefinitionItem | null, void> {
  for (const thing of things) yield thing === null ? null : itemOf(thing);
}

function* eachOfAll<Thing>(
  things: Iterable<Thing>,
  itemsOf: (thing: Thing) => readonly object[],
): Generator<DefinitionItem | null, void> {
  for (const thing of things) {
    yield null;
    yield* itemsOf(thing) as readonly DefinitionItem[];
  }
}

function userItem(user: User): DefinitionItem {
  const { hash, algorithm } = exportedPassword(user);
  const { name, tags, limits } = user;
  return { name, password_hash: hash, hashing_algorithm: algorithm, tags, limits };
}

function vhostItem({ name, metadata }: Vhost): DefinitionItem {
  return { name: shownName(name), metadata: shownMetadata(metadata) };
}

function parameterItem({ value, vhost, component, name }: Parameter): DefinitionItem {
  return { value, vhost: shownName(vhost), component, name };
}

function policyItem(policy: NamedPolicy): DefinitionItem {
  return shownPolicy(policy) as DefinitionItem;
}

function* queueItems(vhosts: readonly Vhost[]): Generator<DefinitionItem | null, void> {
  for (const { queues } of vhosts) {
    for (const queue of queues.values()) yield isKept(queue) ? queueItem(queue) : null;
  }
}

function* exchangeItems(vhosts: readonly Vhost[]): Generator<DefinitionItem | null, void> {
  for (const vhost of vhosts) {
    for (const exchange of vhost.exchanges.values())
      yield isOwn(exchange) ? exchangeItem(vhost, exchange) : null;
  }
}

function* bindingItems(vhosts: readonly Vhost[]): Generator<DefinitionItem | null, void> {
  for (const vhost of vhosts) {
    for (const exchange of vhost.exchanges.values()) {
      yield null;
      if (exchange.name === "" || exchange.type === "x-kafka-topic") continue;
      for (const binding of exchange.bindings.values())
        yield leadsToKept(binding) ? bindingItem(vhost, binding) : null;
    }
  }
}

function isKept(queue: Queue): boolean {
  if (queue.exclusiveOwner !== 0 || queue.isImplicit || queue.isDeleted) return false;
  return queue.vhost.topics.topicOf(queue) === undefined;
}

/** Not one that every virtual host has, nor that of a topic. */
function isOwn({ name, type }: Exchange): boolean {
  return name !== "" && !name.startsWith("amq.") && type !== "x-kafka-topic";
}

function leadsToKept({ destination }: Binding): boolean {
  return destination.kind === "exchange"
    ? destination.name !== "" && destination.type !== "x-kafka-topic"
    : isKept(destination);
}

function queueItem({ name, vhost, durable, autoDelete, args }: Queue): DefinitionItem {
  return {
    name: shownName(name),
    vhost: shownName(vhost.name),
    durable,
    auto_delete: autoDelete,
    arguments: args,
  };
}

function exchangeItem(
  vhost: Vhost,
  { name, type, durable, autoDelete, internal, args }: Exchange,
): DefinitionItem {
  return {
    name: shownName(name),
    vhost: shownName(vhost.name),
    type,
    durable,
    auto_delete: autoDelete,
    internal,
    arguments: args,
  };
}

function bindingItem(vhost: Vhost, { source, destination, key, args }: Binding): DefinitionItem {
  return {
    source: shownName(source.name),
    vhost: shownName(vhost.name),
    destination: shownName(destination.name),
    destination_type: destination.kind === "exchange" ? "exchange" : "queue",
    routing_key: shownName(key),
    arguments: args,
  };
}
