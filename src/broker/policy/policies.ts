/**
 * The policies that make up a queue's effective policy besides its arguments, and their replacement while the queue is in use.
 *
 * Not here: how they are merged (policy.ts), what a new policy leaves to do (policy-change.ts), which policy matches which name.
 * Invariant: `queue.policy` is merged from the current layers and the queue's arguments.
 */
import { intakeOf } from "../intake/intake.ts";
import type { QueueOptions } from "../queue/definition.ts";
import { IdleExpiry } from "./idle-expiry.ts";
import { effectivePolicy, keepsHistory, noLayers, type PolicyLayers, type TopicSettings } from "./policy.ts";
import { PolicyChange } from "./policy-change.ts";
import { queueChanged } from "../queue/lifecycle.ts";
import type { Queue } from "../queue/queue.ts";
import { TtlEras } from "./ttl-eras.ts";

export class QueuePolicies {
  readonly #queue: Queue;
  layers: PolicyLayers;
  #topic: TopicSettings | null = null;
  readonly change: PolicyChange;
  readonly idleExpiry: IdleExpiry;
  readonly ttlEras: TtlEras;

  /** The queue's policy was made from the same options before. */
  constructor(queue: Queue, { layers = noLayers, ttlEras }: QueueOptions) {
    this.#queue = queue;
    this.layers = layers;
    this.ttlEras = new TtlEras(ttlEras);
    this.#renewIntake();
    this.change = new PolicyChange(queue);
    const { clock, timers } = queue.vhost.broker;
    this.idleExpiry = new IdleExpiry({
      clock,
      timers,
      expiresMs: () => queue.policy.expires,
      isInUse: () => queue.consumerCount > 0,
      expire: () => queue.vhost.deleteQueue(queue),
    });
  }

  applyLayers(layers: PolicyLayers): void {
    if (JSON.stringify(layers) === JSON.stringify(this.layers)) return;
    this.layers = layers;
    this.#apply();
    this.idleExpiry.restart();
    queueChanged(this.#queue);
  }

  /** Applies the Kafka configuration of the queue's topic. `isRestored`: at start-up, before the journal is replayed. */
  applyTopic({ name, configs, isAdopted }: TopicSettings, isRestored: boolean): void {
    this.#topic = { name, configs, isAdopted };
    // What a policy leaves to do on a queue is looked for once its records are there (`PolicyChange.restored`).
    if (isRestored && this.#queue.kind === "queue") this.#merge();
    else this.#apply();
  }

  #apply(): void {
    const queue = this.#queue;
    const before = queue.policy;
    // Records that came before are delivered and bounded by the old policy.
    if (queue.kind === "queue") queue.catchUp();
    queue.log.store.seal();
    this.#merge();
    this.change.from(before);
  }

  #merge(): void {
    const queue = this.#queue;
    queue.policy = effectivePolicy(queue, this.layers, this.#topic);
    queue.keepsHistory = queue.kind === "queue" && keepsHistory(queue.policy);
    this.#renewIntake();
  }

  #renewIntake(): void {
    const queue = this.#queue;
    queue.intake = intakeOf(queue, queue.intake);
    // Though a message is consumed before it is written: who is told that it was taken is told that its id is kept.
    queue.log.forgetsConsumed = queue.kind === "queue" && queue.policy.dedup === null;
  }

  /** The ttl that counts for a record. */
  ttlOf(offset: number): number | undefined {
    const now = this.#queue.policy.messageTtl;
    return this.ttlEras.count === 0 ? now : this.ttlEras.of(offset, now);
  }
}
