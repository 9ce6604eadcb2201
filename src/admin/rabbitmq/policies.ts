/**
 * Policies and operator policies: /api/policies, /api/operator-policies.
 *
 * Not here: what they may say (broker/policy/definition-rules.ts) and do. Invariant: a policy has taken effect on everything that exists
 * before its change is answered, as in RabbitMQ.
 */
import { any, looseObject, number, optional, record, string } from "valibot";
import { sortedInSlices } from "../../base/sliced-sort.ts";
import type { Job } from "../../base/turn-work.ts";
import type { ParameterPlace } from "../../broker/parameters/parameters.ts";
import type { PolicyKind } from "../../broker/policy/definition-rules.ts";
import type { PolicyValue } from "../../broker/policy/vhost-policies.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { done, json } from "../answers.ts";
import { objectRefused, seenVhosts } from "../api/audience.ts";
import { badRequest } from "../api/body.ts";
import { type Asked, type Audience, endpoint, type Endpoint } from "../api/endpoint.ts";
import { type Fields, list, listQuery, shown } from "../api/list.ts";
import { bodyWith, changedVhostAt, escapedHtml, lookedVhostAt, objectNotFound } from "./lookups.ts";
import { brokerName, shownName } from "./names.ts";

export interface NamedPolicy {
  readonly vhost: string;
  readonly name: string;
  readonly value: PolicyValue;
}

const fields: Fields<NamedPolicy> = {
  vhost: ({ vhost }) => shownName(vhost),
  name: ({ name }) => name,
  pattern: ({ value }) => value.pattern,
  "apply-to": ({ value }) => value["apply-to"] ?? "all",
  definition: ({ value }) => value.definition,
  priority: ({ value }) => value.priority,
};

function* policiesOf(vhosts: Iterable<Vhost>, kind: PolicyKind): Generator<NamedPolicy, void> {
  for (const { name: vhost, broker } of vhosts) {
    for (const [name, value] of broker.parameters.of(vhost, kind))
      yield { vhost, name, value: value as PolicyValue };
  }
}

const policiesOfPiece = 128;

/** In RabbitMQ's order: the lowest priority first. */
export function* sortedPolicies(vhosts: Iterable<Vhost>, kind: PolicyKind): Job<NamedPolicy[]> {
  const found: NamedPolicy[] = [];
  for (const policy of policiesOf(vhosts, kind)) {
    found.push(policy);
    if (found.length % policiesOfPiece === 0) yield policiesOfPiece;
  }
  return yield* sortedInSlices(
    found,
    (a, b) => a.value.priority - b.value.priority || compared(a.vhost, b.vhost) || compared(a.name, b.name),
  );
}

function compared(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function shownPolicy(policy: NamedPolicy): object {
  return shown(policy, fields, new URLSearchParams());
}

interface Shown {
  readonly path: string;
  readonly kind: PolicyKind;
  readonly called: string;
  /** Who may look at one, and change it. */
  readonly audience: Exclude<Audience, "anyone">;
  readonly tell: (fault: string) => string;
}

/** In RabbitMQ's order: the lowest priority first. */
const inOrder = {
  nameOf: ({ name }: NamedPolicy): string => brokerName(name),
  groupOf: ({ vhost }: NamedPolicy): string => vhost,
  usualSort: "priority",
} as const;

function endpointsOf({ path, kind, called, audience, tell }: Shown): Endpoint[] {
  const placeOf = ({ names }: Asked<never>, vhost: Vhost): ParameterPlace => ({
    vhost: vhost.name,
    component: kind,
    name: names["name"]!,
  });
  return [
    endpoint({
      method: "GET",
      path,
      audience: "management",
      summary: `The ${called} of the virtual hosts that the user may see.`,
      query: listQuery,
      run: ({ broker, caller, query }) =>
        list(broker, query, { items: policiesOf(seenVhosts(broker, caller), kind), ...inOrder, fields }),
    }),
    endpoint({
      method: "GET",
      path: `${path}/{vhost}`,
      audience: "management",
      summary: `The ${called} of a virtual host.`,
      query: listQuery,
      run: ({ broker, caller, names, query }) => {
        const vhost = lookedVhostAt(broker, caller, names["vhost"]!);
        return list(broker, query, { items: policiesOf([vhost], kind), ...inOrder, fields });
      },
    }),
    endpoint({
      method: "GET",
      path: `${path}/{vhost}/{name}`,
      audience,
      summary: `One of the ${called}.`,
      run: (asked) => {
        const { broker, caller, names, query } = asked;
        const vhost = lookedVhostAt(broker, caller, names["vhost"]!, objectRefused);
        const place = placeOf(asked as Asked<never>, vhost);
        const value = broker.parameters.get(place) as PolicyValue | undefined;
        if (value === undefined) throw objectNotFound();
        return json(200, shown({ ...place, value }, fields, query));
      },
    }),
    endpoint({
      method: "PUT",
      path: `${path}/{vhost}/{name}`,
      audience,
      summary: `Sets one of the ${called}: {"pattern", "definition", "priority", "apply-to"}.`,
      body: any(),
      shape: looseObject({
        pattern: string(),
        definition: record(string(), any()),
        priority: optional(number()),
        "apply-to": optional(string()),
      }),
      run: async (asked) => {
        const { broker, caller, names, body } = asked;
        const vhost = changedVhostAt(broker, caller, names["vhost"]!, objectRefused);
        const {
          pattern,
          definition,
          priority = 0,
          "apply-to": scope = "all",
        } = bodyWith(body, ["pattern", "definition"]);
        const place = placeOf(asked as Asked<never>, vhost);
        const value = { pattern, definition, priority, "apply-to": scope };
        const fault = broker.parameters.fault(place, value);
        if (fault !== null) throw badRequest(tell(fault));
        const isNew = broker.parameters.get(place) === undefined;
        broker.parameters.set(place, value);
        await vhost.policies.applied();
        return done(isNew ? 201 : 204);
      },
    }),
    endpoint({
      method: "DELETE",
      path: `${path}/{vhost}/{name}`,
      audience,
      summary: `Deletes one of the ${called}; what it did is undone.`,
      run: async (asked) => {
        const { broker, caller, names } = asked;
        const vhost = lookedVhostAt(broker, caller, names["vhost"]!, objectRefused);
        if (!broker.parameters.delete(placeOf(asked as Asked<never>, vhost))) throw objectNotFound();
        await vhost.policies.applied();
        return done(204);
      },
    }),
  ];
}

export const policyEndpoints: readonly Endpoint[] = [
  ...endpointsOf({
    path: "/api/policies",
    kind: "policy",
    called: "policies",
    audience: "policymaker",
    tell: escapedHtml,
  }),
  ...endpointsOf({
    path: "/api/operator-policies",
    kind: "operator_policy",
    called: "operator policies",
    audience: "administrator",
    tell: (fault) => fault,
  }),
];
