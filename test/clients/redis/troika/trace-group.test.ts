/** Traces of entries that a Redis group gives up: the same schedule as a queue's, and the dead letter's way. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Redis } from "ioredis";
import { startTestBroker, type TestBroker } from "../../../support/broker.ts";
import { api } from "../../../support/users.ts";
import { until } from "../../../support/wait.ts";

interface Event {
  readonly event: string;
  readonly queue?: string;
  readonly reason?: string;
  readonly time: number;
  readonly until?: number;
  readonly to?: { readonly consumer?: string };
}

let broker: TestBroker;
let redis: Redis;
before(async () => {
  broker = await startTestBroker({ dataDir: "memory" });
  redis = new Redis(broker.ports.redis, "127.0.0.1", { maxRetriesPerRequest: 1 });
  const policy = { pattern: "^jobs$", "apply-to": "streams", definition: { "trace-sample": 1 } };
  assert.equal((await api(broker, "PUT", "policies/%2F/traced", policy)).status, 201);
});
after(async () => {
  redis.disconnect();
  await broker.stop();
});

async function eventsOf(n: string): Promise<readonly Event[]> {
  const { body } = await api(broker, "GET", `troika/trace?header.n=${n}`);
  return (body as { traces: { events: readonly Event[] }[] }).traces[0]?.events ?? [];
}

test("given up, again, claimed, dead, read, deleted", async () => {
  await redis.call("XGROUP", "CREATE", "jobs", "g", "$", "MKSTREAM");
  await redis.call("TROIKA.GROUP", "jobs", "g", "MAXDELIVER", "3", "BACKOFF", "20");
  const id = (await redis.xadd("jobs", "*", "body", "x", "n", "1"))!;
  const give = (consumer: string): Promise<unknown> =>
    redis.call("XREADGROUP", "GROUP", "g", consumer, "BLOCK", "5000", "STREAMS", "jobs", ">");
  await give("one");
  await redis.call("TROIKA.NACK", "jobs", "g", id, "REASON", "no luck");
  await give("two");
  await redis.call("XCLAIM", "jobs", "g", "three", "0", id);
  await redis.call("TROIKA.NACK", "jobs", "g", id, "REASON", "no luck again");
  await redis.call("XREAD", "STREAMS", "jobs.dead", "0");
  await redis.call("XDEL", "jobs", id);
  const events = await until(async () => {
    const found = await eventsOf("1");
    return found.at(-1)?.event === "dropped" ? found : undefined;
  });
  assert.deepEqual(
    events.map(({ event, queue }) => `${event} ${queue ?? ""}`),
    [
      "published ",
      "written jobs",
      "delivered jobs",
      "rejected jobs",
      "retried jobs",
      "delivered jobs",
      "delivered jobs",
      "rejected jobs",
      "dead_lettered jobs",
      "written jobs.dead",
      "delivered jobs.dead",
      "dropped jobs",
    ],
  );
  assert.deepEqual(
    events
      .filter(({ event, queue }) => event === "delivered" && queue === "jobs")
      .map(({ to }) => to!.consumer),
    ["one", "two", "three"],
  );
  assert.deepEqual(
    events.filter(({ event }) => event === "rejected").map(({ reason }) => reason),
    ["no luck", "no luck again"],
  );
  const retried = events.find(({ event }) => event === "retried")!;
  assert.ok(events[5]!.time >= retried.until!);
  assert.equal(events.find(({ event }) => event === "dead_lettered")!.reason, "no luck again");
});
