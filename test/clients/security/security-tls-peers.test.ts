/** Peers that do not get through the handshake: each is told, logged, and nobody else is hurt. */
import assert from "node:assert/strict";
import https from "node:https";
import net from "node:net";
import { after, before, suite, test } from "node:test";
import type tls from "node:tls";
import { Redis } from "ioredis";
import type { TestBroker } from "../../support/broker.ts";
import {
  answerOf,
  Certificates,
  connectTls,
  noOpenssl,
  type Pair,
  startTlsBroker,
  tlsPorts,
} from "./security-tls-support.ts";
import { waitMsMax } from "../../support/wait.ts";

const handshakeMsMax = 10_000;

/** How long a TCP connection that sends `text`, and then nothing, is left open. */
async function openMs(port: number, text: string, msMax: number): Promise<number> {
  const from = Date.now();
  const socket = net.connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  if (text !== "") socket.write(text);
  const closed = new Promise<void>((resolve) => void socket.on("close", () => resolve()));
  const timer = setTimeout(() => socket.destroy(), msMax);
  await closed;
  clearTimeout(timer);
  return Date.now() - from;
}

/** How long connections stay open that begin no handshake, or half of one. */
function handshakesUnfinished(broker: TestBroker): Promise<number[]> {
  const { redisTls, amqpTls, kafkaTls, httpTls } = tlsPorts(broker);
  const half = "\x16\x03\x01\x01\x00";
  return Promise.all(
    [redisTls, amqpTls, kafkaTls, httpTls].flatMap((port) => [
      openMs(port, "", waitMsMax),
      openMs(port, half, waitMsMax),
    ]),
  );
}

suite("peers of a TLS port", { skip: noOpenssl }, () => {
  let certificates: Certificates;
  let broker: TestBroker;
  /** Measured while the other tests run, as it takes ten seconds. */
  let unfinished: Promise<number[]>;
  let witness: Redis;
  before(async () => {
    certificates = new Certificates();
    broker = await startTlsBroker(certificates.signed("server"));
    unfinished = handshakesUnfinished(broker);
    const ca = certificates.read(certificates.authority.cert);
    witness = new Redis({ port: tlsPorts(broker).redisTls, host: "127.0.0.1", tls: { ca } });
    witness.on("close", () => assert.fail("the witness was cut off"));
    await witness.set("a", "1");
  });
  after(async () => {
    witness.removeAllListeners("close");
    await witness.quit();
    await broker.stop();
    certificates.remove();
  });

  test("one that does not trust the certificate fails, and the witness goes on", async () => {
    const { redisTls, amqpTls, kafkaTls, httpTls } = tlsPorts(broker);
    for (const port of [redisTls, amqpTls, kafkaTls, httpTls]) {
      await assert.rejects(connectTls({ port }), /unable to (get|verify)/i);
    }
    assert.equal(await witness.get("a"), "1");
    await broker.logged("a TLS handshake failed protocol=redis");
  });

  test("one that speaks plainly to a TLS port is closed at once, and the reverse is an error of the client", async () => {
    const { redisTls, amqpTls, kafkaTls, httpTls } = tlsPorts(broker);
    for (const port of [redisTls, amqpTls, kafkaTls, httpTls]) {
      // Not by the bound of a handshake that goes on; how soon depends on what else the machine does.
      assert.ok((await openMs(port, "PING\r\n\r\n", handshakeMsMax)) < handshakeMsMax * 0.9);
    }
    const { redis, amqp, http } = broker.ports;
    for (const port of [redis, amqp, http]) {
      await assert.rejects(connectTls({ port, rejectUnauthorized: false }));
    }
    assert.equal(await witness.get("a"), "1");
  });

  test("TLS 1.1 is refused, TLS 1.2 is not", async () => {
    const { redisTls, httpTls } = tlsPorts(broker);
    for (const port of [redisTls, httpTls]) {
      const options = { port, rejectUnauthorized: false, ciphers: "ALL:@SECLEVEL=0" };
      await assert.rejects(connectTls({ ...options, minVersion: "TLSv1", maxVersion: "TLSv1.1" }));
      const socket = await connectTls({ ...options, maxVersion: "TLSv1.2" });
      assert.equal(socket.getProtocol(), "TLSv1.2");
      socket.destroy();
    }
  });

  test("bytes are answered that came with the end of the handshake, and a client that ends its side gets them", async () => {
    const socket = await connectTls({ port: tlsPorts(broker).redisTls, rejectUnauthorized: false });
    const answer = answerOf(socket, "PING\r\nPING\r\n", "+PONG\r\n+PONG\r\n");
    socket.end();
    assert.equal(await answer, "+PONG\r\n+PONG\r\n");
  });

  test("a client that reads nothing is not read from, and gets all once it reads", async () => {
    const value = "x".repeat(1 << 20);
    await witness.set("large", value);
    const socket = await connectTls({ port: tlsPorts(broker).redisTls, rejectUnauthorized: false });
    const count = 100;
    socket.pause();
    socket.write("GET large\r\n".repeat(count));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const expected = count * (value.length + "$1048576\r\n\r\n".length);
    let received = 0;
    await new Promise<void>((resolve) => {
      socket.on("data", (bytes: Buffer) => {
        received += bytes.length;
        if (received === expected) resolve();
      });
      socket.resume();
    });
    socket.destroy();
  });

  test("a handshake that is never finished ends the connection after ten seconds", async () => {
    const took = await unfinished;
    // None is ended early, except that Bun's HTTP server counts in steps of four seconds.
    for (const ms of took.slice(0, 6)) assert.ok(ms > handshakeMsMax * 0.9, took.join());
    // And all are ended: this test's own process may be late to see it, where it gets little of the processors.
    for (const ms of took) assert.ok(ms < waitMsMax * 0.9, took.join());
    await broker.logged(/a TLS handshake failed .*reason="[^"]*(not done within|timeout)/i);
    assert.equal(await witness.get("a"), "1");
  });
});

