/**
 * Kafka: an idempotent producer with acks=all that sends each batch again until it has an answer, and one with acks=1 that
 * sends nothing twice.
 */
import { KafkaClient } from "../clients/kafka-client.ts";
import { makeBatch } from "../clients/kafka-batch.ts";
import { Fault, type HistoryModel } from "../model.ts";
import type { Actor, World } from "../world.ts";

const produceVersion = 9;
const duplicateSequence = 46;
const outOfOrderSequence = 45;
/** The disk is full or failing for now. */
const temporary = new Set([56, 7, 19, 20, -1]);

interface Batch {
  readonly bodies: readonly string[];
  readonly firstSequence: number;
}

export class ProducerActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #topic: HistoryModel;
  readonly #isIdempotent: boolean;
  #client: KafkaClient | null = null;
  #producer = "";
  #id: { id: number; epoch: number } | null = null;
  #nextSequence = 0;
  /** Sent and not answered. */
  #batch: Batch | null = null;
  #isWaiting = false;

  constructor(world: World, name: string, topic: HistoryModel, isIdempotent: boolean) {
    this.#world = world;
    this.name = name;
    this.#topic = topic;
    this.#isIdempotent = isIdempotent;
  }

  get isIdle(): boolean {
    return !this.#isWaiting && (this.#batch === null || !this.#isIdempotent);
  }

  act(): void {
    const client = this.#client;
    if (client === null || client.isLost) return this.#connect();
    if (this.#isWaiting) return;
    if (this.#world.isDraining && this.#batch === null) return;
    if (this.#isIdempotent && this.#id === null) this.#initialise(client);
    else this.#produce(client);
  }

  #connect(): void {
    const link = this.#world.connect("kafka");
    if (link === null) return;
    this.#client = new KafkaClient(link);
    this.#isWaiting = false;
    if (!this.#isIdempotent || this.#producer === "") this.#startAgain();
  }

  #startAgain(): void {
    this.#producer = this.#world.newProducer();
    this.#id = null;
    this.#nextSequence = 0;
    this.#batch = null;
  }

  #initialise(client: KafkaClient): void {
    this.#isWaiting = true;
    client.request("InitProducerId", 4, { transactionalId: null, transactionTimeoutMs: 60_000 }, (body) => {
      this.#isWaiting = false;
      if (body !== null && body.errorCode === 0)
        this.#id = { id: body.producerId, epoch: body.producerEpoch };
    });
  }

  #produce(client: KafkaClient): void {
    const { random, promises, time } = this.#world;
    this.#batch ??= this.#newBatch(random.between(1, 8));
    const { bodies, firstSequence } = this.#batch;
    const { id, epoch } = this.#id ?? { id: -1, epoch: -1 };
    const records = makeBatch({
      values: bodies,
      timestamp: time.now(),
      producerId: id,
      producerEpoch: epoch,
      baseSequence: this.#isIdempotent ? firstSequence : -1,
    });
    const sent = promises.number();
    this.#isWaiting = true;
    client.request(
      "Produce",
      produceVersion,
      {
        acks: this.#isIdempotent ? -1 : 1,
        timeoutMs: 10_000,
        topicData: [{ name: this.#topic.name, partitionData: [{ index: 0, records }] }],
      },
      (body) => {
        this.#isWaiting = false;
        if (body === null) return;
        this.#answered(body.responses[0]!.partitionResponses[0]!.errorCode, sent);
      },
    );
  }

  #newBatch(count: number): Batch {
    const firstSequence = this.#nextSequence;
    this.#nextSequence += count;
    const bodies = Array.from({ length: count }, (_, i) => `${this.#producer}/${firstSequence + i}`);
    for (const body of bodies) this.#topic.sent(body);
    return { bodies, firstSequence };
  }

  #answered(errorCode: number, sent: number): void {
    const { bodies } = this.#batch!;
    if (errorCode === outOfOrderSequence && mayBeLostBefore(this.#world)) return this.#startAgain();
    if (errorCode !== 0 && errorCode !== duplicateSequence) {
      if (!isRefusedForNow(this.#world, errorCode))
        throw new Fault(`${this.name}: producing ${bodies[0]} answered ${errorCode}`);
      // Without idempotence nobody may send it again: it might be there.
      if (!this.#isIdempotent) this.#batch = null;
      return;
    }
    this.#batch = null;
    this.#world.count(this.#isIdempotent ? "records produced, acks=all" : "records produced, acks=1");
    const level = this.#isIdempotent ? this.#world.acksAllLevel : "written";
    for (const body of bodies) this.#topic.told(body, level);
    if (level === "durable") this.#world.promises.durable(sent);
  }
}

/** A power failure or damage may have taken a batch before: then the producer begins anew. */
export function mayBeLostBefore({ acksAllLevel, isDamaged }: World): boolean {
  return acksAllLevel === "written" || isDamaged;
}

export function isRefusedForNow({ isDamaged }: World, errorCode: number): boolean {
  return temporary.has(errorCode) || isDamaged;
}
