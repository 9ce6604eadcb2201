/**
 * What is asked of a queue, stream or partition: its arguments, its Kafka topic's configuration, the policy and the operator
 * policy that match it, merged into one `QueuePolicy` by the rules of RabbitMQ 3.10.8 (`args_policy_lookup` of each queue type).
 * Times in ms, sizes in bytes; undefined is unbounded.
 *
 *     setting                                  classic queue      quorum queue       stream
 *     message-ttl, max-length                  lesser             lesser             argument
 *     max-length-bytes                         lesser             lesser             policy before argument
 *     delivery-limit                           argument           lesser, else 20    argument
 *     dead-letter-strategy                     none               argument first     none
 *     consumer-timeout                         lesser             lesser             lesser
 *     expires                                  lesser             policy first       argument
 *     single-active-consumer, max-priority     argument           argument, none     none
 *     overflow                                 argument first     policy first       argument
 *     dead-letter-exchange, -routing-key       argument first     argument first     argument
 *     retry-limit and the others of retry      policy first       policy first       policy first
 *     delay-allowed, dedup-window-ms, -by      policy first       policy first       policy first
 *     max-age, history-ms, history-bytes       policy first       policy first       policy first
 *     trace-sample                             policy first       policy first       policy first
 *
 * Before that the policy and the operator policy are merged: where both set a number that `lesserOf` names, the lesser counts;
 * of anything else the policy's value. A topic's configuration stands in the place of the argument (topic-settings.ts).
 * Not here: which policy matches a name, what a valid definition is, and what follows from a change (policy-change.ts).
 * Invariant: a policy is never changed, only replaced, so whoever compares two sees all that differs.
 */
import { priorityMax } from "../cursor/priority-order.ts";
import { limits } from "../../base/limits.ts";
import { dedupByOf } from "../../message/identity/dedup-by.ts";
import type { WindowRules } from "../dedup/dedup-windows.ts";
import type { BindingArguments } from "../exchange/routing/router.ts";
import { type QueueType, queueTypeOf } from "../queue/queue-type.ts";
import { deadLetterTopicOf, withTopicSettings } from "./topic-settings.ts";

export interface QueuePolicy {
  readonly messageTtl: number | undefined;
  readonly expires: number | undefined;
  readonly maxLength: number | undefined;
  readonly maxLengthBytes: number | undefined;
  /** Drop the oldest, refuse the newest, or refuse it and dead-letter it. */
  readonly overflow: "drop-head" | "reject-publish" | "reject-publish-dlx";
  /**
   * A bound drops requeued records before they are delivered again, as in RabbitMQ's classic queues; its quorum queues deliver
   * first.
   */
  readonly dropsReturned: boolean;
  readonly deadLetterExchange: string | undefined;
  readonly deadLetterRoutingKey: string | undefined;
  /** A dead letter that no queue takes is kept (`dead-letter-strategy: at-least-once`). */
  readonly deadLettersSurely: boolean;
  readonly deliveryLimit: number | undefined;
  /** How long a client may hold a delivery without acknowledging it. */
  readonly consumerTimeout: number | undefined;
  /** How long acknowledged records of a queue, or all records of a stream, stay readable. */
  readonly historyMs: number | undefined;
  readonly historyBytes: number | undefined;
  /** Of records that a consumer rejects, or that one of a Redis group gives up: see retry/retry-policy.ts. */
  readonly retryLimit: number | undefined;
  readonly retryBackoffMs: number | undefined;
  readonly retryFactor: number | undefined;
  readonly retryMaxMs: number | undefined;
  readonly retryJitter: number | undefined;
  /** Of a Kafka topic: the topic of what its groups give up too often. */
  readonly deadLetterTopic: string | undefined;
  /** While a record of a queue waits to be delivered again, none behind it is delivered. */
  readonly retryKeepsOrder: boolean;
  /** Messages may say when they are to arrive (intake/delay-headers.ts). */
  readonly delayAllowed: boolean;
  /** Copies of a message that was accepted are dropped (dedup/dedup-window.ts); null: they are not. */
  readonly dedup: WindowRules | null;
  /** Which part of the messages is traced, 0 to 1; undefined: none, and none is looked at for a trace that it brings. */
  readonly traceSample: number | undefined;
  readonly singleActiveConsumer: boolean;
  /** The highest priority of records; 0: they have none. */
  readonly maxPriority: number;
  /**
   * A requeued record waits behind records that were requeued before, as in RabbitMQ's quorum queues; otherwise it has its old
   * place.
   */
  readonly keepsReturnOrder: boolean;
  /** Redeliveries have a header with the number of earlier deliveries (`x-delivery-count`, as in RabbitMQ's quorum queues). */
  readonly countsDeliveries: boolean;
}

