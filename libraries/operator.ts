/** What an operator does to clients by RabbitMQ's management API. */
import assert from "node:assert/strict";
import type { TestBroker } from "../test/support/broker.ts";
import { until } from "../test/support/wait.ts";

const authorization = `Basic ${Buffer.from("guest:guest").toString("base64")}`;

async function ask(broker: TestBroker, method: string, path: string): Promise<any> {
  const url = `http://127.0.0.1:${broker.ports.http}/api/${path}`;
  const response = await fetch(url, { method, headers: { authorization } });
  assert.ok(response.ok || response.status === 404, `${method} ${path}: ${response.status}`);
  return response.status === 200 ? response.json() : undefined;
}

/** How many messages of the queue wait, and how many a consumer holds. */
export async function countsOf(broker: TestBroker, queue: string): Promise<[ready: number, held: number]> {
  const found = await ask(broker, "GET", `queues/%2F/${queue}`);
  return [found?.messages_ready, found?.messages_unacknowledged];
}

/** Closes the connections that have this `connection_name`; their clients open new ones. */
export async function closeConnections(broker: TestBroker, named: string): Promise<void> {
  const wanted = await until(async () => {
    const all = (await ask(broker, "GET", "connections")) as { name: string; user_provided_name?: string }[];
    const found = all.filter(({ user_provided_name: name }) => name === named);
    return found.length > 0 && found;
  }, `a connection of the name ${named}`);
  for (const { name } of wanted) await ask(broker, "DELETE", `connections/${encodeURIComponent(name)}`);
}
