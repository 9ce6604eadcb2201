/** The library: brokers in this process, on whichever runtime runs this file. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { Redis } from "ioredis";
import { startBroker, type StartOptions } from "../../../src/embed.ts";

test("two brokers in one process share nothing", async () => {
  const brokers = await Promise.all([startBroker(), startBroker()]);
  const clients = brokers.map(({ ports }) => new Redis(ports.redis!, "127.0.0.1"));
  await clients[0]!.xadd("s", "*", "body", "one");
  await clients[0]!.set("k", "1");
  assert.equal(await clients[0]!.xlen("s"), 1);
  assert.equal(await clients[1]!.xlen("s"), 0);
  assert.equal(await clients[1]!.get("k"), null);
  await brokers[0].close();
  assert.equal(await clients[1]!.ping(), "PONG");
  for (const client of clients) client.disconnect();
  await brokers[1].close();
});

test("a directory is kept, is held by one broker at a time, and can be opened again", async () => {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-embed-"));
  const ports = { redis: 0, amqp: "off", kafka: "off", http: "off" } as const;
  const first = await startBroker({ dataDir, ports });
  assert.deepEqual(Object.keys(first.ports), ["redis"]);
  await assert.rejects(startBroker({ dataDir, ports }), /in use by another broker in this process/);
  let client = new Redis(first.ports.redis!, "127.0.0.1");
  await client.xadd("s", "*", "body", "kept");
  client.disconnect();
  await first.close();
  await first.close();

  const second = await startBroker({ dataDir, ports });
  client = new Redis(second.ports.redis!, "127.0.0.1");
  const [[, fields]] = (await client.xrange("s", "-", "+")) as [[string, string[]]];
  assert.deepEqual(fields, ["body", "kept"]);
  client.disconnect();
  await second.close();
  fs.rmSync(dataDir, { recursive: true });
});

test("a port in use refuses, and lets go of the directory", async () => {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-embed-"));
  const first = await startBroker();
  const ports = { redis: first.ports.redis!, amqp: 0, kafka: 0, http: 0 };
  await assert.rejects(startBroker({ dataDir, ports }), /redis port \d+ on localhost is in use/);
  await first.close();
  const second = await startBroker({ dataDir, ports });
  await second.close();
  fs.rmSync(dataDir, { recursive: true });
});

test("an option that is unknown or of a wrong type is one line with the nearest name, and nothing is started", async () => {
  const wrong: [options: unknown, problem: string][] = [
    [{ datadir: "d" }, "unknown option datadir; did you mean dataDir?"],
    [{ redisPort: 1 }, "unknown option redisPort; did you mean ports.redis?"],
    [{ redis: 1 }, "unknown option redis; did you mean ports.redis?"],
    [{ ports: { reddis: 1 } }, "unknown option ports.reddis; did you mean ports.redis?"],
    [{ ports: { redisTlsPort: 1 } }, "unknown option ports.redisTlsPort; did you mean ports.redisTls?"],
    [{ config: "broker.yaml" }, "unknown option config; see docs/embedding.md"],
    [{ utterNonsense: undefined }, "unknown option utterNonsense; see docs/embedding.md"],
    [{ ports: 6379 }, "ports is no object; give { name: value }"],
    ["memory", "the argument is no object; give { name: value }"],
    [{ dataDir: 5 }, "dataDir: 5 is not a valid value; give a directory, or memory (string)"],
    [{ dataDir: null }, "dataDir: null is not a valid value; give a directory, or memory (string)"],
    [
      { ports: { redis: "6379" } },
      'ports.redis: "6379" is not a valid value; give a port from 0 (any free one) to 65535, or off (number | "off")',
    ],
    [
      { ports: { http: 65_536 } },
      'ports.http: 65536 is not a valid value; give a port from 0 (any free one) to 65535, or off (number | "off")',
    ],
    [{ insecure: "true" }, 'insecure: "true" is not a valid value; give true or false (boolean)'],
    [
      { connectionsPerAddressMax: 1.5 },
      "connectionsPerAddressMax: 1.5 is not a valid value; give a number from 0 (number)",
    ],
    [
      { logLevel: ["info"] },
      'logLevel: a value of type object is not a valid value; give one of debug, info, warn, error, silent ("debug" | "info" | "warn" | "error" | "silent")',
    ],
    [
      { password: 123_456 },
      "password: what is there is not a valid value; give at least one character and no control characters (string)",
    ],
  ];
  for (const [options, problem] of wrong) {
    await assert.rejects(startBroker(options as StartOptions), {
      name: "StartError",
      exitCode: 2,
      message: `startBroker: ${problem}`,
    });
  }
});

test("what is undefined is not given; a size may be a number or a text", async () => {
  const broker = await startBroker({
    dataDir: undefined,
    memoryBytesMax: "10%",
    journalBytesMax: 1 << 20,
    ports: { amqp: undefined, kafka: "off", http: "off" },
  });
  assert.equal(broker.dataDir, "memory");
  assert.deepEqual(Object.keys(broker.ports), ["redis", "amqp"]);
  await broker.close();
});

test("a broker that nobody could reach is refused, and one that would meet itself", async () => {
  const off = { redis: "off", amqp: "off", kafka: "off", http: "off" } as const;
  const problem =
    /^StartError: every port is off, so nobody could connect; give one, such as --redis-port 6379$/;
  await assert.rejects(startBroker({ ports: off }), problem);
  await assert.rejects(
    startBroker({ ports: { ...off, redis: 7001, kafka: 7001 } }),
    /^StartError: --redis-port and --kafka-port are both 7001; give each protocol a port of its own$/,
  );
});

test("a host that is no address of this machine is told so, not that the port is taken", async () => {
  // RFC 5737: nobody has it.
  await assert.rejects(
    startBroker({ host: "192.0.2.1", insecure: true }),
    /^StartError: redis port 0 on 192\.0\.2\.1 cannot be opened: 192\.0\.2\.1 is no address of this machine; give --host/,
  );
});
