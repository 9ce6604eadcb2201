/**
 * Cluster clients as their users use them, on a broker with `--redis-cluster-enabled`: ioredis and node-redis find the node, its
 * slots and shard channels by themselves. The node's id survives a killed broker.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Cluster } from "ioredis";
import { createCluster } from "redis";
import { startTestBroker, type TestBroker } from "../../../support/broker.ts";
import { RawRedis } from "../../../support/raw-redis.ts";
import { until } from "../../../support/wait.ts";

let broker: TestBroker;

before(async () => {
  broker = await startTestBroker({ args: ["--redis-cluster-enabled"] });
});

after(() => broker.stop());

test("ioredis Cluster", async () => {
  const cluster = new Cluster([{ host: "127.0.0.1", port: broker.ports.redis }], {
    shardedSubscribers: false,
    scaleReads: "slave",
  });
  await cluster.set("greeting", "hello");
  assert.equal(await cluster.get("greeting"), "hello");
  assert.deepEqual(await cluster.mget("{user}1", "{user}2"), [null, null]);
  await assert.rejects(cluster.mget("a", "b"), /CROSSSLOT/);
  const results = await cluster.pipeline().incr("{n}a").incr("{n}b").exec();
  assert.deepEqual(
    results!.map(([, value]) => value),
    [1, 1],
  );
  assert.equal(await cluster.eval("return redis.call('get', KEYS[1])", 1, "greeting"), "hello");
  const [node] = cluster.nodes("master");
  assert.equal(node!.options.port, broker.ports.redis);
  const heard: string[] = [];
  cluster.on("message", (channel: string, message: string) => heard.push(`${channel} ${message}`));
  await cluster.subscribe("news");
  await until(async () => (await cluster.publish("news", "one")) === 1, "the subscription");
  await until(() => heard.includes("news one"), "the message");
  cluster.disconnect();
});

test("node-redis createCluster", async () => {
  const cluster = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${broker.ports.redis}` }] });
  cluster.on("error", () => {});
  await cluster.connect();
  await cluster.set("{u}a", "1");
  assert.deepEqual(await cluster.mGet(["{u}a", "{u}b"]), ["1", null]);
  await assert.rejects(cluster.rename("a", "b"), /CROSSSLOT/);
  assert.deepEqual(await cluster.multi().incr("{u}a").get("{u}a").exec(), [2, "2"]);
  const heard = new Promise((resolve) => {
    void cluster
      .sSubscribe("{room}1", (message) => resolve(message))
      .then(() => cluster.sPublish("{room}1", "hi"));
  });
  assert.equal(await heard, "hi");
  assert.deepEqual(
    cluster.masters.map(({ port }) => port),
    [broker.ports.redis],
  );
  await cluster.sUnsubscribe("{room}1");
  await cluster.close();
});

test("the id of the node survives a kill", async () => {
  const told = async (): Promise<string[]> => {
    const client = await RawRedis.open(broker.ports.redis);
    const replies = await Promise.all(
      client.pipeline([
        ["cluster", "myid"],
        ["cluster", "myshardid"],
        ["cluster", "nodes"],
      ]),
    );
    await client.close();
    return replies;
  };
  const known = await told();
  await broker.kill();
  await broker.restart();
  assert.deepEqual(await told(), known);
});

test("a host name is told beside the address by which a client came", async () => {
  const other = await startTestBroker({
    dataDir: "memory",
    args: [
      "--redis-cluster-enabled",
      "--redis-cluster-announce-host",
      "broker.example",
      "--redis-cluster-announce-port",
      "7000",
    ],
  });
  const client = await RawRedis.open(other.ports.redis);
  assert.match(
    await client.call("cluster", "slots"),
    /\$14\r\nbroker\.example\r\n:7000\r\n\$40\r\n[\da-f]{40}\r\n\*2\r\n\$2\r\nip\r\n\$9\r\n127\.0\.0\.1\r\n$/,
  );
  assert.match(
    await client.call("cluster", "shards"),
    /ip\r\n\$9\r\n127\.0\.0\.1\r\n.*endpoint\r\n\$14\r\nbroker\.example\r\n.*hostname\r\n\$14\r\nbroker\.example/s,
  );
  assert.match(
    await client.call("cluster", "nodes"),
    / 127\.0\.0\.1:7000@17000,broker\.example myself,master /,
  );
  await client.close();
  await other.stop();
});
