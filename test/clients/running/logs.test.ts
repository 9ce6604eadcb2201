/** What an operator reads on stderr: the life of a broker in a few lines, and logins that were refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import amqp from "amqplib";
import { portNames } from "../../../src/base/config/listeners.ts";
import { startTestBroker } from "../../support/broker.ts";
import { KafkaWireClient } from "../../support/kafka-wire-client.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { eventually, testMsMax } from "../flow/flow-support.ts";

const password = "right-password";
const guess = "sesame-1234";

test(
  "a life is a few info lines: start, data, listeners, ready, and the stages of the end",
  { timeout: testMsMax },
  async () => {
    const broker = await startTestBroker();
    const client = await RawRedis.open(broker.ports.redis);
    await client.call("SET", "key", "value");
    assert.equal(await broker.kill("SIGTERM"), 0);
    await client.close();
    const lines = broker.log.trim().split("\n");
    const wanted = [
      new RegExp(`info TroikaMQ starts version=\\S+ runtime=.* pid=${broker.pid} dataDir=${broker.dataDir}`),
      /info the data is open queues=0 keys=0 users=\d+ journalBytes=\d+ tornBytes=0 ms=\d+/,
      ...portNames.map(
        (name) =>
          new RegExp(`info listening protocol=${name} host=localhost port=${broker.ports[name]} tls=false`),
      ),
      /info ready ms=\d+/,
      /info shutdown requested: no new connections connections=1/,
      /info what was answered is on the disk ms=\d+/,
      /info connections are closed ms=\d+/,
      /info the journal is written and synced ms=\d+/,
      /info stopped ms=\d+/,
    ];
    assert.equal(lines.length, wanted.length, broker.log);
    for (const [i, pattern] of wanted.entries()) assert.match(lines[i]!, pattern);
    broker.log = "";
    await broker.start();
    await broker.logged(/info the data is open queues=0 keys=1 /);
    await broker.stop();
  },
);

test(
  "a refused login is a warning with protocol, user, address and reason, without the password",
  { timeout: testMsMax },
  async () => {
    const broker = await startTestBroker({ env: { TROIKAMQ_PASSWORD: password } });
    broker.log = "";
    const redis = await RawRedis.open(broker.ports.redis);
    assert.match(await redis.call("AUTH", "anna", guess), /^-WRONGPASS/);
    await assert.rejects(amqp.connect(`amqp://bert:${guess}@127.0.0.1:${broker.ports.amqp}`));
    const kafka = await KafkaWireClient.connect(broker.ports.kafka);
    await kafka.request("SaslHandshake", 1, { mechanism: "PLAIN" });
    await kafka.request("SaslAuthenticate", 2, { authBytes: Buffer.from(`\0clara\0${guess}`) });
    kafka.close();
    const authorization = `Basic ${Buffer.from(`doris:${guess}`).toString("base64")}`;
    const reply = await fetch(`http://127.0.0.1:${broker.ports.http}/metrics`, {
      headers: { authorization },
    });
    assert.equal(reply.status, 401);
    for (const [protocol, user] of [
      ["redis", "anna"],
      ["amqp", "bert"],
      ["kafka", "clara"],
      ["http", "doris"],
    ]) {
      const line = new RegExp(
        `warn a login was refused protocol=${protocol} user=${user} remote=\\S*127\\.0\\.0\\.1 reason="the user or the password is wrong" count=1`,
      );
      await eventually(() => line.test(broker.log), `${protocol}'s line in\n${broker.log}`);
    }
    assert.ok(!broker.log.includes(guess), "no password is in the log");
    await redis.close();
    await broker.stop();
  },
);
