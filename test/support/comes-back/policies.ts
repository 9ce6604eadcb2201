/**
 * What a cell does under each policy, and what must hold: nothing lost, nothing twice that was settled, none early, in order, with the
 * headers that it was published with, over whatever happens to the broker in the middle.
 *
 * Not here: how messages are written and read (producers.ts, consumers.ts), which cells there are (cells.ts).
 */
import assert from "node:assert/strict";
import { until } from "../wait.ts";
import {
  type ConsumerKind,
  type Delivered,
  fieldsOf,
  groupOf,
  type Running,
  type Verdict,
} from "./consumers.ts";
import type { Outgoing, ProducerKind } from "./producers.ts";
import type { World } from "./world.ts";

/** Wall clock: the broker's own, which goes on over a restart. */
interface Seen extends Delivered {
  readonly at: number;
  /** When the answer went out. */
  readonly settledAt: number;
}

/** One cell: a destination of its own, its producer and consumer, and all that was delivered. */
export class CellRun {
  readonly world: World;
  readonly name: string;
  readonly producer: ProducerKind;
  readonly consumer: ConsumerKind;
  readonly seen: Seen[] = [];
  readonly #running = new Set<Running>();

  constructor(world: World, name: string, producer: ProducerKind, consumer: ConsumerKind) {
    this.world = world;
    this.name = name;
    this.producer = producer;
    this.consumer = consumer;
  }

  publish(...messages: (string | Outgoing)[]): Promise<void> {
    const outgoing = messages.map((each) => (typeof each === "string" ? { body: each } : each));
    return this.producer.publish(this.world, this.name, outgoing);
  }

  /** `judge` is told how often it has had this body. */
  async consume(judge: (body: string, nth: number) => Verdict = () => "take"): Promise<Running> {
    const running = await this.consumer.start(this.world, this.name, (delivered) => {
      const at = Date.now();
      const verdict = judge(delivered.body, this.of(delivered.body).length + 1);
      this.seen.push({ ...delivered, at, settledAt: Date.now() });
      return verdict;
    });
    const counted: Running = {
      stop: () => {
        this.#running.delete(counted);
        return running.stop();
      },
    };
    this.#running.add(counted);
    return counted;
  }

  of(body: string): readonly Seen[] {
    return this.seen.filter((each) => each.body === body);
  }

  async delivered(count: number): Promise<void> {
    await until(() => this.seen.length >= count, `delivery ${count} (${this.bodies.join(" ")})`);
  }

  get bodies(): string[] {
    return this.seen.map(({ body }) => body);
  }

  async settled(): Promise<void> {
    await until(
      async () => (await this.consumer.left(this.world, this.name)) === 0,
      "the end of what is left",
    );
  }

  /** Each body so often, first deliveries in the order of publishing, each with its header. */
  assertSeen(counts: Readonly<Record<string, number>>, inOrder = true): void {
    const found = Object.fromEntries(Object.keys(counts).map((body) => [body, this.of(body).length]));
    assert.deepEqual(found, counts, `deliveries: ${this.bodies.join(" ")}`);
    const first = [...new Set(this.bodies)];
    assert.deepEqual(inOrder ? first : first.toSorted(), Object.keys(counts));
    for (const { madeBy, body } of this.seen) assert.equal(madeBy, this.producer.name, `made-by of ${body}`);
  }

  /** No delivery after the first is earlier than its back-off after the rejection before. */
  assertSchedule(body: string, ...delays: number[]): void {
    const seen = this.of(body);
    for (const [i, least] of delays.entries()) {
      const gap = seen[i + 1]!.at - seen[i]!.settledAt;
      assert.ok(gap >= least - clockMs, `delivery ${i + 2} of ${body} after ${gap} ms, not ${least}`);
    }
    const told = seen.map(({ before }) => before);
    if (told[0] !== undefined) assert.deepEqual(told, [...seen.keys()], `x-delivery-count of ${body}`);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((running) => running.stop().catch(() => {})));
  }
}

/** Both ends round their clocks down to a millisecond. */
const clockMs = 2;

export const policyNames = [
  "none",
  "retry",
  "retry, dead letter",
  "home",
  "delay",
  "dedup",
  "trace",
  "history",
] as const;