/** The argument of a queue that was made for the dead letters of another: that one's name. */
export const deadLettersOf = "x-dead-letters-of";

/** A policy's definition, as RabbitMQ has it: `max-length` and its value, and so on. */
export type PolicyDefinition = Readonly<Record<string, unknown>>;

/** The policies over a queue's own arguments; null: no policy matches. */
export interface PolicyLayers {
  readonly policy: PolicyDefinition | null;
  readonly operatorPolicy: PolicyDefinition | null;
  /** For who looks. */
  readonly policyName?: string;
  readonly operatorPolicyName?: string;
}

export const noLayers: PolicyLayers = { policy: null, operatorPolicy: null };

/** Kafka's configuration of the topic that a stream is a partition of. */
export interface TopicSettings {
  /** The topic's. */
  readonly name: string;
  readonly configs: Readonly<Record<string, string>>;
  /** Another protocol made the log: settings that are not configured come from its arguments, not from Kafka's defaults. */
  readonly isAdopted: boolean;
}

/** What a policy applies to. */
export interface PolicySubject {
  readonly kind: "queue" | "stream";
  readonly args: BindingArguments;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 ? value : undefined;
}

/** A name in the broker's form: a latin1 string of its bytes. */
function nameOf(value: unknown): string | undefined {
  return typeof value === "string" ? Buffer.from(value).latin1Slice() : undefined;
}

const ageUnitsMs: Record<string, number> = {
  Y: 365 * 86_400_000,
  M: 30 * 86_400_000,
  D: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
};

function overflowOf(value: unknown): QueuePolicy["overflow"] {
  return value === "reject-publish" || value === "reject-publish-dlx" ? value : "drop-head";
}

/** RabbitMQ's `x-max-age`: a number and a unit, such as `7D`; undefined when it is not of that form. */
export function maxAgeMs(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  const unit = ageUnitsMs[value.slice(-1)];
  const count = Number(value.slice(0, -1));
  return unit === undefined || !Number.isInteger(count) || count < 0 ? undefined : count * unit;
}

/** Acknowledged records stay readable for a while. */
export function keepsHistory({ historyMs, historyBytes }: QueuePolicy): boolean {
  return historyMs !== undefined || historyBytes !== undefined;
}

/** It takes some messages before the log does (intake/intake.ts). */
export function hasIntake({ delayAllowed, dedup }: QueuePolicy): boolean {
  return delayAllowed || dedup !== null;
}

/** Each publish asks the destination first. */
export function isGuarded(policy: QueuePolicy): boolean {
  return policy.overflow !== "drop-head" || hasIntake(policy);
}

/** For topics that were made as topics: seven days, any size. */
const kafkaHistoryMs = 604_800_000;

/**
 * RabbitMQ's `unsupported_policies`: a policy with one of these settings does not apply to queues of that type, whatever else it
 * has.
 */
