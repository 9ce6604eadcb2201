/**
 * What dead letters tell of their past, and what prefetches let through, beside a real RabbitMQ: the same steps on both, and the
 * same headers, properties and counts.
 *
 * Not here: random steps (differential/amqp). Times are left out; queues have the same names on both servers.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import amqp, { type Channel, type ChannelModel, type GetMessage, type Message, type Options } from "amqplib";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { noRealRabbitMq, RealRabbitMq } from "../../support/real-rabbitmq.ts";
import { until } from "../../support/wait.ts";

const options = { skip: noRealRabbitMq };

let rabbit: RealRabbitMq;
let broker: TestBroker;
const connections: ChannelModel[] = [];

before(async () => {
  if (noRealRabbitMq !== false) return;
  rabbit = await RealRabbitMq.start();
  broker = await startTestBroker({ dataDir: "memory" });
  for (const url of [rabbit.amqpUrl, broker.amqpUrl]) {
    connections.push(await until(() => amqp.connect(url).catch(() => undefined)));
  }
});

after(async () => {
  if (noRealRabbitMq !== false) return;
  for (const connection of connections) await connection.close();
  await rabbit.stop();
  await broker.stop();
});

const types = ["classic", "quorum"] as const;
type Type = (typeof types)[number];

/** What a step has to work with: queues `a`, `b` and `dead` of a scenario, whose names begin with its own. */
class Scene {
  readonly channel: Channel;
  readonly type: Type;
  readonly #prefix: string;

  constructor(channel: Channel, type: Type, prefix: string) {
    this.channel = channel;
    this.type = type;
    this.#prefix = prefix;
  }

  name(text: string): string {
    return `${this.#prefix}.${text}`;
  }

  async queue(name: string, args: Record<string, unknown> = {}): Promise<string> {
    const type = name.startsWith("dead") ? "classic" : this.type;
    const { queue } = await this.channel.assertQueue(this.name(name), {
      durable: true,
      arguments: { "x-queue-type": type, ...args },
    });
    return queue;
  }

  /** With dead letters that go to the queue `dead`, or where else `args` say. */
  async dying(args: Record<string, unknown> = {}, name = "a"): Promise<string> {
    await this.queue("dead");
    return this.queue(name, {
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": this.name("dead"),
      ...args,
    });
  }

  send(queue: string, properties: Options.Publish = {}, text = "m"): void {
    this.channel.sendToQueue(queue, Buffer.from(text), { persistent: true, ...properties });
  }

  get(queue: string): Promise<GetMessage> {
    return until(async () => (await this.channel.get(queue)) || undefined, `a message in ${queue}`);
  }

  async rejectFrom(queue: string): Promise<void> {
    this.channel.reject(await this.get(queue), false);
  }

  async returnTo(queue: string): Promise<void> {
    this.channel.reject(await this.get(queue), true);
  }

  /** Takes messages away, and tells of them. */
  async told(count: number, name = "dead"): Promise<object[]> {
    const found: object[] = [];
    for (let at = 0; at < count; at++) {
      const { fields, properties, content } = await this.get(this.name(name));
      const { deliveryTag: _, ...where } = fields;
      found.push({ where, properties: JSON.parse(JSON.stringify(properties)), text: content.toString() });
    }
    return found;
  }
}

