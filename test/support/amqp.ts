/**
 * What the AMQP tests share: a broker to test, channels of amqplib, waiting, and names that no other test has.
 *
 * TROIKAMQ_TEST_AMQP_URL names another server to run the same tests against, for example RabbitMQ itself: so they
 * compare. Tests that need a broker of their own ask `broker`, which is null then.
 */
import { setTimeout as delay } from "node:timers/promises";
import amqp, { type Channel, type ChannelModel, type ConsumeMessage, type Options } from "amqplib";
import { startTestBroker, type TestBroker } from "./broker.ts";
import { until } from "./wait.ts";

export { until } from "./wait.ts";

/** A connection whose socket is gone never says that it is closed. */
const closeMsMax = 500;

export class AmqpTarget {
  readonly url: string;
  readonly broker: TestBroker | null;
  readonly #connections: ChannelModel[] = [];

  constructor(url: string, broker: TestBroker | null) {
    this.url = url;
    this.broker = broker;
  }

  static async start(): Promise<AmqpTarget> {
    const url = process.env["TROIKAMQ_TEST_AMQP_URL"];
    if (url !== undefined) return new AmqpTarget(url, null);
    const broker = await startTestBroker();
    return new AmqpTarget(broker.amqpUrl, broker);
  }

  async connect(): Promise<ChannelModel> {
    // No heartbeats: their timers would outlive a connection whose socket a test destroyed.
    const connection = await amqp.connect(`${this.url}?heartbeat=0`);
    // Tests look at what closes; an error event that nobody hears would end the process.
    connection.on("error", () => {});
    this.#connections.push(connection);
    return connection;
  }

  async channel(): Promise<Channel> {
    return quiet(await (await this.connect()).createChannel());
  }

  async closeConnections(): Promise<void> {
    const closing = this.#connections.splice(0).map((connection) => connection.close().catch(() => {}));
    await Promise.race([Promise.all(closing), delay(closeMsMax)]);
  }

  async stop(): Promise<void> {
    await this.closeConnections();
    await this.broker?.stop();
  }
}

export function quiet<AnyChannel extends Channel>(channel: AnyChannel): AnyChannel {
  channel.on("error", () => {});
  return channel;
}

let names = 0;

export function uniqueName(what = "t"): string {
  return `${what}-${process.pid}-${Date.now().toString(36)}-${++names}`;
}

/** Consumes and gathers; `bodies` grows as messages come. */
export class Gathered {
  readonly messages: ConsumeMessage[] = [];
  /** The server cancelled the consumer. */
  isCancelled = false;
  tag = "";

  get bodies(): string[] {
    return this.messages.map(({ content }) => content.toString());
  }

  async count(wanted: number): Promise<ConsumeMessage[]> {
    await until(() => this.messages.length >= wanted, `message ${wanted} (have ${this.messages.length})`);
    return this.messages;
  }

  static async from(channel: Channel, queue: string, options: Options.Consume = {}): Promise<Gathered> {
    const gathered = new Gathered();
    const { consumerTag } = await channel.consume(
      queue,
      (message) => {
        if (message === null) gathered.isCancelled = true;
        else gathered.messages.push(message);
      },
      options,
    );
    gathered.tag = consumerTag;
    return gathered;
  }
}

/** For a look at what must not come: too short a wait, on a slow machine, lets a fault pass and fails nothing. */
export function settled(): Promise<void> {
  return delay(60);
}

/** The code and text with which the server closed the channel or the connection, as `CODE text`. */
export async function closingOf(target: AmqpTarget, action: (channel: Channel) => unknown): Promise<string> {
  const connection = await amqp.connect(target.url);
  const closings: string[] = [];
  const note = (scope: string) => (error: Error) => {
    const found = /(?:with message|server:) .*?"(.*)"$/s.exec(error.message);
    closings.push(`${scope} ${(error as { code?: number }).code} ${found?.[1] ?? error.message}`);
  };
  connection.on("error", note("connection"));
  const channel = await connection.createChannel();
  channel.on("error", note("channel"));
  try {
    await Promise.resolve(action(channel)).catch(() => {});
    return await until(() => closings[0], "the closing");
  } finally {
    await connection.close().catch(() => {});
  }
}
