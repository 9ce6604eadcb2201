/**
 * The long work that administrators have started: runs it at the rate that was asked for, says how far it is, and remembers it.
 *
 * A work is a generator that moves one message at most between two yields. It goes on in the spare time of turns (base/turn-work.ts), and
 * stops while publishers have to wait or its rate is used up. What is remembered is a definition: written when the operation begins, when it
 * first reaches another queue (in the tick of that move), and at its end; so an operation can be undone after a kill.
 * Not here: what is moved. Invariants: `operationsRunningMax` run, of one user `operationsRunningOfUserMax`; `operationsKeptMax` are remembered, and what one
 * user starts pushes out dry runs and that user's own first; one whose user may not go on with it is `failed`; one
 * that a stop of the broker has cut short is `failed` after the start.
 */
import type { Clock, Timers } from "../../base/clock.ts";
import { BrokerError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Logger } from "../../base/logger.ts";
import type { Random } from "../../base/random.ts";
import type { Job, JobOutcome, RunningJob, TurnWork } from "../../base/turn-work.ts";
import type { Storage } from "../../storage/index.ts";
import { definitionKey, namesOfKey } from "../names.ts";
import { type Counts, Operation, type OperationOptions, type StoredOperation } from "./operation.ts";
import { Pace } from "./pace.ts";

export interface OperationsHost {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly work: TurnWork;
  readonly random: Random;
  readonly logger: Logger;
  readonly storage: Pick<Storage, "definitions">;
  readonly flow: { readonly isBlocked: boolean; readonly isBehind: boolean };
  requestTick(): void;
}

/** Moves messages, one at most between two yields, and counts them in `operation.counts`. */
export type OperationBody = (operation: Operation) => Job<void>;

/** Whether whoever has started it may still do it: the rights may have been taken away since. */
export type MayGoOn = () => boolean;

/** Of an id, beside its number: whoever writes a message cannot guess what an operation will be called. */
const idBytes = 4;
/** How long an operation waits while publishers have to. */
const pauseMs = 10;

interface Running {
  readonly operation: Operation;
  readonly body: Job<void>;
  readonly mayGoOn: MayGoOn;
  readonly pace: Pace;
  job: RunningJob | null;
  readonly waiters: Set<() => void>;
}

export class Operations {
  readonly #host: OperationsHost;
  /** The oldest first. */
  readonly #all = new Map<string, Operation>();
  readonly #running = new Map<string, Running>();
  #lastNumber = 0;

  constructor(host: OperationsHost) {
    this.#host = host;
  }

  /** Start-up. */
  restore(): void {
    const restored: Operation[] = [];
    for (const [key, value] of this.#host.storage.definitions.entries("operation/"))
      restored.push(Operation.restored(namesOfKey(key)[0]!, JSON.parse(value.toString()) as StoredOperation));
    // Not by the time of their start: the clock may have been set back between two of them.
    for (const operation of restored.toSorted((a, b) => numberIn(a.id) - numberIn(b.id))) {
      this.#all.set(operation.id, operation);
      this.#lastNumber = numberIn(operation.id);
      if (operation.isRunning) this.#end(operation, "failed", "the broker was stopped while it ran");
    }
  }

  get(id: string): Operation | undefined {
    return this.#all.get(id);
  }

  /** The newest last. */
  all(): Iterable<Operation> {
    return this.#all.values();
  }

  /**
   * Begins a work, a part of which may be done when this returns. Throws LIMIT where too many run.
   */
  start(
    options: OperationOptions,
    body: OperationBody,
    counts: Counts = noneMoved(),
    mayGoOn: MayGoOn = () => true,
  ): Operation {
    const { clock, random } = this.#host;
    if (this.#running.size >= limits.operationsRunningMax)
      throw new BrokerError(
        "LIMIT",
        `${limits.operationsRunningMax} operations run already: wait for one to end, or cancel it`,
      );
    let ofUser = 0;
    for (const { operation } of this.#running.values())
      if (operation.options.startedBy === options.startedBy) ofUser++;
    if (ofUser >= limits.operationsRunningOfUserMax)
      throw new BrokerError(
        "LIMIT",
        `${ofUser} operations of this user run already: wait for one to end, or cancel it`,
      );
    const id = `${++this.#lastNumber}-${Buffer.from(random.bytes(idBytes)).toString("hex")}`;
    const operation = new Operation(id, options, clock.now(), counts);
    this.#makeRoom();
    this.#all.set(id, operation);
    this.save(operation);
    const pace = new Pace(options.rate, clock.monotonic());
    const waiters = new Set<() => void>();
    const running: Running = { operation, body: body(operation), mayGoOn, pace, job: null, waiters };
    this.#running.set(id, running);
    this.#advance(running);
    return operation;
  }

  /** The operation reaches a queue. False: it has reached as many as it may. */
  reaches({ targets }: Operation, name: string): boolean {
    return targets.has(name) || targets.size < limits.operationTargetsMax;
  }

  /** A message is moved to that queue in this tick; `reaches` has said that it may be. */
  movesTo(operation: Operation, name: string): void {
    if (operation.targets.has(name)) return;
    operation.targets.add(name);
    this.save(operation);
  }

  /** Writes what is known of it, with this tick. */
  save(operation: Operation): void {
    this.#host.storage.definitions.put(
      definitionKey("operation", operation.id),
      JSON.stringify(operation.stored),
    );
  }

  /** False: it had ended. */
  cancel(operation: Operation): boolean {
    const running = this.#running.get(operation.id);
    if (running === undefined) return false;
    running.job?.cancel();
    this.#ended(running, "cancelled", null);
    return true;
  }

  /** Resolves when it has ended, and after `mostMs` at the latest. */
  async ended(operation: Operation, mostMs: number): Promise<void> {
    const running = this.#running.get(operation.id);
    if (running === undefined) return;
    await new Promise<void>((resolve) => {
      const timer = this.#host.timers.after(mostMs, () => {
        running.waiters.delete(told);
        resolve();
      });
      const told = (): void => {
        timer.cancel();
        resolve();
      };
      running.waiters.add(told);
    });
  }

