/**
 * A broker over a disk in memory, with all three protocols, that can be killed and started again: for what a restart keeps.
 *
 * Not here: disks that fail (sim/). Invariant: after `ask` all that was answered is written, and nothing else happens.
 */
import assert from "node:assert/strict";
import { KafkaClient } from "../../sim/clients/kafka-client.ts";
import { RedisClient, type RedisReply } from "../../sim/clients/redis-client.ts";
import { SimDisk, seeded } from "../../sim/disk.ts";
import { type ProcessOptions, type ProtocolName, SimProcess } from "../../sim/process.ts";
import { Seeded } from "../../sim/seeded.ts";
import { SimTime } from "../../sim/time.ts";
import type { Broker } from "../../src/broker/broker.ts";
import { keyspaceBounds } from "../../src/keyspace/bounds.ts";
import type { Keyspace } from "../../src/keyspace/keyspace.ts";
import type { SimLink } from "../../sim/network.ts";
import type { ApiName, RequestInput, ResponseBody } from "../../src/protocols/kafka/wire/codec.ts";

const stepsMax = 20_000;

export class DurableRig {
  readonly time = new SimTime();
  readonly disk: SimDisk;
  readonly process: SimProcess;
  readonly errors: string[] = [];

  constructor(seed: number, options: Partial<ProcessOptions> = {}) {
    this.disk = new SimDisk(seeded(seed));
    this.process = new SimProcess({
      disk: this.disk,
      time: this.time,
      random: new Seeded(seed),
      journalBytesMax: 1 << 16,
      kafkaDurability: "fsync",
      redisStreamsDurability: "written",
      turnBounds: {},
      keyspaceBounds,
      log: (line) => void this.errors.push(line),
      ...options,
    });
  }

  static async open(seed: number, options: Partial<ProcessOptions> = {}): Promise<DurableRig> {
    const rig = new DurableRig(seed, options);
    await rig.start();
    return rig;
  }

  get broker(): Broker {
    return this.process.broker!;
  }

  get keyspace(): Keyspace {
    return this.process.keyspace!;
  }

  async #step(): Promise<void> {
    for (const link of this.process.links) while (link.isBusy) link.step();
    if (this.time.hasTickEnd) this.time.endTick();
    if (this.disk.waiting > 0) await this.disk.step();
    else await new Promise((resolve) => setImmediate(resolve));
  }

  async start(): Promise<void> {
    let isOver = false;
    const starting = this.process.start().finally(() => (isOver = true));
    starting.catch(() => {});
    while (!isOver) await this.#step();
    await starting;
  }

  /** SIGKILL, and a new process. */
  async kill(): Promise<void> {
    this.process.kill("kill");
    await this.start();
  }

  /** A clean stop, after which all is synced, and a new process. */
  async restart(): Promise<void> {
    await this.process.stop(() => this.#step());
    await this.start();
  }

  async until(isSo: () => boolean, what: string): Promise<void> {
    for (let i = 0; !isSo(); i++) {
      assert.ok(i < stepsMax, `it does not come to this: ${what}`);
      await this.#step();
    }
  }

  /** Some time without anybody doing anything: the cleaner, timers and the disk go on. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      this.time.advance(Math.min(left, 100));
      for (let i = 0; i < 5; i++) await this.#step();
    }
  }

  connect(name: ProtocolName): SimLink {
    return this.process.connect(name);
  }

  /** One connection for each call: nothing of one is left for the next. */
  async redis(...words: readonly (string | number)[]): Promise<RedisReply> {
    const client = new RedisClient(this.connect("redis"));
    let answer: RedisReply | undefined;
    client.call(words, (reply) => (answer = reply));
    await this.until(() => answer !== undefined, `an answer to ${words.join(" ")}`);
    client.cut();
    assert.ok(!(answer instanceof Error), `${words.join(" ")}: ${String(answer)}`);
    return answer!;
  }

  async kafka<N extends ApiName>(name: N, version: number, body: RequestInput<N>): Promise<ResponseBody<N>> {
    const client = new KafkaClient(this.connect("kafka"));
    let answer: ResponseBody<N> | null | undefined;
    client.request(name, version, body, (response) => (answer = response));
    await this.until(() => answer !== undefined, `an answer to ${name}`);
    client.cut();
    assert.ok(answer !== null && answer !== undefined, `${name}: the connection is gone`);
    return answer;
  }
}
