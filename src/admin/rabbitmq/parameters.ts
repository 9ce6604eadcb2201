/** Runtime parameters and global parameters: /api/parameters, /api/global-parameters. */
import { any, looseObject } from "valibot";
import { clusterIdOf } from "../../broker/cluster-id.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Parameter, ParameterPlace } from "../../broker/parameters/parameters.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { done, json } from "../answers.ts";
import { objectRefused, seenVhosts } from "../api/audience.ts";
import { badRequest } from "../api/body.ts";
import { endpoint, type Endpoint } from "../api/endpoint.ts";
import { type Fields, list, listQuery, shown } from "../api/list.ts";
import { bodyWith, changedVhostAt, escapedHtml, lookedVhostAt, objectNotFound } from "./lookups.ts";
import { brokerName, shownName } from "./names.ts";

const fields: Fields<Parameter> = {
  value: ({ value }) => value,
  vhost: ({ vhost }) => shownName(vhost),
  component: ({ component }) => component,
  name: ({ name }) => name,
};
const nameOf = ({ name }: { readonly name: string }): string => brokerName(name);
const groupOf = ({ vhost, component }: Parameter): string => `${vhost}\0${component}`;

/**
 * Policies are not among all parameters, but are where their component is named, as in RabbitMQ. Null for each that is not wanted, as
 * lists take it.
 */
export function* parametersOf(
  broker: Broker,
  vhosts: Iterable<Vhost>,
  component?: string,
): Generator<Parameter | null, void> {
  for (const { name } of vhosts) {
    for (const parameter of broker.parameters.all(name)) {
      const isWanted =
        component === undefined ? parameter.component !== "policy" : parameter.component === component;
      yield isWanted ? parameter : null;
    }
  }
}

/** Null: the component's own endpoint is to be used. */
function isOwn(component: string): boolean {
  return component === "policy";
}

export interface GlobalParameter {
  readonly name: string;
  readonly value: unknown;
}

const globalFields: Fields<GlobalParameter> = { name: ({ name }) => name, value: ({ value }) => value };

export function globalParametersOf(broker: Broker): GlobalParameter[] {
  const names = new Set(broker.parameters.global.keys()).add(clusterIdName);
  return [...names].map((name) => ({ name, value: globalParameter(broker, name) }));
}

const clusterIdName = "internal_cluster_id";

/** RabbitMQ has made one at its first start. */
function globalParameter({ parameters, storage, random }: Broker, name: string): unknown {
  const value = parameters.global.get(name);
  if (value !== undefined || name !== clusterIdName) return value;
  return `rabbitmq-cluster-id-${clusterIdOf(storage, random)}`;
}

export const parameterEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/parameters",
    audience: "policymaker",
    summary: "The parameters of the virtual hosts that the user may see, without policies.",
    query: listQuery,
    run: ({ broker, caller, query }) =>
      list(broker, query, {
        items: parametersOf(broker, seenVhosts(broker, caller)),
        nameOf,
        groupOf,
        fields,
      }),
  }),
  endpoint({
    method: "GET",
    path: "/api/parameters/{component}",
    audience: "policymaker",
    summary: "The parameters of a component.",
    query: listQuery,
    run: ({ broker, caller, names, query }) =>
      list(broker, query, {
        items: parametersOf(broker, seenVhosts(broker, caller), names["component"]),
        nameOf,
        groupOf,
        fields,
      }),
  }),
  endpoint({
    method: "GET",
    path: "/api/parameters/{component}/{vhost}",
    audience: "policymaker",
    summary: "The parameters of a component in a virtual host.",
    query: listQuery,
    run: ({ broker, caller, names, query }) => {
      const vhost = lookedVhostAt(broker, caller, names["vhost"]!, objectRefused);
      return list(broker, query, {
        items: parametersOf(broker, [vhost], names["component"]),
        nameOf,
        groupOf,
        fields,
      });
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/parameters/{component}/{vhost}/{name}",
    audience: "policymaker",
    summary: "A parameter.",
    run: ({ broker, caller, names, query }) => {
      const vhost = lookedVhostAt(broker, caller, names["vhost"]!, objectRefused);
      const place: ParameterPlace = {
        vhost: vhost.name,
        component: names["component"]!,
        name: names["name"]!,
      };
      const value = broker.parameters.get(place);
      if (value === undefined) throw objectNotFound();
      return json(200, shown({ ...place, value }, fields, query));
    },
  }),
  endpoint({
    method: "PUT",
    path: "/api/parameters/{component}/{vhost}/{name}",
    audience: "policymaker",
    summary: 'Sets a parameter: {"value"}.',
    body: any(),
    shape: looseObject({ value: any() }),
    run: async ({ broker, caller, names, body }) => {
      const vhost = changedVhostAt(broker, caller, names["vhost"]!, objectRefused);
      const { value } = bodyWith(body, ["value"]);
      const place: ParameterPlace = {
        vhost: vhost.name,
        component: names["component"]!,
        name: names["name"]!,
      };
      if (isOwn(place.component)) throw badRequest("policies may not be set using this method");
      const fault = broker.parameters.fault(place, value);
      if (fault !== null) throw badRequest(escapedHtml(fault));
      const isNew = broker.parameters.get(place) === undefined;
      broker.parameters.set(place, value);
      await vhost.policies.applied();
      return done(isNew ? 201 : 204);
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/api/parameters/{component}/{vhost}/{name}",
    audience: "policymaker",
    summary: "Deletes a parameter.",
    run: async ({ broker, caller, names }) => {
      const vhost = lookedVhostAt(broker, caller, names["vhost"]!, objectRefused);
      const place: ParameterPlace = {
        vhost: vhost.name,
        component: names["component"]!,
        name: names["name"]!,
      };
      if (broker.parameters.get(place) === undefined) throw objectNotFound();
      if (isOwn(place.component)) throw badRequest("policies may not be cleared using this method");
      broker.parameters.delete(place);
      await vhost.policies.applied();
      return done(204);
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/global-parameters",
    audience: "policymaker",
    summary: "The parameters that belong to no virtual host.",
    query: listQuery,
    run: ({ broker, query }) =>
      list(broker, query, { items: globalParametersOf(broker), nameOf, fields: globalFields }),
  }),
  endpoint({
    method: "GET",
    path: "/api/global-parameters/{name}",
    audience: "policymaker",
    summary: "A global parameter.",
    run: ({ broker, names }) => {
      const name = names["name"]!;
      const value = globalParameter(broker, name);
      if (value === undefined) throw objectNotFound();
      return json(200, { value, name });
    },
  }),
  endpoint({
    method: "PUT",
    path: "/api/global-parameters/{name}",
    audience: "policymaker",
    summary: 'Sets a global parameter: {"value"}.',
    body: any(),
    shape: looseObject({ value: any() }),
    run: ({ broker, names, body }) => {
      const name = names["name"]!;
      const { value } = bodyWith(body, ["value"]);
      const fault = broker.parameters.globalFault(name);
      if (fault !== null) throw badRequest(fault);
      const isNew = !broker.parameters.global.has(name);
      broker.parameters.setGlobal(name, value);
      return done(isNew ? 201 : 204);
    },
  }),
  endpoint({
    method: "DELETE",
    path: "/api/global-parameters/{name}",
    audience: "policymaker",
    summary: "Deletes a global parameter.",
    run: ({ broker, names }) => {
      if (!broker.parameters.deleteGlobal(names["name"]!)) throw objectNotFound();
      return done(204);
    },
  }),
];
