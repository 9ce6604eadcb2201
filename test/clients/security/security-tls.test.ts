/** Unmodified clients over TLS, on every listener, beside the plain ports. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, suite, test } from "node:test";
import { promisify } from "node:util";
import * as platformatic from "@platformatic/kafka";
import amqplib from "amqplib";
import { Redis } from "ioredis";
import kafkajs from "kafkajs";
import { createClient } from "redis";
import type { TestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { Certificates, noOpenssl, startTlsBroker, tlsPorts } from "./security-tls-support.ts";

const bigBytes = 2 << 20;

suite("clients over TLS", { skip: noOpenssl }, () => {
  let certificates: Certificates;
  let broker: TestBroker;
  let ca: string;
  before(async () => {
    certificates = new Certificates();
    ca = certificates.read(certificates.authority.cert);
    broker = await startTlsBroker(certificates.signed("server"));
  });
  after(async () => {
    await broker.stop();
    certificates.remove();
  });

  test("ioredis: 2 MB there and back, Pub/Sub, a stream; the plain port goes on", async () => {
    const options = { port: tlsPorts(broker).redisTls, host: "127.0.0.1", tls: { ca } };
    const client = new Redis(options);
    const subscriber = new Redis(options);
    const value = Buffer.alloc(bigBytes, "redis");
    await client.set("big", value);
    assert.ok(value.equals((await client.getBuffer("big"))!));
    await subscriber.subscribe("news");
    const heard = new Promise((resolve) => subscriber.once("message", (_channel, text) => resolve(text)));
    await client.publish("news", "encrypted");
    assert.equal(await heard, "encrypted");
    // More than the sockets hold, so that writing waits for the peer.
    const replies = await Promise.all(Array.from({ length: 20 }, () => client.getBuffer("big")));
    assert.ok(replies.every((reply) => value.equals(reply!)));
    const id = await client.xadd("log", "*", "body", value);
    const [entry] = await client.xrangeBuffer("log", id!, id!);
    assert.ok(value.equals(entry![1][1]!));
    await Promise.all([client.quit(), subscriber.quit()]);
    const plain = await RawRedis.open(broker.ports.redis);
    assert.equal(await plain.call("ping"), "+PONG\r\n");
    await plain.close();
  });

  test("node-redis by a rediss: address", async () => {
    const client = createClient({
      url: `rediss://127.0.0.1:${tlsPorts(broker).redisTls}`,
      socket: { tls: true, ca },
    });
    await client.connect();
    assert.equal(await client.ping(), "PONG");
    await client.close();
  });

  test("amqplib: 2 MB published with a confirm, and consumed", async () => {
    const url = `amqps://guest:guest@127.0.0.1:${tlsPorts(broker).amqpTls}`;
    const connection = await amqplib.connect(url, { ca: [Buffer.from(ca)] });
    const channel = await connection.createConfirmChannel();
    await channel.assertQueue("queue");
    const body = Buffer.alloc(bigBytes, "amqp");
    channel.sendToQueue("queue", body, { persistent: true });
    await channel.waitForConfirms();
    const message = await new Promise<amqplib.ConsumeMessage>((resolve) => {
      void channel.consume("queue", (delivered) => resolve(delivered!));
    });
    assert.ok(body.equals(message.content));
    channel.ack(message);
    await connection.close();
  });

  test("kafkajs: told the TLS port; 2 MB produced and fetched", async () => {
    const port = tlsPorts(broker).kafkaTls;
    const client = new kafkajs.Kafka({
      brokers: [`127.0.0.1:${port}`],
      ssl: { ca: [ca] },
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { initialRetryTime: 50, retries: 8 },
    });
    const admin = client.admin();
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    assert.deepEqual(
      brokers.map(({ host, port: told }) => [host, told]),
      [["127.0.0.1", port]],
    );
    await admin.createTopics({ topics: [{ topic: "topic", numPartitions: 1 }] });
    await admin.disconnect();
    const value = Buffer.alloc(bigBytes, "kafka");
    const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    await producer.send({ topic: "topic", messages: [{ value }] });
    const consumer = client.consumer({ groupId: "tls", maxWaitTimeInMs: 100, maxBytesPerPartition: 4 << 20 });
    await consumer.connect();
    await consumer.subscribe({ topic: "topic", fromBeginning: true });
    const fetched = await new Promise<Buffer | null>((resolve) => {
      void consumer.run({ eachMessage: async ({ message }) => resolve(message.value) });
    });
    assert.ok(value.equals(fetched!));
    await consumer.disconnect();
    await producer.disconnect();
  });

  test("@platformatic/kafka over TLS, and a client of the plain port is told that one", async () => {
    const addresses = [
      { port: tlsPorts(broker).kafkaTls, tls: { ca } },
      { port: broker.ports.kafka, tls: undefined },
    ];
    for (const { port, tls } of addresses) {
      const admin = new platformatic.Admin({
        clientId: "tls",
        bootstrapBrokers: [`127.0.0.1:${port}`],
        ...(tls === undefined ? {} : { tls }),
      });
      const metadata = await admin.metadata({ topics: [] });
      assert.deepEqual(
        [...metadata.brokers.values()].map((told) => told.port),
        [port],
      );
      await admin.close();
    }
  });

  test("fetch over https", async () => {
    const program = `process.stdout.write(await (await fetch(process.argv[1])).text())`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "-e", program, `https://127.0.0.1:${tlsPorts(broker).httpTls}/livez`],
      { env: { ...process.env, NODE_EXTRA_CA_CERTS: certificates.authority.cert } },
    );
    assert.equal(stdout, "ok");
  });
});
