/**
 * One broker and clients of each protocol, for cells of the matrix that run beside each other and see the broker restarted together.
 *
 * Not here: what a cell does. Invariant: a cell that has asked for the restart goes on when all cells have asked for it or are over, and the
 * restart is behind it, with new clients.
 */
import amqplib, { type ChannelModel, type ConfirmChannel } from "amqplib";
import { Redis } from "ioredis";
import { type Admin, Kafka, logLevel, Partitioners, type Producer } from "kafkajs";
import { quiet } from "../amqp.ts";
import { startTestBroker, type TestBroker } from "../broker.ts";
import { api } from "../users.ts";

export const restarts = ["none", "restart", "SIGKILL"] as const;
export type Restart = (typeof restarts)[number];

/** Whatever was published to it with a confirm is behind all that was written before. */
const barrier = "barrier";

interface Clients {
  readonly redis: Redis;
  readonly connection: ChannelModel;
  readonly publisher: ConfirmChannel;
  readonly kafka: Kafka;
  readonly admin: Admin;
  readonly producer: Producer;
}

async function open(broker: TestBroker): Promise<Clients> {
  const kafka = new Kafka({
    clientId: "comes-back",
    brokers: [`127.0.0.1:${broker.ports.kafka}`],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 8 },
  });
  const admin = kafka.admin();
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  const [connection] = await Promise.all([
    amqplib.connect(`${broker.amqpUrl}?heartbeat=0`),
    admin.connect(),
    producer.connect(),
  ]);
  connection.on("error", () => {});
  const publisher = quiet(await connection.createConfirmChannel());
  return { redis: newRedis(broker), connection, publisher, kafka, admin, producer };
}

function newRedis(broker: TestBroker): Redis {
  const redis = new Redis(broker.ports.redis, "127.0.0.1", { maxRetriesPerRequest: null, protocol: 2 });
  redis.on("error", () => {});
  return redis;
}

async function closeAll({ redis, connection, admin, producer }: Clients): Promise<void> {
  redis.disconnect();
  const quietly = async (done: Promise<unknown>): Promise<void> => void (await done.catch(() => {}));
  await Promise.all([connection.close(), admin.disconnect(), producer.disconnect()].map(quietly));
}

export class World {
  readonly broker: TestBroker;
  clients: Clients;
  readonly #restart: Restart;
  #running: number;
  #waiting: { go: () => void; fail: (error: unknown) => void }[] = [];

  private constructor(broker: TestBroker, clients: Clients, restart: Restart, cells: number) {
    this.broker = broker;
    this.clients = clients;
    this.#restart = restart;
    this.#running = cells;
  }

  static async start(restart: Restart, cells: number): Promise<World> {
    const broker = await startTestBroker();
    const clients = await open(broker);
    await clients.publisher.assertQueue(barrier, { durable: true });
    return new World(broker, clients, restart, cells);
  }

  newRedis(): Redis {
    return newRedis(this.broker);
  }

  /** @throws unless the API answers as it does to a change that is well */
  async change(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await api(this.broker, method, path, body);
    if (answer.status < 200 || answer.status > 299)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async look(path: string): Promise<any> {
    return await this.change("GET", path);
  }

  /** For a cell: the broker is restarted when every cell is here. */
  restarted(): Promise<void> {
    const all = new Promise<void>((go, fail) => this.#waiting.push({ go, fail }));
    this.#restartIfAllWait();
    return all;
  }

  /** For the cell's end, as which it ended. */
  over(): void {
    this.#running--;
    this.#restartIfAllWait();
  }

  #restartIfAllWait(): void {
    if (this.#waiting.length === 0 || this.#waiting.length < this.#running) return;
    const waiting = this.#waiting.splice(0);
    this.#restartNow().then(
      () => waiting.forEach(({ go }) => go()),
      (error: unknown) => waiting.forEach(({ fail }) => fail(error)),
    );
  }

  async #restartNow(): Promise<void> {
    if (this.#restart === "none") return;
    const { publisher } = this.clients;
    publisher.sendToQueue(barrier, Buffer.from("all before"), { persistent: true });
    await publisher.waitForConfirms();
    if (this.#restart === "SIGKILL") await this.broker.kill();
    await closeAll(this.clients);
    await this.broker.restart();
    this.clients = await open(this.broker);
  }

  async stop(): Promise<void> {
    await closeAll(this.clients);
    await this.broker.stop();
  }
}
