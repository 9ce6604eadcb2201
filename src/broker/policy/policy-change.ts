/**
 * What a new policy of a queue leaves to do, each in slices (turn-work.ts), so that a backlog of any size stops nobody:
 *
 *     bounds             what is beyond them is dropped from the head, or dead-lettered
 *     max-length-bytes   the backlog is counted, then bounded
 *     history            that is not kept any more is removed from the log, then its marks are forgotten
 *
 * Ages and bytes of a stream are applied at once: they work on whole frames. Routes that have asked whether one of their queues
 * refuses messages or has an intake (`hasGuards`) are found again. Dead letters go to the exchange of the new policy.
 * Not here: which policy counts (policy.ts), `expires` (idle-expiry.ts).
 * Invariants: at most one job of each kind runs for a queue; what a job does not get to, because the process ends, is found
 * by `restored`, or by the bounds themselves.
 */
import type { Job, RunningJob } from "../../base/turn-work.ts";
import { isGuarded, type QueuePolicy } from "./policy.ts";
import type { Queue } from "../queue/queue.ts";
import { ReadyBytes } from "../queue/ready-bytes.ts";

/** What dropping a record costs a turn, and dead-lettering one. */
const unitsOfDrop = 2;
const unitsOfDeadLetter = 20;
const unitsOfWait = 200;
/** How many offsets are looked at before other work has its turn. */
const offsetsAtOnce = 256;
const unitsOfOffset = 0.2;
/** A record may be unreadable for a moment only. */
const retryDelayMs = 1000;

export class PolicyChange {
  readonly #queue: Queue;
  #trimming: RunningJob | null = null;
  /** After a restart nothing is dead-lettered before all queues exist: trimming begins with the first turn. */
  #isTrimDue = false;
  #counting: RunningJob | null = null;
  #forgetting: RunningJob | null = null;
  /** Below it, the log has no settled records. */
  #forgottenTo = 0;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  /** Records beyond the bounds are dropped in slices; meanwhile the bounds are not applied otherwise. */
  get isTrimming(): boolean {
    return this.#trimming !== null || this.#isTrimDue;
  }

  /** The queue's policy has changed from `before`. */
  from(before: QueuePolicy): void {
    const queue = this.#queue;
    const { policy, vhost, cursor, log } = queue;
    if (policy.traceSample !== before.traceSample) {
      vhost.broker.tracer.policyOf(queue, policy.traceSample);
      vhost.routingVersion++;
    }
    if (isGuarded(policy) !== isGuarded(before)) vhost.routingVersion++;
    if (cursor === null) {
      if (isOtherBound(policy, before)) vhost.broker.retention.streamBounds(queue);
      return;
    }
    if (policy.messageTtl !== before.messageTtl) {
      queue.policies.ttlEras.ended(before.messageTtl, log.nextOffset, log.firstOffset);
      queue.canExpire = true;
    }
    this.#changeHistory();
    // RabbitMQ applies new bounds before the new `overflow`: a queue that dropped from its head does so once more.
    const dropsHead = [before, policy].some(({ overflow }) => overflow === "drop-head") || this.isTrimming;
    this.#trimming?.cancel();
    this.#trimming = null;
    this.#changeReadyBytes();
    if (dropsHead) this.#trim();
    vhost.broker.schedule(queue);
  }

