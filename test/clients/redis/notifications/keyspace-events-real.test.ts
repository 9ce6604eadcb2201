/**
 * Keyspace notifications of every class beside the real redis-server: the same random commands to both, and after each of them the
 * same messages in the same order to a subscriber. Skipped, and said so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { seededRandom } from "../../../../differential/random.ts";
import { startTestBroker, type TestBroker } from "../../../support/broker.ts";
import { KeyCommands } from "../../../support/key-commands.ts";
import { PushingRedis } from "../../../support/pushing-redis.ts";
import type { Word } from "../../../support/raw-redis.ts";
import { noRealRedis, RealRedis } from "../../../support/real-redis.ts";

/** A server, with a client that changes keys and two that listen. */
class Side {
  readonly client: PushingRedis;
  readonly #listeners: readonly PushingRedis[];

  private constructor(client: PushingRedis, listeners: readonly PushingRedis[]) {
    this.client = client;
    this.#listeners = listeners;
  }

  static async open(port: number): Promise<Side> {
    const listeners = [await PushingRedis.open(port, 3), await PushingRedis.open(port, 3)];
    listeners[0]!.send("psubscribe", "__key*__:*");
    listeners[1]!.send("subscribe", "__keyspace@0__:k1", "__keyevent@0__:del", "__keyevent@0__:expired");
    for (const listener of listeners) await listener.settled();
    return new Side(await PushingRedis.open(port), listeners);
  }

  /** The messages of what was done until now. */
  async heard(): Promise<string[][]> {
    return Promise.all(this.#listeners.map(async (listener) => (await listener.settled()).map(shown)));
  }

  async close(): Promise<void> {
    for (const each of [this.client, ...this.#listeners]) await each.close();
  }
}

/** A message in one line: channel and text. */
function shown(push: string): string {
  return push.split("\r\n").slice(-5, -1).filter((line) => !line.startsWith("$")).join(" "); // prettier-ignore
}

let broker: TestBroker;
let real: RealRedis;
let ours: Side;
let theirs: Side;

before(async () => {
  if (noRealRedis !== false) return;
  broker = await startTestBroker();
  real = await RealRedis.start();
  ours = await Side.open(broker.ports.redis);
  theirs = await Side.open(real.port);
});

after(async () => {
  if (noRealRedis !== false) return;
  await ours.close();
  await theirs.close();
  await real.stop();
  await broker.stop();
});

const options = { skip: noRealRedis };
const done: string[] = [];

/** Runs the same requests, in one piece, and compares what was heard of them. */
async function same(...requests: Word[][]): Promise<void> {
  const text = requests.map((words) => words.map(String).join(" ")).join(" ; ");
  done.push(text);
  const [got, wanted] = await Promise.all([ours.client.pipeline(requests), theirs.client.pipeline(requests)]);
  const [heard, expected] = await Promise.all([ours.heard(), theirs.heard()]);
  assert.deepEqual(
    heard,
    expected,
    `${text}\n${got.join("").slice(0, 300)}${wanted.join("").slice(0, 300)}${done.slice(-12).join("\n")}`,
  );
}

async function configure(classes: string): Promise<void> {
  await same(["flushall"], ["config", "set", "notify-keyspace-events", classes]);
}

const seed = Number(process.env["TROIKAMQ_TEST_SEED"] ?? 1);
const steps = Number(process.env["TROIKAMQ_TEST_STEPS"] ?? 1500);

for (const [classes, readShare] of [
  ["AKE", 0],
  ["AKEnm", 0.3],
] as const) {
  test(`random commands, classes ${classes}`, options, async () => {
    await configure(classes);
    const commands = new KeyCommands(seededRandom(seed));
    for (let step = 0; step < steps; step++) await same(commands.next(readShare));
  });
}
