/** AMQP's EXTERNAL: the client's certificate says who it is. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import amqp from "amqplib";
import type { TestBroker } from "../../support/broker.ts";
import { Certificates, noOpenssl, type Pair, startTlsBroker, tlsPorts } from "./security-tls-support.ts";

suite("EXTERNAL", { skip: noOpenssl }, () => {
  let certificates: Certificates;
  let broker: TestBroker;
  let known: Pair;
  let unknown: Pair;
  before(async () => {
    certificates = new Certificates();
    known = certificates.signed("guest");
    unknown = certificates.signed("somebody");
    const args = ["--tls-ca", certificates.authority.cert, "--amqp-certificate-login", "common_name"];
    broker = await startTlsBroker(certificates.signed("server"), args);
  });
  after(async () => {
    await broker.stop();
    certificates.remove();
  });

  type Credentials = ReturnType<typeof amqp.credentials.plain> | ReturnType<typeof amqp.credentials.external>;

  function connect(pair: Pair, credentials: Credentials): Promise<amqp.ChannelModel> {
    return amqp.connect(`amqps://localhost:${tlsPorts(broker).amqpTls}`, {
      ca: [Buffer.from(certificates.read(certificates.authority.cert))],
      cert: Buffer.from(certificates.read(pair.cert)),
      key: Buffer.from(certificates.read(pair.key)),
      credentials,
    });
  }

  test("a client is the user that its certificate names", async () => {
    const connection = await connect(known, amqp.credentials.external());
    const channel = await connection.createChannel();
    const { queue } = await channel.assertQueue("", { exclusive: true });
    // A user's own name is right in the property, another's is refused.
    channel.sendToQueue(queue, Buffer.from("mine"), { userId: "guest" });
    const message = await channel.get(queue, { noAck: true });
    assert.ok(message !== false && message.properties.userId === "guest");
    await connection.close();
  });

  test("a certificate whose user does not exist is refused; its owner may still give a password", async () => {
    await assert.rejects(
      connect(unknown, amqp.credentials.external()),
      /ACCESS.REFUSED - Login was refused using authentication mechanism EXTERNAL/,
    );
    const connection = await connect(unknown, amqp.credentials.plain("guest", "guest"));
    await connection.close();
  });

  test("without TLS there is no such mechanism", async () => {
    await assert.rejects(
      amqp.connect(broker.amqpUrl.replace("guest:guest@", ""), { credentials: amqp.credentials.external() }),
    );
  });
});