  /** After replay. */
  restored(): void {
    const queue = this.#queue;
    this.#isTrimDue = queue.policy.overflow === "drop-head" && queue.log.length > 0;
    this.#changeHistory();
    if (queue.readyBytes !== null) this.#count();
    if (!this.#isTrimDue) return;
    queue.vhost.broker.timers.atTickEnd(() => {
      this.#isTrimDue = false;
      if (!queue.isDeleted) this.#trim();
    });
  }

  /** All ready records are settled now. */
  purged(): void {
    this.#forgottenTo = 0;
  }

  #trim(): void {
    const queue = this.#queue;
    if (!queue.vhost.broker.retention.isBeyondBounds(queue)) return;
    if (this.isTrimming) return;
    this.#trimming = this.#run(this.#trimmed(), () => {
      this.#trimming = null;
    });
    if (!this.#trimming.isRunning) this.#trimming = null;
  }

  *#trimmed(): Job<void> {
    const queue = this.#queue;
    const { broker } = queue.vhost;
    const units = queue.policy.deadLetterExchange === undefined ? unitsOfDrop : unitsOfDeadLetter;
    while (!queue.isDeleted && broker.retention.isBeyondBounds(queue)) {
      // A record that has to wait (for records that are being requeued) is tried again a few times in each turn.
      yield broker.retention.trimOne(queue) ? units : unitsOfWait;
    }
  }

  #changeReadyBytes(): void {
    const queue = this.#queue;
    const isNeeded = queue.policy.maxLengthBytes !== undefined;
    if (isNeeded === (queue.readyBytes !== null)) return;
    this.#counting?.cancel();
    this.#counting = null;
    queue.readyBytes = isNeeded ? new ReadyBytes(queue) : null;
    if (isNeeded) this.#count();
  }

  #count(): void {
    const queue = this.#queue;
    const { readyBytes } = queue;
    if (readyBytes === null) return;
    this.#counting = this.#run(readyBytes.counting(), (isDone) => {
      this.#counting = null;
      if (isDone) {
        if (queue.policy.overflow === "drop-head") this.#trim();
      } else
        queue.vhost.broker.timers.after(retryDelayMs, () => {
          if (queue.readyBytes === readyBytes && readyBytes.isCounting) this.#count();
        });
    });
    if (!this.#counting.isRunning) this.#counting = null;
  }

  #changeHistory(): void {
    const { cursor, keepsHistory } = this.#queue;
    if (keepsHistory) {
      this.#forgetting?.cancel();
      this.#forgetting = null;
      if (cursor!.history === null) cursor!.keepHistory();
    } else if (cursor!.history !== null && this.#forgetting === null) {
      this.#forgottenTo = 0;
      this.#forgetting = this.#run(this.#forgotten(), () => {
        this.#forgetting = null;
      });
      if (!this.#forgetting.isRunning) this.#forgetting = null;
    }
  }

  /** Records that are settled meanwhile are removed from the log by `Queue.drop`. */
  *#forgotten(): Job<void> {
    const queue = this.#queue;
    const { log } = queue;
    const cursor = queue.cursor!;
    while (!queue.isDeleted) {
      const history = cursor.history!;
      log.removeBelow(history.first);
      const from = Math.max(this.#forgottenTo, log.firstOffset);
      if (from >= log.nextOffset) {
        cursor.dropHistory();
        return;
      }
      const to = Math.min(from + offsetsAtOnce, log.nextOffset);
      for (let offset = from; offset < to; offset++) if (history.has(offset)) log.remove(offset);
      this.#forgottenTo = to;
      yield offsetsAtOnce * unitsOfOffset;
    }
  }

  /** Runs a job for the queue; `ended` is called with whether it was completed. */
  #run(job: Job<void>, ended: (isDone: boolean) => void): RunningJob {
    const queue = this.#queue;
    const { broker } = queue.vhost;
    return broker.work.run(
      noting(job, () => broker.schedule(queue)),
      (outcome) => {
        if ("error" in outcome) queue.failed(outcome.error);
        ended(!("error" in outcome));
        if (!queue.isDeleted) broker.schedule(queue);
      },
    );
  }
}

function isOtherBound(a: QueuePolicy, b: QueuePolicy): boolean {
  return (["maxLength", "maxLengthBytes", "historyMs", "historyBytes"] as const).some(
    (name) => a[name] !== b[name],
  );
}

/** The job, with `note` called after each slice that is not the last. */
function* noting(job: Job<void>, note: () => void): Job<void> {
  for (let step = job.next(); step.done !== true; step = job.next()) {
    note();
    yield step.value;
  }
}
