/** Connections beyond the bounds are refused in the protocol's words, logged in few lines, counted, and leave no trace. */
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import { test } from "node:test";
import { startTestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { Certificates, connectTls, noOpenssl, startTlsBroker, tlsPorts } from "./security-tls-support.ts";
import { until } from "../../support/wait.ts";

/** All that a connection is told until it is closed by the other side. */
function toldUntilClosed(port: number): Promise<string> {
  return new Promise((resolve) => {
    let told = "";
    const socket = net.connect(port, "127.0.0.1");
    socket.on("data", (bytes: Buffer) => (told += bytes.toString("latin1")));
    socket.on("error", () => {});
    socket.on("close", () => resolve(told));
  });
}

function refusedSeries(protocol: string, reason: string): string {
  return `troikamq_connections_refused_total{protocol="${protocol}",reason="${reason}"}`;
}

const redisRefusal = "-ERR max number of clients reached\r\n";

test("--connections-max holds for all listeners together; who leaves makes room", async (t) => {
  const broker = await startTestBroker({ dataDir: "memory", args: ["--connections-max", "5"] });
  t.after(() => broker.stop());
  const { redis, amqp, kafka } = broker.ports;
  const clients = [];
  for (let i = 0; i < 5; i++) clients.push(await RawRedis.open(redis));
  for (const client of clients) assert.equal(await client.call("ping"), "+PONG\r\n");
  assert.equal(
    await clients[0]!.call("config", "get", "maxclients"),
    "*2\r\n$10\r\nmaxclients\r\n$1\r\n5\r\n",
  );
  for (let i = 0; i < 50; i++) assert.equal(await toldUntilClosed(redis), redisRefusal);
  assert.equal(await toldUntilClosed(amqp), "");
  assert.equal(await toldUntilClosed(kafka), "");
  assert.equal(await broker.metric(refusedSeries("redis", "connections-max")), 50);
  assert.equal(await broker.metric(refusedSeries("amqp", "connections-max")), 1);
  assert.equal(await broker.metric(refusedSeries("kafka", "connections-max")), 1);
  assert.equal(await broker.metric('troikamq_connections{protocol="redis"}'), 5);
  // That these numbers could be asked for: HTTP has a bound of its own.
  assert.ok((await broker.metric('troikamq_connections_accepted_total{protocol="http"}')) >= 1);
  await broker.logged("connections refused");
  const lines = broker.log.split("\n").filter((line) => line.includes("connections refused"));
  assert.ok(lines.length >= 1 && lines.length <= 4, lines.join("\n"));
  await clients[0]!.close();
  await until(async () => {
    const client = await RawRedis.open(redis);
    const isIn = (await client.call("ping")) === "+PONG\r\n";
    await client.close();
    return isIn;
  });
  for (const client of clients) await client.close();
});

test("--connections-per-address-max bounds one address and not another", async (t) => {
  const broker = await startTestBroker({ dataDir: "memory", args: ["--connections-per-address-max", "3"] });
  t.after(() => broker.stop());
  const { redis } = broker.ports;
  const clients = [];
  for (let i = 0; i < 3; i++) clients.push(await RawRedis.open(redis));
  for (const client of clients) assert.equal(await client.call("ping"), "+PONG\r\n");
  assert.equal(await toldUntilClosed(redis), redisRefusal);
  const elsewhere = net.connect({ port: redis, host: "127.0.0.1", localAddress: "127.0.0.2" });
  elsewhere.write("PING\r\n");
  const answer = await new Promise<Buffer>((resolve) => void elsewhere.once("data", resolve));
  assert.equal(answer.toString(), "+PONG\r\n");
  elsewhere.destroy();
  assert.equal(await broker.metric(refusedSeries("redis", "connections-per-address-max")), 1);
  await broker.logged(/connections-per-address-max allows .*remote=127\.0\.0\.1 count=1/);
  for (const client of clients) await client.close();
});

test("three hundred half requests keep nobody out of HTTP: the oldest go", async (t) => {
  const broker = await startTestBroker({ dataDir: "memory" });
  t.after(() => broker.stop());
  const url = `http://127.0.0.1:${broker.ports.http}/livez`;
  let closed = 0;
  const sockets = Array.from({ length: 300 }, () => {
    const socket = net.connect(broker.ports.http, "127.0.0.1", () => socket.write("GET /livez HTTP/1.1\r\n"));
    socket.on("error", () => {});
    return socket.on("close", () => closed++);
  });
  await until(() => closed === 300 - 256);
  for (let i = 0; i < 5; i++) assert.equal((await fetch(url)).status, 200);
  assert.equal(await broker.metric('troikamq_connections{protocol="http"}'), 256);
  assert.ok((await broker.metric(refusedSeries("http", "evicted"))) > 300 - 256);
  assert.equal(await broker.metric(refusedSeries("http", "connections-max")), 0);
  await broker.logged("connections ended");
  const lines = broker.log.split("\n").filter((line) => line.includes("connections ended"));
  assert.ok(lines.length >= 1 && lines.length < 20, lines.join("\n"));
  for (const socket of sockets) socket.destroy();
});

test("who does not log in gives its place to others; who has logged in keeps it", async (t) => {
  const args = ["--connections-max", "4", "--password", "right"];
  const broker = await startTestBroker({ dataDir: "memory", args });
  t.after(() => broker.stop());
  const { redis, amqp, kafka } = broker.ports;
  let closed = 0;
  const silent = [redis, amqp, kafka, redis].map((port) =>
    net
      .connect(port, "127.0.0.1")
      .on("error", () => {})
      .on("close", () => closed++),
  );
  const clients: RawRedis[] = [];
  for (let i = 0; i < 4; i++) {
    const client = await RawRedis.open(redis);
    assert.equal(await client.call("auth", "right"), "+OK\r\n");
    clients.push(client);
  }
  await until(() => closed === 4);
  for (const port of [redis, amqp, kafka]) {
    assert.equal(await toldUntilClosed(port), port === redis ? redisRefusal : "");
  }
  for (const client of clients) assert.equal(await client.call("ping"), "+PONG\r\n");
  for (const client of clients) await client.close();
  for (const socket of silent) socket.destroy();
});

test(
  "by default the descriptors of the process are the bound",
  { skip: process.platform !== "linux" },
  async (t) => {
    const broker = await startTestBroker({ dataDir: "memory" });
    t.after(() => broker.stop());
    const soft = /^Max open files\s+(\d+)/m.exec(fs.readFileSync(`/proc/${broker.pid}/limits`, "latin1"))![1];
    const client = await RawRedis.open(broker.ports.redis);
    const expected = Math.min(Number(soft) - 400, 100_000);
    assert.ok((await client.call("config", "get", "maxclients")).endsWith(`\r\n${expected}\r\n`));
    await client.close();
  },
);

test(
  "handshakes count while they last, and those that fail leave neither a count nor a descriptor",
  { skip: noOpenssl },
  async (t) => {
    const certificates = new Certificates();
    t.after(() => certificates.remove());
    const broker = await startTlsBroker(certificates.signed("server"), ["--connections-max", "4"]);
    t.after(() => broker.stop());
    const { redisTls, amqpTls } = tlsPorts(broker);
    const descriptors = (): number =>
      process.platform === "linux" ? fs.readdirSync(`/proc/${broker.pid}/fd`).length : 0;
    const before = descriptors();
    const silent = [amqpTls, amqpTls, redisTls, redisTls].map((port) => net.connect(port, "127.0.0.1"));
    let closed = 0;
    for (const socket of silent) socket.on("error", () => {}).on("close", () => closed++);
    const others: RawRedis[] = [];
    for (let i = 1; i <= 4; i++) {
      others.push(await RawRedis.open(broker.ports.redis));
      assert.equal(await others.at(-1)!.call("ping"), "+PONG\r\n");
      // Two listeners' sockets are not accepted in the order of their coming.
      await until(() => closed >= i - 1);
    }
    await until(() => closed === 4);
    assert.equal(await toldUntilClosed(broker.ports.redis), redisRefusal);
    // Beyond the bound no handshake has begun, so there are no words.
    assert.equal(await toldUntilClosed(redisTls), "");
    const evicted = ["redis", "amqp"].map((name) => broker.metric(refusedSeries(name, "evicted")));
    assert.ok((await Promise.all(evicted)).reduce((sum, count) => sum + count) >= 4);
    for (const client of others) await client.close();
    for (const socket of silent) socket.destroy();
    for (let i = 0; i < 100; i++) {
      const socket = net.connect(i % 2 === 0 ? redisTls : amqpTls, "127.0.0.1");
      socket.on("error", () => {});
      socket.resume();
      if (i % 3 === 0) socket.end();
      else if (i % 3 === 1) socket.write("PING\r\nPING\r\n");
      else socket.on("connect", () => socket.resetAndDestroy());
      await new Promise<void>((resolve) => void socket.on("close", () => resolve()));
    }
    assert.ok((await broker.metric(refusedSeries("redis", "tls"))) > 10);
    // Those that get through leave as well, whichever side ends them and however.
    const ca = certificates.read(certificates.authority.cert);
    for (let i = 0; i < 30; i++) {
      const socket = await connectTls({ port: redisTls, ca });
      socket.resume();
      if (i % 3 === 0) socket.write("QUIT\r\n");
      else if (i % 3 === 1) socket.end();
      else socket.destroy();
      await new Promise<void>((resolve) => void socket.on("close", () => resolve()));
      await until(async () => (await broker.metric('troikamq_connections{protocol="redis"}')) === 0);
    }
    await broker.logged("a TLS handshake failed");
    const lines = broker.log.split("\n").filter((line) => line.includes("a TLS handshake failed"));
    assert.ok(lines.length >= 1 && lines.length < 20, lines.join("\n"));
    const clients: RawRedis[] = [];
    await until(async () => {
      const client = await RawRedis.open(broker.ports.redis);
      if ((await client.call("ping")) === "+PONG\r\n") clients.push(client);
      return clients.length === 4;
    });
    for (const client of clients) await client.close();
    // The connections to HTTP that ask for metrics are kept for a while.
    await until(() => descriptors() <= before + 3);
  },
);