const scenes: Readonly<Record<string, (scene: Scene) => Promise<object[]>>> = {
  async rejected(scene) {
    const queue = await scene.dying();
    scene.send(queue, { messageId: "id", priority: 3, timestamp: 1700000000, headers: { mine: 1 } });
    await scene.rejectFrom(queue);
    return scene.told(1);
  },
  async "rejected with an expiration"(scene) {
    const queue = await scene.dying();
    scene.send(queue, { expiration: "60000" });
    await scene.rejectFrom(queue);
    return scene.told(1);
  },
  async "nack of several"(scene) {
    const queue = await scene.dying();
    for (const text of ["1", "2", "3"]) scene.send(queue, {}, text);
    await scene.get(queue);
    await scene.get(queue);
    scene.channel.nack(await scene.get(queue), true, false);
    return scene.told(3);
  },
  async "expired by the queue"(scene) {
    scene.send(await scene.dying({ "x-message-ttl": 10 }));
    return scene.told(1);
  },
  async "expired by its own"(scene) {
    scene.send(await scene.dying(), { expiration: "10", headers: { mine: "x" } });
    return scene.told(1);
  },
  async "expired by the lesser of both"(scene) {
    const queue = await scene.dying({ "x-message-ttl": 60000 });
    scene.send(queue, { expiration: "10" });
    return scene.told(1);
  },
  async "dropped by length"(scene) {
    const queue = await scene.dying({ "x-max-length": 1 });
    for (const text of ["1", "2", "3"]) scene.send(queue, { expiration: "60000" }, text);
    return scene.told(2);
  },
  async "dropped by bytes"(scene) {
    const queue = await scene.dying({ "x-max-length-bytes": 12 });
    for (const text of ["1", "2"]) scene.send(queue, {}, text.repeat(10));
    return scene.told(1);
  },
  async "refused by length"(scene) {
    if (scene.type === "quorum") return [];
    const queue = await scene.dying({ "x-max-length": 1, "x-overflow": "reject-publish-dlx" });
    for (const text of ["1", "2"]) scene.send(queue, { expiration: "60000" }, text);
    return scene.told(1);
  },
  async "returned too often"(scene) {
    if (scene.type === "classic") return [];
    const queue = await scene.dying({ "x-delivery-limit": 2 });
    scene.send(queue, { headers: { mine: 1 } });
    for (let at = 0; at < 3; at++) await scene.returnTo(queue);
    return scene.told(1);
  },
  async "under its own key, by an exchange, with CC and BCC"(scene) {
    const { channel } = scene;
    const [source, graves] = [scene.name("source"), scene.name("graves")];
    await channel.assertExchange(source, "topic", { durable: true });
    await channel.assertExchange(graves, "topic", { durable: true });
    const queue = await scene.queue("a", { "x-dead-letter-exchange": graves });
    const dead = await scene.queue("dead");
    await channel.bindQueue(queue, source, "key");
    await channel.bindQueue(dead, graves, "#");
    channel.publish(source, "key", Buffer.from("m"), { headers: { CC: ["cc.1", "cc.2"], BCC: ["bcc"] } });
    await scene.rejectFrom(queue);
    return scene.told(1);
  },
  async "with another key, whose CC goes"(scene) {
    const queue = await scene.dying();
    scene.send(queue, { headers: { CC: ["nowhere"], mine: 1 } });
    await scene.rejectFrom(queue);
    return scene.told(1);
  },
  async "a chain of three reasons"(scene) {
    await scene.queue("dead");
    const last = await scene.dying({ "x-max-length": 0 }, "c");
    const middle = await scene.dying({ "x-dead-letter-routing-key": last }, "b");
    const first = await scene.dying({ "x-message-ttl": 10, "x-dead-letter-routing-key": middle }, "a");
    scene.send(first, { expiration: "60000" });
    await scene.rejectFrom(middle);
    return scene.told(1);
  },
  async "rejected in a cycle"(scene) {
    const first = await scene.dying({ "x-dead-letter-routing-key": scene.name("b") }, "a");
    const second = await scene.dying({ "x-dead-letter-routing-key": first }, "b");
    scene.send(first);
    for (let at = 0; at < 3; at++) {
      await scene.rejectFrom(first);
      await scene.rejectFrom(second);
    }
    return scene.told(1, "a");
  },
  async "rejected and expired in the same queue"(scene) {
    const wait = await scene.queue("b", {
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": scene.name("a"),
      "x-message-ttl": 10,
    });
    const work = await scene.queue("a", {
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": wait,
    });
    scene.send(work);
    for (let at = 0; at < 3; at++) await scene.rejectFrom(work);
    return scene.told(1, "a");
  },
  async "a cycle that nobody rejects ends"(scene) {
    const first = await scene.dying(
      { "x-message-ttl": 10, "x-dead-letter-routing-key": scene.name("b") },
      "a",
    );
    const second = await scene.dying({ "x-message-ttl": 10, "x-dead-letter-routing-key": first }, "b");
    scene.send(first);
    await until(async () => {
      const counts = await Promise.all([first, second].map((name) => scene.channel.checkQueue(name)));
      return counts.every(({ messageCount }) => messageCount === 0);
    }, "the end of the cycle");
    return [];
  },
  async "to several queues"(scene) {
    const graves = scene.name("graves");
    await scene.channel.assertExchange(graves, "fanout", { durable: true });
    const queue = await scene.queue("a", { "x-dead-letter-exchange": graves });
    for (const name of ["dead1", "dead2"]) {
      await scene.channel.bindQueue(await scene.queue(name), graves, "");
    }
    scene.send(queue, { expiration: "60000" });
    await scene.rejectFrom(queue);
    return [...(await scene.told(1, "dead1")), ...(await scene.told(1, "dead2"))];
  },
  async "deaths that a client wrote"(scene) {
    const queue = await scene.dying();
    const death = { count: 7, reason: "rejected", queue, exchange: "", "routing-keys": [queue] };
    const written: unknown[] = [
      [death],
      [{ ...death, reason: "expired" }],
      [{ ...death, queue: "other" }, death],
      [],
      "no list",
      [{ reason: "rejected", queue }],
    ];
    const found: object[] = [];
    for (const deaths of written) {
      scene.send(queue, { headers: { "x-death": deaths, "x-first-death-reason": "mine" } });
      await scene.rejectFrom(queue);
      found.push(...(await scene.told(1)));
    }
    return found;
  },
  async "published again by a client, and dead again"(scene) {
    const queue = await scene.dying();
    scene.send(queue, { expiration: "60000" });
    await scene.rejectFrom(queue);
    const { properties, content } = await scene.get(scene.name("dead"));
    scene.channel.sendToQueue(queue, content, { ...properties, expiration: "50000" });
    await scene.rejectFrom(queue);
    return scene.told(1);
  },
};

function withoutTimes(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, each: unknown) => (key === "time" ? "a time" : each));
}

