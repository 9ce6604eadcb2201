/**
 * One publisher and what it sends, by a schedule, until all of it has arrived at every consumer and, where there are
 * confirms, is confirmed.
 *
 * Not here: what arrives where (deliveries.ts). Invariant: no more is unconfirmed than `unconfirmedMax`, nor on its way
 * than `unarrivedMax`, so that queues stay short and what is measured is a steady flow.
 */
import { Histogram } from "../../base/histogram.ts";
import type { AmqpLink } from "./link.ts";
import type { PublishBlocks } from "./publish-blocks.ts";
import type { Schedule } from "../base/schedule.ts";
import { spin } from "../base/spin.ts";
import { Confirms } from "./confirms.ts";
import type { Deliveries } from "./deliveries.ts";

/** How exactly a run at full speed ends. */
const tickMs = 1;

export interface LaneOptions {
  readonly writing: AmqpLink;
  readonly blocks: PublishBlocks;
  readonly deliveries: readonly Deliveries[];
  /** Consumers that get each message while the lane runs; 0: they come later. */
  readonly copies: number;
  readonly schedule: Schedule;
  readonly unarrivedMax: number;
  /** Absent: no confirms. */
  readonly unconfirmedMax: number | undefined;
}

export class Lane {
  /**
   * How much later than due messages were sent, us, of a run with a rate: by the generator's own fault, or since the
   * server left no room. It is part of their latency either way.
   */
  readonly lateness = new Histogram();
  endedMs = 0;
  readonly #options: LaneOptions;
  readonly #confirms = new Confirms();
  /** Less room than this is waited with: a write of a few messages costs as much as one of many. */
  readonly #roomLeast: number;
  #finish: () => void = () => {};

  constructor(options: LaneOptions) {
    this.#options = options;
    const { blocks, unarrivedMax, unconfirmedMax = Infinity } = options;
    const quarter = Math.min(unarrivedMax, unconfirmedMax) >> 2;
    this.#roomLeast = Math.max(1, Math.min(blocks.messagesPerBlock, quarter));
  }

  get arrived(): number {
    return this.#options.deliveries.reduce((sum, { count }) => sum + count, 0);
  }

  get sent(): number {
    return this.#options.blocks.sent;
  }

  get confirmed(): number {
    return this.#confirms.count;
  }

  get note(): string {
    const { blocks, copies, unconfirmedMax } = this.#options;
    const confirms =
      unconfirmedMax === undefined ? "" : `, ${this.confirmed} of ${blocks.sent} are confirmed`;
    return `${this.arrived} of ${blocks.sent * copies} messages arrived${confirms}`;
  }

  async run(): Promise<void> {
    const { writing, blocks, deliveries, schedule, unconfirmedMax } = this.#options;
    const pump = () => this.#pump();
    if (unconfirmedMax !== undefined) {
      writing.onConfirm = (tag, isMultiple) => this.#confirms.add(tag, isMultiple, blocks.sent);
      writing.onChunk = pump;
    }
    for (const part of deliveries) part.onProgress = pump;
    blocks.onFree = pump;
    const done = new Promise<void>((resolve) => (this.#finish = resolve));
    schedule.start(performance.now());
    let isOver = false;
    const tick = schedule.stepMs === 0 ? setInterval(pump, tickMs) : undefined;
    // A timer would send a millisecond late, and that would be in every latency.
    const step = () => {
      pump();
      return !isOver;
    };
    if (tick === undefined) spin(step);
    await done;
    isOver = true;
    clearInterval(tick);
  }

  #pump(): void {
    const { blocks, schedule } = this.#options;
    const nowMs = performance.now();
    const most = schedule.allowed(nowMs);
    while (blocks.hasFree && blocks.sent < most) {
      const room = this.#room();
      if (room < this.#roomLeast) break;
      const dueMs = schedule.sentMs(blocks.sent, nowMs);
      this.lateness.record((nowMs - dueMs) * 1000);
      blocks.send(Math.min(room, most - blocks.sent), dueMs, schedule.stepMs);
    }
    if (!schedule.isOver(blocks.sent, nowMs) || !this.#isSettled()) return;
    this.endedMs = nowMs;
    this.#finish();
  }

  #room(): number {
    const { blocks, copies, unarrivedMax, unconfirmedMax } = this.#options;
    const unarrived = copies === 0 ? 0 : blocks.sent - Math.floor(this.arrived / copies);
    const room = unarrivedMax - unarrived;
    if (unconfirmedMax === undefined) return room;
    return Math.min(room, unconfirmedMax - (blocks.sent - this.confirmed));
  }

  #isSettled(): boolean {
    const { blocks, copies, unconfirmedMax } = this.#options;
    const isConfirmed = unconfirmedMax === undefined || this.confirmed === blocks.sent;
    return isConfirmed && this.arrived === blocks.sent * copies;
  }
}
