/** The loads of test/kill together, against one life of a broker. */
import type { TestPorts } from "../../test/support/broker.ts";
import { AmqpLoad } from "../../test/kill/amqp-load.ts";
import { KafkaLoad } from "../../test/kill/kafka-load.ts";
import type { Load } from "../../test/kill/load.ts";
import { RedisLoad } from "../../test/kill/redis-load.ts";
import { paceOf } from "./pace.ts";

/**
 * Messages a second; of Redis its keys, and looks at a stream that has nothing new, among them. Two soaks beside a simulator
 * reached it on two cores: so every life, on whatever hour of the machine, has the same load, and what memory it needs can
 * be compared.
 */
const paces = { amqp: 5000, redis: 1500, kafka: 500 };

export class MixedLoad {
  readonly #loads: Load[] = [
    new AmqpLoad(paceOf(paces.amqp)),
    new RedisLoad(paceOf(paces.redis)),
    new KafkaLoad(paceOf(paces.kafka)),
  ];
  #running: Promise<void>[] = [];

  start(ports: TestPorts): void {
    this.#running = this.#loads.map((load) => load.run(ports));
  }

  async stop(): Promise<void> {
    for (const load of this.#loads) load.stop();
    await Promise.all(this.#running);
  }

  /** What contradicts what the clients were told, and a load that was told nothing. */
  async verify(ports: TestPorts): Promise<string[]> {
    const faults = await Promise.all(this.#loads.map((load) => load.verify(ports)));
    const idle = this.#loads.filter(({ told }) => Object.values(told).every((count) => count === 0));
    return [...faults.flat(), ...idle.map(({ name }) => `${name}: nothing was told`)];
  }

  /** How much was told, of each protocol. */
  get told(): Readonly<Record<string, number>> {
    const counts = this.#loads.map(({ name, told }) => {
      const [first] = Object.values(told);
      return [name, first ?? 0] as const;
    });
    return Object.fromEntries(counts);
  }
}
