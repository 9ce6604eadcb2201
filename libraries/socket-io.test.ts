/** Socket.IO: two servers that know each other through the broker, and a client of each. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { io } from "socket.io-client";
import { startTestBroker, type TestBroker } from "../test/support/broker.ts";
import { until } from "../test/support/wait.ts";

let broker: TestBroker;
before(async () => {
  broker = await startTestBroker();
});
after(() => broker.stop());

async function client() {
  const made = createClient({ url: `redis://127.0.0.1:${broker.ports.redis}`, RESP: 2 });
  made.on("error", () => {});
  await made.connect();
  return made;
}

type Adapter = Parameters<Server["adapter"]>[0];

async function talk(adapter: () => Promise<Adapter>): Promise<void> {
  const servers = [];
  const clients: ReturnType<typeof io>[] = [];
  for (let i = 0; i < 2; i++) {
    const http = createServer();
    const server = new Server(http, { adapter: await adapter() });
    server.on("connection", (socket) => void socket.join("room"));
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    servers.push(server);
    const { port } = http.address() as AddressInfo;
    const made = io(`http://127.0.0.1:${port}`, { transports: ["websocket"] });
    clients.push(made);
    await new Promise<void>((resolve) => made.once("connect", resolve));
  }
  const one = servers[0]!;
  await until(async () => (await one.in("room").fetchSockets()).length === 2, "both servers' sockets");
  const heard = clients.map((made) => new Promise((resolve) => made.once("news", resolve)));
  one.to("room").emit("news", "hello");
  assert.deepEqual(await Promise.all(heard), ["hello", "hello"]);
  for (const made of clients) made.on("ask", (reply: (value: number) => void) => reply(1));
  assert.deepEqual(await one.timeout(10_000).to("room").emitWithAck("ask"), [1, 1]);
  for (const made of clients) made.disconnect();
  await Promise.all(servers.map((server) => server.close()));
}

test("redis-adapter", async () => {
  const clients: Awaited<ReturnType<typeof client>>[] = [];
  await talk(async () => {
    const pair = [await client(), await client()];
    clients.push(...pair);
    return createAdapter(pair[0], pair[1]) as Adapter;
  });
  await Promise.all(clients.map((made) => made.close()));
});

test("redis-adapter, sharded", async () => {
  const clients: Awaited<ReturnType<typeof client>>[] = [];
  await talk(async () => {
    const pair = [await client(), await client()];
    clients.push(...pair);
    return createShardedAdapter(pair[0], pair[1]) as Adapter;
  });
  await Promise.all(clients.map((made) => made.close()));
});

test("redis-streams-adapter", async () => {
  const clients: Awaited<ReturnType<typeof client>>[] = [];
  await talk(async () => {
    const made = await client();
    clients.push(made);
    return createStreamsAdapter(made) as Adapter;
  });
  await Promise.all(clients.map((made) => made.close()));
});
