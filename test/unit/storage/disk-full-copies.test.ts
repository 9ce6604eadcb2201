/**
 * Publishers and the cleaner's copies fill a disk together: the journal can be written all the same, so that what is
 * stored can be acknowledged, and then there is room again.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { envelope } from "../../../src/message/envelope.ts";
import { type Log, Storage } from "../../../src/storage/index.ts";
import { type Random, seeded, SimDisk } from "../../../sim/disk.ts";
import { finish } from "../../support/finish.ts";
import { thorough } from "../../support/thorough.ts";

const roomBytes = 512 << 10;
/** Of one message; a scene has a bound of its own up to this. */
const messageBytesMax = 12 << 10;
const turnsMax = 4000;
const seeds = 200 * thorough;

class Scene {
  readonly disk: SimDisk;
  readonly #random: Random;
  readonly #messageBytesMax: number;
  storage!: Storage;
  log!: Log;
  #now = 1_000_000;
  #acknowledged = 0;

  constructor(random: Random) {
    this.#random = random;
    this.disk = new SimDisk(random);
    this.#messageBytesMax = 1024 + this.below(messageBytesMax);
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  async open(): Promise<void> {
    this.storage = await finish(
      this.disk,
      Storage.open({
        disk: this.disk,
        directory: "data",
        now: () => this.#now,
        journalBytesMax: 1 << 30,
        diskFreeBytesMin: "auto",
        requestFlush: () => {},
        pause: () => this.disk.wait(),
        onDurable: () => {},
        onFatal: (error) => {
          throw error;
        },
      }),
    );
    await finish(this.disk, this.storage.replay());
    this.log = this.storage.createLog(true);
    this.storage.definitions.put("log", String(this.log.id));
    this.disk.fill(roomBytes);
    this.storage.gate.tend();
  }

  /** One tick of publishers, who stop where the broker stops them: at most so many messages. */
  publish(most: number): void {
    const { storage, log } = this;
    if (storage.gate.failure !== null) return;
    for (let i = 0; i < most && storage.pending <= storage.gate.roomEnd; i++) {
      const length = 1 + this.below(this.#messageBytesMax);
      const at = log.store.reserve(log.group, envelope.amqp, length);
      log.store.tail.fill(120, at, at + length);
    }
  }

  /** The oldest messages that are left. */
  acknowledge(count: number): void {
    const end = Math.min(this.#acknowledged + count, this.log.nextOffset);
    for (; this.#acknowledged < end; this.#acknowledged++) this.log.remove(this.#acknowledged);
  }

  get isDrained(): boolean {
    return this.#acknowledged === this.log.nextOffset;
  }

  /** Background work goes on before and after the flush: copies begin while bytes wait to be written. */
  async turn(steps: number): Promise<void> {
    const { storage } = this;
    await this.#background(this.below(3));
    assert.ok(storage.flush(), `the journal cannot be written: ${storage.gate.writeFailure?.message}`);
    if (this.below(3) === 0) storage.startSync();
    await this.#background(steps);
  }

  async #background(steps: number): Promise<void> {
    for (let i = 0; i < steps && this.disk.waiting > 0; i++) await this.disk.step();
  }

  /** A second passes: the broker looks at the disk. */
  second(): void {
    this.#now += 1000;
    this.storage.gate.tend();
  }
}

async function run(seed: number): Promise<{ segments: number; wasLow: boolean }> {
  const scene = new Scene(seeded(seed));
  await scene.open();
  const { storage } = scene;
  const most = 1 + scene.below(60);
  let wasLow = false;
  for (let i = 0; i < turnsMax && !wasLow; i++) {
    scene.publish(1 + scene.below(most));
    await scene.turn(scene.below(4));
    if (scene.below(200) === 0) scene.second();
    wasLow = storage.gate.failure !== null;
  }
  assert.ok(wasLow, "the disk was never low");
  for (let i = 0; i < 40; i++) {
    await scene.turn(3);
    scene.second();
  }
  for (let i = 0; storage.gate.failure !== null || !scene.isDrained; i++) {
    assert.ok(i < turnsMax, "the disk has no room again, though all is acknowledged");
    scene.acknowledge(1 + Math.floor(scene.log.nextOffset / 300));
    await scene.turn(4);
    if (scene.below(4) === 0) scene.second();
  }
  return { segments: storage.cleaner!.segmentsMade, wasLow };
}

test(
  "publishers and copies fill a disk: the journal can always be written",
  { timeout: 60_000 },
  async () => {
    let segments = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      try {
        segments += (await run(seed)).segments;
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    assert.ok(segments > seeds, `${segments} segments: too few copies to mean anything`);
  },
);