export interface PolicyCase {
  readonly name: (typeof policyNames)[number];
  /** Undefined: none is set. */
  readonly definition?: Readonly<Record<string, unknown>>;
  readonly holds: string;
  run(cell: CellRun): Promise<void>;
}

const none: PolicyCase = {
  name: "none",
  holds:
    "what was taken does not come again, what was held does; a rejected message is gone from a queue and settled in a share group, and comes again at once to another group",
  async run(cell) {
    await cell.publish("m0", "m1", "m2");
    const comesAgain = /^(AMQP|Redis|Kafka) group$/.test(cell.consumer.name);
    const first = await cell.consume((body, nth) => {
      if (body === "m2") return "hold";
      return body === "m1" && nth === 1 ? "reject" : "take";
    });
    await cell.delivered(3);
    await first.stop();
    await cell.publish("m3");
    await cell.world.restarted();
    const second = await cell.consume();
    await cell.delivered(comesAgain ? 6 : 5);
    await cell.settled();
    await second.stop();
    cell.assertSeen({ m0: 1, m1: comesAgain ? 2 : 1, m2: 2, m3: 1 });
  },
};

const backoffMs = 300;

const retry: PolicyCase = {
  name: "retry",
  definition: { "retry-limit": 4, "retry-backoff-ms": backoffMs, "retry-factor": 2 },
  holds:
    "what is rejected twice comes at the times of the policy, not before, holds up nobody, and is taken once; nobody has a dead letter",
  async run(cell) {
    await cell.publish("m0", "m1", "m2");
    const judge = (body: string, nth: number): Verdict => (body === "m1" && nth <= 2 ? "reject" : "take");
    const first = await cell.consume(judge);
    await cell.delivered(3);
    await first.stop();
    await cell.publish("m3");
    await cell.world.restarted();
    const second = await cell.consume(judge);
    await cell.delivered(6);
    await cell.settled();
    await second.stop();
    cell.assertSeen({ m0: 1, m1: 3, m2: 1, m3: 1 });
    cell.assertSchedule("m1", backoffMs, 2 * backoffMs);
    const { messages } = await deadLetters(cell).catch(() => ({ messages: [] }));
    assert.deepEqual(messages, []);
  },
};

interface Letter {
  readonly payload: string;
  readonly properties: { readonly headers: Readonly<Record<string, unknown>> };
}

async function deadLetters({ world, name }: CellRun): Promise<{ readonly messages: readonly Letter[] }> {
  return (await world.look(`troika/messages/%2F/${name}.dead`)) as { messages: readonly Letter[] };
}

const retryDead: PolicyCase = {
  name: "retry, dead letter",
  definition: { "retry-limit": 2, "retry-backoff-ms": backoffMs },
  holds:
    "what is rejected each time is delivered so often as the policy says, then it is one dead letter with its body, its headers and where it died; after it nothing is left",
  async run(cell) {
    await cell.publish("m0", "m1", "m2");
    const judge = (body: string): Verdict => (body === "m1" ? "reject" : "take");
    const first = await cell.consume(judge);
    await cell.delivered(3);
    await first.stop();
    await cell.world.restarted();
    const second = await cell.consume(judge);
    await cell.delivered(4);
    await cell.settled();
    const [letter, ...others] = await until(async () => {
      const found = await deadLetters(cell).catch(() => undefined);
      return found !== undefined && found.messages.length > 0 ? found.messages : undefined;
    }, "the dead letter");
    await second.stop();
    assert.deepEqual(others, []);
    cell.assertSeen({ m0: 1, m1: 2, m2: 1 });
    cell.assertSchedule("m1", backoffMs);
    await assertLetter(cell, letter!);
  },
};

