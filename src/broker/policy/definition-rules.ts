/**
 * What a policy may say: the settings of its definition, its pattern, priority and scope, with RabbitMQ's texts for what it may not.
 *
 *     {"pattern": "^orders\\.", "apply-to": "queues", "priority": 5, "definition": {"max-length": 1000}}
 *
 * Settings of RabbitMQ that mean nothing on one broker (mirrors, lazy queues) are taken and checked, since definitions from elsewhere
 * have them. `history-*`, `retry-*`, `delay-allowed` and `dedup-*` are our own, `consumer-timeout` and the scopes `classic_queues`, `quorum_queues` and
 * `streams` are those of later RabbitMQ. Not here: what a setting does (policy.ts), which policy counts (vhost-policies.ts).
 * Invariant: `policyFaults` is empty for every value that `vhost-policies.ts` compiles.
 */
import { erlangPairs, erlangTerm } from "../../base/definitions/erlang-term.ts";
import { BrokerError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { dedupByOf } from "../../message/identity/dedup-by.ts";
import { Regex } from "../../base/patterns/regex.ts";
import { adviceForValue } from "./own-values.ts";
import { maxAgeMs } from "./policy.ts";

export const policyKinds = ["policy", "operator_policy"] as const;
/** The names of RabbitMQ's components of parameters. */
export type PolicyKind = (typeof policyKinds)[number];

export const policyScopes = [
  "queues",
  "classic_queues",
  "quorum_queues",
  "streams",
  "exchanges",
  "all",
] as const;
export type PolicyScope = (typeof policyScopes)[number];

type Check = (value: unknown) => boolean;

interface Setting {
  /** What the value is not, in RabbitMQ's words. */
  readonly noun: string;
  readonly check: Check;
  /** An operator policy may set it too. */
  readonly isForOperators?: true;
}

const isText: Check = (value) => typeof value === "string";
const atLeast =
  (least: number, most = Number.MAX_SAFE_INTEGER): Check =>
  (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
/** Fractions too. */
const between =
  (least: number, most: number): Check =>
  (value) =>
    typeof value === "number" && value >= least && value <= most;
const oneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);

const streamSegmentBytesMax = 3_000_000_000;

const settings: Readonly<Record<string, Setting>> = {
  "alternate-exchange": { noun: "alternate exchange name", check: isText },
  "dead-letter-exchange": { noun: "dead letter exchange name", check: isText },
  "dead-letter-routing-key": { noun: "dead letter routing key", check: isText },
  "dead-letter-strategy": {
    noun: "dead letter strategy",
    check: oneOf("at-most-once", "at-least-once"),
  },
  "message-ttl": { noun: "message TTL", check: atLeast(0), isForOperators: true },
  expires: { noun: "queue expiry", check: atLeast(1), isForOperators: true },
  "max-length": { noun: "maximum length", check: atLeast(0), isForOperators: true },
  "max-length-bytes": { noun: "maximum length in bytes", check: atLeast(0), isForOperators: true },
  "max-in-memory-length": { noun: "maximum memory in bytes", check: atLeast(0), isForOperators: true },
  "max-in-memory-bytes": { noun: "maximum memory in bytes", check: atLeast(0), isForOperators: true },
  "queue-mode": { noun: "queue-mode value", check: oneOf("default", "lazy") },
  "queue-version": { noun: "queue-version value", check: oneOf(1, 2) },
  overflow: {
    noun: "overflow value",
    check: oneOf("drop-head", "reject-publish", "reject-publish-dlx"),
  },
  "delivery-limit": { noun: "delivery limit", check: atLeast(0), isForOperators: true },
  "consumer-timeout": { noun: "consumer timeout", check: atLeast(0) },
  "max-age": { noun: "max age", check: (value) => maxAgeMs(value) !== undefined },
  "queue-leader-locator": {
    noun: "queue leader locator value",
    check: oneOf("client-local", "balanced", "random", "least-leaders"),
  },
  "initial-cluster-size": { noun: "cluster size", check: atLeast(0) },
  "stream-max-segment-size-bytes": { noun: "segment size", check: atLeast(0, streamSegmentBytesMax) },
  "history-ms": { noun: "history in ms", check: atLeast(0) },
  "history-bytes": { noun: "history in bytes", check: atLeast(0) },
  "retry-limit": { noun: "retry limit", check: atLeast(1) },
  "retry-backoff-ms": { noun: "retry back-off in ms", check: atLeast(0) },
  "retry-factor": { noun: "retry factor", check: between(1, 1000) },
  "retry-max-ms": { noun: "longest retry back-off in ms", check: atLeast(0) },
  "retry-jitter": { noun: "retry jitter", check: between(0, 1) },
  "delay-allowed": { noun: "permission to delay", check: oneOf(true, false) },
  "dedup-window-ms": { noun: "window of deduplication in ms", check: atLeast(0, limits.dedupWindowMsMax) },
  "dedup-by": {
    noun: "identity of messages",
    check: (value) => dedupByOf(value) !== null,
  },
  "trace-sample": { noun: "trace sample", check: between(0, 1) },
  "retry-keeps-order": { noun: "retry order", check: oneOf(true, false) },
};

/** Of mirrored queues: each may be given with `ha-mode` only. */
const mirrorSettings = [
  "ha-mode",
  "ha-params",
  "ha-sync-mode",
  "ha-sync-batch-size",
  "ha-promote-on-shutdown",
  "ha-promote-on-failure",
];

export type Terms = Readonly<Record<string, unknown>>;

export function isTerms(value: unknown): value is Terms {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is wrong with a policy, in RabbitMQ's order and words; nothing: it is right. */
export function policyFaults(kind: PolicyKind, name: string, value: unknown): string[] {
  if (!isTerms(value)) return [`${name} not a list ${erlangTerm(value)}`];
  const { priority, pattern, definition, "apply-to": scope, ...others } = value;
  const faults: (string | null)[] = [];
  if (Object.keys(others).length > 0) faults.push(`Unrecognised terms ${erlangPairs(others)} in ${name}`);
  faults.push(
    "definition" in value ? definitionFault(kind, definition) : notFound("definition", name),
    scope === undefined ? null : scopeFault(scope),
    "pattern" in value ? patternFault(pattern) : notFound("pattern", name),
    "priority" in value ? numberFault("priority", priority) : notFound("priority", name),
  );
  return faults.filter((fault) => fault !== null);
}

function notFound(key: string, name: string): string {
  return `Key "${key}" not found in ${name}`;
}

function numberFault(name: string, value: unknown): string | null {
  return typeof value === "number" ? null : `${name} should be a number, actually was ${erlangTerm(value)}`;
}

function scopeFault(scope: unknown): string | null {
  if (typeof scope !== "string") return `apply-to should be binary, actually was ${erlangTerm(scope)}`;
  if ((policyScopes as readonly string[]).includes(scope)) return null;
  const known = policyScopes.map((each) => `'${each}'`);
  return `apply-to '${scope}' unrecognised; should be one of ${known.slice(0, -1).join(", ")} or ${known.at(-1)}`;
}

/** Names of queues are latin1 strings of their bytes, and so is what they are matched with. Throws INVALID. */
export function compilePolicyPattern(pattern: string): Regex {
  const bytes = Buffer.from(pattern).latin1Slice();
  if (bytes.length > limits.regexBytesMax) {
    throw new BrokerError("INVALID", `it is longer than ${limits.regexBytesMax} bytes`);
  }
  return new Regex(bytes);
}

function patternFault(pattern: unknown): string | null {
  if (typeof pattern !== "string") return `pattern should be a binary but was ${erlangTerm(pattern)}`;
  try {
    compilePolicyPattern(pattern);
    return null;
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    return `pattern should be regular expression but is invalid: ${error.message}`;
  }
}

function definitionFault(kind: PolicyKind, definition: unknown): string | null {
  if (!isTerms(definition)) return `definition must be a dictionary: ${erlangTerm(definition)}`;
  const names = Object.keys(definition).toSorted();
  if (names.length === 0) return "no policy provided";
  const isKnown = (name: string): boolean =>
    Object.hasOwn(settings, name) && (kind === "policy" || settings[name]!.isForOperators === true);
  for (const name of names) {
    if (!isKnown(name)) continue;
    const { noun, check } = settings[name]!;
    if (check(definition[name])) continue;
    const advice = adviceForValue(name);
    const ours = advice === undefined ? "" : ` (${name}): ${advice}`;
    return `${erlangTerm(definition[name])} is not a valid ${noun}${ours}`;
  }
  const mirrors = kind === "policy" ? mirrorFault(definition) : null;
  if (mirrors !== null) return mirrors;
  const unknown = names.filter(
    (name) => !isKnown(name) && (kind !== "policy" || !mirrorSettings.includes(name)),
  );
  if (unknown.length === 0) return null;
  const terms = Object.fromEntries(unknown.map((name) => [name, definition[name]]));
  return `${erlangPairs(terms)} are not recognised policy settings`;
}

function mirrorFault(definition: Terms): string | null {
  const { "ha-mode": mode, "ha-params": params } = definition;
  const given = (): string => (params === undefined ? "none given" : `${erlangTerm(params)} given`);
  if (mode === undefined) {
    return mirrorSettings.some((name) => definition[name] !== undefined)
      ? "ha-mode must be specified to specify ha-params, ha-sync-mode or ha-promote-on-shutdown"
      : null;
  }
  if (mode === "all") {
    return params === undefined ? null : `ha-mode="all" does not take parameters, ${given()}`;
  }
  if (mode === "exactly") return atLeast(1)(params) ? null : `ha-mode="exactly" takes an integer, ${given()}`;
  if (mode === "nodes") {
    if (!Array.isArray(params)) return `ha-mode="nodes" takes a list, ${given()}`;
    if (params.length === 0) return 'ha-mode="nodes" list must be non-empty';
    const others = params.filter((node) => typeof node !== "string");
    if (others.length === 0) return null;
    return `ha-mode="nodes" takes a list of strings, ${erlangTerm(others)} was not a string`;
  }
  return `${erlangTerm(mode)} is not a valid ha-mode value`;
}
