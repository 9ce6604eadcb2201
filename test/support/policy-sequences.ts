/**
 * What becomes of a queue with a backlog while its policies change, as sequences that run against the broker's seam
 * (test/unit/broker/queue-policy.test.ts) and against the real RabbitMQ (test/clients/amqp/amqp-policy-real.test.ts).
 *
 * Each yields what it saw, beside what it expects; both must agree for either server. Names of queues are new for each run.
 */
import assert from "node:assert/strict";
import type { PolicyDefinition } from "../../src/broker/policy/policy.ts";

export interface PolicyTarget {
  /** Of how many messages a backlog is. */
  readonly backlog: number;
  declare(queue: string, args?: Readonly<Record<string, string | number>>): Promise<void>;
  /** Bodies of ten bytes; says how many were confirmed. */
  publish(queue: string, count: number): Promise<number>;
  /** Replaces the queue's policy, or its operator policy; null removes it. Returns once it was applied. */
  setPolicy(queue: string, definition: PolicyDefinition | null): Promise<void>;
  setOperatorPolicy(queue: string, definition: PolicyDefinition | null): Promise<void>;
  /** Ready messages; null: there is no such queue. */
  count(queue: string): Promise<number | null>;
  /** Takes `count` messages, and says how many there were. */
  take(queue: string, count: number): Promise<number>;
  pass(ms: number): Promise<void>;
}

export type PolicySequence = (target: PolicyTarget) => Promise<void>;

async function expectCount(target: PolicyTarget, queue: string, expected: number | null, what: string) {
  assert.equal(await target.count(queue), expected, what);
}

/** A policy's bound drops what is beyond it, to its dead-letter exchange, and is gone with the policy. */
const bound: PolicySequence = async (target) => {
  await target.declare("bound");
  await target.declare("bound-dead");
  const { backlog } = target;
  await target.publish("bound", backlog);
  const letters = { "dead-letter-exchange": "", "dead-letter-routing-key": "bound-dead" };
  await target.setPolicy("bound", { "max-length": 10, ...letters });
  await expectCount(target, "bound", 10, "bounded at once");
  await expectCount(target, "bound-dead", backlog - 10, "all of it dead-lettered");
  await target.publish("bound", 5);
  await expectCount(target, "bound", 10, "the bound stays");
  await target.setPolicy("bound", { "max-length": 7 });
  await expectCount(target, "bound", 7, "a lower one");
  await expectCount(target, "bound-dead", backlog - 10 + 5, "without the exchange nothing is dead-lettered");
  await target.setPolicy("bound", null);
  await target.publish("bound", 20);
  await expectCount(target, "bound", 27, "unbounded again");
};

/** Every way from one `overflow` to another. */
const overflow: PolicySequence = async (target) => {
  await target.declare("overflow");
  const { backlog } = target;
  await target.publish("overflow", backlog);
  await target.setPolicy("overflow", { overflow: "reject-publish" });
  await target.setPolicy("overflow", { overflow: "reject-publish", "max-length": 10 });
  await expectCount(target, "overflow", backlog, "what refuses drops nothing");
  assert.equal(await target.publish("overflow", 3), 0, "refused");
  await target.setPolicy("overflow", { "max-length": 10 });
  await expectCount(target, "overflow", 10, "drops from its head now");
  assert.equal(await target.publish("overflow", 3), 3, "taken");
  await target.setPolicy("overflow", null);
  await target.publish("overflow", 90);
  await target.setPolicy("overflow", { overflow: "reject-publish", "max-length": 20 });
  await expectCount(target, "overflow", 20, "dropped to the bound before it refuses");
  assert.equal(await target.publish("overflow", 3), 0, "refused");
  await target.take("overflow", 2);
  assert.equal(await target.publish("overflow", 1), 1, "there is room");
  await target.setPolicy("overflow", { overflow: "reject-publish-dlx", "max-length": 20 });
  assert.equal(await target.publish("overflow", 3), 1, "there is room for one");
  await target.setPolicy("overflow", null);
  assert.equal(await target.publish("overflow", 3), 3, "unbounded again");
  await expectCount(target, "overflow", 23, "at the end");
};

/** The lesser of argument, policy and operator policy; the argument's `overflow`. */
const merged: PolicySequence = async (target) => {
  await target.declare("merged", { "x-max-length": 20, "x-overflow": "drop-head" });
  await target.publish("merged", 30);
  await expectCount(target, "merged", 20, "the argument");
  await target.setPolicy("merged", { "max-length": 30 });
  await target.publish("merged", 20);
  await expectCount(target, "merged", 20, "the argument is less");
  await target.setPolicy("merged", { "max-length": 15, overflow: "reject-publish" });
  await expectCount(target, "merged", 15, "the policy is less");
  assert.equal(await target.publish("merged", 2), 2, "the argument says how it overflows");
  await target.setOperatorPolicy("merged", { "max-length": 5 });
  await expectCount(target, "merged", 5, "the operator policy is less");
  await target.setOperatorPolicy("merged", { "max-length": 50 });
  await target.publish("merged", 20);
  await expectCount(target, "merged", 15, "the operator policy allows no more than the policy");
  await target.setPolicy("merged", null);
  await target.setOperatorPolicy("merged", null);
  await target.publish("merged", 20);
  await expectCount(target, "merged", 20, "the argument again");
};

/** A bound by bytes on a backlog that nobody has counted. */
const bytes: PolicySequence = async (target) => {
  await target.declare("bytes");
  await target.publish("bytes", target.backlog);
  await target.setPolicy("bytes", { "max-length-bytes": 55 });
  await expectCount(target, "bytes", 5, "five of ten bytes");
  await target.publish("bytes", 3);
  await expectCount(target, "bytes", 5, "the bound stays");
  await target.setPolicy("bytes", null);
  await target.publish("bytes", 30);
  await target.setPolicy("bytes", { "max-length-bytes": 200, overflow: "reject-publish" });
  await expectCount(target, "bytes", 20, "dropped to the bound before it refuses");
  await target.take("bytes", 1);
  assert.equal(await target.publish("bytes", 3), 1, "room for one");
};

/** A message lives as long as the ttl says that the queue had when it came. */
const ttl: PolicySequence = async (target) => {
  await target.declare("ttl");
  await target.publish("ttl", 3);
  await target.setPolicy("ttl", { "message-ttl": 300 });
  await target.publish("ttl", 2);
  await target.pass(700);
  await expectCount(target, "ttl", 5, "what came before does not expire, and is before what does");
  assert.equal(await target.take("ttl", 5), 3, "those that came before");
  await expectCount(target, "ttl", 0, "the others had expired");
  await target.publish("ttl", 4);
  await target.setPolicy("ttl", null);
  await target.publish("ttl", 2);
  await target.pass(700);
  await expectCount(target, "ttl", 2, "what came under the ttl expires without it");
};

/** A queue that nobody uses; the time counts from when the policy came. */
const expires: PolicySequence = async (target) => {
  await target.declare("expires");
  await target.declare("expires-not");
  await target.publish("expires", 3);
  await target.setPolicy("expires-not", { expires: 600 });
  await target.setPolicy("expires-not", null);
  await target.setPolicy("expires", { expires: 300 });
  await target.pass(1200);
  await expectCount(target, "expires", null, "expired");
  await expectCount(target, "expires-not", 0, "it would have expired");
};

export const policySequences: Readonly<Record<string, PolicySequence>> = {
  bound,
  overflow,
  merged,
  bytes,
  ttl,
  expires,
};