const notApplicable: Readonly<Record<QueueType, ReadonlySet<string>>> = {
  classic: new Set([
    "max-age",
    "stream-max-segment-size-bytes",
    "queue-leader-locator",
    "initial-cluster-size",
    "delivery-limit",
    "dead-letter-strategy",
  ]),
  quorum: new Set([
    "max-priority",
    "queue-mode",
    "single-active-consumer",
    "ha-mode",
    "ha-params",
    "ha-sync-mode",
    "ha-promote-on-shutdown",
    "ha-promote-on-failure",
    "queue-master-locator",
    "max-age",
    "stream-max-segment-size-bytes",
    "initial-cluster-size",
  ]),
  stream: new Set([
    "expires",
    "message-ttl",
    "dead-letter-exchange",
    "dead-letter-routing-key",
    "max-length",
    "max-in-memory-length",
    "max-in-memory-bytes",
    "max-priority",
    "overflow",
    "queue-mode",
    "single-active-consumer",
    "delivery-limit",
    "ha-mode",
    "ha-params",
    "ha-sync-mode",
    "ha-promote-on-shutdown",
    "ha-promote-on-failure",
    "queue-master-locator",
    "dead-letter-strategy",
  ]),
};

/** Whether a policy applies to that queue. If it does not, the policy of the next lower priority may. */
export function isApplicable(subject: PolicySubject, definition: PolicyDefinition): boolean {
  const names = notApplicable[queueTypeOf(subject)];
  return !Object.keys(definition).some((name) => names.has(name));
}

/** Settings whose lesser value counts: of policy and operator policy, and of these and the argument. */
const lesserOf: ReadonlySet<string> = new Set([
  "message-ttl",
  "max-length",
  "max-length-bytes",
  "expires",
  "delivery-limit",
]);