suite("client certificates", { skip: noOpenssl }, () => {
  let certificates: Certificates;
  let broker: TestBroker;
  let friend: Pair;
  let stranger: Pair;
  before(async () => {
    certificates = new Certificates();
    friend = certificates.signed("client");
    stranger = certificates.signed("stranger", null);
    broker = await startTlsBroker(certificates.signed("server"), ["--tls-ca", certificates.authority.cert]);
  });
  after(async () => {
    await broker.stop();
    certificates.remove();
  });

  function options(port: number, pair: Pair | null): tls.ConnectionOptions {
    const ca = certificates.read(certificates.authority.cert);
    if (pair === null) return { port, ca };
    return { port, ca, cert: certificates.read(pair.cert), key: certificates.read(pair.key) };
  }

  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`${maxVersion}: who has none, or one of another authority, is told nothing`, async () => {
      const { redisTls } = tlsPorts(broker);
      const ask = async (pair: Pair | null): Promise<string> => {
        try {
          const socket = await connectTls({ ...options(redisTls, pair), maxVersion });
          const answer = await answerOf(socket, "PING\r\n", "+PONG\r\n");
          socket.destroy();
          return answer;
        } catch {
          return "";
        }
      };
      assert.equal(await ask(friend), "+PONG\r\n");
      assert.equal(await ask(null), "");
      assert.equal(await ask(stranger), "");
      assert.equal(await ask(friend), "+PONG\r\n");
    });

    test(`${maxVersion}: HTTPS demands it too`, async () => {
      const get = (pair: Pair | null): Promise<number> =>
        new Promise((resolve) => {
          const request = https.get(
            {
              ...options(tlsPorts(broker).httpTls, pair),
              host: "127.0.0.1",
              path: "/livez",
              agent: false,
              maxVersion,
            },
            (response) => {
              response.resume();
              resolve(response.statusCode!);
            },
          );
          request.on("error", () => resolve(0));
        });
      assert.equal(await get(friend), 200);
      assert.equal(await get(null), 0);
      assert.equal(await get(stranger), 0);
    });
  }

  test("each protocol demands it", async () => {
    const { amqpTls, kafkaTls } = tlsPorts(broker);
    for (const port of [amqpTls, kafkaTls]) {
      const refused = await connectTls(options(port, null)).then(
        (socket) => answerOf(socket, "AMQP\0\0\t\u0001", "never"),
        () => "",
      );
      assert.equal(refused, "");
    }
    const socket = await connectTls(options(amqpTls, friend));
    const greeting = await answerOf(socket, "AMQP\0\0\t\u0001", "\u00ce");
    assert.match(greeting, /PLAIN/);
    socket.destroy();
  });
});
