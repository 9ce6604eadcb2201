/** Virtual hosts: /api/vhosts. */
import { limits } from "../../base/limits.ts";
import { everyName } from "../../broker/access/users.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { any } from "valibot";
import { done, json } from "../answers.ts";
import { seenVhosts, vhostAt } from "../api/audience.ts";
import { badRequest } from "../api/body.ts";
import { type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { type Fields, list, listQuery, shown } from "../api/list.ts";
import { brokerName, shownName } from "./names.ts";
import { statsQuery } from "./stats.ts";
import { vhostStatsFields } from "./vhost-stats.ts";

const ownFields: Fields<Vhost> = {
  name: ({ name }) => shownName(name),
};

/** With what is counted there. */
async function fieldsFor(asked: Asked<never>): Promise<Fields<Vhost>> {
  return { ...ownFields, ...(await vhostStatsFields(asked)) };
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
      return list(broker, query, { items: seenVhosts(broker, caller), nameOf: ({ name }) => name, fields });
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/vhosts/{vhost}",
    audience: "management",
    summary: "A virtual host.",
    query: { columns: listQuery.columns, ...statsQuery },
    run: async (asked) => {
      const { broker, caller, names, query } = asked;
      vhostAt(broker, caller, names["vhost"]!);
      const fields = await fieldsFor(asked as Asked<never>);
      return json(200, shown(vhostAt(broker, caller, names["vhost"]!), fields, query));
    },
  }),
  endpoint({
    method: "PUT",
    path: "/api/vhosts/{vhost}",
    audience: "administrator",
    summary: "Makes a virtual host. The user who makes it may do everything there, as in RabbitMQ.",
    body: any(),
    run: ({ broker, caller, names }) => {
      const name = brokerName(names["vhost"]!);
      if (name === "" || name.includes("\0") || name.length > limits.nameBytesMax) {
        throw badRequest(`a virtual host has a name of 1 to ${limits.nameBytesMax} bytes`);
      }
      if (!broker.addVhost(name)) return done(204);
      const user = caller.user!;
      broker.access.users.set({ ...user, permissions: { ...user.permissions, [name]: everyName } });
      return done(201);
    },
  }),
];