function lesser(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

/** The value of both policies for a name. */
function ofPolicies(subject: PolicySubject, { policy, operatorPolicy }: PolicyLayers) {
  const definitions = [policy, operatorPolicy].flatMap((definition) =>
    definition !== null && isApplicable(subject, definition) ? [definition] : [],
  );
  return (name: string): unknown => {
    const values = definitions.map((definition) => definition[name]);
    if (lesserOf.has(name)) return lesser(numberOf(values[0]), numberOf(values[1]));
    return values[0] ?? values[1];
  };
}

/** What the policies of a queue say together: of each name the value that counts. */
export function effectiveDefinition(subject: PolicySubject, layers: PolicyLayers): PolicyDefinition {
  const valueOf = ofPolicies(subject, layers);
  const names = Object.keys({ ...layers.policy, ...layers.operatorPolicy });
  return Object.fromEntries(
    names.flatMap((name) => (valueOf(name) === undefined ? [] : [[name, valueOf(name)]])),
  );
}

/** Merges everything that is said about a queue into its effective policy. */
export function effectivePolicy(
  subject: PolicySubject,
  layers: PolicyLayers = noLayers,
  topic: TopicSettings | null = null,
): QueuePolicy {
  const args = topic === null ? subject.args : withTopicSettings(subject.args, topic.configs);
  const type = queueTypeOf(subject);
  const isQuorum = type === "quorum";
  const fromPolicy = ofPolicies(subject, layers);
  const least = (name: string): number | undefined =>
    lesser(numberOf(fromPolicy(name)), numberOf(args[`x-${name}`]));
  const argumentFirst = (name: string): unknown => args[`x-${name}`] ?? fromPolicy(name);
  const policyFirst = (name: string): unknown => fromPolicy(name) ?? args[`x-${name}`];
  const deliveryLimit = isQuorum ? quorumDeliveryLimit(args, fromPolicy) : least("delivery-limit");
  const overflow = overflowOf(isQuorum ? policyFirst("overflow") : argumentFirst("overflow"));
  // What a consumer rejects in a queue of dead letters is gone: a policy for both would bring it back for ever.
  const retryLimit = deadLettersOf in args ? undefined : numberOf(policyFirst("retry-limit"));
  const maxPriority = type === "classic" ? Math.min(numberOf(args["x-max-priority"]) ?? 0, priorityMax) : 0;
  const maxLength = least("max-length");
  const maxLengthBytes =
    type === "stream" ? numberOf(policyFirst("max-length-bytes")) : least("max-length-bytes");
  const isBounded = maxLength !== undefined || maxLengthBytes !== undefined;
  return {
    messageTtl: least("message-ttl"),
    expires: isQuorum ? numberOf(policyFirst("expires")) : least("expires"),
    maxLength,
    maxLengthBytes,
    overflow,
    dropsReturned: isBounded && overflow === "drop-head" && type === "classic",
    deadLetterExchange: nameOf(argumentFirst("dead-letter-exchange")),
    deadLetterRoutingKey: nameOf(argumentFirst("dead-letter-routing-key")),
    // Otherwise a bound would drop what is to be kept; RabbitMQ asks for the same.
    deadLettersSurely:
      argumentFirst("dead-letter-strategy") === "at-least-once" && isQuorum && overflow === "reject-publish",
    deliveryLimit,
    consumerTimeout: least("consumer-timeout"),
    ...historyOf(subject, fromPolicy, topic),
    retryLimit,
    retryBackoffMs: numberOf(policyFirst("retry-backoff-ms")),
    retryFactor: numberOf(policyFirst("retry-factor")),
    retryMaxMs: numberOf(policyFirst("retry-max-ms")),
    retryJitter: numberOf(policyFirst("retry-jitter")),
    deadLetterTopic: topic === null ? undefined : deadLetterTopicOf(topic.name, topic.configs),
    traceSample: numberOf(policyFirst("trace-sample")),
    // Priorities are another order.
    retryKeepsOrder: policyFirst("retry-keeps-order") === true && maxPriority === 0,
    delayAllowed: policyFirst("delay-allowed") === true,
    dedup: dedupOf(policyFirst),
    singleActiveConsumer: args["x-single-active-consumer"] === true,
    maxPriority,
    keepsReturnOrder: isQuorum,
    countsDeliveries: deliveryLimit !== undefined || isQuorum || retryLimit !== undefined,
  };
}

/** Without `dedup-by` it is the message id that counts. */
function dedupOf(valueOf: (name: string) => unknown): WindowRules | null {
  const windowMs = numberOf(valueOf("dedup-window-ms")) ?? 0;
  const by = dedupByOf(valueOf("dedup-by") ?? "message-id");
  return windowMs > 0 && by !== null ? { windowMs: Math.min(windowMs, limits.dedupWindowMsMax), by } : null;
}

/** RabbitMQ 4's; 3.10 had no limit unless one was set. */
const deliveryLimitDefault = 20;

/** -1 means no limit. */
function quorumDeliveryLimit(
  args: BindingArguments,
  fromPolicy: (name: string) => unknown,
): number | undefined {
  const [asked, policy] = [args["x-delivery-limit"], numberOf(fromPolicy("delivery-limit"))];
  if (asked === undefined && policy === undefined) return deliveryLimitDefault;
  return lesser(policy, numberOf(asked));
}

function historyOf(
  { kind, args }: PolicySubject,
  fromPolicy: (name: string) => unknown,
  topic: TopicSettings | null,
): Pick<QueuePolicy, "historyMs" | "historyBytes"> {
  const configs = kind === "stream" && topic !== null ? topic.configs : {};
  // A compacted topic keeps the newest record of each key for ever: no bound may take it.
  if (configs["cleanup.policy"] === "compact") return { historyMs: undefined, historyBytes: undefined };
  let ms = numberOf(args["x-history-ms"]) ?? maxAgeMs(args["x-max-age"]);
  let bytes = numberOf(args["x-history-bytes"]);
  if (kind === "stream" && topic !== null) {
    if (!topic.isAdopted) [ms, bytes] = [kafkaHistoryMs, undefined];
    ms = configOf(configs["retention.ms"], ms);
    bytes = configOf(configs["retention.bytes"], bytes);
  }
  return {
    historyMs: numberOf(fromPolicy("history-ms")) ?? maxAgeMs(fromPolicy("max-age")) ?? ms,
    historyBytes: numberOf(fromPolicy("history-bytes")) ?? bytes,
  };
}

/** A Kafka setting in which -1 means no bound. */
function configOf(text: string | undefined, whenAbsent: number | undefined): number | undefined {
  if (text === undefined) return whenAbsent;
  return Number(text) >= 0 ? Number(text) : undefined;
}
