/**
 * Virtual hosts: /api/vhosts.
 *
 * Not here: how one is deleted (broker/vhost-deletions.ts), its limits (limits.ts). Invariant: the virtual host `/` stays, since clients of
 * Redis and Kafka work there.
 */
import { limits } from "../../base/limits.ts";
import type { Authorization } from "../../broker/access/permissions.ts";
import { everyName } from "../../broker/access/users.ts";
import type { Broker } from "../../broker/broker.ts";
import { defaultVhostName } from "../../broker/names.ts";
import { type QueueType, queueTypes } from "../../broker/queue/queue-type.ts";
import type { Vhost, VhostMetadata } from "../../broker/vhost.ts";
import { any, array, boolean, looseObject, optional, string, union } from "valibot";
import { done, json, Refusal } from "../answers.ts";
import { vhostAt, visibleVhosts } from "../api/audience.ts";
import { badRequest } from "../api/body.ts";
import { type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { type Fields, list, listQuery, shown } from "../api/list.ts";
import { type Body, bodyWith, lookedVhostAt } from "./lookups.ts";
import { brokerName, nodeName, shownName } from "./names.ts";
import { statsQuery } from "./shown/stats.ts";
import { vhostStatsFields } from "./shown/vhost-stats.ts";

export function shownMetadata(metadata: VhostMetadata): object {
  const { description = "", tags = [], defaultQueueType, protectedFromDeletion } = metadata;
  return {
    ...(defaultQueueType === undefined ? {} : { default_queue_type: defaultQueueType }),
    description,
    tags,
    ...(protectedFromDeletion === true ? { protected_from_deletion: true } : {}),
  };
}

const ownFields: Fields<Vhost> = {
  name: ({ name }) => shownName(name),
  description: ({ metadata }) => metadata.description ?? "",
  tags: ({ metadata }) => metadata.tags ?? [],
  default_queue_type: ({ metadata }) => metadata.defaultQueueType ?? "undefined",
  metadata: ({ metadata }) => shownMetadata(metadata),
  // Of RabbitMQ 4: shown where it is.
  protected_from_deletion: ({ metadata }) => metadata.protectedFromDeletion,
  tracing: ({ metadata }) => metadata.tracing ?? false,
  cluster_state: () => ({ [nodeName]: "running" }),
};

/** With what is counted there. */
async function fieldsFor(asked: Asked<never>): Promise<Fields<Vhost>> {
  return { ...ownFields, ...(await vhostStatsFields(asked)) };
}

/** What a request or a document says of a virtual host. @throws Refusal */
function metadataIn(body: Body): VhostMetadata {
  const { description = "", tags = "", tracing } = body;
  // RabbitMQ 3.10 has the first name, later ones the second.
  const type = body["defaultqueuetype"] ?? body["default_queue_type"];
  if (type !== undefined && type !== "undefined" && !queueTypes.includes(type as QueueType))
    throw badRequest(`default_queue_type is one of ${queueTypes.join(", ")}`);
  const given: unknown[] = typeof tags === "string" ? tags.split(",") : Array.isArray(tags) ? tags : [];
  const texts = given.map((tag) => String(tag).trim()).filter((tag) => tag !== "");
  return {
    description: typeof description === "string" ? description : "",
    tags: texts,
    ...(type === undefined || type === "undefined" ? {} : { defaultQueueType: type as string }),
    ...(typeof tracing === "boolean" ? { tracing } : {}),
    ...(body["protected_from_deletion"] === true ? { protectedFromDeletion: true } : {}),
  };
}

/** What is said of the virtual host. @throws Refusal */
export function vhostIn(name: string, body: Body): VhostMetadata {
  if (name === "" || name.includes("\0") || name.length > limits.nameBytesMax) {
    throw badRequest(`a virtual host has a name of 1 to ${limits.nameBytesMax} bytes`);
  }
  return metadataIn(body);
}

/** Makes the virtual host, or changes what is said of it; false: it was there. @throws Refusal */
export function putVhost(broker: Broker, caller: Authorization | null, name: string, body: Body): boolean {
  const metadata = vhostIn(name, body);
  if (!broker.addVhost(name, metadata)) {
    const vhost = broker.vhost(name)!;
    // As in RabbitMQ, a default type is chosen once.
    const { defaultQueueType, tracing = false, protectedFromDeletion } = vhost.metadata;
    const kept = {
      ...(defaultQueueType === undefined ? {} : { defaultQueueType }),
      ...(protectedFromDeletion === true ? { protectedFromDeletion } : {}),
    };
    broker.setVhostMetadata(vhost, { tracing, ...metadata, ...kept });
    return false;
  }
  const user = caller?.user ?? null;
  if (user !== null)
    broker.access.users.set({ ...user, permissions: { ...user.permissions, [name]: everyName } });
  return true;
}

export const vhostEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/vhosts",
    audience: "management",
    summary: "The virtual hosts that the user may see.",
    query: { ...listQuery, ...statsQuery },
    run: async (asked) => {
      const { broker, caller, query } = asked;
      const fields = await fieldsFor(asked as Asked<never>);
      return list(broker, query, {
        items: visibleVhosts(broker, caller),
        nameOf: ({ name }) => name,
        fields,
      });
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/vhosts/{vhost}",
    audience: "administrator",
    summary: "A virtual host.",
    query: { columns: listQuery.columns, ...statsQuery },
    run: async (asked) => {
      const { broker, caller, names, query } = asked;
      lookedVhostAt(broker, caller, names["vhost"]!);
      const fields = await fieldsFor(asked as Asked<never>);
      return json(200, shown(lookedVhostAt(broker, caller, names["vhost"]!), fields, query));
    },
  }),
  endpoint({
    method: "PUT",
    path: "/api/vhosts/{vhost}",
    audience: "administrator",
    summary:
      "Makes a virtual host, or sets its description, tags and default queue type. The user who makes it may do everything there, as in RabbitMQ.",
    body: any(),
    shape: looseObject({
      description: optional(string()),
      tags: optional(union([string(), array(string())])),
      tracing: optional(boolean()),
    }),
    run: ({ broker, caller, names, body }) => {
      const isNew = putVhost(broker, caller, brokerName(names["vhost"]!), bodyWith(body, []));
      return done(isNew ? 201 : 204);
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/api/vhosts/{vhost}",
    audience: "administrator",
    summary: "Deletes a virtual host with everything in it, and closes its connections.",
    run: async ({ broker, caller, names }) => {
      const vhost = lookedVhostAt(broker, caller, names["vhost"]!);
      if (vhost.name === defaultVhostName)
        throw badRequest("virtual host '/' stays: Redis and Kafka clients work there");
      if (vhost.metadata.protectedFromDeletion === true) {
        const reason = `Refusing to delete virtual host '${names["vhost"]!}' because it is protected from deletion`;
        throw new Refusal(412, "precondition_failed", reason);
      }
      await broker.vhostDeletions.delete(vhost);
      return done(204);
    },
  }),
  ...(["POST", "DELETE"] as const).map((method) =>
    endpoint({
      method,
      path: "/api/vhosts/{vhost}/deletion/protection",
      audience: "administrator",
      summary:
        method === "POST" ? "Refuses to delete the virtual host." : "Lets the virtual host be deleted again.",
      run: ({ broker, caller, names }) => {
        const vhost = lookedVhostAt(broker, caller, names["vhost"]!);
        const { protectedFromDeletion: _, ...rest } = vhost.metadata;
        broker.setVhostMetadata(vhost, method === "POST" ? { ...rest, protectedFromDeletion: true } : rest);
        return done(204);
      },
    }),
  ),
  endpoint({
    method: "POST",
    path: "/api/vhosts/{vhost}/start/{node}",
    audience: "administrator",
    summary:
      "Starts a virtual host that has failed on a node. Here none fails alone, so there is nothing to do.",
    run: ({ broker, caller, names }) => {
      vhostAt(broker, caller, names["vhost"]!);
      const node = names["node"]!;
      if (node !== nodeName) throw badRequest(`Request to node ${node} failed with nodedown`);
      return done(204);
    },
  }),
];