async function assertLetter(cell: CellRun, letter: Letter): Promise<void> {
  const { name, producer, consumer, world } = cell;
  const { headers } = letter.properties;
  assert.equal(letter.payload, "m1");
  assert.equal(headers["made-by"], producer.name);
  if (consumer.reads === "queue") {
    assert.deepEqual([headers["x-troika-offset"], headers["x-troika-deliveries"]], [1, 2]);
    const [death] = headers["x-death"] as readonly Record<string, unknown>[];
    assert.deepEqual([death!["queue"], death!["reason"], death!["count"]], [name, "rejected", 1]);
    return;
  }
  const [entry] = await world.clients.redis.xrange(`${name}.dead`, "-", "+");
  const fields = fieldsOf(entry!);
  if (consumer.name === "Kafka group") {
    assert.deepEqual(
      ["reason", "deliveries", "group", "topic", "partition", "offset"].map(
        (field) => fields[`x-troika-${field}`],
      ),
      ["rejected", "2", groupOf(consumer, name), name, "0", "1"],
    );
    return;
  }
  const [, died] = await world.clients.redis.xrange(name, "-", "+");
  assert.deepEqual(
    ["reason", "deliveries", "group", "key", "id"].map((field) => fields[`troika.${field}`]),
    ["rejected", "2", groupOf(consumer, name), name, died![0]],
  );
}

interface Moved {
  readonly matched: number;
  readonly moved: number;
  readonly unroutable: number;
  readonly operation: string;
}

const home: PolicyCase = {
  name: "home",
  definition: { "retry-limit": 1 },
  holds:
    "a dead letter goes back to where it died, is taken back, and goes again: it is in one place each time, and is delivered anew to whom it died with",
  async run(cell) {
    const { world, name, consumer } = cell;
    const send = async (more: object = {}): Promise<Moved> =>
      (await world.change("POST", "troika/deadletters/retry?wait=10000", {
        queue: `${name}.dead`,
        ...more,
      })) as Moved;
    const dead = async (): Promise<number> => (await deadLetters(cell)).messages.length;
    await cell.publish("m0", "m1", "m2");
    const first = await cell.consume((body) => (body === "m1" ? "reject" : "take"));
    await cell.delivered(3);
    await until(async () => (await dead().catch(() => 0)) === 1, "the dead letter");
    await first.stop();
    const shown = await world.look(`troika/messages/%2F/${name}?state=dead`);
    assert.deepEqual(
      (shown.messages as { payload: string }[]).map(({ payload }) => payload),
      ["m1"],
    );
    assert.partialDeepStrictEqual(await send({ dry_run: true }), { matched: 1, moved: 0, unroutable: 0 });
    const moved = await send();
    assert.partialDeepStrictEqual(moved, { matched: 1, moved: 1, unroutable: 0 });
    assert.deepEqual([await dead(), await consumer.left(world, name)], [0, 1]);
    const undone = await world.change("POST", `troika/operations/${moved.operation}/undo?wait=10000`);
    assert.partialDeepStrictEqual(undone, { found: 1, taken_back: 1, consumed: 0 });
    assert.deepEqual([await dead(), await consumer.left(world, name)], [1, 0]);
    await world.restarted();
    assert.partialDeepStrictEqual(await send(), { matched: 1, moved: 1, unroutable: 0 });
    const second = await cell.consume();
    await cell.delivered(4);
    await cell.settled();
    await second.stop();
    cell.assertSeen({ m0: 1, m1: 2, m2: 1 });
    assert.equal(cell.of("m1")[1]!.before ?? 0, 0);
    assert.equal(await dead(), 0);
  },
};

const dedup: PolicyCase = {
  name: "dedup",
  definition: { "dedup-window-ms": 600_000, "dedup-by": "message-id" },
  holds:
    "a copy is confirmed and not delivered, though its message was consumed long ago and the broker restarted; it is counted",
  async run(cell) {
    const { world, name } = cell;
    const counted = async (): Promise<number> => {
      const [shown] = (await world.look(`troika/destinations/%2F?name=${name}`)) as Record<string, number>[];
      return shown!["messages_deduplicated"]!;
    };
    await cell.publish("m0", "m1", { body: "a copy", id: "m0" });
    await cell.publish({ body: "a copy", id: "m1" });
    const first = await cell.consume();
    await cell.delivered(2);
    await first.stop();
    assert.equal(await counted(), 2);
    await world.restarted();
    await cell.publish({ body: "a copy", id: "m0" }, "m2", { body: "a copy", id: "m1" });
    assert.ok([2, 4].includes(await counted()));
    const second = await cell.consume();
    await cell.delivered(3);
    await cell.settled();
    await second.stop();
    cell.assertSeen({ m0: 1, m1: 1, m2: 1 });
    assert.equal(cell.seen.length, 3);
  },
};

const delayMs = 700;

