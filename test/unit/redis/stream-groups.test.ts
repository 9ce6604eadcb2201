/** Groups of a stream that is deleted go in slices: what holds meanwhile, and after a process that died amid them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createGroup } from "../../../src/broker/groups/stream-groups.ts";
import type { Timers } from "../../../src/base/clock.ts";
import { Logger } from "../../../src/base/logger.ts";
import { Broker } from "../../../src/broker/broker.ts";
import type { Queue } from "../../../src/broker/queue/queue.ts";
import { SimDisk } from "../../../sim/disk.ts";

const groups = 300;

class Process {
  readonly disk = new SimDisk(() => 0.5);
  #tickEnds: (() => void)[] = [];
  broker!: Broker;

  async open(): Promise<void> {
    this.#tickEnds = [];
    const clock = { now: () => 1000, monotonic: () => 1000 };
    const timers: Timers = {
      after: () => ({ cancel: () => {} }),
      atTickEnd: (action) => void this.#tickEnds.push(action),
    };
    let isOpen = false;
    const opening = Broker.open({
      disk: this.disk,
      directory: "/data",
      clock,
      timers,
      random: { below: () => 0, bytes: (size) => Buffer.alloc(size) },
      logger: new Logger({ level: "silent", clock, sink: () => {} }),
      journalBytesMax: 1 << 20,
      memoryBytesMax: 0,
      redisStreamsDurability: "written",
      kafkaDurability: "fsync",
      turnBounds: { turnWorkUnits: 100, turnWorkSliceUnits: 100 },
      onFatal: (error) => assert.fail(error),
    }).finally(() => (isOpen = true));
    while (!isOpen) {
      if (this.disk.waiting > 0) await this.disk.step();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.broker = await opening;
  }

  endTick(): void {
    for (const action of this.#tickEnds.splice(0)) action();
  }

  endTicks(): void {
    for (let i = 0; this.#tickEnds.length > 0; i++) {
      assert.ok(i < 10_000, "the ticks do not end");
      this.endTick();
    }
  }

  declare(): Queue {
    return this.broker.defaultVhost.declareQueue({
      name: "s",
      kind: "stream",
      durable: true,
      exclusiveOwner: 0,
      autoDelete: false,
      args: {},
    });
  }

  get definitions(): number {
    return [...this.broker.storage.definitions.entries("group/")].length;
  }

  /** A stream with its groups, deleted; some of them are still there. */
  async amidDeletion(): Promise<void> {
    await this.open();
    const queue = this.declare();
    for (let i = 0; i < groups; i++) createGroup(queue, `g${i}`);
    this.endTicks();
    this.broker.defaultVhost.deleteQueue(queue);
    this.endTick();
    assert.ok(this.definitions > 0 && this.definitions < groups, `${this.definitions} definitions`);
  }
}

test("the groups of a deleted stream go over several turns, all of them", async () => {
  const process = new Process();
  await process.amidDeletion();
  process.endTicks();
  assert.equal(process.definitions, 0);
  assert.equal(process.broker.storage.states.size, 0);
});

test("a stream made anew meanwhile keeps its own groups, and has none of the old ones after a restart", async () => {
  const process = new Process();
  await process.amidDeletion();
  const queue = process.declare();
  createGroup(queue, `g${groups - 1}`);
  process.endTick();
  assert.ok(process.definitions > 1, "others are there still");
  // Killed there, and again after all is over.
  process.disk.crash("kill");
  for (let round = 0; round < 2; round++) {
    await process.open();
    assert.deepEqual(
      [...process.broker.defaultVhost.queues.get("s")!.groups.keys()],
      [`g${groups - 1}`],
      `start ${round}`,
    );
    process.endTicks();
    assert.equal(process.definitions, 1);
    process.disk.crash("kill");
  }
});

test("what is left of a stream that was killed amid its deletion is gone after the start", async () => {
  const process = new Process();
  await process.amidDeletion();
  process.disk.crash("kill");
  await process.open();
  process.endTicks();
  assert.equal(process.definitions, 0);
  assert.equal(process.broker.defaultVhost.queues.has("s"), false);
});