  #advance(running: Running): void {
    const { work, timers } = this.#host;
    const { operation } = running;
    let isOver = false;
    const job = work.run(this.#part(running), (outcome: JobOutcome<boolean>) => {
      isOver = true;
      running.job = null;
      if (!operation.isRunning) return;
      this.#host.requestTick();
      if ("error" in outcome) this.#failed(running, outcome.error);
      else if (outcome.result) this.#ended(running, "finished", null);
      else timers.after(this.#pauseOf(running), () => operation.isRunning && this.#advance(running));
    });
    if (!isOver) running.job = job;
  }

  #pauseOf({ pace }: Running): number {
    const { flow } = this.#host;
    return flow.isBlocked || flow.isBehind ? pauseMs : pace.msToNext;
  }

  /** As much as may be done now. True: that was all of it. */
  *#part({ operation, body, mayGoOn, pace }: Running): Job<boolean> {
    const { clock, flow } = this.#host;
    const { counts } = operation;
    while (operation.isRunning) {
      if (flow.isBlocked || flow.isBehind || !pace.may(clock.monotonic())) return false;
      if (!mayGoOn()) throw new Error("whoever has started it may not do it any more");
      const before = counts.moved;
      const step = body.next();
      pace.moved(counts.moved - before);
      if (step.done === true) return true;
      if (counts.moved > before) this.#host.requestTick();
      yield step.value;
    }
    return true;
  }

  #failed(running: Running, error: unknown): void {
    const cause = error instanceof Error ? error : new Error(String(error));
    const { id, options } = running.operation;
    this.#host.logger.error("an operation has failed; what it had moved stays where it is", {
      operation: id,
      kind: options.kind,
      error: cause,
    });
    this.#ended(running, "failed", cause.message);
  }

  #ended(running: Running, state: "finished" | "cancelled" | "failed", error: string | null): void {
    this.#running.delete(running.operation.id);
    this.#end(running.operation, state, error);
    running.body.return();
    for (const told of running.waiters) told();
  }

  #end(operation: Operation, state: "finished" | "cancelled" | "failed", error: string | null): void {
    operation.state = state;
    operation.error = error;
    operation.endedAt = this.#host.clock.now();
    this.save(operation);
    this.#host.requestTick();
  }

  #makeRoom(): void {
    while (this.#all.size >= limits.operationsKeptMax) {
      const ended = [...this.#all.values()].filter(({ isRunning }) => !isRunning);
      const forgotten = firstToForget(ended);
      if (forgotten === undefined) return;
      this.#all.delete(forgotten.id);
      this.#host.storage.definitions.delete(definitionKey("operation", forgotten.id));
    }
  }
}

/** Of those that have ended, the oldest first: the oldest dry run, or the oldest of the user who has most. */
function firstToForget(ended: readonly Operation[]): Operation | undefined {
  const dry = ended.find(({ options }) => options.isDry === true);
  if (dry !== undefined) return dry;
  const counts = new Map<string, number>();
  for (const { options } of ended) counts.set(options.startedBy, (counts.get(options.startedBy) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return ended.find(({ options }) => counts.get(options.startedBy) === most);
}

function numberIn(id: string): number {
  return Number.parseInt(id, 10);
}

function noneMoved(): Counts {
  return { matched: 0, moved: 0, unroutable: 0 };
}