const delay: PolicyCase = {
  name: "delay",
  definition: { "delay-allowed": true },
  holds: "what is published with a delay comes once, not before its time, and holds up nobody",
  async run(cell) {
    const { world } = cell;
    const publishedAt = Date.now();
    await cell.publish({ body: "m0", delayMs }, "m1");
    const first = await cell.consume();
    await until(() => cell.of("m1").length === 1, "what has no delay");
    if (Date.now() - publishedAt < delayMs) assert.equal(cell.of("m0").length, 0);
    await first.stop();
    await world.restarted();
    await cell.publish("m2");
    const second = await cell.consume();
    await until(() => cell.seen.length === 3, "all of them");
    await cell.settled();
    await second.stop();
    cell.assertSeen({ m0: 1, m1: 1, m2: 1 }, false);
    assert.ok(cell.of("m0")[0]!.at - publishedAt >= delayMs - clockMs);
    assert.equal(cell.bodies[0], "m1");
  },
};

interface TraceEvent {
  readonly event: string;
  readonly queue?: string;
  readonly time: number;
  readonly by?: { readonly protocol: string };
  readonly to?: { readonly protocol: string };
}

/** A kill may lose the events of the last second. */
const traceWrittenMs = 1000;

const trace: PolicyCase = {
  name: "trace",
  definition: { "trace-sample": 1 },
  holds:
    "the life of each message is told: published by its protocol, written, delivered to the other one, acknowledged, in this order, before and after the restart",
  async run(cell) {
    const { world, name, producer, consumer } = cell;
    const traced = async (body: string): Promise<void> => {
      const wanted = ["published", "written", "delivered", "acknowledged"];
      const life = async (): Promise<readonly TraceEvent[]> => {
        const { traces } = await world.look(`troika/trace?message_id=${name}-${body}`);
        return (traces as { events: readonly TraceEvent[] }[])[0]?.events ?? [];
      };
      const events = await until(async () => {
        const found = await life();
        return found.some(({ event }) => event === "acknowledged") && found;
      }, `the trace of ${body}`);
      const found = events.filter(({ event }) => wanted.includes(event));
      assert.deepEqual(
        found.map(({ event }) => event),
        wanted,
      );
      const [published, written, delivered] = found;
      const protocol = (kind: string): string => kind.split(" ")[0]!.toLowerCase();
      assert.equal(published!.by?.protocol, protocol(producer.name));
      assert.equal(written!.queue, name);
      assert.equal(delivered!.to?.protocol, protocol(consumer.name));
    };
    await cell.publish({ body: "m0", id: `${name}-m0` });
    const first = await cell.consume();
    await cell.delivered(1);
    await first.stop();
    await traced("m0");
    const at = Date.now();
    await until(() => Date.now() - at > traceWrittenMs);
    await world.restarted();
    await cell.publish({ body: "m1", id: `${name}-m1` });
    const second = await cell.consume();
    await cell.delivered(2);
    await cell.settled();
    await second.stop();
    await traced("m0");
    await traced("m1");
    cell.assertSeen({ m0: 1, m1: 1 });
  },
};

const history: PolicyCase = {
  name: "history",
  definition: { "history-ms": 600_000 },
  holds:
    "what was acknowledged is replayed into the place where it was, and delivered once more, in its order, as new messages",
  async run(cell) {
    const { world, name, consumer } = cell;
    await cell.publish("m0", "m1", "m2");
    const first = await cell.consume();
    await cell.delivered(3);
    await cell.settled();
    await first.stop();
    await world.restarted();
    const replayed = await world.change("POST", "troika/replay?wait=60000", {
      source: name,
      destination: name,
      ...(consumer.reads === "queue" ? { state: "history" } : {}),
    });
    assert.partialDeepStrictEqual(replayed, { matched: 3, moved: 3, state: "finished" });
    const second = await cell.consume();
    await cell.delivered(6);
    await cell.settled();
    await second.stop();
    cell.assertSeen({ m0: 2, m1: 2, m2: 2 });
    assert.deepEqual(cell.bodies.slice(3), ["m0", "m1", "m2"]);
    for (const { before } of cell.seen) assert.equal(before ?? 0, 0);
  },
};

export const policies: readonly PolicyCase[] = [none, retry, retryDead, home, delay, dedup, trace, history];
