/**
 * A Kafka topic whose bounds change all the time: what is left of it must be the newest records, without a gap, whatever was
 * taken away when.
 */
import { KafkaClient } from "../clients/kafka-client.ts";
import { makeBatch } from "../clients/kafka-batch.ts";
import { type Crash, Fault } from "../model.ts";
import type { Actor, World } from "../world.ts";

export const boundedTopic = "bounded";
const produceVersion = 9;
const topicResource = 2;
const setOperation = 0;

export class RetentionActor implements Actor {
  readonly name: string;
  readonly #world: World;
  #client: KafkaClient | null = null;
  /** Numbers are sent one at a time. */
  #sent = -1;
  #told = { number: -1, promise: 0 };
  #isWaiting = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
  }

  get isIdle(): boolean {
    return !this.#isWaiting;
  }

  crashed(crash: Crash): void {
    const { acksAllLevel, promises } = this.#world;
    if (!promises.survives(this.#told.promise, acksAllLevel, crash)) this.#told.number = -1;
  }

  act(): void {
    const client = this.#client;
    if (client === null || client.isLost) return this.#connect();
    if (this.#isWaiting || this.#world.isDraining) return;
    if (this.#world.random.chance(0.15)) this.#bound(client);
    else this.#produce(client);
  }

  #connect(): void {
    const link = this.#world.connect("kafka");
    if (link === null) return;
    this.#client = new KafkaClient(link);
    this.#isWaiting = false;
  }

  #bound(client: KafkaClient): void {
    const value = this.#world.random.pick(["-1", "500", "2000", "20000"]);
    this.#isWaiting = true;
    const configs = [{ name: "retention.bytes", configOperation: setOperation, value }];
    const resources = [{ resourceType: topicResource, resourceName: boundedTopic, configs }];
    client.request("IncrementalAlterConfigs", 1, { resources, validateOnly: false }, () => {
      this.#isWaiting = false;
      this.#world.count("policies changed");
    });
  }

  #produce(client: KafkaClient): void {
    const number = ++this.#sent;
    const head = { timestamp: this.#world.time.now(), producerId: -1, producerEpoch: -1, baseSequence: -1 };
    const records = makeBatch({ values: [`b/${number}`], ...head });
    const topicData = [{ name: boundedTopic, partitionData: [{ index: 0, records }] }];
    this.#isWaiting = true;
    client.request("Produce", produceVersion, { acks: -1, timeoutMs: 10_000, topicData }, (body) => {
      this.#isWaiting = false;
      if (body?.responses[0]?.partitionResponses[0]?.errorCode !== 0) return;
      this.#told = { number, promise: this.#world.promises.number() };
    });
  }

  /** All that is there at the end. */
  check(bodies: readonly string[]): void {
    if (this.#world.isDamaged) return;
    const numbers = bodies.map((body) => Number(body.split("/")[1]));
    numbers.forEach((number, i) => {
      if (i > 0 && number <= numbers[i - 1]!)
        throw new Fault(`${this.name}: ${number} comes after ${numbers[i - 1]}`);
    });
    const newest = numbers.at(-1) ?? -1;
    // The newest frame is kept by every bound above its size.
    if (newest < this.#told.number)
      throw new Fault(`${this.name}: the newest record is ${newest}, ${this.#told.number} was acknowledged`);
    this.#world.count("bounded topics read");
  }
}
