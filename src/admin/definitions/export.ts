/**
 * The broker as RabbitMQ's document of definitions, made in slices.
 *
 * Not in it: the user `default` of Redis and Kafka, what Redis and Kafka say of users, topics and their partitions, streams that Redis
 * made by writing to them, what ends with a connection, and what every virtual host has. Invariant: what it says imports into RabbitMQ
 * 3.10.8 and into this broker, which then exports the same.
 */
import type { DefinitionCategory, DefinitionItem } from "../../base/definitions/document.ts";
import type { Job } from "../../base/turn-work.ts";
import { exportedPassword } from "../../broker/access/imported-password.ts";
import { defaultUserName } from "../../broker/access/users.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Binding, Exchange } from "../../broker/exchange/exchange.ts";
import type { Queue } from "../../broker/queue/queue.ts";
import { shownName } from "../../broker/names.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { globalParametersOf, parametersOf } from "../rabbitmq/parameters.ts";
import { shownPermissions } from "../rabbitmq/permissions.ts";
import { policiesOf, shownPolicy } from "../rabbitmq/policies.ts";
import { shownTopicPermissions } from "../rabbitmq/topic-permissions.ts";
import { shownMetadata } from "../rabbitmq/vhosts.ts";

/** The version of RabbitMQ whose document this is. */
const rabbitVersion = "3.10.8";
const unitsOfItem = 3;
const unitsOfPiece = 200;

type Lists = Partial<Record<DefinitionCategory, DefinitionItem[]>>;
export type ExportedDocument = Readonly<Record<string, string | readonly DefinitionItem[]>>;

/** Everything of these virtual hosts. */
export function* exportAll(broker: Broker, vhosts: readonly Vhost[]): Job<ExportedDocument> {
  const users = broker.access.users.all().filter(({ name }) => name !== defaultUserName);
  const shown = new Set(vhosts.map(({ name }) => shownName(name)));
  const isShown = (item: object): boolean => shown.has((item as { readonly vhost: string }).vhost);
  const lists: Lists = {
    users: users.map((user) => {
      const { hash, algorithm } = exportedPassword(user);
      const { name, tags, limits } = user;
      return { name, password_hash: hash, hashing_algorithm: algorithm, tags, limits };
    }),
    vhosts: vhosts.map(({ name, metadata }) => ({
      name: shownName(name),
      metadata: shownMetadata(metadata),
    })),
    permissions: users.flatMap(shownPermissions).filter(isShown),
    topic_permissions: users.flatMap((user) => shownTopicPermissions(user)).filter(isShown),
    global_parameters: globalParametersOf(broker) as unknown as DefinitionItem[],
  };
  yield unitsOfItem * (users.length + vhosts.length);
  const objects = yield* objectsOf(broker, vhosts);
  const {
    users: all,
    vhosts: hosts,
    permissions,
    topic_permissions,
    global_parameters,
  } = lists as Required<Lists>;
  const { parameters, policies, queues, exchanges, bindings } = objects;
  return {
    rabbit_version: rabbitVersion,
    rabbitmq_version: rabbitVersion,
    product_name: "RabbitMQ",
    product_version: rabbitVersion,
    users: all,
    vhosts: hosts,
    permissions,
    topic_permissions,
    parameters,
    global_parameters,
    policies,
    queues,
    exchanges,
    bindings,
  };
}

/** What is in one virtual host; its name is in parameters and policies only, as in RabbitMQ. */
export function* exportVhost(broker: Broker, vhost: Vhost): Job<ExportedDocument> {
  const { parameters, policies, queues, exchanges, bindings } = yield* objectsOf(broker, [vhost]);
  const bare = (item: DefinitionItem): DefinitionItem => {
    const { vhost: _, ...rest } = item;
    return rest;
  };
  return {
    rabbit_version: rabbitVersion,
    parameters,
    policies,
    queues: queues.map(bare),
    exchanges: exchanges.map(bare),
    bindings: bindings.map(bare),
  };
}

interface Objects {
  readonly parameters: DefinitionItem[];
  readonly policies: DefinitionItem[];
  readonly queues: DefinitionItem[];
  readonly exchanges: DefinitionItem[];
  readonly bindings: DefinitionItem[];
}

function* objectsOf(broker: Broker, vhosts: readonly Vhost[]): Job<Objects> {
  const objects: Objects = {
    parameters: [...parametersOf(broker, vhosts)].map(({ value, vhost, component, name }) => ({
      value,
      vhost: shownName(vhost),
      component,
      name,
    })),
    policies: policiesOf(vhosts, "policy").map((policy) => shownPolicy(policy) as DefinitionItem),
    queues: [],
    exchanges: [],
    bindings: [],
  };
  let units = unitsOfItem * (objects.parameters.length + objects.policies.length);
  for (const vhost of vhosts) {
    for (const queue of vhost.queues.values()) {
      if (isKept(queue)) objects.queues.push(queueItem(queue));
      units += unitsOfItem;
      if (units < unitsOfPiece) continue;
      yield units;
      units = 0;
    }
    for (const exchange of vhost.exchanges.values()) {
      if (isOwn(exchange)) objects.exchanges.push(exchangeItem(vhost, exchange));
      units += unitsOfItem;
      if (exchange.name === "" || exchange.type === "x-kafka-topic") continue;
      for (const binding of exchange.bindings.values()) {
        if (leadsToKept(binding)) objects.bindings.push(bindingItem(vhost, binding));
        units += unitsOfItem;
        if (units < unitsOfPiece) continue;
        yield units;
        units = 0;
      }
    }
  }
  return objects;
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
