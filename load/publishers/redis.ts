/** XADD into a stream of its own, many commands in flight. */
import type { Redis } from "ioredis";
import { Arrivals, body } from "../base/sequences.ts";
import { openRedis } from "../clients/redis.ts";
import type { Publisher } from "./publisher.ts";

const valueBytes = 4000;
const commandsInFlight = 500;
const entriesRead = 2000;

export class RedisPublisher implements Publisher {
  readonly protocol = "redis";
  readonly acknowledged = new Arrivals();
  sentBytes = 0;
  readonly #id: number;
  readonly #stream: string;
  #client!: Redis;
  #isStopping = false;
  #next = 0;

  constructor(id: number) {
    this.#id = id;
    this.#stream = `load:redis:${id}`;
  }

  async open(ports: { redis: number }): Promise<void> {
    this.#client = openRedis(ports.redis);
    await this.#client.ping();
  }

  async send(): Promise<void> {
    await Promise.all(Array.from({ length: commandsInFlight }, () => this.#sendOneByOne()));
    this.#client.disconnect();
  }

  async #sendOneByOne(): Promise<void> {
    try {
      while (!this.#isStopping) {
        const sequence = this.#next++;
        this.sentBytes += valueBytes;
        await this.#client.xadd(this.#stream, "*", "body", body(this.#id, sequence, valueBytes));
        this.acknowledged.add(sequence);
      }
    } catch (error) {
      if (this.#client.status === "ready") throw error;
    }
  }

  stop(): void {
    this.#isStopping = true;
  }

  async readAll(ports: { redis: number }): Promise<Arrivals> {
    const came = new Arrivals();
    const client = openRedis(ports.redis);
    for (let from = "-"; ;) {
      const entries = await client.xrangeBuffer(this.#stream, from, "+", "COUNT", entriesRead);
      for (const [, fields] of entries) came.take(fields[1]!);
      if (entries.length < entriesRead) break;
      from = `(${entries.at(-1)![0].toString()}`;
    }
    client.disconnect();
    return came;
  }
}
