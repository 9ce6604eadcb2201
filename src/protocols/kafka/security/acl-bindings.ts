/**
 * Kafka's numbers for ACLs, to and from the bindings that the broker keeps, and filters over those.
 *
 * Not here: what bindings come to (broker/access). Facts are those of org.apache.kafka.common.acl and .resource; resource
 * types and operations that nothing here asks for (delegation tokens, users) are refused.
 */
import type { Job } from "../../../base/turn-work.ts";
import { everyPrincipal, type KafkaAcl, userOfPrincipal } from "../../../broker/access/acls.ts";
import { clusterName } from "../../../broker/access/rights.ts";
import { operations } from "../../../broker/access/rule.ts";
import { fromBrokerName, toBrokerName } from "../core/names.ts";

const anything = 1;
const resourceTypes = { name: 2, group: 3, cluster: 4, transactionalId: 5 } as const;
const patternTypes = { any: 1, match: 2, literal: 3, prefixed: 4 } as const;
const permissionTypes = { deny: 2, allow: 3 } as const;
const allOperations = 2;
/** READ is 3, and the others follow in Kafka's order. */
const firstOperation = 3;

export interface BindingNumbers {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly patternType: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}

export interface BindingFilter {
  readonly resourceTypeFilter: number;
  readonly resourceNameFilter: string | null;
  readonly patternTypeFilter: number;
  readonly principalFilter: string | null;
  readonly hostFilter: string | null;
  readonly operation: number;
  readonly permissionType: number;
}

function keyOf<Name extends string>(table: Readonly<Record<Name, number>>, value: number): Name | undefined {
  return (Object.keys(table) as Name[]).find((name) => table[name] === value);
}

export function numbersOf(acl: KafkaAcl): BindingNumbers {
  return {
    resourceType: resourceTypes[acl.kind],
    resourceName: fromBrokerName(acl.name),
    patternType: patternTypes[acl.patternType],
    principal: acl.principal,
    host: acl.host,
    operation: acl.operation === "all" ? allOperations : firstOperation + operations.indexOf(acl.operation),
    permissionType: permissionTypes[acl.permission],
  };
}

/** The binding, or what is wrong with it. */
export function bindingOf(numbers: BindingNumbers): KafkaAcl | string {
  const { resourceName, principal, host } = numbers;
  const kind = keyOf(resourceTypes, numbers.resourceType);
  const patternType = keyOf(patternTypes, numbers.patternType);
  const permission = keyOf(permissionTypes, numbers.permissionType);
  const operation =
    numbers.operation === allOperations ? "all" : operations[numbers.operation - firstOperation];
  if (kind === undefined)
    return `Invalid resource type ${numbers.resourceType}: topics, groups, the cluster and transactional ids have ACLs here`;
  if (patternType !== "literal" && patternType !== "prefixed")
    return "Invalid pattern type in acl creation: give LITERAL or PREFIXED";
  if (permission === undefined) return "Invalid permission type in acl creation: give ALLOW or DENY";
  if (operation === undefined) return `Invalid operation ${numbers.operation} in acl creation`;
  if (resourceName === "") return "Invalid empty resource name";
  if (kind === "cluster" && resourceName !== clusterName) {
    return `The only valid name for the CLUSTER resource is ${clusterName}`;
  }
  if (principal !== everyPrincipal && (userOfPrincipal(principal) ?? "") === "") {
    return `expected a string in format User:name but got ${principal}`;
  }
  if (host === "") return "Invalid empty host: give an address, or * for any";
  return { kind, name: toBrokerName(resourceName), patternType, principal, host, operation, permission };
}

export function filterFault(filter: BindingFilter): string | null {
  const { resourceTypeFilter, patternTypeFilter, operation, permissionType } = filter;
  if (resourceTypeFilter < anything)
    return "The AclBindingFilter must not contain UNKNOWN elements: resource type";
  if (keyOf(patternTypes, patternTypeFilter) === undefined)
    return "The AclBindingFilter must not contain UNKNOWN elements: pattern type";
  if (operation < anything) return "The AclBindingFilter must not contain UNKNOWN elements: operation";
  if (permissionType < anything)
    return "The AclBindingFilter must not contain UNKNOWN elements: permission type";
  return null;
}

export function* matchingAcls(acls: readonly KafkaAcl[], filter: BindingFilter): Job<KafkaAcl[]> {
  const matching: KafkaAcl[] = [];
  for (const acl of acls) {
    if (isMatched(acl, filter)) matching.push(acl);
    yield 1;
  }
  return matching;
}

function isMatched(acl: KafkaAcl, filter: BindingFilter): boolean {
  const numbers = numbersOf(acl);
  const isOf = (wanted: number, value: number): boolean => wanted === anything || wanted === value;
  return (
    isOf(filter.resourceTypeFilter, numbers.resourceType) &&
    isOf(filter.operation, numbers.operation) &&
    isOf(filter.permissionType, numbers.permissionType) &&
    (filter.principalFilter === null || filter.principalFilter === acl.principal) &&
    (filter.hostFilter === null || filter.hostFilter === acl.host) &&
    isPatternMatched(numbers, filter)
  );
}

/** MATCH finds what is about the name: the same literal, `*`, and each prefix of it (KIP-290). */
function isPatternMatched(
  { resourceName, patternType }: BindingNumbers,
  { resourceNameFilter: name, patternTypeFilter }: BindingFilter,
): boolean {
  if (patternTypeFilter === patternTypes.any) return name === null || name === resourceName;
  if (patternTypeFilter !== patternTypes.match) {
    return patternTypeFilter === patternType && (name === null || name === resourceName);
  }
  if (name === null) return true;
  return patternType === patternTypes.prefixed
    ? name.startsWith(resourceName)
    : resourceName === name || resourceName === "*";
}