for (const type of types) {
  for (const [what, play] of Object.entries(scenes)) {
    test(`x-death, ${type}: ${what}`, options, async () => {
      const prefix = `${type}.${what}`;
      const [expected, actual] = await Promise.all(
        connections.map(async (connection) => {
          const channel = await connection.createChannel();
          const told = await play(new Scene(channel, type, prefix));
          await channel.close();
          return withoutTimes(told);
        }),
      );
      assert.deepEqual(actual, expected);
    });
  }
}

/** What a channel's consumers hold, by tag. */
class Taking {
  readonly channel: Channel;
  readonly #held = new Map<string, Message[]>();

  constructor(channel: Channel) {
    this.channel = channel;
  }

  async consume(queue: string, tag: string, noAck = false): Promise<void> {
    const held: Message[] = [];
    this.#held.set(tag, held);
    await this.channel.consume(queue, (message) => held.push(message!), { consumerTag: tag, noAck });
  }

  ack(tag: string, count: number): void {
    for (const message of this.#held.get(tag)!.splice(0, count)) this.channel.ack(message);
  }

  get held(): Record<string, number> {
    return Object.fromEntries([...this.#held].map(([tag, messages]) => [tag, messages.length]));
  }
}

type Step = (taking: Taking, queues: readonly [string, string]) => unknown;

/** `global` counts for the channel, the other for consumers that begin later; 0 is no limit. */
const prefetches = [0, 1, 2, 5].flatMap((global) => [0, 1, 3].map((single) => ({ global, single })));

const qos =
  (count: number, isGlobal: boolean): Step =>
  ({ channel }) =>
    channel.prefetch(count, isGlobal);

const steps: readonly (readonly [string, Step])[] = [
  ["a consumer begins", (taking, [first]) => taking.consume(first, "one")],
  ["one of another queue", (taking, [, second]) => taking.consume(second, "two")],
  ["the first acknowledges one", (taking) => taking.ack("one", 1)],
  ["the channel may hold four", qos(4, true)],
  ["the channel may hold one", qos(1, true)],
  [
    "everything is acknowledged",
    (taking) => {
      // Which of the two holds more of the four is chance.
      taking.ack("one", 20);
      taking.ack("two", 20);
    },
  ],
  ["later consumers may hold two", qos(2, false)],
  ["a later consumer", (taking, [, second]) => taking.consume(second, "four")],
  ["the channel has no limit", qos(0, true)],
];

for (const { global, single } of prefetches) {
  test(`prefetch of ${global} for the channel, ${single} for a consumer`, options, async () => {
    const takings = await Promise.all(
      connections.map(async (connection) => {
        const taking = new Taking(await connection.createChannel());
        const queues = ["one", "two"].map((text) => `prefetch.${global}.${single}.${text}`);
        for (const queue of queues) {
          await taking.channel.assertQueue(queue);
          for (let at = 0; at < 12; at++) taking.channel.sendToQueue(queue, Buffer.from("m"));
          await until(async () => (await taking.channel.checkQueue(queue)).messageCount === 12, queue);
        }
        await taking.channel.prefetch(single, false);
        await taking.channel.prefetch(global, true);
        return { taking, queues: queues as [string, string] };
      }),
    );
    for (const [what, step] of steps) {
      await Promise.all(takings.map(({ taking, queues }) => step(taking, queues)));
      const [real, ours] = takings.map(({ taking }) => taking);
      const areEqual = (): boolean => sumOf(real!.held) === sumOf(ours!.held);
      // What either sends too much may come later.
      await delay(100);
      for (let at = 0; at < 50 && !areEqual(); at++) await delay(100);
      assert.equal(sumOf(ours!.held), sumOf(real!.held), `${what}: ${textOf(ours!)}, there ${textOf(real!)}`);
    }
    for (const { taking } of takings) await taking.channel.close();
  });
}

test("a consumer that does not acknowledge waits while the channel's limit is reached", options, async () => {
  for (const connection of connections) {
    const taking = new Taking(await connection.createChannel());
    const { channel } = taking;
    const [few, many] = ["prefetch.few", "prefetch.many"];
    for (const [queue, count] of [
      [few, 2],
      [many, 12],
    ] as const) {
      await channel.assertQueue(queue);
      for (let at = 0; at < count; at++) channel.sendToQueue(queue, Buffer.from("m"));
      await until(async () => (await channel.checkQueue(queue)).messageCount === count, queue);
    }
    await channel.prefetch(2, true);
    await taking.consume(few, "few");
    await until(() => taking.held["few"] === 2, "the limit");
    await taking.consume(many, "many", true);
    await delay(200);
    assert.deepEqual(taking.held, { few: 2, many: 0 });
    taking.ack("few", 1);
    await until(() => taking.held["many"] === 12, "all of the others");
    await channel.close();
  }
});

/** Which of several consumers gets a message is chance. */
function sumOf(held: Readonly<Record<string, number>>): number {
  return Object.values(held).reduce((sum, each) => sum + each, 0);
}

function textOf({ held }: Taking): string {
  return JSON.stringify(held);
}
