/**
 * AMQP under kills: confirmed publishes through an exchange to a queue and a stream, and a consumer whose
 * acknowledgements count as synced once a later request on the same channel was answered.
 */
import { setTimeout as sleep } from "node:timers/promises";
import amqplib, { type ChannelModel, type ConsumeMessage } from "amqplib";
import { Redis } from "ioredis";
import { asFastAsItGoes, type Load, type Pace } from "./load.ts";

const exchange = "kill.exchange";
const queue = "kill.queue";
const stream = "kill.stream";
const unconfirmedMax = 300;
const acksBetweenSyncs = 40;
const settleMs = 2000;

/** One run of the load; a run that hangs must not take part in the next. */
interface Run {
  isStopping: boolean;
  readonly stopped: () => void;
  readonly whenStopped: Promise<void>;
}

function newRun(): Run {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { isStopping: false, stopped: resolve, whenStopped: promise };
}

export class AmqpLoad implements Load {
  readonly name = "amqp";
  readonly #confirmed = new Set<string>();
  readonly #received = new Set<string>();
  /** Acknowledged, and the broker answered something later: must never come again. */
  readonly #synced = new Set<string>();
  readonly #faults: string[] = [];
  /** Highest sequence first delivered, by publisher. */
  readonly #highest = new Map<string, number>();
  #round = 0;
  #run = newRun();
  readonly #pace: Pace;

  constructor(pace: Pace = asFastAsItGoes) {
    this.#pace = pace;
  }

  get told(): Record<string, number> {
    return { confirmed: this.#confirmed.size, received: this.#received.size, synced: this.#synced.size };
  }

  stop(): void {
    this.#run.isStopping = true;
    this.#run.stopped();
  }

  async run(ports: { amqp: number }): Promise<void> {
    this.#round++;
    const run = (this.#run = newRun());
    const session = this.#session(ports.amqp, run);
    // amqplib never settles a connect whose socket was reset in the handshake: the kill ends that one.
    await Promise.race([session, run.whenStopped.then(() => Promise.race([session, sleep(settleMs)]))]);
  }

  async #session(port: number, run: Run): Promise<void> {
    try {
      const connection = await connect(port);
      const gone = new Promise<void>((resolve) => connection.once("close", () => resolve()));
      await this.#declare(connection);
      const work = Promise.all([this.#publish(connection, run), this.#consume(connection, run)]);
      work.catch(() => {});
      await Promise.race([gone, work]);
      await connection.close();
    } catch {
      // Killed: what was told before stands.
    }
  }

  async #declare(connection: ChannelModel): Promise<void> {
    const channel = await connection.createChannel();
    await channel.assertExchange(exchange, "topic", { durable: true });
    await channel.assertQueue(queue, { durable: true });
    await channel.assertQueue(stream, { durable: true, arguments: { "x-queue-type": "stream" } });
    await channel.bindQueue(queue, exchange, "kill.#");
    await channel.bindQueue(stream, exchange, "kill.#");
    await channel.close();
  }

  async #publish(connection: ChannelModel, run: Run): Promise<void> {
    const channel = await connection.createConfirmChannel();
    channel.on("error", () => {});
    const publisher = `p${this.#round}`;
    let sequence = 0;
    let unconfirmed = 0;
    let wake = (): void => {};
    while (!run.isStopping) {
      const count = unconfirmedMax - unconfirmed;
      await this.#pace(count);
      for (let i = 0; i < count; i++) {
        const id = `${publisher}:${sequence++}`;
        unconfirmed++;
        channel.publish(exchange, `kill.${sequence % 7}`, Buffer.from(id), { persistent: true }, (error) => {
          unconfirmed--;
          if (error === null || error === undefined) this.#confirmed.add(id);
          wake();
        });
      }
      await new Promise<void>((resolve) => (wake = resolve));
    }
    await channel.waitForConfirms();
  }

  async #consume(connection: ChannelModel, run: Run): Promise<void> {
    const channel = await connection.createChannel();
    channel.on("error", () => {});
    await channel.prefetch(100);
    let acked: string[] = [];
    let stopped = (): void => {};
    const isStopped = new Promise<void>((resolve) => (stopped = resolve));
    await channel.consume(queue, (message) => {
      if (message === null || run.isStopping) return stopped();
      acked.push(this.#receive(message));
      channel.ack(message);
      if (acked.length < acksBetweenSyncs) return;
      const batch = acked;
      acked = [];
      channel.checkQueue(queue).then(
        () => batch.forEach((id) => this.#synced.add(id)),
        () => {},
      );
    });
    await isStopped;
  }

  #receive(message: ConsumeMessage): string {
    const id = message.content.toString();
    if (this.#synced.has(id)) this.#faults.push(`amqp: ${id} came back after its acknowledgement was synced`);
    const [publisher, sequence] = id.split(":") as [string, string];
    if (!message.fields.redelivered) {
      const highest = this.#highest.get(publisher) ?? -1;
      if (Number(sequence) <= highest) this.#faults.push(`amqp: ${id} came after ${publisher}:${highest}`);
      this.#highest.set(publisher, Math.max(highest, Number(sequence)));
    }
    this.#received.add(id);
    return id;
  }

  async verify(ports: { amqp: number; redis: number }): Promise<string[]> {
    const faults = [...this.#faults];
    const connection = await connect(ports.amqp);
    try {
      // A busy machine may have come to no round's declarations. A queue that was lost is empty now, which tells it.
      await this.#declare(connection);
      const channel = await connection.createChannel();
      for (;;) {
        const message = await channel.get(queue, { noAck: true });
        if (message === false) break;
        this.#receive({ ...message, fields: { ...message.fields, consumerTag: "" } });
      }
    } finally {
      await connection.close();
    }
    const lost = [...this.#confirmed].filter((id) => !this.#received.has(id));
    if (lost.length > 0) faults.push(`amqp: ${lost.length} confirmed messages lost, first ${lost[0]}`);
    faults.push(...(await this.#verifyStream(ports.redis)));
    return faults;
  }

  async #verifyStream(port: number): Promise<string[]> {
    const redis = new Redis(port, "127.0.0.1");
    const ids = new Set<string>();
    let twice = 0;
    for (let from = "-"; ;) {
      const entries = await redis.xrange(stream, from, "+", "COUNT", 5000);
      for (const [, fields] of entries) {
        const id = fields[fields.indexOf("body") + 1]!;
        if (ids.has(id)) twice++;
        ids.add(id);
      }
      if (entries.length < 5000) break;
      from = `(${entries.at(-1)![0]}`;
    }
    redis.disconnect();
    const lost = [...this.#confirmed].filter((id) => !ids.has(id)).length;
    const faults: string[] = [];
    if (lost > 0) faults.push(`amqp: ${lost} confirmed messages are not in the stream`);
    if (twice > 0) faults.push(`amqp: ${twice} messages are twice in the stream`);
    return faults;
  }
}

async function connect(port: number): Promise<ChannelModel> {
  const connection = await amqplib.connect({ port, hostname: "127.0.0.1" });
  connection.on("error", () => {});
  return connection;
}
